"""Graphs as RDF: Turtle and JSON-LD, with score, evidence and origin on each statement.

A fact is there twice. As a plain triple, so that any query finds it, and as an `rdf:Statement` (reification) that
carries what is known about it. Quoted triples (RDF-star, RDF 1.2) would be shorter, but rdflib 7.6 neither reads nor
writes them.

Everything has an IRI under a base of one's own, none is a blank node, and statements, sources and texts are named by a
hash of what they say. So the same graph gives the same bytes, and exports of two graphs can be loaded together.

| IRI, below the base | what it is | properties |
|---|---|---|
| `entity/KEY` | an entity | `rdf:type`, `rdfs:label`, `skos:altLabel`, and the facts as plain triples |
| `type/NAME` `relation/NAME` `qualifier/NAME` | a type, a relation, a slot of a complex object | `rdf:type`, \
`rdfs:label` |
| `statement/HASH` | a fact | `rdf:subject`, `rdf:predicate`, `rdf:object`, the scores, a property for each qualifier, \
`cacre:asWritten` (a value as the texts write it), `cacre:objectType`, `prov:wasDerivedFrom` |
| `source/HASH` | one text that supports it | the scores there, `dcterms:identifier` (id of the row), `oa:hasSource`, \
`oa:hasSelector`, `cacre:subjectAsWritten`, `cacre:objectAsWritten`, a property for each further key |
| `row_key/NAME` `triple_key/NAME` | a further key of the row, or of the triple | `rdf:type`, `rdfs:label` |
| `selector/HASH_N` | its N-th best piece of evidence | `oa:exact`, `oa:start`, `oa:end` (characters), `cacre:rank` |
| `text/HASH` | the text | `rdf:value` |

Names are percent-encoded in IRIs: `urllib.parse.unquote` gives them back. Labels have the language `zh` where they are
written in Han characters alone. `cacre:` is `urn:cacre:`; the scores are `cacre:probability`, `cacre:textScore` and
`cacre:pairScore`. The order of types and aliases is lost.

Further keys that are strings, numbers, true or false are such literals; all else is JSON (`rdf:JSON`).

What is surer than 0.9, with the words that say so:

```sparql
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX prov: <http://www.w3.org/ns/prov#>
PREFIX oa: <http://www.w3.org/ns/oa#>
PREFIX cacre: <urn:cacre:>
SELECT ?subject ?relation ?object ?probability ?quote WHERE {
  ?statement rdf:subject/rdfs:label ?subject ;
    rdf:predicate/rdfs:label ?relation ;
    rdf:object ?node ;
    cacre:probability ?probability ;
    prov:wasDerivedFrom/oa:hasSelector/oa:exact ?quote .
  OPTIONAL { ?node rdfs:label ?label }
  BIND (COALESCE(?label, ?node) AS ?object)
  FILTER (?probability > 0.9)
} ORDER BY DESC(?probability)
```
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from cacre.errors import MissingExtraError
from cacre.files import atomic_writer
from cacre.graph.values import DEFAULT_BASE, Graph

try:
    import rdflib
    from rdflib.namespace import RDF, XSD
    from rdflib.term import Literal, Node, URIRef

    from cacre.graph.rdf_nodes import Describer, Description, namespaces
except ImportError as error:
    raise MissingExtraError("rdflib", "graph") from error


def to_rdf(graph: Graph, base: str = DEFAULT_BASE, with_texts: bool = True) -> rdflib.Graph:
    """Give a graph as one rdflib graph, for SPARQL or any format of rdflib's.

    Args:
        graph: The graph.
        base: Absolute IRI that all names go below, ending in `/`, `#` or `:`.
        with_texts: Whether the whole texts go along. Quotes and offsets always do.

    Raises:
        ConfigError: `base` is no such IRI.
    """
    target = rdflib.Graph(bind_namespaces="none")
    for prefix, namespace in namespaces(base).items():
        target.bind(prefix, namespace)
    for node in Describer(base, with_texts).describe(graph):
        for predicate, objects in node.properties.items():
            for value in objects:
                target.add((node.iri, predicate, value))
    return target


def write_turtle(graph: Graph, path: str | Path, base: str = DEFAULT_BASE, with_texts: bool = True) -> None:
    """Write a graph as Turtle, node by node.

    rdflib's own serializer holds all triples in memory and takes several times as long.

    Args:
        graph: The graph.
        path: The file.
        base: As in `to_rdf`.
        with_texts: As in `to_rdf`.

    Raises:
        ConfigError: As in `to_rdf`.
        OSError: The file cannot be written.
    """
    prefixes = namespaces(base)
    shorten = _Shortener(prefixes)
    with atomic_writer(path) as stream:
        stream.writelines(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in prefixes.items())
        for node in Describer(base, with_texts).describe(graph):
            lines = (
                f"{'a' if predicate == RDF.type else shorten(predicate)} "
                + ", ".join(_turtle_term(value, shorten) for value in values)
                for predicate, values in node.properties.items()
            )
            stream.write(f"\n{shorten(node.iri)} " + " ;\n  ".join(lines) + " .\n")


def write_json_ld(graph: Graph, path: str | Path, base: str = DEFAULT_BASE, with_texts: bool = True) -> None:
    """Write a graph as JSON-LD, node by node, one a line.

    Args:
        graph: The graph.
        path: The file.
        base: As in `to_rdf`.
        with_texts: As in `to_rdf`.

    Raises:
        ConfigError: As in `to_rdf`.
        OSError: The file cannot be written.
    """
    prefixes = namespaces(base)
    shorten = _Shortener(prefixes)
    with atomic_writer(path) as stream:
        stream.write(f'{{"@context": {_dump(prefixes)},\n"@graph": [')
        for index, node in enumerate(Describer(base, with_texts).describe(graph)):
            stream.write((",\n" if index else "\n") + _dump(_json_ld_node(node, shorten)))
        stream.write("\n]}\n")


_EXACT = 2**53
"""Many readers of JSON take numbers for doubles, which hold all integers below this one exactly."""


class _Shortener:
    """From an IRI to `prefix:name`; local names are letters, digits, `_` and `%XX`, which no format has to escape."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._prefixes = {namespace: prefix for prefix, namespace in prefixes.items()}

    def __call__(self, iri: str) -> str:
        cut = max(iri.rfind("/"), iri.rfind("#"), iri.rfind(":")) + 1
        return f"{self._prefixes[iri[:cut]]}:{iri[cut:]}"


def _turtle_term(term: Node, shorten: _Shortener) -> str:
    if not isinstance(term, Literal):
        return shorten(str(term))
    if term.datatype == XSD.integer:
        return str(term)
    # The escapes of JSON are all among those of Turtle. `n3` of rdflib 7.6 leaves a quote unescaped where
    # several lines end in a backslash and a quote, which the grammar does not allow.
    suffix = f"@{term.language}" if term.language else f"^^{shorten(term.datatype)}" if term.datatype else ""
    return _dump(str(term)) + suffix


def _json_ld_node(node: Description, shorten: _Shortener) -> dict[str, object]:
    entry: dict[str, object] = {"@id": shorten(node.iri)}
    for predicate, terms in node.properties.items():
        is_type = predicate == RDF.type
        values = [shorten(str(term)) if is_type else _json_ld_value(term, shorten) for term in terms]
        entry["@type" if is_type else shorten(predicate)] = values[0] if len(values) == 1 else values
    return entry


def _json_ld_value(term: Node, shorten: _Shortener) -> object:
    if isinstance(term, URIRef):
        return {"@id": shorten(term)}
    if not isinstance(term, Literal):
        raise TypeError(f"{term!r} is neither an IRI nor a literal")
    if term.language:
        return {"@value": str(term), "@language": term.language}
    if term.datatype == XSD.integer and abs(int(term)) < _EXACT:
        return int(term)
    return {"@value": str(term), "@type": shorten(term.datatype)} if term.datatype else str(term)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
