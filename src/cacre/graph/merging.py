"""Facts -> a graph: entities by identity, equal statements as one edge, inverses in one direction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cacre.graph.facts import Fact, Occurrence
from cacre.graph.identity import Identities, TypeFamilies
from cacre.graph.naming import entity_key, value_key
from cacre.graph.predicates import NAME_RELATIONS, Predicates
from cacre.graph.statements import Mention, Statement, StatementReader
from cacre.graph.values import Edge, Entity, Graph, Source
from cacre.schema import Schema


class EdgeKey(NamedTuple):
    """What makes two statements the same edge."""

    subject: str
    predicate: str
    object: str
    is_value: bool
    qualifiers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class ReadingCounts:
    """What the schema made of facts.

    Args:
        turned: Facts whose subject and object changed places.
        renamed: Facts by predicate as it was said, which is no name of the schema, and the name in its place.
        unknown: Facts by predicate that the schema lacks; they stay as they were said.
    """

    turned: int = 0
    renamed: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


class GraphMerger:
    """Merges facts under a schema.

    Args:
        schema: Relations, types and inverses.
        merge_aliases: Whether aliases make one entity of two.
        turn: Whether inverses are collapsed.
    """

    def __init__(self, schema: Schema, merge_aliases: bool, turn: bool) -> None:
        self._schema = schema
        self._predicates = Predicates(schema, turn)
        families = TypeFamilies(schema)
        self._reader = StatementReader(self._predicates, families)
        self._identities = Identities(families)
        self._merge_aliases = merge_aliases
        self._name_keys: dict[str, str] = {}

    def merge(self, facts: Iterable[Fact]) -> tuple[Graph, ReadingCounts]:
        """The graph, and what the schema made of the facts."""
        read = [self._reader.read(fact) for fact in facts]
        self._identify([statement for statement, _ in read])
        placed = self._placed(read)
        groups: defaultdict[EdgeKey, list[Statement]] = defaultdict(list)
        for key, statement in placed:
            groups[key].append(statement)
        edges = tuple(_edge(key, statements) for key, statements in groups.items())
        return Graph(self._entities(placed), edges), self._counts(read, [statement for _, statement in placed])

    def _counts(
        self, read: Sequence[tuple[Statement, tuple[Statement, ...]]], placed: Sequence[Statement]
    ) -> ReadingCounts:
        said = [(statement.fact.predicate, statement.predicate) for statement in placed]
        unknown = (s.predicate for s, readings in read if s.relation is None and not readings)
        return ReadingCounts(
            sum(statement.turned for statement in placed),
            # 丈夫 that has become 妻子 is turned, and a name of the schema before and after.
            Counter(names for names in said if names[0] != names[1] and names[0] not in self._schema),
            Counter(unknown),
        )

    def _identify(self, statements: Sequence[Statement]) -> None:
        """Decide which mentions are one entity."""
        used = dict.fromkeys(
            (self._name_key(mention.name), mention.kind, id(statement.fact.source.text))
            for statement in statements
            for mention in _entity_mentions(statement)
        )
        for name_key, kind, _ in used:
            self._identities.add(name_key, kind)
        self._identities.settle()
        if self._merge_aliases:
            claims = [(s.subject, s.object.name) for s in statements if s.predicate in NAME_RELATIONS]
            self._identities.merge((self._key(owner), owner.kind, self._name_key(name)) for owner, name in claims)

    def _placed(self, read: Sequence[tuple[Statement, tuple[Statement, ...]]]) -> list[tuple[EdgeKey, Statement]]:
        """Each statement with its edge; one of several readings joins the edge that says which it is, if one does."""
        sure = [None if readings else self._place(statement) for statement, readings in read]
        known = {placed[0] for placed in sure if placed is not None}
        return [
            placed or self._decide(statement, readings, known)
            for placed, (statement, readings) in zip(sure, read, strict=True)
        ]

    def _decide(
        self, statement: Statement, readings: Sequence[Statement], known: set[EdgeKey]
    ) -> tuple[EdgeKey, Statement]:
        placed = dict(self._place(reading) for reading in readings if self._is_known(reading))
        fitting = [key for key in placed if key in known]
        if len(fitting) == 1:
            return fitting[0], placed[fitting[0]]
        # 配偶 is 丈夫 or 妻子, which are one relation in two directions.
        both_ways = {(reading.relation, reading.turned) for reading in readings}
        unordered = len(both_ways) == 2 and len({relation for relation, _ in both_ways}) == 1
        return self._place(statement, unordered)

    def _is_known(self, statement: Statement) -> bool:
        """Whether its entities are mentioned under the types of this reading."""
        return all(self._name_key(mention.name) in self._identities for mention in _entity_mentions(statement))

    def _place(self, statement: Statement, unordered: bool = False) -> tuple[EdgeKey, Statement]:
        subject = self._key(statement.subject)
        if statement.is_value:
            object_ = value_key(statement.object.name)
        else:
            object_ = self._key(statement.object, other_than=subject)
            unordered = unordered or (statement.relation is not None and self._predicates.unordered(statement.relation))
            if unordered and object_ < subject:
                statement, subject, object_ = statement.swapped(statement.relation), object_, subject
        slots = tuple(sorted((name, value_key(value)) for name, value in statement.fact.qualifiers))
        return EdgeKey(subject, statement.predicate, object_, statement.is_value, slots), statement

    def _key(self, mention: Mention, other_than: str | None = None) -> str:
        return self._identities.find(self._name_key(mention.name), mention.kind, other_than)

    def _name_key(self, name: str) -> str:
        if name not in self._name_keys:
            self._name_keys[name] = entity_key(name)
        return self._name_keys[name]

    def _entities(self, placed: Sequence[tuple[EdgeKey, Statement]]) -> dict[str, Entity]:
        """All entities of the edges, in the order of their first mention."""
        mentions: dict[tuple[str, Mention, int], None] = {}
        aliases: dict[tuple[str, str, int], None] = {}
        for key, statement in placed:
            text = id(statement.fact.source.text)
            mentions[key.subject, statement.subject, text] = None
            if not key.is_value:
                mentions[key.object, statement.object, text] = None
            elif key.predicate in NAME_RELATIONS:
                aliases[key.subject, statement.object.name.strip(), text] = None
        spellings = _counted((key, mention.name.strip(), text) for key, mention, text in mentions)
        kinds = _counted((key, mention.kind, text) for key, mention, text in mentions if mention.kind)
        names = _counted([*((k, m.name.strip(), text) for k, m, text in mentions), *aliases])
        return {key: _entity(key, spelled[0], kinds.get(key, ()), names[key]) for key, spelled in spellings.items()}


def _entity_mentions(statement: Statement) -> tuple[Mention, ...]:
    return (statement.subject,) if statement.is_value else (statement.subject, statement.object)


def _edge(key: EdgeKey, statements: Sequence[Statement]) -> Edge:
    sources: dict[Occurrence, Source] = {}
    for statement in statements:
        source = statement.source
        occurrence = Occurrence(source.row, statement.fact.origin, source.text, source.evidence)
        known = sources.setdefault(occurrence, source)
        if _order(source) < _order(known):
            sources[occurrence] = source
    object_, qualifiers = key.object, {}
    if key.is_value:
        object_ = _most_used((statement.object.name, statement) for statement in statements)
    for name, _ in key.qualifiers:
        qualifiers[name] = _most_used((dict(s.fact.qualifiers)[name], s) for s in statements)
    return Edge(
        subject=key.subject,
        predicate=key.predicate,
        object=object_,
        is_value=key.is_value,
        object_type=statements[0].object_type,
        qualifiers=qualifiers,
        sources=tuple(sorted(sources.values(), key=lambda source: _order(source)[:3])),
    )


def _most_used(spellings: Iterable[tuple[str, Statement]]) -> str:
    """The spelling in most texts; of several the one that sorts first, so that the order of the rows has no say."""
    texts = Counter(spelling for spelling, _ in {(name.strip(), id(s.fact.source.text)) for name, s in spellings})
    return min(texts, key=lambda spelling: (-texts[spelling], spelling))


def _order(source: Source) -> tuple[float, float, float, str, str, str, str]:
    """Sorts the surest first and what has no score last; equal ones by their spelling, then by their further keys."""
    scores = (source.probability, source.text_score, source.pair_score)
    first, second, third = (2.0 if score is None else -score for score in scores)
    return first, second, third, source.subject, source.object, source.row_metadata, source.triple_metadata


def _counted(uses: Iterable[tuple[str, str, int]]) -> dict[str, list[str]]:
    """For each entity what is used for it, that of the most texts first, equally frequent ones as they came."""
    counts = Counter((key, use) for key, use, _ in dict.fromkeys(uses))
    ranked: dict[str, list[str]] = {}
    for key, use in counts:
        ranked.setdefault(key, []).append(use)
    return {key: sorted(found, key=lambda use: -counts[key, use]) for key, found in ranked.items()}


def _entity(key: str, name: str, kinds: Sequence[str], names: Sequence[str]) -> Entity:
    # 企业/品牌 means either, and says nothing beside 企业.
    told = tuple(kind for kind in kinds if "/" not in kind or not set(kind.split("/")) & set(kinds))
    return Entity(key, name, told, tuple(other for other in names if other != name))
