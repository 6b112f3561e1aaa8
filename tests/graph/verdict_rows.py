"""Verdict rows and their graphs in few words."""

from cacre.graph import MergeSettings, collect_graph
from cacre.schema import Schema, load_schema

OPEN = load_schema("open")
TEXT = "《长夜》由李默执导，二〇一九年上映。"


def triple(subject, predicate, object_, verdict="supported", **more):
    return {"subject": subject, "predicate": predicate, "object": object_, "verdict": verdict, **more}


def row(*triples, text=TEXT, **more):
    return {"text": text, "triples": [t if isinstance(t, dict) else triple(*t) for t in triples], **more}


def graph_of(*rows, schema=OPEN, **settings_):
    return collect_graph(rows, schema, MergeSettings(**settings_))


def edges_of(graph):
    return {(edge.subject, edge.predicate, edge.object) for edge in graph.edges}


def schema_of(*relations):
    return Schema.of("s", relations)
