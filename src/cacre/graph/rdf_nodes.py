"""What each node of a graph is in RDF: the properties that `cacre.graph.rdf` documents and writes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from urllib.parse import quote

from rdflib import Namespace
from rdflib.namespace import DCTERMS, PROV, RDF, RDFS, SKOS, XSD
from rdflib.term import Literal, Node, URIRef

from cacre.errors import ConfigError
from cacre.graph.metadata import as_object, json_text
from cacre.graph.values import Edge, Entity, Graph, Source
from cacre.types import Span

CACRE = Namespace("urn:cacre:")
OA = Namespace("http://www.w3.org/ns/oa#")
_KINDS = (
    *("entity", "relation", "type", "qualifier", "statement", "source", "selector", "text"),
    *("row_key", "triple_key"),
)
_BASE = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]*[/#:]""")
_DATE = re.compile(r"(\d{4})年(?:(\d{1,2})月(?:(\d{1,2})[日号])?)?|(\d{4})-(\d{2})(?:-(\d{2}))?", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_OTHER_SCRIPTS = re.compile(r"[\u3040-\u30ff\u1100-\u11ff\uac00-\ud7af]")
"""Kana and Hangul: what has Han characters beside these is not Chinese."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_RESERVED = {ord(character): f"%{ord(character):02X}" for character in "-.~"}


@dataclass(frozen=True, slots=True)
class Description:
    """A node with some or all of its triples.

    Args:
        iri: The node.
        properties: Predicate -> objects, in order; a dict serves as an ordered set.
    """

    iri: URIRef
    properties: dict[URIRef, dict[Node, None]] = field(default_factory=dict)

    def add(self, predicate: URIRef, value: Node) -> None:
        """Add a triple, if it is not there."""
        self.properties.setdefault(predicate, {})[value] = None


def namespaces(base: str) -> dict[str, str]:
    """Prefix -> IRI of all that is used.

    Raises:
        ConfigError: `base` is not an absolute IRI that ends in `/`, `#` or `:`.
    """
    if not _BASE.fullmatch(base):
        raise ConfigError(
            f"base {base!r:.200} must be an absolute IRI that ends in /, # or :, such as https://example.org/"
        )
    known = {"cacre": CACRE, "dcterms": DCTERMS, "oa": OA, "prov": PROV, "rdf": RDF, "rdfs": RDFS, "skos": SKOS}
    prefixes = {prefix: str(namespace) for prefix, namespace in {**known, "xsd": XSD}.items()}
    return {**prefixes, **{kind: f"{base}{kind}/" for kind in _KINDS}}


def literal_of(value: str, object_type: str = "") -> Literal:
    """A value as a typed literal where it is exactly a date or a number, else as the string it is.

    Dates are `2019年7月16日`, `2019年7月`, `2019年`, the same in ISO 8601, and, of type Date, a bare year; numbers have
    no unit, no separator and no leading zero, since a code is not a number. Of type Number nothing is a date (`1000年`
    lasts), of type Text everything is a string.

    Args:
        value: As the texts write it; full-width digits count as digits.
        object_type: Type of the object by the schema; `A/B` means either.
    """
    plain = unicodedata.normalize("NFKC", value).strip()
    types = set(object_type.split("/"))
    if types != {"Text"}:
        if types != {"Number"} and (found := _date(plain, bare_year="Date" in types)):
            return found
        if types != {"Date"} and _NUMBER.fullmatch(plain):
            return _decimal(plain)
    return Literal(value)


def _date(plain: str, bare_year: bool) -> Literal | None:
    match = _DATE.fullmatch(plain)
    if match is None:
        is_year = bare_year and _YEAR.fullmatch(plain) and int(plain)
        return Literal(plain, datatype=XSD.gYear, normalize=False) if is_year else None
    numbers = [int(group) for group in match.groups() if group]
    try:
        day = date(*numbers, *[1] * (3 - len(numbers))).isoformat()
    except ValueError:
        return None
    datatype = (XSD.gYear, XSD.gYearMonth, XSD.date)[len(numbers) - 1]
    return Literal(day[: (4, 7, 10)[len(numbers) - 1]], datatype=datatype, normalize=False)


def _decimal(number: str) -> Literal:
    """The canonical form, which has a point: Turtle reads digits alone as an integer."""
    lexical = format(Decimal(number), "f")
    return Literal(lexical if "." in lexical else f"{lexical}.0", datatype=XSD.decimal, normalize=False)


def _label(name: str) -> Literal:
    return Literal(name, lang="zh" if _HAN.search(name) and not _OTHER_SCRIPTS.search(name) else None)


def _encoded(name: str) -> str:
    # A local name of Turtle may not begin with - or hold ~, and parsers resolve a path of dots.
    return quote(name, safe="").translate(_RESERVED)


def _hash(*parts: object) -> str:
    return blake2b(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode("utf-8"), digest_size=16).hexdigest()


def _metadata_literal(value: object) -> Literal:
    if isinstance(value, bool):
        return Literal("true" if value else "false", datatype=XSD.boolean)
    if isinstance(value, int | float):
        return Literal(value) if isinstance(value, int) else _decimal(repr(value))
    text = json_text(value)
    # A string with a lone surrogate cannot stand by itself: its JSON can, with an escape.
    return Literal(value) if isinstance(value, str) and _encodable(value) else Literal(text, datatype=RDF.JSON)


def _encodable(text: str) -> bool:
    return not _SURROGATE.search(text)


class Describer:
    """Turns a graph into descriptions; each name, source and text is described once.

    Args:
        base: As in `namespaces`.
        with_texts: Whether the whole texts go along.
    """

    def __init__(self, base: str, with_texts: bool) -> None:
        self._namespaces, self._with_texts = namespaces(base), with_texts
        self._described: set[URIRef] = set()
        self._pending: list[Description] = []

    def describe(self, graph: Graph) -> Iterator[Description]:
        """Give the entities with their facts, then the statements."""
        facts: dict[str, list[Edge]] = {}
        for edge in graph.edges:
            facts.setdefault(edge.subject, []).append(edge)
        for entity in graph.entities.values():
            self._entity(entity, facts.get(entity.key, ()))
            yield from self._taken()
        for edge in graph.edges:
            self._statement(edge)
            yield from self._taken()

    def _taken(self) -> list[Description]:
        taken, self._pending = self._pending, []
        return taken

    def _iri(self, kind: str, name: str) -> URIRef:
        return URIRef(self._namespaces[kind] + _encoded(name))

    def _first(self, node: URIRef) -> bool:
        is_new = node not in self._described
        self._described.add(node)
        return is_new

    def _start(self, iri: URIRef, *classes: URIRef) -> Description:
        node = Description(iri)
        for of_class in classes:
            node.add(RDF.type, of_class)
        self._pending.append(node)
        return node

    def _named(self, kind: str, name: str, of_class: URIRef) -> URIRef:
        node = self._iri(kind, name)
        if self._first(node):
            self._start(node, of_class).add(RDFS.label, _label(name))
        return node

    def _type(self, name: str) -> URIRef:
        return self._named("type", name, RDFS.Class)

    def _entity(self, entity: Entity, facts: Sequence[Edge]) -> None:
        node = self._start(self._iri("entity", entity.key), CACRE.Entity)
        for name in entity.types:
            node.add(RDF.type, self._type(name))
        node.add(RDFS.label, _label(entity.name))
        for alias in entity.aliases:
            node.add(SKOS.altLabel, _label(alias))
        for edge in facts:
            node.add(*self._fact(edge))

    def _fact(self, edge: Edge) -> tuple[URIRef, Node]:
        value = literal_of(edge.object, edge.object_type) if edge.is_value else self._iri("entity", edge.object)
        return self._named("relation", edge.predicate, RDF.Property), value

    def _statement(self, edge: Edge) -> None:
        names = (edge.subject, edge.predicate, edge.object, edge.is_value, edge.object_type, dict(edge.qualifiers))
        relation, value = self._fact(edge)
        node = self._start(self._iri("statement", _hash(*names)), RDF.Statement)
        node.add(RDF.subject, self._iri("entity", edge.subject))
        node.add(RDF.predicate, relation)
        node.add(RDF.object, value)
        if edge.is_value:
            node.add(CACRE.asWritten, Literal(edge.object))
        if edge.object_type:
            node.add(CACRE.objectType, self._type(edge.object_type))
        for slot, filler in edge.qualifiers.items():
            node.add(self._named("qualifier", slot, RDF.Property), Literal(filler))
        pair_score = max((s.pair_score for s in edge.sources if s.pair_score is not None), default=None)
        _add_scores(node, edge.probability, edge.text_score, pair_score)
        for source in edge.sources:
            node.add(PROV.wasDerivedFrom, self._source(source))

    def _source(self, source: Source) -> URIRef:
        scores = (source.probability, source.text_score, source.pair_score)
        metadata = {"row_key": source.row_metadata, "triple_key": source.triple_metadata}
        # Without further keys the name is what it was before these were kept.
        more = tuple(metadata.values()) if any(metadata.values()) else ()
        name = _hash(source.text, source.row, source.evidence, source.subject, source.object, *scores, *more)
        iri = self._iri("source", name)
        if not self._first(iri):
            return iri
        node = self._start(iri, OA.SpecificResource)
        if source.row is not None:
            node.add(DCTERMS.identifier, Literal(source.row))
        for predicate, said in ((CACRE.subjectAsWritten, source.subject), (CACRE.objectAsWritten, source.object)):
            if said:
                node.add(predicate, Literal(said))
        _add_scores(node, *scores)
        for kind, keys in metadata.items():
            for key, value in as_object(keys).items():
                node.add(self._named(kind, key, RDF.Property), _metadata_literal(value))
        node.add(OA.hasSource, self._text(source.text))
        for rank, (span, words) in enumerate(zip(source.evidence, source.quotes, strict=True), start=1):
            node.add(OA.hasSelector, self._selector(f"{name}_{rank}", rank, span, words))
        return iri

    def _selector(self, name: str, rank: int, span: Span, words: str) -> URIRef:
        node = self._start(self._iri("selector", name), OA.TextPositionSelector, OA.TextQuoteSelector)
        for predicate, number in ((CACRE.rank, rank), (OA.start, span[0]), (OA.end, span[1])):
            node.add(predicate, Literal(number))
        node.add(OA.exact, Literal(words))
        return node.iri

    def _text(self, text: str) -> URIRef:
        iri = self._iri("text", _hash(text))
        if self._first(iri):
            node = self._start(iri, CACRE.Text)
            if self._with_texts:
                node.add(RDF.value, Literal(text))
        return iri


def _add_scores(
    node: Description, probability: float | None, text_score: float | None, pair_score: float | None
) -> None:
    scores = {CACRE.probability: probability, CACRE.textScore: text_score, CACRE.pairScore: pair_score}
    for predicate, score in scores.items():
        if score is not None:
            node.add(predicate, _decimal(repr(float(score))))
