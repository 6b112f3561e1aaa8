"""Text and triple to arrays: the one featuriser of training, ONNX inference and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from cacre.config import ModelSettings
from cacre.errors import ConfigError
from cacre.preprocessing.characters import fold
from cacre.preprocessing.evidence import (
    MARKS,
    VALUES,
    PairContext,
    candidate_values,
    character_marks,
    make_context,
)
from cacre.preprocessing.mentions import find_mentions, nearest_pair
from cacre.preprocessing.modality import find_modality
from cacre.preprocessing.scan import CueIndex, TextScan, scan_text
from cacre.preprocessing.tokenizer import CLS, SEP, readable_by, special_id
from cacre.schema import Schema
from cacre.types import Modality, Triple

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
_CHARACTERS_PER_TOKEN = 16
"""So many times `max_triple_length` characters of a name are tokenised; what comes behind would be cut off anyway."""


@dataclass(frozen=True)
class TextFeatures:
    """A text, or one window of a long one.

    Args:
        scan: The window's characters and what stands in them.
        start: Offset of the window in the whole text.
        ids: Token ids `[L_T]`, `[CLS]` and `[SEP]` included.
        offsets: Character span of each token in the *whole* text, `[L_T, 2]`; (0, 0) for special tokens.
    """

    scan: TextScan
    start: int
    ids: Ints
    offsets: NDArray[np.int32]


@dataclass(frozen=True)
class TripleFeatures:
    """A triple as tokens.

    Args:
        ids: Token ids `[L_R]`.
        role_ids: `[L_R]`: 0 special or joining token, 1 subject, 2 predicate, 3 object.
        pieces: What is encoded, each by itself: the whole, or `[CLS]` part `[SEP]` thrice.
    """

    ids: Ints
    role_ids: Ints
    pieces: tuple[Ints, ...]

    def assemble(self, states: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """States of the pieces, `[L_i, D]` each, to those of the triple, `[L_R, D]`: all but later `[CLS]`."""
        return states[0] if len(states) == 1 else np.concatenate([states[0], *(later[1:] for later in states[1:])])


@dataclass(frozen=True)
class EvidenceFeatures:
    """String evidence for one pair.

    Args:
        marks: `[L_T, M]`, 0 or 1; zero at special tokens.
        values: `[F]`.
    """

    marks: Floats
    values: Floats


class Featurizer:
    """Turns texts and triples into token ids, offsets, role ids and string evidence.

    Args:
        tokenizer: A BERT-type tokenizer.
        schema: Gives cue words, near misses and types of each relation.
        settings: Lengths and the text form of a triple.

    Raises:
        ConfigError: A length leaves no room for a token of each part.
    """

    mark_count = len(MARKS)
    value_count = len(VALUES)

    def __init__(self, tokenizer: Tokenizer, schema: Schema, settings: ModelSettings) -> None:
        self.tokenizer = tokenizer
        self.schema = schema
        self.settings = settings
        self._cls, self._sep = (special_id(tokenizer, token) for token in (CLS, SEP))
        self._readable = readable_by(tokenizer)
        self._cues = CueIndex(schema)
        self._joins = self._joining_tokens(settings.triple_format)
        frame = 2 + sum(map(len, self._joins))
        self._triple_budget = settings.max_triple_length - frame
        if settings.max_text_length < 3 or self._triple_budget < 3:
            raise ConfigError(
                f"max_text_length={settings.max_text_length}, max_triple_length={settings.max_triple_length}: too "
                f"short for [CLS], [SEP] and a token of each part; at least 3 and {frame + 3} are needed"
            )

    def windows(self, text: str) -> list[TextFeatures]:
        """The whole text if it fits, else windows of `max_text_length` tokens that overlap by half."""
        encoding = self.tokenizer.encode(self._readable(text), add_special_tokens=False)
        ids, offsets = encoding.ids, encoding.offsets  # each access copies the whole list
        size = self.settings.max_text_length - 2
        if len(ids) <= size:
            return [self._window(text, 0, ids, offsets)]
        starts = [*range(0, len(ids) - size, max(1, size // 2)), len(ids) - size]
        cuts = [(first, first + size, offsets[first][0], offsets[first + size - 1][1]) for first in starts]
        return [self._window(text[begin:end], begin, ids[i:j], offsets[i:j]) for i, j, begin, end in cuts]

    def text(self, text: str) -> TextFeatures:
        """The first window of a text; the whole of it unless it is long."""
        return self.windows(text)[0]

    def _window(self, text: str, start: int, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> TextFeatures:
        return TextFeatures(
            scan_text(text, self._cues),
            start,
            np.asarray([self._cls, *ids, self._sep], np.int64),
            np.asarray([(0, 0), *offsets, (0, 0)], np.int32),
        )

    def choose_window(self, windows: Sequence[TextFeatures], triple: Triple) -> int:
        """Index of the window that holds subject and object closest together; the first one if none holds either."""

        def rank(index: int) -> tuple[float, float, int]:
            folded = windows[index].scan.folded
            subject, object_ = find_mentions(triple.subject, folded), find_mentions(triple.object, folded)
            pair = nearest_pair(subject, object_)
            gap = abs(pair[0][0] - pair[1][0]) if pair else len(folded)
            return (-(subject.coverage + object_.coverage), gap, index)

        return 0 if len(windows) == 1 else min(range(len(windows)), key=rank)

    def triple(self, triple: Triple) -> TripleFeatures:
        """Tokens and roles of a triple, in the form that `triple_format` names (A14)."""
        subject, predicate, object_ = _shorten([self._tokens(part) for part in triple], self._triple_budget)
        first, second = self._joins
        pieces = (
            ([self._cls], 0),
            (subject, 1),
            (first, 0),
            (predicate, 2),
            (second, 0),
            (object_, 3),
            ([self._sep], 0),
        )
        ids = [token for tokens, _ in pieces for token in tokens]
        roles = [role for tokens, role in pieces for _ in tokens]
        whole = np.asarray(ids, np.int64)
        cut = (subject, predicate, object_) if self.settings.triple_encoding == "parts" else None
        parts = (whole,) if cut is None else tuple(np.asarray([self._cls, *p, self._sep], np.int64) for p in cut)
        return TripleFeatures(whole, np.asarray(roles, np.int64), parts)

    def _joining_tokens(self, triple_format: str) -> tuple[list[int], list[int]]:
        """What stands between subject and predicate, and between predicate and object."""
        if triple_format == "separators":
            return [self._sep], [self._sep]
        first, second = ("，", "，") if triple_format == "commas" else ("的", "是")
        return self._tokens(first), self._tokens(second)

    def _tokens(self, text: str) -> list[int]:
        most = _CHARACTERS_PER_TOKEN * self.settings.max_triple_length
        return list(self.tokenizer.encode(self._readable(text[:most]), add_special_tokens=False).ids)

    def canonical(self, triple: Triple) -> Triple:
        """The triple with the schema's name of its relation; triples with one canonical form have the same evidence."""
        name = self.schema.resolve(triple.predicate)
        return triple if name is None else Triple(triple.subject, name, triple.object)

    def evidence(self, text: TextFeatures, triple: Triple) -> EvidenceFeatures:
        """String evidence of a pair, relative to the window `text`."""
        context = self._context(text, triple)
        # A token is marked if one of its characters is: differences of running counts do for tokens of any length.
        counts = np.zeros((len(text.scan.text) + 1, self.mark_count), np.float32)
        np.cumsum(character_marks(context), axis=0, out=counts[1:])
        first, last = np.maximum(text.offsets - text.start, 0).T
        marks = (counts[last] > counts[first]).astype(np.float32)
        return EvidenceFeatures(marks, np.fromiter(candidate_values(context).values(), np.float32, self.value_count))

    def modality(self, text: TextFeatures, triple: Triple) -> Modality | None:
        """How the window `text` puts the triple, with the word's place in the whole text; None if it asserts it."""
        found = find_modality(self._context(text, triple))
        if found is None:
            return None
        start, end = found.cue
        return Modality(found.kind, (start + text.start, end + text.start))

    def _context(self, text: TextFeatures, triple: Triple) -> PairContext:
        triple = self.canonical(triple)
        relation = self.schema.relations.get(triple.predicate)
        return make_context(
            text.scan,
            triple,
            self._cues.words.get(triple.predicate) or (fold(triple.predicate),),
            frozenset(relation.near_misses) if relation else frozenset(),
            (relation.subject_type, relation.object_type) if relation else ("", ""),
        )


def _shorten(parts: list[list[int]], budget: int) -> list[list[int]]:
    """Cut the longest parts to one length, so that all fit; with a budget of 3 or more none is emptied.

    A token that is left over goes to the last of them, as if the longest had lost one token at a time.
    """
    left, level = budget, None
    by_length = sorted(map(len, parts))
    for longer, length in zip(range(len(parts), 0, -1), by_length, strict=True):
        if length * longer > left:
            level, left = divmod(left, longer)
            break
        left -= length
    if level is None:
        return parts
    long = [index for index, part in enumerate(parts) if len(part) > level]
    favoured = long[len(long) - left :]
    return [part[: level + (index in favoured)] for index, part in enumerate(parts)]


def pad(arrays: Sequence[NDArray[Any]], length: int | None = None) -> tuple[NDArray[Any], Ints]:
    """Stack arrays of different lengths.

    Args:
        arrays: At least one, each `[L_i]` or `[L_i, M]`.
        length: Pad to this length instead of to the longest.

    Returns:
        The padded array `[N, L]` or `[N, L, M]` (zeros as padding) and the mask `[N, L]`.
    """
    longest = max(map(len, arrays)) if length is None else length
    first = arrays[0]
    padded = np.zeros((len(arrays), longest, *first.shape[1:]), first.dtype)
    mask = np.zeros((len(arrays), longest), np.int64)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = array
        mask[row, : len(array)] = 1
    return padded, mask
