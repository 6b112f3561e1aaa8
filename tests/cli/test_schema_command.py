"""`cacre schema`, and the summary of `filter` that leads to it."""

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cacre.cli import app
from cacre.cli.schema import print_table
from cacre.cli.unknown_predicates import unknown_lines
from cacre.data import write_rows
from cacre.graph.predicates import VALUE_TYPES
from cacre.inference.unknown_predicates import UnknownPredicates
from cacre.schema import NOT_IN_SCHEMA, load_schema
from cacre.schema.relation import RelationEntry

TEXT = "《雾中渡》由林知远执导。"


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def listed(result):
    assert result.exit_code == 0, result.stderr
    header, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert header == ["relation", "subject", "object", "synonyms", "inverses"]
    return rows


@pytest.fixture
def port(tmp_path):
    entry = {"name": "停靠港", "subject_type": "船舶", "object_type": "地点", "inverses": ["停靠\t的船", "来船"]}
    path = tmp_path / "port.json"
    path.write_text(json.dumps({"name": "harbour", "relations": [entry]}), encoding="utf-8")
    return path


def test_a_line_a_relation_with_tabs_between():
    rows = listed(invoke("schema", "duie"))
    schema = load_schema("duie")
    assert [row[0] for row in rows] == [relation.name for relation in schema]
    (row,) = [row for row in rows if row[0] == "导演"]
    relation = schema["导演"]
    said = [", ".join(words) for words in (relation.synonyms, relation.inverses)]
    assert row == ["导演", relation.subject_type, relation.object_type, *said]


def test_the_schema_of_the_bundled_model_is_the_default():
    assert listed(invoke("schema")) == listed(invoke("schema", "mini-zh")) == listed(invoke("schema", "open"))


def test_files_and_model_folders_are_read(port, tiny_folder):
    assert listed(invoke("schema", port)) == [["停靠港", "船舶", "地点", "", "停靠 的船, 来船"]]
    assert listed(invoke("schema", tiny_folder)) == listed(invoke("schema", "duie"))


def test_json_is_a_schema_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(invoke("schema", "open", "--json").stdout, encoding="utf-8")
    assert load_schema(path) == load_schema("open")


def test_a_table_on_a_terminal(port):
    stream = io.StringIO()
    print_table(Console(file=stream, width=80), load_schema(port))
    assert "harbour: 1 relations" in stream.getvalue()
    assert "synonyms" in stream.getvalue()


@pytest.mark.parametrize("source", ["opne", "."])
def test_what_is_no_schema_is_one_line(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke("schema", source)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "duie, open" in result.stderr


def unknown(**counts):
    found = UnknownPredicates()
    for name, count in counts.items():
        for _ in range(count):
            found.add(name, NOT_IN_SCHEMA)
    return found


def test_five_unknown_predicates_are_named_the_most_frequent_first():
    schema = load_schema("open")
    first, hint = unknown_lines(unknown(a=1, b=2, c=3, d=4, e=5, f=6, g=7), schema, "my schema.json")
    assert first == "not in schema 'open': g (7), f (6), e (5), d (4), c (3) and 2 more"
    assert hint.startswith("hint: cacre schema 'my schema.json'  lists")
    assert unknown_lines(unknown(), schema, None) == []


def test_names_are_cut_and_cannot_command_the_terminal():
    (line, _) = unknown_lines(unknown(**{"\x1b[2J" + "长" * 50: 1}), load_schema("open"), None)
    assert "\x1b" not in line
    assert "…" in line


def test_other_reasons_do_not_count_and_memory_is_bounded():
    found = UnknownPredicates()
    found.add("导演", "object not in text")
    for number in range(10_010):
        found.add(f"p{number}" + "x" * 200, NOT_IN_SCHEMA)
    assert len(found.counts) == 10_000
    assert max(map(len, found.counts)) == 100


def test_filter_names_what_its_schema_lacks(tmp_path, tiny_folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    triple = {"subject": "雾中渡", "object": "林知远"}
    triples = [{**triple, "predicate": name} for name in ("气味", "导演", "气味")]
    write_rows("in.jsonl", [{"text": TEXT, "triples": triples}])
    model = shutil.copytree(tiny_folder, "judge")
    words = ["filter", "in.jsonl", "-o", "out.jsonl", "--model", model]
    result = invoke(*words)
    assert "not in schema 'duie': 气味 (2)\nhint: cacre schema judge  lists" in result.stderr
    assert "not in schema 'open': 气味 (2)\nhint: cacre schema open  lists" in invoke(*words, "--schema", "open").stderr
    assert "hint" not in invoke(*words, "--no-schema-checks").stderr
    monkeypatch.setattr("cacre.inference.folder.bundled_models", lambda: {"mini-zh": tiny_folder})
    assert "hint: cacre schema  lists" in invoke(*words[:-2]).stderr


def test_the_docs_describe_every_key_and_every_type_of_values():
    page = (Path(__file__).resolve().parents[2] / "docs" / "files.md").read_text(encoding="utf-8")
    section = page.partition("## A relation schema")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    keys = {key for row in rows for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert keys >= RelationEntry.model_fields.keys()
    words = set(re.findall(r"[\w]+", " ".join(rows).lower()))
    assert words >= VALUE_TYPES
