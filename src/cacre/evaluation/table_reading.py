"""From verdict rows and labels to a `ScoreTable`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cacre.data import Row, read_rows
from cacre.data.normalisation import normalise_name, normalise_triple
from cacre.data.rows import VerdictItem, VerdictRow, content_of
from cacre.data.triple_labels import Judgement
from cacre.errors import DataError
from cacre.evaluation.label_reading import WANTED, LabelFile, RowLabels, labels_of
from cacre.evaluation.score_table import Floats, LabelSource, ScoreTable
from cacre.inference.pairing import plan_companions
from cacre.schema import Schema
from cacre.types import Candidate, Triple

UNNAMED_STRATEGY = "schema or siblings"
"""Strategy of a pair score that was not found by a paraphrase of the row, where no schema tells the other two apart."""


@dataclass(frozen=True)
class Reading:
    """A table and what was left out of it.

    Args:
        table: The labelled candidates.
        triples: `[N]`; what each candidate says.
        texts: `[T]`; the texts, by their numbers in the table.
        unjudged: Candidates without a label, or on which the judges differed.
        repeated: Candidates that repeat one of the same row (after normalisation).
        rows_without_labels: Rows for which there is no label at all; their candidates are not in `unjudged`.
    """

    table: ScoreTable
    triples: Sequence[Triple]
    texts: Sequence[str]
    unjudged: int = 0
    repeated: int = 0
    rows_without_labels: int = 0


def read_score_table(
    verdicts: str | Path,
    labels: str | Path | None = None,
    *,
    source: LabelSource,
    training: Iterable[tuple[str, str]] | None = None,
    schema: Schema | None = None,
) -> ScoreTable:
    """The table of `read_labelled_scores`, without what was left out.

    Raises:
        DataError: As there.
    """
    return read_labelled_scores(verdicts, labels, source=source, training=training, schema=schema).table


def read_labelled_scores(
    verdicts: str | Path,
    labels: str | Path | None = None,
    *,
    source: LabelSource,
    training: Iterable[tuple[str, str]] | None = None,
    schema: Schema | None = None,
) -> Reading:
    """Read the scores of verdict rows and find their labels.

    A text's number is that of the first row that has it, counted from 0. Rows without labels keep theirs; nothing is
    in them.
    Verdict rows do not say how a pair score was found. A paraphrase of the row always comes first; the schema and the
    siblings are told apart only where the model's schema is given, else their strategy is `UNNAMED_STRATEGY`.

    Args:
        verdicts: What `cacre filter --all` writes (all candidates of a text, not the kept ones alone); `-` is standard
            input.
        labels: A file of labels, joined by id or by text; None takes those in the verdict rows themselves. Shapes:
            `{"id", "triples": [{"triple", "supported"}]}`, `labels` aligned with `triples`, `label` or `supported` in
            each triple, contrastive rows (`lists`), rows with `gold`, `spo_list` or plain `triples` (`gold`).
        source: Who says what is right.
        training: (subject, object) of the triples that a verifier learned from; None leaves `seen` unknown.
        schema: The model's relation schema.

    Raises:
        DataError: A file cannot be read, a row is not well formed or has no score, or no candidate has a label.
    """
    label_file = None if labels is None else LabelFile(labels, source)
    columns = _Columns()
    for row in read_rows(verdicts, "verdicts"):
        content = content_of(row, VerdictRow)
        try:
            found = labels_of(row.raw, source) if label_file is None else label_file.find(content.id, content.text)
        except DataError as error:
            raise row.error(error.reason, error.field) from error
        columns.add(row, found, schema)
    if not columns.labels:
        held = "the rows themselves hold none" if labels is None else f"none fits in {labels}"
        reason = f"no candidate of {len(columns.texts)} rows has a label of source {source!r} ({held})"
        raise DataError(f"{reason}: a row needs {WANTED[source]}", path=str(verdicts))
    return columns.reading(source, None if training is None else _names(training))


@dataclass
class _Columns:
    """The columns of a table while it grows."""

    numbers: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)
    judged: dict[int, dict[Triple, Judgement]] = field(default_factory=dict)
    gold: dict[int, frozenset[Triple]] = field(default_factory=dict)
    text: list[int] = field(default_factory=list)
    triples: list[Triple] = field(default_factory=list)
    labels: list[bool] = field(default_factory=list)
    kinds: list[str | None] = field(default_factory=list)
    strategies: list[str | None] = field(default_factory=list)
    scores: list[tuple[float | None, ...]] = field(default_factory=list)
    unjudged: int = 0
    repeated: int = 0
    rows_without_labels: int = 0

    def add(self, row: Row, found: RowLabels | None, schema: Schema | None) -> None:
        content = content_of(row, VerdictRow)
        number = self.numbers.setdefault(content.text, len(self.texts))
        self.texts.append(content.text)
        self.missed.append(0)
        if found is None:
            self.rows_without_labels += 1
            return
        strategies = _strategies(content.triples, schema)
        judged: dict[Triple, Judgement] = {}
        for index, (item, strategy) in enumerate(zip(content.triples, strategies, strict=True)):
            triple = normalise_triple(item.triple)
            self.repeated += triple in judged
            if triple in judged:
                continue
            judged[triple] = found.of(triple)
            if item.text_score is None:
                raise row.error("is null: measuring needs a score of each candidate", f"triples[{index}].text_score")
            try:
                self._append(number, item, judged[triple], strategy)
            except DataError as error:
                raise row.error(error.reason, f"triples[{index}].{error.field}") from error
        self._count_missed(number, found, judged)

    def _count_missed(self, number: int, found: RowLabels, judged: Mapping[Triple, Judgement]) -> None:
        """What none of the rows of a text proposes, whose gold may stand in each of them."""
        whole = self.judged.setdefault(number, {})
        whole |= judged
        if found.gold is not None:
            gold = self.gold[number] = self.gold.get(number, frozenset()) | found.gold
            right = sum(judgement.right is True for judgement in whole.values())
            self.missed[number] = replace(found, gold=gold).missed(right, frozenset(whole))

    def _append(self, number: int, item: VerdictItem, judgement: Judgement, strategy: str | None) -> None:
        if judgement.right is None:
            self.unjudged += 1
            return
        self.text.append(number)
        self.triples.append(item.triple)
        self.labels.append(judgement.right)
        self.kinds.append(None if judgement.right else judgement.kind)
        self.strategies.append(strategy)
        self.scores.append((item.text_score, item.pair_score, item.probability, _agreement(item)))

    def reading(self, source: LabelSource, names: frozenset[str] | None) -> Reading:
        text_score, pair_score, probability, agreement = np.asarray(self.scores, dtype=np.float64).T
        table = ScoreTable(
            label_source=source,
            text=np.asarray(self.text, dtype=np.int64),
            labels=np.asarray(self.labels, dtype=bool),
            text_score=text_score,
            pair_score=pair_score,
            strategy=self.strategies,
            relation=[triple.predicate for triple in self.triples],
            text_length=np.asarray([len(self.texts[number]) for number in self.text], dtype=np.int64),
            missed_gold=np.asarray(self.missed, dtype=np.int64),
            probability=probability,
            agreement=agreement,
            error_kind=self.kinds,
            seen=_seen(self.triples, names),
        )
        return Reading(table, self.triples, self.texts, self.unjudged, self.repeated, self.rows_without_labels)


def _strategies(items: Sequence[VerdictItem], schema: Schema | None) -> list[str | None]:
    """How each pair score was found; None where there is none."""
    candidates = [Candidate(item.triple, paraphrase=item.paraphrase) for item in items]
    named: list[str | None]
    if schema is None:
        own = [c.paraphrase is not None and c.paraphrase != c.triple for c in candidates]
        named = ["paraphrase" if given else UNNAMED_STRATEGY for given in own]
    else:
        named = [plan.strategy or UNNAMED_STRATEGY for plan in plan_companions(candidates, schema)]
    return [None if item.pair_score is None else name for item, name in zip(items, named, strict=True)]


def _agreement(item: VerdictItem) -> float | None:
    """Share of the LLM's samples that said it, where the extractor says so."""
    value = (item.model_extra or {}).get("agreement")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1):
        raise DataError(f"expected a share in [0, 1], got {value!r:.80}", field="agreement")
    return value


def _names(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(normalise_name(name) for pair in pairs for name in pair)


def _seen(triples: Sequence[Triple], names: frozenset[str] | None) -> Floats:
    if names is None:
        return np.full(len(triples), np.nan)
    known = [normalise_name(t.subject) in names and normalise_name(t.object) in names for t in triples]
    return np.asarray(known, dtype=np.float64)
