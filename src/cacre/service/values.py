"""What the service is made with, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cacre.inference import OnnxVerifier


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What clients are told about the verifier.

    Args:
        name: Name of the model, without the folders that it lies in.
        schema: Name of the relation schema of the checks.
        relations: The schema's relations.
        text_threshold: Smallest `text_score` that is kept.
        pair_thresholds: Smallest `pair_score` that is kept, by what a triple is compared with.
        new_relations: Relations of the schema that the model has not learned.
        new_text_threshold: Smallest `text_score` that is kept of these.
        new_pair_thresholds: Smallest `pair_score` that is kept of these, by what a triple is compared with.
        calibrated: Whether verdicts have a `probability`.
    """

    name: str
    schema: str
    relations: tuple[str, ...]
    text_threshold: float
    pair_thresholds: Mapping[str, float]
    new_relations: tuple[str, ...]
    new_text_threshold: float
    new_pair_thresholds: Mapping[str, float]
    calibrated: bool

    @classmethod
    def of(cls, verifier: OnnxVerifier) -> ModelInfo:
        """Describe a verifier, with the thresholds that apply."""
        rules, fitted = verifier.rules, verifier.thresholds
        schema = rules.schema or verifier.schema
        new = fitted.of(new_relation=True)
        pairs, new_pairs = fitted.pair_thresholds, new.pair_thresholds
        if rules.pair_threshold is not None:
            pairs = new_pairs = dict.fromkeys(("paraphrase", "schema", "siblings"), rules.pair_threshold)
        return cls(
            name=verifier.path.resolve().name,
            schema=schema.name,
            relations=tuple(relation.name for relation in schema),
            text_threshold=fitted.text_threshold if rules.text_threshold is None else rules.text_threshold,
            pair_thresholds=dict(pairs),
            new_relations=tuple(sorted(verifier.new_relations)),
            new_text_threshold=new.text_threshold if rules.text_threshold is None else rules.text_threshold,
            new_pair_thresholds=dict(new_pairs),
            calibrated=fitted.calibration is not None,
        )


async def _nothing() -> None:
    """Close what needs no closing."""


@dataclass(frozen=True, slots=True)
class Proposer:
    """What proposes triples for a text: an LLM, or a trained extractor.

    Args:
        name: Whom `GET /v1/model` names.
        propose: Gives the keys to put into a text's row: `triples`, and whatever says where they are from.
        aclose: Closes connections when the service ends.
    """

    name: str
    propose: Callable[[str], Awaitable[Mapping[str, Any]]]
    aclose: Callable[[], Awaitable[None]] = _nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered.

    Args:
        content: The body, a JSON object.
        counts: Numbers for the log; neither texts nor names.
    """

    content: Mapping[str, Any]
    counts: Mapping[str, int] = field(default_factory=dict)


def name_of(model: str | Path) -> str:
    """The last part of a model's path, so that nobody is told where it lies."""
    return Path(model).name or str(model)
