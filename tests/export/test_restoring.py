"""A folder without `model.safetensors`, back to a network."""

import shutil

import numpy as np
import onnx
import pytest
import torch

import tiny_corpus
from cacre.errors import ModelError
from cacre.export import export_onnx, load_trainable, restore_model
from cacre.export.names import weights_by_name
from cacre.inference import load_verifier
from cacre.modeling.folder import load_model

pytestmark = pytest.mark.slow  # tracing the graphs takes several seconds
HEADS = {"evidence_head": 0.5, "pattern_head": 0.5}
READER = (tiny_corpus.READER, {"model": {"triple_encoding": "parts", "projection_size": 12, **HEADS}})
KINDS = {
    "default": (({"encoder": {"architecture": "modernbert"}, "model": {"share_attention": True}},), "float32"),
    "literal": ((tiny_corpus.LITERAL,), "float16"),
    "reader": (READER, "float16"),
}
FOLDED = ("projection.convolution", "projection.linear", "projection.affine")


@pytest.fixture(scope="module", params=KINDS)
def folders(request, tmp_path_factory):
    """A trained folder, and what is left of it where only serving was meant."""
    layers, precision = KINDS[request.param]
    folder = tmp_path_factory.mktemp("models") / "whole"
    tiny_corpus.write_untrained(folder, tiny_corpus.settings(*layers))
    export_onnx(folder, precision=precision)
    served = folder.with_name("served")
    shutil.copytree(folder, served, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder, served


def test_the_weights_are_those_that_were_trained(folders):
    folder, served = folders
    trained, restored = load_model(folder).model.state_dict(), restore_model(served).model.state_dict()
    assert trained.keys() == restored.keys()
    same = {name for name in trained if not name.startswith(FOLDED)}
    assert len(same) > 20
    for name in same:
        assert torch.equal(trained[name], restored[name]), name


def test_what_is_exported_again_gives_the_same_scores(folders, tmp_path):
    folder, served = folders
    from cacre.modeling.folder import save_model

    save_model(tmp_path, load_trainable(served))
    shutil.copyfile(folder / "thresholds.json", tmp_path / "thresholds.json")
    export_onnx(tmp_path)
    rows = [(e.text, [*e.anchors, *e.negatives]) for e in tiny_corpus.films(4)]
    one, other = (load_verifier(str(path)).score_many(rows) for path in (folder, tmp_path))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose([s.text_score for s in left], [s.text_score for s in right], atol=1e-5)
        np.testing.assert_allclose([s.pair_score for s in left], [s.pair_score for s in right], atol=1e-5)


def test_it_can_be_trained(folders):
    loaded = load_trainable(folders[1])
    assert loaded.model.encoder.backbone.config._attn_implementation == "sdpa", "eager is for export only"
    own = {name for name, parameter in loaded.model.named_parameters() if not parameter.requires_grad}
    assert all("_head." in name for name in own)  # they are fitted by themselves


def test_a_folder_of_an_earlier_version_is_refused(folders, tmp_path):
    shutil.copytree(folders[1], tmp_path / "old")
    path = tmp_path / "old" / "pair.onnx"
    model = onnx.load(path)
    name = next(i.name for i in model.graph.initializer if i.name.startswith("model.") and ".weight.T" in i.name)
    for tensor in model.graph.initializer:
        tensor.name = "val_1" if tensor.name == name else tensor.name
    for node in model.graph.node:
        node.input[:] = ["val_1" if given == name else given for given in node.input]
    onnx.save(model, path)
    with pytest.raises(ModelError, match="exported by an earlier version"):
        load_trainable(tmp_path / "old")


def test_a_damaged_graph_is_refused(folders, tmp_path):
    shutil.copytree(folders[1], tmp_path / "cut")
    (tmp_path / "cut" / "pair.onnx").write_bytes(b"\x07" * 40)
    with pytest.raises(ModelError, match=r"pair\.onnx: not a readable graph"):
        load_trainable(tmp_path / "cut")


def test_a_projection_wider_than_its_input_cannot_be_restored(tmp_path):
    tiny_corpus.write_untrained(tmp_path, tiny_corpus.settings({"model": {"projection_size": 16}}))
    export_onnx(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="its projection_size 16 is more than its width 12"):
        load_trainable(tmp_path)


def test_the_bundled_model_can_be_trained_on():
    from cacre.inference.folder import find_folder

    folder = find_folder("mini-zh")
    loaded = restore_model(folder)
    assert not (folder / "model.safetensors").exists()
    weights = weights_by_name(onnx.load(folder / "encoder.onnx").graph)
    assert weights.keys() <= {n for n in loaded.model.state_dict()} | {n for n in weights if "rotary" in n}
