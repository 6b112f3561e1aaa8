"""A hand-made model folder with the three graphs of a real one, small enough to reason about.

The graphs are not trained; they depend on every input, mix all valid positions, and would show any padding that leaks.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cacre.config import Settings
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.schema import load_schema

SIZE = 8
SENTENCES = (
    "《雾中渡》由林知远执导，顾青禾担任编剧，沈若汐领衔主演。",
    "林知远1975年3月2日出生于松河市，妻子是顾青禾。",
    "云岫科技由贺一鸣于2011年创办，总部设在临澜，现任董事长为贺一鸣。",
)
CHARACTERS = (
    "".join(SENTENCES)
    + "导演编剧主作者歌手女儿丈夫的是，。执创始人董事长部地点首都填充甲乙丙丁未知世界《》0123456789年月日"
)


def build(folder: Path, *, max_text_length: int = 64, thresholds: dict[str, object] | None = None) -> Path:
    """Write a complete model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = build_character_tokenizer([CHARACTERS], min_count=1)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = Settings().model_dump(mode="json")
    settings["model"] |= {"max_text_length": max_text_length}
    config = {"format": 1, "model_type": "cacre", "settings": settings, "vocab_size": tokenizer.get_vocab_size()}
    _write(folder / "config.json", config)
    _write(folder / "schema.json", load_schema("duie").to_json())
    default = {"format": 1, "text_threshold": -1.0, "pair_thresholds": {}, "calibration": None, "fitted_on": {}}
    _write(folder / "thresholds.json", default | (thresholds or {}))
    onnx.save(_encoder(tokenizer.get_vocab_size()), folder / "encoder.onnx")
    onnx.save(_pair(Featurizer.mark_count, Featurizer.value_count), folder / "pair.onnx")
    onnx.save(_compare(), folder / "compare.onnx")
    return folder


def _write(path: Path, values: object) -> None:
    path.write_text(values if isinstance(values, str) else json.dumps(values, ensure_ascii=False), encoding="utf-8")


def _mean(x: str, mask: str, out: str) -> list[onnx.NodeProto]:
    """Mean of `x` [B, L, S] over the positions in `mask` [B, L] -> [B, 1, S]."""
    return [
        helper.make_node("Cast", [mask], [f"{out}_m"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", [f"{out}_m", "last"], [f"{out}_m3"]),
        helper.make_node("Mul", [x, f"{out}_m3"], [f"{out}_x"]),
        helper.make_node("ReduceSum", [f"{out}_x", "first"], [f"{out}_sum"], keepdims=1),
        helper.make_node("ReduceSum", [f"{out}_m3", "first"], [f"{out}_n"], keepdims=1),
        helper.make_node("Div", [f"{out}_sum", f"{out}_n"], [out]),
    ]


def _model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, list[object]]],
    outputs: dict[str, list[object]],
    constants: dict[str, np.ndarray] | None = None,
) -> onnx.ModelProto:
    axes = {"last": np.array([-1]), "first": np.array([1]), "two": np.array([2])}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in {**axes, **(constants or {})}.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _encoder(vocabulary: int) -> onnx.ModelProto:
    """states = E[ids] + mean of E[ids] over the mask."""
    table = np.random.default_rng(7).normal(size=(vocabulary, SIZE)).astype(np.float32)
    return _model(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["embedded"]),
            *_mean("embedded", "attention_mask", "centre"),
            helper.make_node("Add", ["embedded", "centre"], ["states"]),
        ],
        {"input_ids": (TensorProto.INT64, ["B", "L"]), "attention_mask": (TensorProto.INT64, ["B", "L"])},
        {"states": ["B", "L", SIZE]},
        {"table": table},
    )


def _pair(marks: int, values: int) -> onnx.ModelProto:
    """attention = softmax(R T'); vectors = attention T + R + role; score = tanh of their mean, marks and values."""
    state = [SIZE]
    return _model(
        [
            helper.make_node("Gather", ["text_states", "text_row"], ["texts"]),
            helper.make_node("Gather", ["text_mask", "text_row"], ["masks"]),
            helper.make_node("Transpose", ["texts"], ["text_t"], perm=[0, 2, 1]),
            helper.make_node("MatMul", ["triple_states", "text_t"], ["dots"]),
            helper.make_node("Cast", ["masks"], ["text_m"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["text_m", "one"], ["hidden"]),
            helper.make_node("Mul", ["hidden", "huge"], ["bias2"]),
            helper.make_node("Unsqueeze", ["bias2", "first"], ["bias"]),
            helper.make_node("Add", ["dots", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["attention"], axis=-1),
            helper.make_node("MatMul", ["attention", "texts"], ["seen"]),
            helper.make_node("Cast", ["role_ids"], ["role2"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["role2", "last"], ["role"]),
            helper.make_node("Add", ["seen", "triple_states"], ["both"]),
            helper.make_node("Add", ["both", "role"], ["triple_vectors"]),
            *_mean("triple_vectors", "triple_mask", "triple_mean"),
            *_mean("marks", "masks", "mark_mean"),
            helper.make_node("ReduceMean", ["triple_mean"], ["a"], axes=[1, 2], keepdims=0),
            helper.make_node("ReduceMean", ["mark_mean"], ["b"], axes=[1, 2], keepdims=0),
            helper.make_node("ReduceMean", ["values"], ["c"], axes=[1], keepdims=0),
            helper.make_node("Add", ["a", "b"], ["ab"]),
            helper.make_node("Add", ["ab", "c"], ["abc"]),
            helper.make_node("Sub", ["abc", "one"], ["shifted"]),
            helper.make_node("Tanh", ["shifted"], ["text_score"]),
        ],
        {
            "text_states": (TensorProto.FLOAT, ["N", "T", *state]),
            "text_mask": (TensorProto.INT64, ["N", "T"]),
            "text_row": (TensorProto.INT64, ["C"]),
            "triple_states": (TensorProto.FLOAT, ["C", "R", *state]),
            "triple_mask": (TensorProto.INT64, ["C", "R"]),
            "role_ids": (TensorProto.INT64, ["C", "R"]),
            "marks": (TensorProto.FLOAT, ["C", "T", marks]),
            "values": (TensorProto.FLOAT, ["C", values]),
        },
        {"text_score": ["C"], "triple_vectors": ["C", "R", SIZE], "attention": ["C", "R", "T"]},
        {"one": np.array(1.0, np.float32), "huge": np.array(1e9, np.float32)},
    )


def _compare() -> onnx.ModelProto:
    """pair_score = tanh(mean left . mean right / size)."""
    return _model(
        [
            *_mean("left", "left_mask", "left_mean"),
            *_mean("right", "right_mask", "right_mean"),
            helper.make_node("Mul", ["left_mean", "right_mean"], ["product"]),
            helper.make_node("ReduceMean", ["product"], ["dot"], axes=[1, 2], keepdims=0),
            helper.make_node("Tanh", ["dot"], ["pair_score"]),
        ],
        {
            "left": (TensorProto.FLOAT, ["C", "L", SIZE]),
            "left_mask": (TensorProto.INT64, ["C", "L"]),
            "right": (TensorProto.FLOAT, ["C", "K", SIZE]),
            "right_mask": (TensorProto.INT64, ["C", "K"]),
        },
        {"pair_score": ["C"]},
    )
