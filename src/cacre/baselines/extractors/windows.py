"""A text as token windows that an encoder can take, with the way back from tokens to characters."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tokenizers import Tokenizer

from cacre.errors import ConfigError
from cacre.preprocessing.tokenizer import CLS, SEP, readable_by, special_id
from cacre.types import Span


class TokenSpan(NamedTuple):
    """Positions of the first and the last token of a mention in a window; position 0 is `[CLS]`."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text as the encoder sees it.

    Args:
        text: The whole text.
        input_ids: `[CLS]`, the tokens of the stretch, `[SEP]`.
        offsets: Character span in `text` of each token between the two.
    """

    text: str
    input_ids: tuple[int, ...]
    offsets: tuple[Span, ...]

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def characters(self) -> Span:
        """The stretch of the text, empty where there is no token."""
        return (self.offsets[0][0], self.offsets[-1][1]) if self.offsets else (0, 0)

    def tokens_of(self, span: Span) -> TokenSpan | None:
        """The tokens that a character span touches; None if it is not wholly in the window."""
        start, end = span
        first = bisect_right(self.offsets, start, key=lambda offset: offset[1])
        last = bisect_left(self.offsets, end, key=lambda offset: offset[0]) - 1
        whole = self.characters[0] <= start and end <= self.characters[1]
        return TokenSpan(first + 1, last + 1) if whole and first <= last else None

    def characters_of(self, span: TokenSpan) -> Span:
        """Character span in the text of a run of tokens."""
        return self.offsets[span.first - 1][0], self.offsets[span.last - 1][1]


class WindowMaker:
    """Cuts texts into overlapping windows; a text that fits is one window.

    Args:
        tokenizer: Gives tokens with character offsets.
        max_length: Most tokens of a window, `[CLS]` and `[SEP]` included.
        overlap: Tokens that a window shares with the one before it.

    Raises:
        ConfigError: A window is no longer than the overlap.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int, overlap: int) -> None:
        if max_length - 2 <= overlap:
            raise ConfigError(f"data.max_length={max_length} must be at least data.overlap={overlap} + 3")
        self.tokenizer, self.max_length = tokenizer, max_length
        self._readable = readable_by(tokenizer)
        self._size, self._step = max_length - 2, max_length - 2 - overlap
        self._cls, self._sep = special_id(tokenizer, CLS), special_id(tokenizer, SEP)

    def windows(self, text: str) -> list[Window]:
        """The windows of a text, from left to right; one at least, empty for a text without tokens."""
        return self.windows_of([text])[0]

    def windows_of(self, texts: Sequence[str]) -> list[list[Window]]:
        """The windows of each text."""
        encodings = self.tokenizer.encode_batch([self._readable(text) for text in texts], add_special_tokens=False)
        return [
            [self._window(text, code.ids[start : start + self._size], code.offsets[start : start + self._size])
             for start in self._starts(len(code.ids))]
            for text, code in zip(texts, encodings, strict=True)
        ]  # fmt: skip

    def _starts(self, length: int) -> range:
        return range(0, max(1, length - self._size + self._step), self._step)

    def _window(self, text: str, ids: Sequence[int], offsets: Sequence[Span]) -> Window:
        return Window(text, (self._cls, *ids, self._sep), tuple((start, end) for start, end in offsets))
