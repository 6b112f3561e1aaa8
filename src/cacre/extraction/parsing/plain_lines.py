"""Answers in lines, such as the paper's `锚点：（实体1，关系，实体2）`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cacre.extraction.parsing.names import label_at, list_called, role_called
from cacre.extraction.parsing.parts import BLANK, WIDTH, Parts, Unsplit, clean_part, hide_nested, split_three
from cacre.extraction.parsing.reading import ListName, Reading
from cacre.extraction.parsing.wrapping import says_nothing
from cacre.types import Span

_MARKUP = re.compile(r"\*\*|(?<!\w)__|__(?!\w)|`+")
_NUMBERING = re.compile(
    r"""[ \t\u3000]*(?:[(（]\d{1,3}[)）]|\d{1,3}[)）、.．:：](?!\d)|[①-⑳⑴-⒇⒈-⒛]
    |[-*•·+–—>](?=\s)|[•·>]|\#{1,6}(?=\s))[ \t\u3000]*""",
    re.X,
)
_PREFIX = re.compile(r"[^(（\[［【<＜〈,，]{0,24}[:：=][ \t\u3000]*(?=[(（\[［【<＜〈])")
_OPENERS = frozenset("([【<〈{")
_BETWEEN = re.compile(r"(?:[\s,，;；、。.!！&/\u3000]|和|及|与|以及|and\b)+")
_SENTENCE = re.compile(r"[！？!?…]$|^(?:注|注意|备注|说明|以上|以下|note|explanation|here)\b", re.I)
_ROLE_PREFIX = re.compile(r"\s*([^:：=]{1,12}?)\s*[:：=]\s*(.*)", re.S)
_LONGEST_LOOSE = 60
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class _Item:
    name: ListName
    cut: Parts | Unsplit
    raw: str
    start: int


def read_lines(
    content: str,
    spans: Iterable[Span],
    predicates: frozenset[str] = frozenset(),
    *,
    start: int = 0,
    name: ListName = "triples",
    expected: bool = False,
    cut_off: bool = False,
) -> Reading:
    """Read the lines of an answer.

    In brackets any three parts are a triple. Without brackets the separator must be `|`, a tab or an arrow, or the line
    must stand under a heading or behind a number, or have a known predicate in the middle: a sentence with two commas
    is no triple. A triple whose parts contain the separator is cut where the predicate is known, or else where both
    entities are known from the other triples of the answer.

    Args:
        content: The answer.
        spans: The stretches of it to read.
        predicates: Names of the relations asked for, if known.
        start: Added to every offset.
        name: List of the triples that stand before any heading.
        expected: Whether each line is known to be a triple, brackets or not.
        cut_off: Whether the answer is known to end too early: what no bracket closes in its last line is no triple.
    """
    lines = _Lines(predicates, name, expected, cut_off)
    spans = list(spans)
    for number, (begin, end) in enumerate(spans):
        texts = content[begin:end].split("\n")
        last = max((i for i, text in enumerate(texts) if text.strip()), default=-1)
        for i, text in enumerate(texts):
            lines.line(text, start + begin, last_of_all=i == last == len(texts) - 1 and number == len(spans) - 1)
            begin += len(text) + 1
    return lines.finish()


class _Lines:
    def __init__(self, predicates: frozenset[str], name: ListName, expected: bool, cut_off: bool) -> None:
        self._predicates, self._name, self._cut_off = predicates, name, cut_off
        self._under_heading = expected
        self._items: list[_Item] = []
        self._reading = Reading()
        self._start = 0

    def line(self, text: str, start: int, *, last_of_all: bool) -> None:
        """Read one line; `last_of_all` where the answer ends in it, perhaps too early."""
        self._start = start
        body = _MARKUP.sub("", text).strip(BLANK)
        rest, numbered = _without_numbering(body)
        at = self._heading(rest, 0)
        labelled = at > 0
        rest, inner_number = _without_numbering(rest[at:].strip(BLANK))
        if not rest or not rest.strip("[](){}（）［］【】-|:,，=*_ "):
            return
        if (labelled or self._under_heading) and says_nothing(rest):
            self._reading.empty = True
            return
        prefix = _PREFIX.match(rest)
        bracketed = rest[prefix.end() :] if prefix else rest
        if WIDTH.get(bracketed[0], bracketed[0]) in _OPENERS and self._groups(bracketed, last_of_all, 0):
            return
        expected = labelled or numbered or inner_number or self._under_heading
        self._loose(rest, labelled, expected, broken=last_of_all and self._cut_off)

    def finish(self) -> Reading:
        """Cut what is still whole by the entities known by now, and give all."""
        entities = {
            clean_part(part)
            for item in self._items
            if isinstance(item.cut, tuple)
            for part in (item.cut[0], item.cut[2])
        }
        for item in self._items:
            cut = item.cut
            if isinstance(cut, Unsplit):
                ways = [way for way in cut.ways() if {clean_part(way[0]), clean_part(way[2])} <= entities]
                if len(ways) != 1:
                    self._reading.fail(item.raw, cut.reason)
                    continue
                cut = ways[0]
                self._reading.repairs["parts joined by known entities"] += 1
            self._reading.say(item.name, cut, item.raw, item.start)
        return self._reading

    def _heading(self, text: str, at: int) -> int:
        """Follow a heading at `at`; the offset behind it, `at` if there is none."""
        label = label_at(text, at)
        if not label:
            return at
        if label[0] != "triples":  # "Triple 1:" under "Positives" is still a positive
            self._name = label[0]
        self._under_heading = True
        return label[1]

    def _groups(self, text: str, last_of_all: bool, depth: int) -> bool:
        """Read the bracketed triples of a line; False if its first bracket only belongs to an entity."""
        at, first = 0, True
        while at < len(text):
            if between := _BETWEEN.match(text, at):
                at = between.end()
                continue
            behind = self._heading(text, at)
            number = None if behind > at else _NUMBERING.match(text, at)
            if behind > at or number:
                at = number.end() if number else behind
                continue
            if WIDTH.get(text[at], text[at]) not in _OPENERS:
                break
            end = _group_end(text, at)
            if end < 0:
                return self._unclosed(text[at:], last_of_all) or not first
            if first and not self._is_group(text, at, end):
                return False
            self._group(text[at:end], depth)
            at, first = end, False
        rest = text[at:]
        if not first and any(WIDTH.get(character, character) in _OPENERS for character in rest) and _looks_cut(rest):
            self._reading.fail(rest, "text behind a triple")
        return not first

    def _is_group(self, text: str, at: int, end: int) -> bool:
        """Whether the bracket holds a triple rather than a part of an entity, as in `（集团）公司`."""
        cut = split_three(text[at + 1 : end - 1], self._predicates)
        count = 3 if isinstance(cut, tuple) else len(cut.spans)
        alone = not text[end:].strip() or bool(_BETWEEN.match(text, end))
        return count >= 3 or (alone and (count == 2 or _holds_groups(text[at + 1 : end - 1])))

    def _group(self, text: str, depth: int) -> None:
        inner = text[1:-1]
        if depth < _DEEPEST and _holds_groups(inner) and self._groups(inner.strip(), False, depth + 1):
            return
        self._keep(split_three(inner, self._predicates), text)

    def _unclosed(self, text: str, last_of_all: bool) -> bool:
        """A bracket that never closes: the answer was cut off there, or a bracket was forgotten."""
        closed = text.rstrip(",，;；。. ")[-1:] in tuple(")）]］】>＞〉}｝")
        if last_of_all and (self._cut_off or not closed):
            self._break_off(text)
            return True
        inner = text.rstrip(",，;；。. ")[1:-1] if closed else text[1:]
        cut = split_three(inner, self._predicates)
        if isinstance(cut, Unsplit) and len(cut.spans) < 3:
            return False
        self._reading.repairs["bracket mended"] += 1
        self._keep(cut, text)
        return True

    def _break_off(self, text: str) -> None:
        self._reading.repairs["lines cut off"] += 1
        self._reading.fail(text, "line cut off")

    def _loose(self, text: str, labelled: bool, expected: bool, *, broken: bool) -> None:
        """A line without brackets around its triple; where it is `broken`, its last triple may lack its end."""
        broken = broken and not text.endswith(("。", ";", "；"))
        text = text.rstrip("。.,，;；")
        pieces = [piece for piece in re.split("[;；]", text) if piece.strip()]
        cuts = [split_three(piece, self._predicates) for piece in pieces]
        if len(pieces) < 2 or not all(isinstance(cut, tuple) for cut in cuts):
            pieces, cuts = [text], [self._row(text)]
        for left, piece, cut in zip(range(len(pieces), 0, -1), pieces, cuts, strict=True):
            triple = isinstance(cut, tuple) and self._is_loose_triple(piece, cut, expected)
            if not (triple or labelled or (expected and isinstance(cut, Unsplit) and len(cut.spans) > 2)):
                continue
            if broken and left == 1:
                self._break_off(piece)
            else:
                self._keep(cut if triple or isinstance(cut, Unsplit) else Unsplit(piece, (), "no triple"), piece)

    def _row(self, text: str) -> Parts | Unsplit:
        """A row of a table, whose first cell may be a number or the name of a list, or any other line."""
        cells = [cell.strip() for cell in re.split("[|｜]", text.strip(" |｜"))] if "|" in text or "｜" in text else []
        if len(cells) != 4:
            return split_three(text, self._predicates)
        called = list_called(cells[0])
        if not called and not cells[0].isdigit() and cells[0] not in ("#", "No.", "编号", "序号"):
            return split_three(text, self._predicates)
        if called and called != "triples":
            self._name = called
        return cells[1], cells[2], cells[3]

    def _is_loose_triple(self, text: str, cut: Parts, expected: bool) -> bool:
        if clean_part(cut[1]) in self._predicates or _by_role(cut) is not cut:
            return True
        if _SENTENCE.search(text.strip()) or any(len(part) > _LONGEST_LOOSE for part in cut):
            return False
        shown = hide_nested(text)[0]
        return expected or bool(re.search(r"[|｜\t→]|[-=—─][>＞]", shown))

    def _keep(self, cut: Parts | Unsplit, raw: str) -> None:
        """Keep a triple, unless it is a row of column headings."""
        if isinstance(cut, tuple):
            if all(role_called(clean_part(part)) for part in cut):
                return
            cut = _by_role(cut)
        self._items.append(_Item(self._name, cut, raw, self._start))


def _without_numbering(text: str) -> tuple[str, bool]:
    """A line without numbers and bullets before it, and whether it had any."""
    at = 0
    for _ in range(4):
        found = _NUMBERING.match(text, at)
        if not found:
            break
        at = found.end()
    return text[at:], at > 0


def _group_end(text: str, at: int) -> int:
    """Offset behind the bracket that closes the one at `at`; -1 if none does."""
    if text[at] in "<＜":
        found = re.compile("[>＞]").search(text, at)
        return found.end() if found else -1
    return hide_nested(text, at, one_group=True)[1]


def _holds_groups(inner: str) -> bool:
    """Whether a bracket holds nothing but bracketed triples."""
    inner = inner.strip()
    if WIDTH.get(inner[:1], inner[:1]) not in _OPENERS:
        return False
    end = _group_end(inner, 0)
    if end < 0 or (inner[end:].strip() and not _BETWEEN.match(inner, end)):
        return False
    cut = split_three(inner[1 : end - 1])
    return isinstance(cut, tuple) or len(cut.spans) > 2


def _looks_cut(rest: str) -> bool:
    """Whether text behind a triple holds something like another triple rather than a remark."""
    return len(re.findall("[,，|｜]", rest)) >= 2


def _by_role(cut: Parts) -> Parts:
    """Parts in order, where each says what it is, as in `主体：甲，关系：导演，客体：乙`."""
    roles: dict[str, str] = {}
    for part in cut:
        found = _ROLE_PREFIX.fullmatch(part)
        role = role_called(clean_part(found[1])) if found else None
        if found and role:
            roles[role] = found[2]
    if roles.keys() != {"subject", "predicate", "object"}:
        return cut
    return roles["subject"], roles["predicate"], roles["object"]
