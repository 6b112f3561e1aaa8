r"""A database that knows the few queries we send, and reads Cypher as Neo4j does: escapes first, then names.

Written after Neo4j's character stream, which replaces \uXXXX everywhere in a query before it is parsed, and takes a
backslash together with what follows it.
"""

import re
from types import SimpleNamespace

from neo4j.exceptions import ServiceUnavailable

NAME = r"`((?:[^`]|``)*)`"
STRING_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"'}
CONSTRAINT = re.compile(r"CREATE CONSTRAINT (\w+) IF NOT EXISTS FOR \(n:(\w+)\) REQUIRE n\.key IS UNIQUE")
NODES = re.compile(
    rf"UNWIND \$rows AS row\s+MERGE \(node:(\w+) \{{key: row\.key\}}\)\s+(?:SET node((?::{NAME})+)\s+)?"
    r"SET node \+= row\.properties"
)
RELATIONSHIPS = re.compile(
    r"UNWIND \$rows AS row\s+MATCH \(subject:Entity \{key: row\.subject\}\)\s+"
    r"MATCH \(object:(Entity|Value) \{key: row\.object\}\)\s+"
    rf"MERGE \(subject\)-\[fact:{NAME} \{{qualifiers: row\.qualifiers\}}\]->\(object\)\s+SET fact \+= row\.properties"
)


def unescaped(query):
    """The characters that the parser sees."""
    seen = []
    place = 0
    while place < len(query):
        if query[place] != "\\":
            seen.append(query[place])
            place += 1
        elif query[place + 1] == "u":
            while query[place + 1] == "u":
                place += 1
            seen.append(chr(int(query[place + 1 : place + 5], 16)))
            place += 5
        else:
            seen.append(query[place : place + 2])
            place += 2
    return "".join(seen)


class StandIn:
    """Nodes by label and key, relationships by nodes, type and qualifiers."""

    def __init__(self):
        self.constraints, self.nodes, self.relationships = set(), {}, {}

    def run(self, query, rows=()):
        """Run a query; the counts of what is new."""
        return self.run_seen(unescaped(query), rows)

    def run_seen(self, query, rows=()):
        new_nodes = new_relationships = 0
        if found := CONSTRAINT.fullmatch(query):
            self.constraints.add(found[2])
        elif found := NODES.fullmatch(query):
            labels = {name.replace("``", "`") for name in re.findall(NAME, found[2] or "")}
            for row in rows:
                new_nodes += (found[1], row["key"]) not in self.nodes
                node = self.nodes.setdefault((found[1], row["key"]), {"labels": {found[1]}})
                node["labels"] |= labels
                change(node, row["properties"])
        elif found := RELATIONSHIPS.fullmatch(query):
            kind = found[2].replace("``", "`")
            for row in rows:
                start, end = ("Entity", row["subject"]), (found[1], row["object"])
                if start in self.nodes and end in self.nodes:
                    key = (start, kind, end, row["qualifiers"])
                    new_relationships += key not in self.relationships
                    change(self.relationships.setdefault(key, {}), row["properties"])
        else:
            raise AssertionError(f"no query of ours: {query!r}")
        return SimpleNamespace(nodes_created=new_nodes, relationships_created=new_relationships)

    def run_script(self, script):
        """Run what `cypher-shell -f` would."""
        for line in script.removesuffix(";\n").split(";\n"):
            query, rows = unescaped(line), ()
            if query.startswith("UNWIND ["):
                rows, end = read_literal(query, len("UNWIND "))
                query = f"UNWIND $rows{query[end:]}"
            self.run_seen(query, rows)


def change(properties, more):
    properties.update(more)
    for name in [name for name, value in properties.items() if value is None]:
        del properties[name]


def read_literal(text, place):
    """A list, map, string, number or null of Cypher, and where it ends."""
    if text[place] == "[":
        return read_parts(text, place, "]", read_literal, list)
    if text[place] == "{":
        return read_parts(text, place, "}", read_entry, dict)
    if text[place] == "'":
        return read_string(text, place + 1)
    found = re.compile(r"null|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?").match(text, place)
    assert found is not None, text[place : place + 40]
    value = None if found[0] == "null" else float(found[0]) if re.search("[.eE]", found[0]) else int(found[0])
    return value, found.end()


def read_parts(text, place, closing, read, kind):
    parts = []
    place += 1
    while text[place] != closing:
        part, place = read(text, place)
        parts.append(part)
        if text[place] == ",":
            place += 2
    return kind(parts), place + 1


def read_entry(text, place):
    found = re.compile(f"{NAME}: ").match(text, place)
    value, end = read_literal(text, found.end())
    return (found[1].replace("``", "`"), value), end


def read_string(text, place):
    parts = []
    while text[place] != "'":
        if text[place] == "\\":
            place += 1
            parts.append(STRING_ESCAPES[text[place]])
        else:
            parts.append(text[place])
        place += 1
    return "".join(parts), place + 1


class StandInDriver:
    """What `neo4j.GraphDatabase.driver` would give."""

    def __init__(self, database, fails_after=None):
        self.database, self.fails_after, self.calls = database, fails_after, []

    def verify_connectivity(self):
        pass

    def execute_query(self, query, parameters_=None, database_=None):
        if len(self.calls) == self.fails_after:
            raise ServiceUnavailable("gone")
        self.calls.append((query, parameters_, database_))
        counters = self.database.run(query, parameters_.get("rows", ()))
        return SimpleNamespace(summary=SimpleNamespace(counters=counters))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
