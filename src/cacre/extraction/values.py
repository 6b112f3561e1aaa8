"""What passes between the parts of extraction: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cacre.types import Triple

AnswerKind = Literal["contrastive", "triples"]
"""What an answer holds: the three lists of the paper, or one list of triples."""
Language = Literal["zh", "en"]
Style = Literal["json", "lines"]
"""What the LLM is asked to write: a JSON object, or the paper's lines such as `锚点：（实体1，关系，实体2）`."""


@dataclass(frozen=True, slots=True)
class SaidTriple:
    """A triple as the LLM said it.

    Args:
        triple: Its three parts, stripped of white space and surrounding quotes, otherwise untouched.
        subject_type: Type given to the subject, if any.
        object_type: Type given to the object, if any.
        logprob: Mean log probability of its tokens in the answer, where the server gave log probabilities.
    """

    triple: Triple
    subject_type: str | None = None
    object_type: str | None = None
    logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of an answer that could not be parsed, kept raw.

    Args:
        raw: The piece as it came.
        reason: Why it could not be parsed.
    """

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What an answer says.

    Args:
        anchors: The triples; for a contrastive answer the anchors.
        positives: The paraphrases; empty for an answer of kind `triples`. Lengths may differ: nothing is aligned yet.
        negatives: The wrong triples; empty for an answer of kind `triples`.
        fragments: Pieces that could not be parsed.
        repairs: What had to be mended to read it, counted by name, such as `json cut off` or `thinking removed`.
    """

    anchors: tuple[SaidTriple, ...]
    positives: tuple[SaidTriple, ...] = ()
    negatives: tuple[SaidTriple, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    repairs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a long text.

    Args:
        start: Offset of its first character in the whole text.
        text: Its characters, exactly as they stand in the whole text.
    """

    start: int
    text: str
