"""`last_object`: the JSON object that an answer ends in, for answers that are neither triples nor a judgement."""

from __future__ import annotations

from typing import Any

from cacre.errors import AnswerError
from cacre.extraction.parsing.answers import LONGEST
from cacre.extraction.parsing.bounded_repair import Meter, nested_too_deeply
from cacre.extraction.parsing.json_answers import find_blocks
from cacre.extraction.parsing.judgements import value_of
from cacre.extraction.parsing.parts import BLANK
from cacre.extraction.parsing.wrapping import answer_spans, is_refusal, split_at_fences


def last_object(content: str, key: str) -> dict[str, Any]:
    """Read the last JSON object of an answer that has a key; broken JSON is mended.

    Where there is none, the last bare list stands for an object that has it under the key. Numbers are
    strings, as they were written.

    Args:
        content: The answer, as it came.
        key: What the object must have.

    Raises:
        AnswerError: `reason` is one of `empty answer`, `refusal`, `cut off while thinking`, `nested too deeply`,
            `no JSON object with ...`.
    """
    if not content.strip(BLANK + "\x00"):
        raise AnswerError("empty answer", content)
    text = content[:LONGEST]
    if nested_too_deeply(text):
        raise AnswerError("nested too deeply", content)
    spans = [piece for span in answer_spans(text)[0] for piece in split_at_fences(text, span)]
    meter = Meter(len(text))
    values = [value_of(block, meter) for span in spans for block in find_blocks(text, span)]
    found = [value for value in values if isinstance(value, dict) and key in value]
    found = found or [{key: value} for value in values if isinstance(value, list)]
    if found:
        return found[-1]
    prose = "".join(text[start:end] for start, end in spans)
    raise AnswerError("refusal" if is_refusal(prose) else f"no JSON object with {key!r}", content)
