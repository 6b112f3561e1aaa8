import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from cacre.errors import ModelError
from cacre.preprocessing.tokenizer import SPECIAL_TOKENS, build_character_tokenizer, load_tokenizer, special_id

UNKNOWN = SPECIAL_TOKENS.index("[UNK]")


def encode(tokenizer, text):
    encoding = tokenizer.encode(text, add_special_tokens=False)
    return encoding.tokens, encoding.offsets


@pytest.mark.parametrize(
    ("text", "tokens", "offsets"),
    [
        ("由导", ["由", "导"], [(0, 1), (1, 2)]),
        ("ＡB", ["a", "b"], [(0, 1), (1, 2)]),
        ("５㎡由", ["5", "m", "2", "由"], [(0, 1), (1, 2), (1, 2), (2, 3)]),
        ("……由", ["[UNK]"] * 6 + ["由"], [(0, 1)] * 3 + [(1, 2)] * 3 + [(2, 3)]),
        ("由😀导", ["由", "[UNK]", "导"], [(0, 1), (1, 2), (2, 3)]),
        ("👩‍👩由", ["[UNK]"] * 3 + ["由"], [(0, 1), (1, 2), (2, 3), (3, 4)]),
        (" 由 \n\t导　", ["由", "导"], [(1, 2), (5, 6)]),
        ("由魑导", ["由", "[UNK]", "导"], [(0, 1), (1, 2), (2, 3)]),
        ("e\u0301由", ["[UNK]", "由"], [(0, 1), (2, 3)]),
        ("", [], []),
        (" \n ", [], []),
        ("[SEP]", ["[UNK]", "[UNK]", "e", "[UNK]", "[UNK]"], [(i, i + 1) for i in range(5)]),
    ],
)
def test_tokens_are_characters_and_offsets_those_of_the_original(text, tokens, offsets):
    # '.' is NFKC of the ellipsis and not in this vocabulary.
    tokenizer = build_character_tokenizer(["由导abem25"], min_count=1)
    assert encode(tokenizer, text) == (tokens, offsets)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_offsets_are_in_order_and_cover_all_but_white_space(text):
    tokenizer = build_character_tokenizer(["由导"], min_count=1)
    _, offsets = encode(tokenizer, text)
    assert offsets == sorted(offsets)
    assert all(0 <= start < end <= len(text) for start, end in offsets)
    covered = {i for start, end in offsets for i in range(start, end)}
    assert all(text[i].isspace() or not text[i].isprintable() for i in set(range(len(text))) - covered)


def test_vocabulary_is_what_is_frequent():
    tokenizer = build_character_tokenizer(["由由由导导演 \n"], min_count=2)
    assert set(tokenizer.get_vocab()) == {*SPECIAL_TOKENS, "由", "导"}
    assert [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == [0, 1, 2, 3, 4]
    assert build_character_tokenizer(["由由由导导"], max_size=6).get_vocab_size() == 6


def test_special_tokens_frame_an_encoding(tokenizer):
    assert tokenizer.encode("由").tokens == ["[CLS]", "由", "[SEP]"]


def test_saved_and_loaded(tmp_path, tokenizer):
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert encode(load_tokenizer(tmp_path / "tokenizer.json"), "《雾中渡》 １") == encode(tokenizer, "《雾中渡》 １")


def test_separator_written_in_a_text_is_no_separator(tmp_path):
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate([*SPECIAL_TOKENS, "由"])}, unk_token="[UNK]"))
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert special_id(tokenizer, "[SEP]") in tokenizer.encode("由[SEP]").ids  # the attack works on the plain tokenizer
    assert special_id(tokenizer, "[SEP]") not in load_tokenizer(tmp_path / "tokenizer.json").encode("由[SEP]").ids


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": 1}'])
def test_no_tokenizer_in_the_file(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(ModelError, match=r"tokenizer\.json.*truncated"):
        load_tokenizer(path)


@pytest.mark.parametrize("token", ["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
def test_each_special_token_is_needed(tmp_path, tokenizer, token):
    values = json.loads(tokenizer.to_str())
    del values["model"]["vocab"][token]
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ModelError, match=rf"\[{token[1:-1]}\]"):
        load_tokenizer(path)
