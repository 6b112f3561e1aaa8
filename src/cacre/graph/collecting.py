"""Verdict rows -> a graph: what several texts say in different words becomes one edge with several sources.

    >>> from cacre.graph import collect_graph
    >>> from cacre.schema import load_schema
    >>> judged = {"subject": "长夜", "predicate": "导演", "object": "李默", "verdict": "supported"}
    >>> graph = collect_graph([{"text": "《长夜》由李默执导。", "triples": [judged]}], load_schema())
    >>> graph.edges[0].predicate
    '导演'

Which edges come out does not depend on the order of the rows; the order of entities and edges does, and so does which
of two equally frequent spellings is shown. Keys hold within one graph: a name that two things share has the type in
its key, which a further row can make necessary.

The graph is held in memory, each text once, however many rows and edges come from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cacre.data import Row
from cacre.errors import ConfigError, DataError
from cacre.graph.facts import Fact, RowLike, facts_of, labelled_wrong, verdicts_of
from cacre.graph.merging import GraphMerger, ReadingCounts
from cacre.graph.values import Graph
from cacre.schema import Schema


@dataclass(frozen=True, slots=True)
class MergeSettings:
    """What enters a graph, and what counts as the same.

    Args:
        min_probability: Triples below this probability stay out, in [0, 1].
        merge_aliases: Whether an entity that texts call an alias (简称, 别名, 又名...) of one other entity becomes that
            entity. By default the alias is only listed with it: a short name may stand for several things.
        keep_inverses: Whether an edge and its inverse (丈夫, 妻子), both directions of a symmetric relation, and
            phrases that are read from object to subject stay as they were said.

    Raises:
        ConfigError: `min_probability` is outside of [0, 1], or a switch is not true or false.
    """

    min_probability: float = 0.0
    merge_aliases: bool = False
    keep_inverses: bool = False

    def __post_init__(self) -> None:
        value = self.min_probability
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
            raise ConfigError(f"min_probability must be a number from 0 to 1, got {value!r}")
        for name in ("merge_aliases", "keep_inverses"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be true or false, got {getattr(self, name)!r}")


@dataclass(slots=True)
class CollectCounts:
    """What became of the rows so far.

    Args:
        rows: Rows read.
        rejected: Triples that the texts do not support.
        labelled_wrong: Supported triples that a label in their row calls wrong.
        improbable: Supported triples below `min_probability`.
        triples: Triples that entered.
        edges: Edges of the graph that was made last.
        read: What the schema made of the triples of that graph.
        left_out: Further keys that are too long to be kept: name, cut short -> how often.
    """

    rows: int = 0
    rejected: int = 0
    labelled_wrong: int = 0
    improbable: int = 0
    triples: int = 0
    edges: int = 0
    read: ReadingCounts = field(default_factory=ReadingCounts)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def merged(self) -> int:
        """Triples that added a source to an edge, or nothing, instead of making an edge of their own."""
        return self.triples - self.edges


class GraphCollector:
    """Collects rows one by one and merges them into a graph.

    Args:
        schema: Canonical names, types and inverses of relations. A predicate that it lacks is kept as it is.
        settings: What enters and what merges.
    """

    def __init__(self, schema: Schema, settings: MergeSettings | None = None) -> None:
        self.counts = CollectCounts()
        self._schema = schema
        self._settings = settings or MergeSettings()
        self._facts: dict[Fact, None] = {}
        self._texts: dict[str, str] = {}

    def add(self, row: RowLike) -> None:
        """Take in the supported triples of a row, less those that a label calls wrong.

        Nothing of it enters if a part of it is at fault.

        Raises:
            DataError: The row is no verdict row, its evidence, labels, qualifiers or further keys cannot be used, or
                `min_probability` is set and a supported triple has no probability.
        """
        verdicts, left_out = verdicts_of(row), Counter[str]()
        try:
            found = list(facts_of(verdicts, self._texts.get(verdicts.text, verdicts.text), left_out))
            wrong = labelled_wrong(verdicts)
            facts = [(place, fact) for place, fact in found if place not in wrong]
            chosen = [fact for place, fact in facts if self._probable(place, fact)]
        except DataError as error:
            if isinstance(row, Row):
                raise row.error(error.reason, error.field) from error
            raise
        self.counts.rows += 1
        self.counts.rejected += len(verdicts.triples) - len(found)
        self.counts.labelled_wrong += len(found) - len(facts)
        self.counts.improbable += len(facts) - len(chosen)
        self.counts.triples += len(chosen)
        self.counts.left_out.update(left_out)
        if chosen:
            self._texts.setdefault(verdicts.text, chosen[0].source.text)
        self._facts.update(dict.fromkeys(chosen))

    def graph(self) -> Graph:
        """The graph of all rows so far.

        Raises:
            MissingExtraError: OpenCC is not installed.
        """
        merger = GraphMerger(self._schema, self._settings.merge_aliases, turn=not self._settings.keep_inverses)
        graph, self.counts.read = merger.merge(self._facts)
        self.counts.edges = len(graph.edges)
        return graph

    def _probable(self, place: int, fact: Fact) -> bool:
        least, probability = self._settings.min_probability, fact.source.probability
        if least > 0.0 and probability is None:
            reason = (
                f"is missing, but min_probability is {least}: calibrate the model and filter again, or leave it at 0"
            )
            raise DataError(reason, field=f"triples[{place}].probability")
        return probability is None or probability >= least


def collect_graph(rows: Iterable[RowLike], schema: Schema, settings: MergeSettings | None = None) -> Graph:
    """Make a graph of verdict rows, as `cacre filter` writes them.

    Args:
        rows: Rows as `read_rows` gives them, or JSON objects; read one by one.
        schema: Canonical names, types and inverses of relations.
        settings: What enters and what merges.

    Raises:
        DataError: A row cannot be used.
        MissingExtraError: OpenCC is not installed.
    """
    collector = GraphCollector(schema, settings)
    for row in rows:
        collector.add(row)
    return collector.graph()
