"""Cutting a long text into windows that overlap and end where sentences end."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from cacre.errors import ConfigError
from cacre.extraction.values import Window

MIN_CHARACTERS = 50
_CLOSING = "”’\"'」』）)】》〉］\\]"
_SENTENCE_END = re.compile(rf"(?:[。！？!?；;…]+|\.(?=[{_CLOSING}]*\s))[{_CLOSING}]*\s*|\n\s*")


def split_text(text: str, max_characters: int = 1500, overlap: int = 200) -> list[Window]:
    """Cut a text into windows.

    A text that fits is one window. Otherwise a window ends at the last sentence end that it reaches (closing quotes and
    white space belong to the sentence before), and the next one starts at a sentence at most `overlap` characters
    earlier; where no sentence starts there, it starts mid-sentence. A sentence shorter than a window stands whole in
    one of them, for which the overlap is made shorter if need be; a longer one is cut hard.

    Args:
        text: The whole text.
        max_characters: Longest window, in characters; at least 50.
        overlap: Most characters that a window shares with the one before; with more than 0 they share at least one.

    Returns:
        Windows in order of their starts, which rise strictly; together they cover every character.

    Raises:
        ConfigError: `max_characters` is below 50, or `overlap` is negative or not below `max_characters`.
    """
    if max_characters < MIN_CHARACTERS:
        raise ConfigError(f"windows of {max_characters} characters: allowed are {MIN_CHARACTERS} and more")
    if not 0 <= overlap < max_characters:
        raise ConfigError(
            f"an overlap of {overlap} characters: allowed are 0 to {max_characters - 1}, less than a window "
            f"({max_characters})"
        )
    ends = _sentence_ends(text)
    windows: list[Window] = []
    start = end = 0
    while True:
        end = _window_end(ends, start, end, max_characters)
        windows.append(Window(start, text[start:end]))
        if end == len(text):
            return windows
        start = _next_start(ends, (start, end), max_characters, overlap)


def _sentence_ends(text: str) -> list[int]:
    """Offsets behind each sentence, the end of the text last."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return ends if ends and ends[-1] == len(text) else [*ends, len(text)]


def _window_end(ends: list[int], start: int, covered: int, size: int) -> int:
    """The last sentence end that a window from `start` reaches, if it covers anything new; else as far as it goes."""
    if ends[-1] <= start + size:
        return ends[-1]
    position = bisect_right(ends, start + size)
    # From a window of one character none could start later and still overlap.
    return ends[position - 1] if position and ends[position - 1] > max(covered, start + 1) else start + size


def _next_start(ends: list[int], window: tuple[int, int], size: int, overlap: int) -> int:
    """Where the window after `window` starts: at the earliest sentence that the overlap reaches, if any."""
    start, end = window
    if not overlap:
        return end
    earliest = max(start + 1, end - overlap)
    position = bisect_left(ends, end)
    if position + 1 < len(ends) and ends[position] == end:
        # The window ended with a sentence: leave room for the next one, if it can stand whole in a window at all.
        room = ends[position + 1] - size
        earliest = max(earliest, room) if room < end else earliest
    sentence = bisect_left(ends, earliest)
    return ends[sentence] if ends[sentence] < end else earliest
