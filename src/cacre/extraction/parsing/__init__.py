"""Reading what LLMs really say: JSON, broken JSON, the paper's lines, thinking, refusals.

`parse_answer` reads an answer to an extraction prompt, `parse_judgement` one to a judge prompt. Both raise nothing but
`AnswerError`, whatever the string. `whole_part` takes from other answers that were cut off what is whole.
"""

from __future__ import annotations

from cacre.extraction.parsing.answers import parse_answer
from cacre.extraction.parsing.judgements import parse_judgement
from cacre.extraction.parsing.whole_part import whole_part

__all__ = ["parse_answer", "parse_judgement", "whole_part"]
