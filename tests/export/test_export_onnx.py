import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import tiny_corpus
from cacre.errors import ModelError
from cacre.evaluation.labelled_scores import LabelledText
from cacre.export import export_onnx
from cacre.export import onnx as module
from cacre.export.graphs import CompareGraph, EncoderGraph, PairGraph
from cacre.inference import OnnxVerifier
from cacre.modeling.folder import load_model
from cacre.training.batches import Collator
from cacre.training.features import featurize
from cacre.training.objective import project
from cacre.types import Candidate

pytestmark = pytest.mark.slow  # tracing the graphs takes several seconds
GRAPHS = ("encoder", "pair", "compare")
HEADS = {"evidence_head": 0.3, "pattern_head": 0.5}
KINDS = {
    "default": (({"encoder": {"architecture": "modernbert"}},), "float32"),
    "literal": ((tiny_corpus.LITERAL,), "float16"),
    "reader": ((tiny_corpus.READER, {"model": {"triple_encoding": "parts", **HEADS}}), "float32"),
}


@pytest.fixture(scope="module", params=KINDS)
def exported(request, tmp_path_factory):
    """(name, folder, report)."""
    layers, precision = KINDS[request.param]
    folder = tmp_path_factory.mktemp("models") / request.param
    tiny_corpus.write_untrained(folder, tiny_corpus.settings(*layers))
    return request.param, folder, export_onnx(folder, precision=precision)


def run(folder, name, **inputs):
    session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"])
    wanted = {node.name for node in session.get_inputs()}
    return session.run(None, {k: v.numpy() for k, v in inputs.items() if k in wanted})


def mask(lengths, size):
    return (torch.arange(size)[None] < torch.tensor(lengths)[:, None]).long()


def worst(module, folder, name, **inputs):
    with torch.no_grad():
        expected = module(**inputs)
    expected = (expected,) if isinstance(expected, torch.Tensor) else expected
    found = run(folder, name, **inputs)
    return max(float(np.abs(e.numpy() - f).max()) for e, f in zip(expected, found, strict=True))


def test_report(exported):
    _, folder, report = exported
    assert report.files == {f"{name}.onnx": (folder / f"{name}.onnx").stat().st_size for name in GRAPHS}
    assert set(report.parity) == set(GRAPHS)
    assert max(report.parity.values()) <= 1e-4
    assert not list(folder.glob(".*")), "a half-written file was left"


def test_encoder_equals_torch_at_other_sizes(exported):
    _, folder, _ = exported
    model = EncoderGraph(load_model(folder).model)
    for rows, length in ((1, 1), (1, 7), (4, 33), (2, 64)):
        ids, lengths = torch.randint(5, 60, (rows, length)), [length - i % length for i in range(rows)]
        attention = mask(lengths, length)
        with torch.no_grad():
            expected = model(ids, attention).numpy()
        (found,) = run(folder, "encoder", input_ids=ids, attention_mask=attention)
        kept = attention.bool().numpy()
        assert np.abs(found[kept] - expected[kept]).max() <= 1e-4


def test_pair_equals_torch_at_other_sizes(exported):
    name, folder, _ = exported
    loaded = load_model(folder)
    model, width = PairGraph(loaded.model), loaded.model.width
    sizes = ((1, 48, 48), (5, 48, 48)) if name == "literal" else ((1, 3, 5), (1, 40, 3), (4, 9, 20), (3, 64, 32))
    for rows, l_t, l_r in sizes:
        texts = -(-rows // 2)
        inputs = {
            "text_states": torch.randn(texts, l_t, width),
            "text_mask": mask([max(2, l_t - 3 * i) for i in range(texts)], l_t),
            "text_row": torch.randint(0, texts, (rows,)),
            "judged": torch.arange(0, rows, 2),
            "triple_states": torch.randn(rows, l_r, width),
            "triple_mask": mask([max(2, l_r - i) for i in range(rows)], l_r),
            "role_ids": torch.randint(0, 4, (rows, l_r)),
            "marks": torch.randint(0, 2, (rows, l_t, loaded.featurizer.mark_count)).float(),
            "values": torch.rand(rows, loaded.featurizer.value_count),
            "text_ids": torch.randint(5, 60, (texts, l_t)),
        }
        assert worst(model, folder, "pair", **inputs) <= 1e-4


def test_compare_equals_torch_at_other_sizes(exported):
    _, folder, _ = exported
    loaded = load_model(folder)
    for rows, left, right in ((1, 1, 9), (1, 9, 1), (6, 12, 12), (2, 48, 30)):
        inputs = {
            "left": torch.randn(rows, left, loaded.model.projection_size),
            "left_mask": mask([left] * rows, left),
            "right": torch.randn(rows, right, loaded.model.projection_size),
            "right_mask": mask([max(1, right - i) for i in range(rows)], right),
        }
        assert worst(CompareGraph(loaded.model), folder, "compare", **inputs) <= 1e-4


def test_nothing_of_the_machine_is_in_the_files(exported):
    _, folder, _ = exported
    for name in GRAPHS:
        content = (folder / f"{name}.onnx").read_bytes()
        for trace in (b"site-packages", b".py", b'File "', b"stack_trace", b"/home/", str(folder).encode()):
            assert trace not in content, (name, trace)


def test_float16_stores_halves_and_rounds_the_weights_too(exported):
    name, folder, _ = exported
    half = [
        tensor.name
        for graph in GRAPHS
        for tensor in onnx.load(folder / f"{graph}.onnx").graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT16
    ]
    assert bool(half) is (KINDS[name][1] == "float16")
    large = [p for p in load_model(folder).model.parameters() if p.numel() >= 1024]
    assert all(torch.equal(p, p.half().float()) for p in large) is (KINDS[name][1] == "float16")


ROWS = [(e.text, [Candidate(a, paraphrase=p) for a, p in zip(e.anchors, e.positives, strict=True)]
         + [Candidate(n) for n in e.negatives]) for e in tiny_corpus.films(16)]  # fmt: skip


@pytest.fixture
def served(exported):
    return exported[1]


def flat(rows):
    return np.asarray([(s.text_score, np.nan if s.pair_score is None else s.pair_score) for row in rows for s in row])


def test_served_scores_are_those_of_torch(served):
    loaded = load_model(served)
    features = featurize(
        tiny_corpus.films(16), loaded.featurizer, loaded.schema, generated=0, paraphrase=False, seed=1
    ).examples  # fmt: skip
    found = OnnxVerifier(served, threads=1).score_many(ROWS)
    collator = Collator(loaded.featurizer, loaded.settings.model, loaded.settings.loss)
    with torch.no_grad():
        for example, scores in zip(features, found, strict=True):
            projection = project(loaded.model, collator([example]))
            text = loaded.model.text_similarity(projection).fuse(0.7)
            x, m = projection.triple, projection.triple_mask
            a, p = torch.tensor(example.anchors), torch.tensor(example.positives)
            pair = loaded.model.pair_similarity(x[a], m[a], x[p], m[p]).fuse(0.7)
            expected = text[[*example.anchors, *example.negatives]].tolist()
            assert [s.text_score for s in scores] == pytest.approx(expected, abs=1e-4)
            assert [s.pair_score for s in scores[:2]] == pytest.approx(pair.tolist(), abs=1e-4)


def test_a_score_does_not_depend_on_its_neighbours(served):
    verifier = OnnxVerifier(served, threads=1)
    together = flat(verifier.score_many(ROWS, ("paraphrase", "schema")))
    assert len(together) == 64
    assert len(np.unique(together[:, 0])) > 50
    alone = flat([verifier.score_many([(t, [c])], ("paraphrase", "schema"))[0] for t, row in ROWS for c in row])
    backwards = verifier.score_many([(t, row[::-1]) for t, row in ROWS[::-1]], ("paraphrase", "schema"))
    turned = flat([row[::-1] for row in backwards[::-1]])
    one_by_one = flat(OnnxVerifier(served, threads=1, batch_size=1).score_many(ROWS, ("paraphrase", "schema")))
    for other in (alone, turned, one_by_one):
        assert np.array_equal(np.isnan(other), np.isnan(together))
        assert np.nanmax(np.abs(other - together)) <= 1e-5


def test_a_long_text_is_judged_by_the_window_that_holds_the_mentions(served):
    text, candidates = ROWS[0]
    long = "今日天气晴朗，适合出行。" * 12 + text
    loaded = load_model(served)
    windows = loaded.featurizer.windows(long)
    chosen = windows[loaded.featurizer.choose_window(windows, candidates[0].triple)].scan.text
    assert candidates[0].triple.object in chosen
    verifier = OnnxVerifier(served, threads=1)
    (scores,), (expected,) = (
        verifier.score_many([(long, candidates[:1])]),
        verifier.score_many([(chosen, candidates[:1])]),
    )
    assert scores[0].text_score == pytest.approx(expected[0].text_score, abs=1e-5)
    assert all(long[a:b] in long and b <= len(long) for a, b in scores[0].evidence)


def test_another_folder_gets_all_that_serving_needs(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    tiny_corpus.write_untrained(source, tiny_corpus.settings())
    thresholds = json.loads((source / "thresholds.json").read_text(encoding="utf-8")) | {"text_threshold": 0.25}
    (source / "thresholds.json").write_text(json.dumps(thresholds), encoding="utf-8")
    monkeypatch.setattr(module, "graph_specs", lambda loaded: {})
    export_onnx(source, target, "float16")
    names = {p.name for p in target.iterdir()}
    assert names == {"config.json", "model.safetensors", "tokenizer.json", "schema.json", "thresholds.json"}
    assert json.loads((target / "thresholds.json").read_text(encoding="utf-8")) == thresholds


def test_a_graph_that_differs_is_refused_and_the_old_one_kept(tmp_path, monkeypatch):
    tiny_corpus.write_untrained(tmp_path, tiny_corpus.settings())
    (tmp_path / "encoder.onnx").write_bytes(b"old")
    stood = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(module, "export_graph", lambda spec, path, precision: path.write_bytes(b"new"))
    # The last graph: those before it would do.
    for difference, precision in ((2e-4, "float32"), (float("nan"), "float16")):
        found = {"encoder": 0.0, "pair": 0.0, "compare": difference}
        monkeypatch.setattr(
            module, "compare", lambda trained, spec, path, found=found: found[path.name.strip(".").split(".")[0]]
        )
        with pytest.raises(ModelError, match=r"^compare\.onnx: differs from torch by .*, at most 1e-04 is allowed"):
            export_onnx(tmp_path, precision=precision)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == stood


@pytest.mark.parametrize("place", ["the folder", "another", "a new one"])
def test_int8_that_is_refused_leaves_what_there_was(place, tmp_path, monkeypatch):
    def refuse(folder, labelled):
        assert {f"{name}.onnx" for name in GRAPHS} < {path.name for path in folder.iterdir()}
        raise ModelError("costs too much")

    tiny_corpus.write_untrained(tmp_path / "model", tiny_corpus.settings())
    output = {"the folder": None, "another": tmp_path / "other"}.get(place, tmp_path / "new" / "int8")
    if place == "another":
        output.mkdir()
        (output / "encoder.onnx").write_bytes(b"old")
    stood = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    monkeypatch.setattr(module, "export_graph", lambda spec, path, precision: path.write_bytes(b"new"))
    monkeypatch.setattr(module, "compare", lambda trained, spec, path: 0.0)
    monkeypatch.setattr(module, "quantise", refuse)
    with pytest.raises(ModelError, match="costs too much"):
        export_onnx(tmp_path / "model", output, "int8", [LabelledText("a", (), (True, False))])
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == stood


def test_an_export_over_another_one_replaces_what_it_makes_and_nothing_else(tmp_path, monkeypatch):
    tiny_corpus.write_untrained(tmp_path, tiny_corpus.settings())
    (tmp_path / "encoder.onnx").write_bytes(b"old")
    (tmp_path / "README.md").write_bytes(b"card")
    stood = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(module, "export_graph", lambda spec, path, precision: path.write_bytes(b"new"))
    monkeypatch.setattr(module, "compare", lambda trained, spec, path: 0.0)
    export_onnx(tmp_path)
    made = {f"{name}.onnx": b"new" for name in GRAPHS}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == stood | made
    export_onnx(tmp_path, precision="float16")
    weights = load_model(tmp_path).model.parameters()
    assert all(torch.equal(p, p.half().float()) for p in weights if p.numel() >= 1024)
    assert (tmp_path / "thresholds.json").read_bytes() == stood["thresholds.json"]


def test_a_folder_without_weights(tmp_path):
    tiny_corpus.write_untrained(tmp_path, tiny_corpus.settings())
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors: missing"):
        export_onnx(tmp_path)


def test_inference_loads_no_torch():
    code = (
        "import sys, cacre.inference, cacre; print([m for m in ('torch', 'transformers', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
