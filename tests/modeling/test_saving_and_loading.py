import json
import shutil

import pytest
import torch
from networks import pairs
from safetensors.torch import load_file, save_file

from cacre.config import parse_settings
from cacre.errors import ModelError
from cacre.modeling.folder import LoadedModel, load_model, read_config, save_model
from cacre.modeling.model import Cacre
from cacre.modeling.pretrained import build_encoder
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.schema import load_schema

CHARACTERS = "雾中渡由林知远执导，沈若汐主演。"


def make(architecture="modernbert", **model):
    tokenizer = build_character_tokenizer([CHARACTERS], min_count=1)
    encoder = {"architecture": architecture, "hidden_size": 8, "num_heads": 2, "num_layers": 1, "max_positions": 32}
    sizes = {
        "attention_heads": 2,
        "projection_size": 6,
        "max_text_length": 32,
        "max_triple_length": 24,
        "pair_width": 8,
    }
    settings = parse_settings({"encoder": encoder | {"intermediate_size": 16}, "model": sizes | model}, "test")
    counts = {"marks": Featurizer.mark_count, "values": Featurizer.value_count}
    network = Cacre(build_encoder(settings.encoder, tokenizer.get_vocab_size()), settings.model, **counts)
    if network.evidence is not None:
        network.evidence.mean.fill_(0.5)
    return LoadedModel(network.eval(), tokenizer, load_schema("duie"), settings)


def outputs(loaded):
    pair = pairs()._replace(marks=torch.ones(3, 9, Featurizer.mark_count), values=torch.ones(3, Featurizer.value_count))
    ids = torch.arange(5, 12)[None]
    with torch.no_grad():
        projection = loaded.model(pair)
        return [
            loaded.model.encode(ids, torch.ones_like(ids)),
            *projection[::2],
            *loaded.model.text_similarity(projection),
        ]


@pytest.fixture
def folder(tmp_path):
    save_model(tmp_path / "model", make())
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("modernbert", {}),
        ("bert", {}),
        ("bert", {"share_attention": True}),
        ("bert", {"evidence": False, "projection": "none", "pair_width": 0}),
        ("bert", {"attention": "none", "local_similarity": "max_sim", "role_embedding": False}),
    ],
    ids=str,
)
def test_round_trip_gives_equal_outputs(tmp_path, architecture, settings):
    saved = make(architecture, **settings)
    save_model(tmp_path / "model", saved)
    torch.manual_seed(0)  # the pairs
    before = outputs(saved)

    loaded = load_model(tmp_path / "model")

    torch.manual_seed(0)
    for left, right in zip(before, outputs(loaded), strict=True):
        torch.testing.assert_close(left, right, atol=0, rtol=0)
    assert loaded.settings == saved.settings
    assert loaded.schema == saved.schema
    assert loaded.tokenizer.to_str() == saved.tokenizer.to_str()
    assert not loaded.model.training
    files = {"config.json", "model.safetensors", "schema.json", "tokenizer.json"}
    assert {path.name for path in (tmp_path / "model").iterdir()} == files


def test_shared_attention_is_shared_again_after_loading(tmp_path):
    save_model(tmp_path, make(share_attention=True))
    crossing = load_model(tmp_path).model.cross_attention
    assert crossing.text_to_triple is crossing.triple_to_text


def test_saving_twice_replaces_the_first_model(folder):
    second = make(share_attention=True)
    save_model(folder, second)
    assert load_model(folder).settings == second.settings


def test_the_featurizer_of_a_loaded_model_fits_its_network(folder):
    featurizer = load_model(folder).featurizer
    assert featurizer.settings.max_text_length == 32
    assert featurizer.text(CHARACTERS).ids.max() < featurizer.tokenizer.get_vocab_size()


def change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


DAMAGES = {
    "no config": (lambda f: (f / "config.json").unlink(), "config.json"),
    "config is no JSON": (lambda f: (f / "config.json").write_text('{"format": 1,'), "config.json"),
    "config is no object": (lambda f: (f / "config.json").write_text("[]"), "config.json.*list"),
    "config is binary": (lambda f: (f / "config.json").write_bytes(b"\xff\xfe\x00"), "config.json"),
    "other model type": (lambda f: change(f, model_type="bert"), "config.json.*'bert'"),
    "other format": (lambda f: change(f, format=2), "config.json.*2"),
    "no settings": (lambda f: change(f, settings=None), "config.json"),
    "unknown setting": (lambda f: change(f, settings={"model": {"colour": 1}}), "config.json.*colour"),
    "unknown encoder": (lambda f: change(f, encoder={"model_type": "abacus"}), "config.json.*abacus"),
    "encoder is no object": (lambda f: change(f, encoder="bert"), "config.json"),
    "other evidence": (lambda f: change(f, values=["one"]), "config.json.*evidence"),
    "heads do not divide": (
        lambda f: change(f, settings={"model": {"attention_heads": 3, "pair_width": 8, "max_text_length": 32}}),
        "config.json.*attention_heads",
    ),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors.*missing"),
    "empty weights": (lambda f: (f / "model.safetensors").write_bytes(b""), "model.safetensors.*truncated"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json"),
    "truncated tokenizer": (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer.json"),
    "no schema": (lambda f: (f / "schema.json").unlink(), "schema.json"),
    "truncated schema": (lambda f: (f / "schema.json").write_text('{"name": '), "schema.json"),
    "malformed schema": (lambda f: (f / "schema.json").write_text('{"name": "x", "relations": 3}'), "schema.json"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_names_the_file(folder, damage):
    act, message = DAMAGES[damage]
    act(folder)
    with pytest.raises(ModelError, match=message):
        load_model(folder)


@pytest.mark.parametrize("keep", [0.02, 0.5, 0.99])
def test_truncated_weights(folder, keep):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(ModelError, match=r"model\.safetensors.*truncated"):
        load_model(folder)


@pytest.mark.parametrize("share", [False, True])
def test_weights_that_lack_one_or_have_one_too_many(tmp_path, share):
    save_model(tmp_path, make(share_attention=share))
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    for broken in ({n: t for n, t in weights.items() if n != "role.weight"}, weights | {"extra": torch.ones(1)}):
        save_file(broken, path)
        with pytest.raises(ModelError, match=r"model\.safetensors"):
            load_model(tmp_path)


def test_weights_of_another_size(folder):
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"role.weight": torch.ones(4, 5)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_model(folder)


@pytest.mark.parametrize("characters", [CHARACTERS + "另外几字", CHARACTERS[::-1], CHARACTERS[:-2]])
def test_another_tokenizer_is_noticed(folder, characters):
    build_character_tokenizer([characters], min_count=1).save(str(folder / "tokenizer.json"))
    with pytest.raises(ModelError, match=r"tokenizer\.json.*not the tokenizer"):
        load_model(folder)


def test_a_missing_folder(tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        load_model(tmp_path / "nowhere")


def test_a_pickle_is_never_read(folder, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a pickle was opened")

    weights = load_file(folder / "model.safetensors")
    torch.save(weights, folder / "pytorch_model.bin")
    torch.save(weights, folder / "model.pt")
    (folder / "model.safetensors").unlink()
    monkeypatch.setattr(torch, "load", refuse)
    with pytest.raises(ModelError, match=r"model\.safetensors.*missing"):
        load_model(folder)
    shutil.copy(folder / "pytorch_model.bin", folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_model(folder)


def test_a_failed_save_leaves_nothing_half_written(folder, monkeypatch):
    before = (folder / "model.safetensors").read_bytes()

    def fail(_model, path):
        with open(path, "wb") as stream:  # noqa: PTH123
            stream.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("cacre.modeling.folder.save_weights", fail)
    with pytest.raises(OSError, match="disk full"):
        save_model(folder, make())
    assert (folder / "model.safetensors").read_bytes() == before
    assert not list(folder.glob(".*"))


def test_the_configuration_is_readable_without_the_weights(folder):
    (folder / "model.safetensors").unlink()
    config = read_config(folder)
    assert config["model_type"] == "cacre"
    assert config["vocab_size"] == len(set(CHARACTERS)) + 5
