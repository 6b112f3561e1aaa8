import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import tiny_model
from cacre.errors import ModelError
from cacre.inference import OnnxVerifier, load_verifier
from cacre.inference import folder as module
from cacre.inference.graph import Graph, batches
from cacre.types import Triple


@pytest.fixture
def folder(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "model")


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def test_a_complete_folder_loads_by_path_and_by_string(folder):
    assert load_verifier(folder).path == load_verifier(str(folder)).path == folder


def test_a_missing_folder_lists_the_bundled_models(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(module, "bundled_models", lambda: {"small-xx": folder})
    with pytest.raises(ModelError, match=r"nowhere: no such folder.*bundled: small-xx"):
        load_verifier(tmp_path / "nowhere")
    assert load_verifier("small-xx").path == folder


def test_a_file_is_not_a_folder(folder):
    with pytest.raises(ModelError, match="is a file, not a folder"):
        load_verifier(folder / "pair.onnx")


@pytest.mark.parametrize(
    "name",
    ["config.json", "thresholds.json", "tokenizer.json", "schema.json", "encoder.onnx", "pair.onnx", "compare.onnx"],
)
def test_each_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        OnnxVerifier(folder)


@pytest.mark.parametrize(
    "name",
    ["config.json", "thresholds.json", "tokenizer.json", "schema.json", "encoder.onnx", "pair.onnx", "compare.onnx"],
)
@pytest.mark.parametrize("part", [0.0, 0.5])
def test_each_truncated_file_is_named(folder, name, part):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * part)])
    with pytest.raises(ModelError, match=rf"{name}.*truncated"):
        OnnxVerifier(folder)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("config.json", {"model_type": "bert"}, "model_type is 'bert', expected 'cacre'"),
        ("config.json", {"format": 2}, "format is 2, this version of cacre reads 1"),
        ("config.json", {"format": True}, "format is True"),
        ("config.json", {"settings": {"model": {"attention_head": 3}}}, "model.attention_head"),
        ("thresholds.json", {"format": 9}, "thresholds.json: format must be 1, got 9"),
        ("thresholds.json", {"text_threshold": "high"}, "text_threshold must be a finite number"),
        ("schema.json", {"relations": [{"name": "x"}]}, "damaged or of another version"),
    ],
)
def test_other_versions_and_wrong_values_are_named(folder, name, values, message):
    change(folder / name, **values)
    with pytest.raises(ModelError, match=message):
        OnnxVerifier(folder)


def test_json_that_is_no_object(folder):
    (folder / "config.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match="expected a JSON object, got list"):
        OnnxVerifier(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickles_are_never_loaded(tmp_path, name):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match=rf"{name}, a pickle.*cacre export-model"):
        OnnxVerifier(tmp_path)


def test_a_trained_but_not_exported_model(folder):
    for path in folder.glob("*.onnx"):
        path.unlink()
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"not exported.*cacre export-model"):
        OnnxVerifier(folder)


def test_a_graph_of_another_version_is_recognised_by_its_inputs(folder):
    shutil.copy(folder / "compare.onnx", folder / "pair.onnx")
    with pytest.raises(ModelError, match=r"pair.onnx: takes .*'left'.* expected .*'marks'"):
        OnnxVerifier(folder)


def test_graphs_that_do_not_belong_together(folder):
    other = onnx.load(folder / "encoder.onnx")
    table = np.zeros((5000, tiny_model.SIZE + 1), np.float32)
    other.graph.initializer[[t.name for t in other.graph.initializer].index("table")].CopyFrom(
        onnx.numpy_helper.from_array(table, "table")
    )
    other.graph.output[0].type.tensor_type.shape.dim[2].dim_value = tiny_model.SIZE + 1
    onnx.save(other, folder / "encoder.onnx")
    with pytest.raises(ModelError, match=r"pair.onnx: onnxruntime fails on inputs of shapes"):
        OnnxVerifier(folder).verify("雾中渡", [Triple("雾中渡", "导演", "雾中渡")])


def graph_of(path, *nodes, required=()):
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "one",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", "M"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", "M"])],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(model, path)
    return Graph(path, ("x", "row"), required, ("y",), threads=1)


def test_nan_is_an_error_and_not_a_score(tmp_path):
    graph = graph_of(tmp_path / "log.onnx", helper.make_node("Log", ["x"], ["y"]))
    with pytest.raises(ModelError, match=r"log.onnx: output y holds nan"):
        graph.run(x=np.array([[-1.0]]))


def test_a_graph_of_another_version_that_lacks_an_input_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"takes \['x'\].*expected \['row', 'x'\].*export it anew"):
        graph_of(tmp_path / "old.onnx", helper.make_node("Identity", ["x"], ["y"]), required=("row",))


def test_dynamically_quantised_graphs_get_one_row_at_a_time(tmp_path):
    plain = graph_of(tmp_path / "plain.onnx", helper.make_node("Identity", ["x"], ["y"]))
    quantised = graph_of(
        tmp_path / "quantised.onnx",
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    )
    assert (plain.batch_size, quantised.batch_size) == (64, 1)


def test_batches_hold_each_row_once_and_one_shape():
    lengths = [(15, 1), (17, 9), (11, 8), (16, 2), (33, 1)]
    assert list(batches(lengths, 2)) == [([0, 2], (16, 8)), ([3], (16, 8)), ([1], (24, 16)), ([4], (48, 8))]
    assert list(batches([], 2)) == []


def test_batches_are_not_rounded_beyond_what_the_graph_takes():
    assert list(batches([(33,), (40,), (5,)], 9, longest=40)) == [([2], (8,)), ([0, 1], (40,))]


def test_the_digest_of_a_folder_changes_with_all_that_verdicts_depend_on(folder):
    before = module.folder_digest(folder)
    (folder / "README.md").write_text("a card", encoding="utf-8")
    assert module.folder_digest(folder) == before
    change(folder / "thresholds.json", text_threshold=0.25)
    changed = module.folder_digest(folder)
    assert changed != before
    (folder / "pair.onnx").write_bytes(b"other")
    assert module.folder_digest(folder) not in (before, changed)
