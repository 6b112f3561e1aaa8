"""openodke: a grounder, named in a configuration as `cacre.adapters.openodke:CacreGrounder`."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from cacre.adapters.judging import judge
from cacre.adapters.names import Names, first_said, names_for
from cacre.errors import ConfigError
from cacre.extras import needs_extra
from cacre.inference import Verifier, load_verifier
from cacre.inference.decision import reason_kind
from cacre.inference.verifier import MAX_CANDIDATES, MAX_TEXT_CHARACTERS
from cacre.schema import load_schema
from cacre.types import Candidate, Triple

with needs_extra("openodke"):
    from openodke.ground import SpanGrounder, located
    from openodke.types import Document, Entity, Fact, GroundingVerdict, Polarity

_LOG = logging.getLogger(__name__)
Scope = Literal["span", "document"]


class CacreGrounder:
    """Says of each fact whether the passage that it cites supports it, without a call of an LLM.

    Supported facts become `supported`, others `not_found`; never `contradicted`, since a verifier does not tell the
    two apart. So let the validator refuse both: `{use: verdict, refuse_not_found: true}`. openodke's own check of
    spans comes first. What cannot be judged stays `unchecked`: denials, partial claims, and objects that are neither
    entities nor strings, numbers or dates.

    Args:
        model: Name of a bundled model, or a model folder.
        verifier: A verifier to use instead.
        predicates: The ontology's predicate -> the schema's, `^` before one that is read from object to subject.
        types: The ontology's type -> the schema's.
        schema: Name or path of a schema where predicates are looked up; None takes the model's.
        scope: What is read: the cited `span`, or the whole `document`, where the span leaves the subject out.

    Raises:
        ConfigError: `scope` is unknown, or a predicate is empty.
        CacreError: Model or schema cannot be loaded.
    """

    def __init__(
        self,
        model: str | Path = "mini-zh",
        *,
        verifier: Verifier | None = None,
        predicates: Mapping[str, str] | None = None,
        types: Mapping[str, str] | None = None,
        schema: str | Path | None = None,
        scope: Scope = "span",
    ) -> None:
        if scope not in ("span", "document"):
            raise ConfigError(f"scope must be 'span' or 'document', got {scope!r}")
        self._verifier = verifier or load_verifier(model)
        names = Names(predicates or {}, types or {}, load_schema(schema) if schema else None)
        self._names = names_for(self._verifier, names)
        self._scope = scope
        self._spans = SpanGrounder()
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._lock = Lock()

    def ground(self, fact: Fact, doc: Document) -> Fact:
        """One fact with its verdict."""
        return self.ground_many([fact], doc)[0]

    def ground_many(self, facts: Sequence[Fact], doc: Document) -> list[Fact]:
        """The facts of a document with their verdicts, in order. A verdict that a fact has already stands."""
        checked = [self._spans.ground(fact, doc) for fact in facts]
        rows: dict[str, list[tuple[int, Candidate]]] = {}
        for place, fact in enumerate(checked):
            if fact.verdict is not GroundingVerdict.UNCHECKED:
                self._count("skipped")
                continue
            passage = self._passage(fact, doc)
            candidate = self._candidate(fact, passage)
            if candidate is None or not 0 < len(passage.strip()) <= len(passage) <= MAX_TEXT_CHARACTERS:
                self._count("unchecked")
                _LOG.info("fact %s cannot be judged and stays unchecked", fact.id)
                continue
            rows.setdefault(passage, []).append((place, candidate))
        return self._stamped(checked, rows)

    @property
    def stats(self) -> dict[str, Any]:
        """Counts so far: verdicts, facts that stayed unchecked or had a verdict already, reasons, the span check."""
        with self._lock:
            return {**self._counts, "reasons": dict(self._reasons), "span": self._spans.stats}

    def _stamped(self, facts: list[Fact], rows: Mapping[str, list[tuple[int, Candidate]]]) -> list[Fact]:
        parts = [
            (text, found[start : start + MAX_CANDIDATES])
            for text, found in rows.items()
            for start in range(0, len(found), MAX_CANDIDATES)
        ]
        asked = [(text, [candidate for _, candidate in found]) for text, found in parts]
        for (_, found), verdicts in zip(parts, judge(self._verifier, asked), strict=True):
            for (place, _), verdict in zip(found, verdicts, strict=True):
                outcome = GroundingVerdict.SUPPORTED if verdict.supported else GroundingVerdict.NOT_FOUND
                facts[place] = facts[place].model_copy(update={"verdict": outcome})
                self._count(outcome.value, verdict.reason)
        return facts

    def _passage(self, fact: Fact, doc: Document) -> str:
        evidence = located(fact, doc)
        span = evidence.span if evidence is not None and self._scope == "span" else None
        passage: str = doc.text if span is None else span.resolve(doc)
        return passage

    def _candidate(self, fact: Fact, passage: str) -> Candidate | None:
        value = fact.object_value
        entity = fact.object_entity
        literal = isinstance(value, str | int | float | date) and not isinstance(value, bool)
        if fact.polarity is not Polarity.ASSERTED or (entity is None and not literal):
            return None
        object_ = str(value) if entity is None else first_said(passage, _names_of(entity))
        said = Triple(first_said(passage, _names_of(fact.subject)), fact.predicate, object_)
        return self._names.candidate(said, fact.subject.type, entity.type if entity else None)

    def _count(self, what: str, reason: str | None = None) -> None:
        with self._lock:
            self._counts[what] += 1
            if reason is not None:
                self._reasons[reason_kind(reason)] += 1


def _names_of(entity: Entity) -> tuple[str, ...]:
    return (entity.label or entity.key, *entity.aliases)
