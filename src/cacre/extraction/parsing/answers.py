"""`parse_answer`: from what an LLM said to triples."""

from __future__ import annotations

from collections.abc import Sequence

from cacre.errors import AnswerError
from cacre.extraction.parsing.bounded_repair import nested_too_deeply
from cacre.extraction.parsing.json_answers import find_blocks, read_blocks, read_whole
from cacre.extraction.parsing.parts import BLANK
from cacre.extraction.parsing.plain_lines import read_lines
from cacre.extraction.parsing.reading import Read, Reading
from cacre.extraction.parsing.token_logprobs import with_logprobs
from cacre.extraction.parsing.versions import LEFT_OUT
from cacre.extraction.parsing.whole_part import TAIL
from cacre.extraction.parsing.wrapping import answer_spans, is_refusal, reports_nothing, split_at_fences
from cacre.extraction.values import AnswerKind, ParsedAnswer, SaidTriple
from cacre.llm.chat import TokenLogprob
from cacre.types import Span

LONGEST = 200_000
"""Characters of an answer that are read; what comes after is left out, with a note among the repairs."""


def parse_answer(
    content: str,
    kind: AnswerKind,
    logprobs: Sequence[TokenLogprob] | None = None,
    predicates: frozenset[str] = frozenset(),
    *,
    cut_off: bool = False,
) -> ParsedAnswer:
    """Read an answer to an extraction prompt: JSON, broken JSON, or lines such as `锚点：（实体1，关系，实体2）`.

    Where an answer holds a draft and a final version, the last complete one counts; what only the draft says becomes
    fragments. Lists may have unequal lengths and
    are given as they are. What cannot be read becomes a fragment. Lists that were not asked for are left out; all that
    was mended or left out is counted in `repairs`.

    Args:
        content: The answer, as it came.
        kind: What was asked for.
        logprobs: Its tokens with their log probabilities, if the server gave them.
        predicates: Names of the relations asked for; they show where to cut a line such as `（甲，乙，导演，丙）`.
        cut_off: Whether the server says that it ended the answer early: its last line may lack its end, and that it
            names nothing does not mean that there is nothing.

    Raises:
        AnswerError: There is no triple in it and it does not say that there is none; `reason` is one of `empty
            answer`, `refusal`, `cut off while thinking`, `cut off before the first complete triple`, `nested too
            deeply`, `no triple could be read`, `no triples in any known form`.
    """
    if not content.strip(BLANK + "\x00"):
        raise AnswerError("empty answer", content)
    reading = _read(content, content[:LONGEST], kind, predicates, cut_off)
    if cut_off:
        reading.repairs["answer cut off"] += 1
        if not any("cut off" in fragment.reason for fragment in reading.fragments):
            reading.fail(content[-TAIL:], "cut off")
    if len(content) > LONGEST:
        reading.repairs["answer too long: end left out"] += 1
    if logprobs is not None:
        reading.reads = with_logprobs(content, reading.reads, logprobs)
    return _arranged(reading, kind)


def _read(content: str, text: str, kind: AnswerKind, predicates: frozenset[str], cut_off: bool) -> Reading:
    deep = nested_too_deeply(text)
    whole = None if deep else read_whole(text, kind)
    if whole and (whole.reads or whole.empty or whole.fragments):
        return _checked(whole, content, deep, cut_off)
    kept, thoughts = answer_spans(text)
    spans = [piece for span in kept for piece in split_at_fences(text, span)]
    blocks = [] if deep else [block for span in spans for block in find_blocks(text, span)]
    beside = _between(spans, [(block.start, block.end) for block in blocks])
    reading = json = read_blocks(text, blocks, kind)
    if json.empty and not json.reads:
        # What the blocks hold was taken back, or never meant: read as lines it would come in again.
        reading.extend(read_lines(text, beside, predicates, cut_off=cut_off))
    elif not json.reads:
        lines = read_lines(text, spans, predicates, cut_off=cut_off)
        if lines.reads or (lines.fragments and not json.fragments):
            reading = lines
        reading.empty = lines.empty and not cut_off
    elif left := len(read_lines(text, beside).reads):
        reading.repairs["lines beside json left out"] += left
    if thoughts:
        reading.repairs["thinking removed"] += thoughts
    if len(spans) > len(kept):
        reading.repairs["fences removed"] += len(spans) - len(kept)
    if not reading.reads:
        said = "".join(text[start:end] for start, end in spans)
        reading.empty = reading.empty or (reports_nothing(said) and not cut_off)
        if kept[-1][1] < len(text) and not reading.empty:
            raise AnswerError("cut off while thinking", content)
        if is_refusal(said) and not reports_nothing(said):
            raise AnswerError("refusal", content)
    return _checked(reading, content, deep, cut_off)


def _checked(reading: Reading, content: str, deep: bool, cut_off: bool) -> Reading:
    """The reading, if there is a triple in it or nothing to be read.

    Raises:
        AnswerError: Neither.
    """
    # What a draft said before the answer that there is nothing is among the fragments, too.
    if reading.reads or (reading.empty and (not reading.fragments or reading.repairs[LEFT_OUT])):
        return reading
    if deep:
        raise AnswerError("nested too deeply", content)
    if cut_off or reading.repairs["json cut off"] or reading.repairs["lines cut off"]:
        raise AnswerError("cut off before the first complete triple", content)
    raise AnswerError("no triple could be read" if reading.fragments else "no triples in any known form", content)


def _between(spans: list[Span], taken: list[Span]) -> list[Span]:
    """What is left of `spans` without the stretches `taken`, both in order."""
    left = []
    for start, end in spans:
        for begin, stop in taken:
            if start <= begin < end:
                left.append((start, begin))
                start = stop
        left.append((start, end))
    return left


def _arranged(reading: Reading, kind: AnswerKind) -> ParsedAnswer:
    """The triples by list; unnamed ones are anchors unless there is a list of anchors beside them."""
    lists: dict[str, list[SaidTriple]] = {"anchors": [], "positives": [], "negatives": []}
    named = reading.names
    for read in reading.reads:
        if kind == "triples" and read.name in ("positives", "negatives"):
            reading.repairs["list not asked for left out"] += 1
        elif read.name == "triples" and kind == "contrastive" and "anchors" in named:
            reading.fail(_as_line(read), "triple outside the three lists")
        else:
            lists["anchors" if read.name == "triples" else read.name].append(read.said)
    return ParsedAnswer(
        tuple(lists["anchors"]),
        tuple(lists["positives"]),
        tuple(lists["negatives"]),
        tuple(reading.fragments),
        dict(+reading.repairs),
    )


def _as_line(read: Read) -> str:
    return f"({', '.join(read.said.triple)})"
