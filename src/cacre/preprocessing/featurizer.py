"""Text and triple to arrays: the one featuriser of training, ONNX inference and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from cacre.config import ModelSettings
from cacre.preprocessing.evidence import MARKS, VALUES, candidate_values, character_marks, find_mentions, make_context, nearest_pair
from cacre.preprocessing.scan import CueIndex, TextScan, scan_text
from cacre.preprocessing.tokenizer import CLS, SEP
from cacre.schema import Schema
from cacre.types import Triple

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


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
    """

    ids: Ints
    role_ids: Ints


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
    """

    mark_count = len(MARKS)
    value_count = len(VALUES)

    def __init__(self, tokenizer: Tokenizer, schema: Schema, settings: ModelSettings) -> None:
        self.tokenizer = tokenizer
        self.schema = schema
        self.settings = settings
        self._cls, self._sep = tokenizer.token_to_id(CLS), tokenizer.token_to_id(SEP)
        self._cues = CueIndex(schema)

    def windows(self, text: str) -> list[TextFeatures]:
        """The whole text if it fits, else windows of `max_text_length` tokens that overlap by half."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        size = self.settings.max_text_length - 2
        if len(encoding.ids) <= size:
            return [self._window(text, 0, encoding.ids, encoding.offsets)]
        step = max(1, size // 2)
        starts = [*range(0, len(encoding.ids) - size, step), len(encoding.ids) - size]
        return [self._cut(text, encoding, start, start + size) for start in starts]

    def text(self, text: str) -> TextFeatures:
        """The first window of a text; the whole of it unless it is long."""
        return self.windows(text)[0]

    def _cut(self, text: str, encoding: Any, first: int, last: int) -> TextFeatures:  # noqa: ANN401  (tokenizers.Encoding)
        begin, end = encoding.offsets[first][0], encoding.offsets[last - 1][1]
        return self._window(text[begin:end], begin, encoding.ids[first:last], encoding.offsets[first:last])

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
        parts = [self.tokenizer.encode(part, add_special_tokens=False).ids for part in triple]
        joins = {"separators": [[self._sep]] * 2, "commas": [self._plain("，")] * 2, "sentence": [self._plain("的"), self._plain("是")]}
        first, second = joins[self.settings.triple_format]
        budget = self.settings.max_triple_length - 2 - len(first) - len(second)
        subject, predicate, object_ = _shorten(parts, budget)
        pieces = [([self._cls], 0), (subject, 1), (first, 0), (predicate, 2), (second, 0), (object_, 3), ([self._sep], 0)]
        ids = [token for tokens, _ in pieces for token in tokens]
        roles = [role for tokens, role in pieces for _ in tokens]
        return TripleFeatures(np.asarray(ids, np.int64), np.asarray(roles, np.int64))

    def _plain(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def evidence(self, text: TextFeatures, triple: Triple) -> EvidenceFeatures:
        """String evidence of a pair, relative to the window `text`."""
        relation = self.schema.relations.get(self.schema.resolve(triple.predicate) or "")
        name = relation.name if relation else triple.predicate
        context = make_context(
            text.scan,
            Triple(triple.subject, name, triple.object),
            self.schema.cues(name),
            frozenset(relation.near_misses) if relation else frozenset(),
            (relation.subject_type, relation.object_type) if relation else ("", ""),
        )
        marks = np.zeros((len(text.ids), self.mark_count), np.float32)
        by_character = character_marks(context)
        for position, (start, end) in enumerate(text.offsets - text.start):
            if end > start >= 0:
                marks[position] = by_character[start:end].max(axis=0)
        return EvidenceFeatures(marks, np.fromiter(candidate_values(context).values(), np.float32, self.value_count))


def _shorten(parts: list[list[int]], budget: int) -> list[list[int]]:
    """Cut the longest part, one token at a time, until all fit."""
    parts = [list(part) for part in parts]
    while sum(map(len, parts)) > budget:
        max(parts, key=len).pop()
    return parts


def pad(arrays: Sequence[NDArray[Any]], length: int | None = None) -> tuple[NDArray[Any], Ints]:
    """Stack arrays of different lengths.

    Args:
        arrays: Each `[L_i]` or `[L_i, M]`.
        length: Pad to this length instead of to the longest.

    Returns:
        The padded array `[N, L]` or `[N, L, M]` (zeros as padding) and the mask `[N, L]`.
    """
    longest = max((len(a) for a in arrays), default=0) if length is None else length
    first = arrays[0]
    padded = np.zeros((len(arrays), longest, *first.shape[1:]), first.dtype)
    mask = np.zeros((len(arrays), longest), np.int64)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = array
        mask[row, : len(array)] = 1
    return padded, mask
