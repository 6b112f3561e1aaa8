"""Static int8: what it stores, what it costs, and that it keeps scores apart from their neighbours."""

import onnx
import pytest
from typer.testing import CliRunner

import tiny_corpus
from cacre.cli import app
from cacre.errors import ConfigError, DataError, ModelError
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.labelling import label_by_lists
from cacre.export import export_onnx, quantisation
from cacre.inference import OnnxVerifier

pytestmark = pytest.mark.slow  # tracing the graphs takes several seconds


@pytest.fixture(scope="module")
def rows():
    return [label_by_lists(example) for example in tiny_corpus.films(12)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory, rows):
    """The same weights as float16 and as int8, and the report of the latter."""
    root = tmp_path_factory.mktemp("models")
    layers = (tiny_corpus.READER, {"model": {"triple_encoding": "parts"}})
    tiny_corpus.write_untrained(root / "trained", tiny_corpus.settings(*layers))
    export_onnx(root / "trained", root / "float16", "float16")
    report = export_onnx(root / "trained", root / "int8", "int8", rows)
    return root / "float16", root / "int8", report


def scores(folder, rows):
    found = OnnxVerifier(folder, threads=1).score_many([(row.text, row.candidates) for row in rows])
    return [score.text_score for of_text in found for score in of_text]


def test_products_of_the_encoder_are_those_of_integers(folders):
    before, after, report = folders
    operations = {node.op_type for node in onnx.load(after / "encoder.onnx").graph.node}
    assert "DequantizeLinear" in operations
    assert not any("DynamicQuantize" in name for name in operations)
    stored = {
        folder: sum(len(t.raw_data) for t in onnx.load(folder / "encoder.onnx").graph.initializer)
        for folder in (before, after)
    }
    assert stored[after] < stored[before]
    assert (after / "pair.onnx").read_bytes() == (before / "pair.onnx").read_bytes()
    assert report.auc_loss <= quantisation.MAX_AUC_LOSS
    assert report.files["encoder.onnx"] == (after / "encoder.onnx").stat().st_size


def test_scores_are_near_and_do_not_depend_on_neighbours(folders, rows):
    before, after, _ = folders
    together = scores(after, rows)
    assert together == pytest.approx(scores(before, rows), abs=0.05)
    assert together != scores(before, rows)
    assert [score for row in rows for score in scores(after, [row])] == together
    assert OnnxVerifier(after)._scorer.encoder.batch_size > 1


def test_what_costs_too_much_is_refused_and_the_folder_stays_as_it_was(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(quantisation, "MAX_AUC_LOSS", -1.0)
    folder = tmp_path / "model"
    tiny_corpus.write_untrained(folder, tiny_corpus.settings())
    (folder / "encoder.onnx").write_bytes(b"of an earlier export")
    (folder / "README.md").touch()
    stood = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ModelError, match=r"int8 lowers the AUC on 48 candidates .* use --precision float16"):
        export_onnx(folder, None, "int8", rows)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == stood
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_it_needs_right_and_wrong_candidates(folders, rows, tmp_path):
    before, _, _ = folders
    with pytest.raises(ConfigError, match="--data"):
        export_onnx(before, tmp_path, "int8")
    right = [LabelledText(row.text, row.candidates[:1], row.labels[:1]) for row in rows]
    with pytest.raises(DataError, match="12 candidates, 12 of them right"):
        export_onnx(before, tmp_path, "int8", right)


def test_the_command(folders, tmp_path):
    before, _, _ = folders
    data = tiny_corpus.write_rows(tmp_path / "films.jsonl", tiny_corpus.films(6))
    words = ["export-model", str(before), "-o", str(tmp_path / "out"), "--precision", "int8"]
    done = CliRunner().invoke(app, [*words, "--data", str(data)])
    assert done.exit_code == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert "int8 changes the AUC by" in done.stderr
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 1
    assert "give both --precision int8 and --data" in refused.stderr
