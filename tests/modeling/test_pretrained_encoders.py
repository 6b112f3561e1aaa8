import json
import socket
import urllib.request

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    ElectraConfig,
    ElectraModel,
    ModernBertConfig,
    ModernBertModel,
    RobertaConfig,
    RobertaModel,
    T5Config,
)

from cacre.config import EncoderSettings
from cacre.errors import ConfigError, HubError, ModelError
from cacre.modeling.pretrained import (
    build_encoder,
    build_encoder_from_config,
    encoder_config,
    load_encoder,
    load_encoder_tokenizer,
    save_encoder,
)

SIZES = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"由执导主演abc。，"]
FAMILIES = {
    "bert": (BertModel, BertConfig(**SIZES)),
    "roberta": (RobertaModel, RobertaConfig(**SIZES, pad_token_id=1, max_position_embeddings=40)),
    "electra": (ElectraModel, ElectraConfig(**SIZES, embedding_size=6)),
    "modernbert": (ModernBertModel, ModernBertConfig(**SIZES, pad_token_id=0, bos_token_id=2, eos_token_id=3,
                                                     cls_token_id=2, sep_token_id=3)),
}  # fmt: skip
IDS = torch.tensor([[2, 7, 8, 9, 3], [2, 10, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def settings(path, **values):
    return EncoderSettings(name_or_path=str(path), **values)


def write(folder, family="bert"):
    cls, config = FAMILIES[family]
    backbone = cls(config).eval()
    backbone.save_pretrained(folder)
    return backbone


def run(module):
    with torch.no_grad():
        return module.eval()(IDS, MASK)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_local_folder_gives_the_states_of_its_own_model(tmp_path, family):
    backbone = write(tmp_path, family)
    encoder = load_encoder(settings(tmp_path, dropout=0.0))
    with torch.no_grad():
        expected = backbone(input_ids=IDS, attention_mask=MASK).last_hidden_state
    torch.testing.assert_close(run(encoder)[MASK == 1], expected[MASK == 1])
    assert encoder.hidden_size == 8


@pytest.mark.parametrize("family", FAMILIES)
def test_the_architecture_survives_as_json(tmp_path, family):
    write(tmp_path, family)
    encoder = load_encoder(settings(tmp_path))
    rebuilt = build_encoder_from_config(json.loads(json.dumps(encoder_config(encoder))))
    rebuilt.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(run(rebuilt)[MASK == 1], run(encoder)[MASK == 1])


@pytest.mark.parametrize("architecture", ["bert", "modernbert"])
def test_an_encoder_built_from_sizes_can_be_saved_and_loaded(tmp_path, architecture):
    sizes = {"hidden_size": 8, "num_heads": 2, "num_layers": 2, "intermediate_size": 16, "max_positions": 40}
    encoder = build_encoder(EncoderSettings(architecture=architecture, **sizes), vocab_size=20)
    save_encoder(encoder, tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    torch.testing.assert_close(run(load_encoder(settings(tmp_path))), run(encoder))
    assert run(encoder).shape == (2, 5, 8)


def test_dropout_of_the_settings_replaces_that_of_the_folder(tmp_path):
    write(tmp_path)
    encoder = load_encoder(settings(tmp_path, dropout=0.37))
    assert {m.p for m in encoder.modules() if isinstance(m, torch.nn.Dropout)} == {0.37}


def test_half_precision_weights_are_loaded_as_float32(tmp_path):
    BertModel(FAMILIES["bert"][1]).half().save_pretrained(tmp_path)
    assert {p.dtype for p in load_encoder(settings(tmp_path)).parameters()} == {torch.float32}


def test_longest_input():
    assert build_encoder(EncoderSettings(architecture="modernbert", hidden_size=12), 20).longest_input is None
    bert = EncoderSettings(architecture="bert", hidden_size=12, max_positions=33)
    assert build_encoder(bert, 20).longest_input == 33


def test_roberta_counts_positions_from_after_the_padding_id(tmp_path):
    write(tmp_path, "roberta")
    encoder = load_encoder(settings(tmp_path))
    assert encoder.longest_input == 38
    longest = torch.full((1, 38), 7)
    assert encoder(longest, torch.ones_like(longest)).shape == (1, 38, 8)


def test_a_folder_with_only_a_pickle_is_refused(tmp_path, monkeypatch):
    backbone = write(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(backbone.state_dict(), tmp_path / "pytorch_model.bin")
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("a pickle was opened"))
    with pytest.raises(ModelError, match=r"model\.safetensors") as caught:
        load_encoder(settings(tmp_path))
    assert not isinstance(caught.value, HubError)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"model_type": "abacus"}'], ids=repr)
def test_a_broken_configuration_is_refused(tmp_path, content):
    write(tmp_path)
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=tmp_path.name):
        load_encoder(settings(tmp_path))


def test_truncated_weights_are_refused(tmp_path):
    write(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=tmp_path.name):
        load_encoder(settings(tmp_path))


def test_weights_of_something_else_are_refused_and_not_replaced_by_random_ones(tmp_path):
    from safetensors.torch import save_file

    write(tmp_path)
    save_file({"other.weight": torch.ones(3)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lacks"):
        load_encoder(settings(tmp_path))


def test_a_model_that_is_no_encoder_is_refused(tmp_path):
    T5Config().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="t5"):
        load_encoder(settings(tmp_path))


def test_an_empty_folder_is_no_encoder(tmp_path):
    with pytest.raises(ModelError, match=tmp_path.name):
        load_encoder(settings(tmp_path))


def test_no_name_is_a_setting_at_fault():
    with pytest.raises(ConfigError, match="name_or_path"):
        load_encoder(EncoderSettings())


def test_heads_must_divide_the_width():
    with pytest.raises(ConfigError, match=r"num_heads=5.*12"):
        build_encoder(EncoderSettings(hidden_size=12, num_heads=5), vocab_size=20)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def hub_error_of(load):
    with pytest.raises(HubError) as caught:
        load()
    return str(caught.value)


@pytest.mark.parametrize("load", [lambda n: load_encoder(EncoderSettings(name_or_path=n)), load_encoder_tokenizer])
def test_a_hub_name_offline_says_how_to_use_a_local_folder(no_network, monkeypatch, load):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    message = hub_error_of(lambda: load("nobody/no-such-encoder"))
    assert "nobody/no-such-encoder" in message
    assert "--local-dir" in message
    assert "encoder.name_or_path" in message


def test_a_hub_that_cannot_be_reached_is_given_up_at_once(monkeypatch):
    with socket.socket() as taken:  # bound and not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert "--local-dir" in hub_error_of(lambda: load_encoder(settings("nobody/no-such-encoder")))


def test_a_local_folder_never_asks_the_hub(tmp_path, no_network, monkeypatch):
    write(tmp_path)
    write_vocabulary(tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("the hub was asked"))
    load_encoder(settings(tmp_path))
    load_encoder_tokenizer(str(tmp_path))


def write_vocabulary(folder):
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": true}')


def test_tokenizer_from_a_vocabulary(tmp_path):
    write(tmp_path)
    write_vocabulary(tmp_path)
    tokenizer = load_encoder_tokenizer(str(tmp_path))
    encoding = tokenizer.encode("由A。", add_special_tokens=False)
    assert encoding.tokens == ["由", "a", "。"]
    assert encoding.offsets == [(0, 1), (1, 2), (2, 3)]


def test_tokenizer_from_a_tokenizer_file_is_neither_padded_nor_cut(tmp_path):
    write_vocabulary(tmp_path)
    fast = BertTokenizerFast(str(tmp_path / "vocab.txt"))
    fast.backend_tokenizer.enable_truncation(4)
    fast.backend_tokenizer.enable_padding(length=30)
    fast.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_encoder_tokenizer(str(tmp_path))
    assert len(tokenizer.encode("由执导主演。", add_special_tokens=False).ids) == 6


def test_a_folder_without_a_tokenizer(tmp_path):
    write(tmp_path)
    with pytest.raises(ModelError, match=tmp_path.name):
        load_encoder_tokenizer(str(tmp_path))
