"""A character tokenizer, so that any boundary between two characters can be a boundary of an entity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from cacre.errors import ModelError
from cacre.simplified import simplify, table

PAD, UNK, CLS, SEP, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_FEW = 0.1
"""A vocabulary that has this part of its simplified characters in the traditional script as well reads both."""


def build_character_tokenizer(texts: Iterable[str], *, min_count: int = 2, max_size: int = 8000) -> Tokenizer:
    """Build a tokenizer whose tokens are single characters.

    Case and width are folded (NFKC, lower case); white space only separates. Offsets refer to the original text.

    Args:
        texts: Running text to take the characters from.
        min_count: A character seen less often becomes `[UNK]`.
        max_size: Upper bound of the vocabulary, special tokens included.
    """
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(normalizer.normalize_str(text))
    frequent = [c for c, n in counts.most_common() if n >= min_count and not c.isspace()]
    vocabulary = {token: i for i, token in enumerate([*SPECIAL_TOKENS, *frequent][:max_size])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNK))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("."), "isolated")]
    )
    tokenizer.post_processor = processors.BertProcessing((SEP, vocabulary[SEP]), (CLS, vocabulary[CLS]))
    return tokenizer


def load_tokenizer(path: str | Path) -> Tokenizer:
    """Read a `tokenizer.json`.

    Raises:
        ModelError: The file is missing or is not a tokenizer that cacre can use.
    """
    if not Path(path).is_file():
        raise ModelError(f"{path}: no tokenizer.json there; a model folder needs one")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust side raises bare Exception
        raise ModelError(
            f"{path}: not a readable tokenizer.json ({error}); the model folder may be truncated"
        ) from error
    return checked(tokenizer, str(path))


def checked(tokenizer: Tokenizer, origin: str) -> Tokenizer:
    """Make a tokenizer fit for cacre: no padding, no truncation, and `[SEP]` written in a text is no separator.

    Args:
        tokenizer: It is changed in place.
        origin: Where it came from, for the error.

    Raises:
        ModelError: It lacks a special token.
    """
    for token in (PAD, UNK, CLS, SEP):
        special_id(tokenizer, token, origin)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return tokenizer


def readable_by(tokenizer: Tokenizer) -> Callable[[str], str]:
    """How a text is put to a tokenizer: in simplified characters if it knows hardly a traditional one, else as it is.

    A model that has read simplified Chinese alone sees `[UNK]` in 顧 and reads 顾. The result is as long as the text.
    """
    traditional, simplified = (
        sum(tokenizer.token_to_id(character) is not None for character in set(characters))
        for characters in (map(chr, table()), table().values())
    )
    return simplify if traditional < _FEW * simplified else str


def special_id(tokenizer: Tokenizer, token: str, origin: str = "tokenizer") -> int:
    """Id of a special token.

    Raises:
        ModelError: The tokenizer lacks it.
    """
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ModelError(f"{origin}: the tokenizer lacks the special token {token}; a BERT-type tokenizer is needed")
    return int(number)
