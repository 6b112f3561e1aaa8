"""`parse_judgement`: which of the numbered triples an LLM takes for supported."""

from __future__ import annotations

import re
import unicodedata

from cacre.errors import AnswerError
from cacre.extraction.parsing.answers import LONGEST
from cacre.extraction.parsing.bounded_repair import (
    MendingError,
    Meter,
    load_strict,
    mend,
    narrow_punctuation,
    nested_too_deeply,
)
from cacre.extraction.parsing.json_answers import Block, find_blocks
from cacre.extraction.parsing.parts import BLANK
from cacre.extraction.parsing.wrapping import answer_spans, is_refusal, split_at_fences

_YES = (
    "(?:是|对|真|能)(?!\\w)|是的|对的|正确|支持|成立|属实|可以"
    "|(?:yes|y|true|t|supported|supports?|correct|right|valid|entailed)(?!\\w)|√|✓|✔|✅"
)
_NO = (
    "(?:否|错|假|无)(?!\\w)|不是|不对|不正确|不支持|不成立|不属实|不能|未支持|没有|错误"
    "|(?:no|n|false|f|unsupported|contradicted|incorrect|wrong|invalid)(?!\\w)"
    "|(?:not|isn't|is not)\\s+(?:supported|correct|true|valid|entailed)|×|✗|✘|❌|✖"
)
_UNSURE = (
    "不确定|不清楚|无法(?:确定|判断)|不能确定|不知道|未知"
    "|(?:unknown|unclear|uncertain|unsure|not\\s+sure|maybe|n/?a|null|none)(?!\\w)"
)
_VERDICT = re.compile(rf"[\s*\"'`“”‘’（(\[【]*+(?:(?P<unsure>{_UNSURE})|(?P<no>{_NO})|(?P<yes>{_YES}))", re.I)
_WHOLE_VERDICT = re.compile(rf"{_VERDICT.pattern}[\s*\"'`“”‘’）)\]】。.!！|]*+", re.I)
_BEFORE_VERDICT = re.compile(r"[:：=|→]|->|\s[-–]\s|—+|[)）\]】]")
_NUMBERED = re.compile(
    r"""^[ \t\u3000>*|\-•"'`(（\[【{]*+(?:(?:第|triple|三元组|no\.?|\#|statement|candidate)[ ]?)?
        (?P<number>\d{1,6}|[①-⑳])(?!\d)(?P<mark>[ \t"'`*)）\]】.、．,，:：|\-—=>→条个号]*+)(?P<rest>[^\n]{0,400})""",
    re.I | re.X | re.M,
)
_NUMBER_KEYS = frozenset(("number", "no", "num", "n", "id", "index", "idx", "i", "编号", "序号", "号", "条"))
_VERDICT_KEYS = frozenset(
    (
        "supported",
        "support",
        "is_supported",
        "verdict",
        "answer",
        "result",
        "judgement",
        "judgment",
        "correct",
        "valid",
        "label",
        "value",
        "支持",
        "是否支持",
        "判断",
        "结果",
        "结论",
        "答案",
        "正确",
    )
)
_DEEPEST = 6


def parse_judgement(content: str, count: int) -> tuple[bool | None, ...]:
    """Read an answer to a judge prompt: JSON like `{"verdicts": [{"number": 1, "supported": true}]}`, or lines `1: 是`.

    Verdicts without numbers are taken only if there are as many as triples. Numbers from 0 are understood where they
    fit. A triple for which the answer says both yes and no counts as not judged.

    Args:
        content: The answer, as it came.
        count: How many triples were asked about, numbered from 1.

    Returns:
        For each triple whether the LLM takes it for supported; None where the answer is silent or undecided.

    Raises:
        AnswerError: No verdict can be read; `reason` is one of `empty answer`, `refusal`, `cut off while thinking`,
            `numbers that fit no triple`, `no verdict in any known form`.
    """
    if not content.strip(BLANK + "\x00"):
        raise AnswerError("empty answer", content)
    text = content[:LONGEST]
    spans = [piece for span in answer_spans(text)[0] for piece in split_at_fences(text, span)]
    said, meter = _Verdicts(count), Meter(len(text))
    if not nested_too_deeply(text):
        for block in reversed([block for span in spans for block in find_blocks(text, span)]):
            said.read_json(value_of(block, meter))
            if said.found:
                break
    prose = "\n".join(text[start:end] for start, end in spans)
    if not said.found:
        said.read_lines(prose)
    if not said.found:
        raise AnswerError("refusal" if is_refusal(prose) else "no verdict in any known form", content)
    return said.arranged(content)


def value_of(block: Block, meter: Meter) -> object:
    """The decoded value of a block; None where it cannot be mended."""
    for load in (load_strict, lambda text: load_strict(narrow_punctuation(text)), lambda text: mend(text, meter)):
        try:
            return load(block.text)
        except MendingError:
            continue
    return None


class _Verdicts:
    def __init__(self, count: int) -> None:
        self._count = count
        self._said: dict[int, set[bool | None]] = {}

    @property
    def found(self) -> bool:
        """Whether any verdict was read."""
        return bool(self._said)

    def arranged(self, content: str) -> tuple[bool | None, ...]:
        """The verdicts in the order of the triples."""
        first = 1
        if 0 in self._said:
            first = 0
        if (first == 0 and self._count in self._said) or not any(first <= n < first + self._count for n in self._said):
            raise AnswerError("numbers that fit no triple", content)
        sets = (self._said.get(number, set()) - {None} for number in range(first, first + self._count))
        return tuple(next(iter(each)) if len(each) == 1 else None for each in sets)

    def read_json(self, value: object, depth: int = 0) -> None:
        """Read a decoded value."""
        if depth > _DEEPEST:
            return
        if isinstance(value, dict):
            self._object(value, depth)
        elif isinstance(value, list):
            verdicts = [_verdict(item) for item in value if not isinstance(item, list | dict)]
            if len(verdicts) == len(value) == self._count and all(known for known, _ in verdicts):
                for number, (_, said) in enumerate(verdicts, 1):
                    self._add(number, said)
                return
            plain = [item for item in value if isinstance(item, dict)]
            if len(plain) == len(value) == self._count and not any(map(_number_of, plain)):
                for number, item in enumerate(plain, 1):
                    self._add(number, _said_in(item))
                return
            for item in value:
                self.read_json(item, depth + 1)

    def _object(self, value: dict[str, object], depth: int) -> None:
        number = _number_of(value)
        if number is not None:
            self._add(number, _said_in(value))
            return
        for key, item in value.items():
            numbered = _as_number(re.sub(r"^\D{1,10}(?=\d+$)", "", key))
            if numbered is not None:
                self._add(numbered, _said_in(item) if isinstance(item, dict) else _verdict(item))
            elif isinstance(item, list | dict):
                self.read_json(item, depth + 1)
            elif self._count == 1 and key.strip().casefold() in _VERDICT_KEYS:
                self._add(1, _verdict(item))

    def read_lines(self, text: str) -> None:
        """Read lines such as `1: 是`; where one triple was asked about, also a bare word."""
        for found in _NUMBERED.finditer(text):
            number = _as_number(found["number"])
            if number is not None and (found["mark"] or not found["number"].isascii()):
                self._add(number, _verdict_in(found["rest"]))
        lines = [line for line in text.split("\n") if line.strip()]
        if not self._said and len(lines) == self._count:
            verdicts = [_verdict(line) for line in lines]
            if all(known for known, _ in verdicts):
                for number, (_, said) in enumerate(verdicts, 1):
                    self._add(number, said)

    def _add(self, number: int, verdict: object) -> None:
        known, said = verdict if isinstance(verdict, tuple) else (True, verdict)
        if known:
            self._said.setdefault(number, set()).add(said)


def _number_of(item: dict[str, object]) -> int | None:
    for key, value in item.items():
        if key.strip().casefold() in _NUMBER_KEYS:
            return _as_number(value)
    return None


def _as_number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    digits = unicodedata.normalize("NFKC", str(value).strip()) if isinstance(value, str | int) else ""
    return int(digits) if re.fullmatch("[0-9]{1,6}", digits) else None


def _said_in(item: dict[str, object]) -> tuple[bool, bool | None]:
    """The verdict of one object: whether there is one, and which."""
    for key, value in item.items():
        if key.strip().casefold() in _VERDICT_KEYS:
            return _verdict(value)
    return False, None


def _verdict(value: object) -> tuple[bool, bool | None]:
    """Whether a value is a verdict, and which."""
    if value is None or isinstance(value, bool):
        return True, value
    if isinstance(value, str | int | float):
        text = str(value).strip()
        if text in ("0", "1"):
            return True, text == "1"
        found = _VERDICT.match(text)
        if found:
            return True, None if found["unsure"] else bool(found["yes"])
    return False, None


def _verdict_in(rest: str) -> tuple[bool, bool | None]:
    """The verdict of a line behind its number: at its end, behind the triple that it repeats, or else at its beginning.

    The end comes first since a repeated triple may begin like a verdict: `1. No Way Out, director, X: yes`.
    """
    pieces = _BEFORE_VERDICT.split(rest.rstrip(" \t|。.*"))
    for piece in reversed(pieces[1:]):
        if piece.strip():
            if _WHOLE_VERDICT.fullmatch(piece):
                return _verdict(piece)
            break
    if re.match(r"\s*[（(\[【][^（(]*[,，|、]", rest):  # a triple: what it begins with is no verdict
        return _verdict(pieces[1]) if len(pieces) > 1 else (False, None)
    return _verdict(rest)
