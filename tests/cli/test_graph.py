"""`cacre graph` on verdict rows as `cacre filter` writes them."""

import csv
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cacre.cli import app
from cacre.cli.graph_export import Formats
from cacre.data import write_rows

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "graph.md"
SINGLE_FILES = ("turtle", "json-ld", "graphml", "node-link", "cypher")
FOLDERS = ("csv", "parquet", "neo4j-admin")
FILM = "《雾中渡》由林知远执导，沈青编剧。"
COUPLE = "沈青的丈夫是周一鸣。"


def judged(subject, predicate, object_, probability=0.9, verdict="supported", **more):
    return {
        "subject": subject,
        "predicate": predicate,
        "object": object_,
        "verdict": verdict,
        "probability": probability,
        "evidence": [[0, 2]],
        **more,
    }


ROWS = [
    {"id": "r1", "text": FILM, "triples": [judged("雾中渡", "导演", "林知远"), judged("雾中渡", "编剧", "沈青", 0.4)]},
    {"id": "r2", "text": f"又闻{FILM}", "triples": [judged("《雾中渡》", "导演", "林知远", 0.7)]},
    {"id": "r3", "text": COUPLE, "triples": [judged("沈青", "丈夫", "周一鸣"), judged("周一鸣", "妻子", "沈青")]},
    {"id": "r4", "text": COUPLE, "triples": [judged("沈青", "父亲", "周一鸣", 0.1, "rejected", reason="x")]},
]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_rows("kept.jsonl", ROWS)
    return "kept.jsonl"


def run(*words, **more):
    return CliRunner().invoke(app, ["graph", *words], **more)


def test_further_keys_arrive_and_what_is_too_long_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = {"url": "https://example.org/1", "html": "<p>" * 10_000}
    write_rows("kept.jsonl", [{"text": FILM, "triples": [judged("雾中渡", "导演", "林知远", note="甲")], **page}])
    result = run("kept.jsonl", "--to", "node-link", "-o", "graph.json")
    assert result.exit_code == 0, result.output
    assert (
        "1 further keys left out, too long for a graph (4000 characters a key, 16000 together): 'html'" in result.stderr
    )
    (edge,) = json.loads(Path("graph.json").read_bytes())["edges"]
    assert edge["sources"][0]["row_metadata"] == {"url": "https://example.org/1"}
    assert edge["sources"][0]["triple_metadata"] == {"note": "甲"}


def edges_of(path):
    return [(e["source"], e["predicate"], e["target"]) for e in json.loads(Path(path).read_bytes())["edges"]]


def test_duplicates_and_inverses_are_merged_and_counted(kept):
    result = run(kept, "--to", "node-link", "-o", "graph.json")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "4 rows: 5 supported triples (1 rejected left out)",
        "4 entities, 3 edges (2 merged, 1 turned triples)",
        "graph.json",
    ]
    assert sorted(edges_of("graph.json")) == sorted(
        [("雾中渡", "导演", "林知远"), ("雾中渡", "编剧", "沈青"), ("周一鸣", "妻子", "沈青")]
    )
    assert list(Path().glob("*.errors.jsonl")) == []


def test_settings_reach_the_merging(kept):
    result = run(kept, "--to", "node-link", "-o", "graph.json", "--min-probability", "0.8", "--keep-inverses")
    assert "3 supported triples (1 rejected, 2 improbable left out)" in result.stderr
    assert sorted(edges_of("graph.json")) == sorted(
        [("雾中渡", "导演", "林知远"), ("沈青", "丈夫", "周一鸣"), ("周一鸣", "妻子", "沈青")]
    )


def test_aliases_merge_when_asked(kept):
    row = {
        "text": "周一鸣又名周鸣。周鸣任教。",
        "triples": [judged("周一鸣", "别名", "周鸣"), judged("周鸣", "职业", "教师")],
    }
    write_rows(kept, [row])
    counts = []
    for more in ([], ["--merge-aliases"]):
        result = run(kept, "--to", "csv", "-o", "tables", "--schema", "open", *more)
        assert result.exit_code == 0, result.output
        with Path("tables/entities.csv").open(encoding="utf-8-sig", newline="") as stream:
            counts.append(len(list(csv.DictReader(stream))))
    assert counts[1] < counts[0]


@pytest.mark.parametrize("format", SINGLE_FILES)
def test_standard_input_and_output_are_the_same_as_files(kept, format):
    assert run(kept, "--to", format, "-o", "out").exit_code == 0
    piped = run("-", "--to", format, "-o", "-", input=Path(kept).read_bytes())
    assert piped.exit_code == 0, piped.output
    assert piped.stdout_bytes == Path("out").read_bytes()
    assert "雾中渡".encode() in piped.stdout_bytes or b"%E9%9B%BE" in piped.stdout_bytes
    assert piped.stderr.splitlines()[-1] == "standard output"


@pytest.mark.parametrize("format", FOLDERS)
def test_folders_of_an_earlier_export_are_replaced_and_others_refused(kept, format):
    for _ in range(2):
        assert run(kept, "--to", format, "-o", "out").exit_code == 0
    Path("out/theirs.txt").write_text("x", encoding="utf-8")
    before = {path: path.read_bytes() for path in Path("out").iterdir()}
    result = run(kept, "--to", format, "-o", "out")
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: out holds 'theirs.txt', which --to {format} did not write: name a new or empty folder\n"
    )
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == before
    result = run(kept, "--to", format, "-o", kept)
    assert result.exit_code != 0
    assert result.stderr


@pytest.mark.parametrize(
    ("format", "left"), [("csv", "edges.csv"), ("parquet", "sources.parquet"), ("neo4j-admin", "README.txt")]
)
def test_what_a_killed_export_left_does_not_stand_in_the_way(kept, format, left):
    Path("out").mkdir()
    Path(f"out/.{left}.abc.part").touch()
    result = run(kept, "--to", format, "-o", "out")
    assert result.exit_code == 0, result.output
    assert not list(Path("out").glob(".*"))
    Path("out/.theirs.csv.abc.part").touch()
    assert "holds '.theirs.csv.abc.part', which" in run(kept, "--to", format, "-o", "out").stderr


def test_one_folder_format_does_not_write_over_another(kept):
    assert run(kept, "--to", "csv", "-o", "out").exit_code == 0
    for format in ("parquet", "neo4j-admin"):
        assert run(kept, "--to", format, "-o", "out").exit_code == 1


def test_tables_begin_with_a_mark_for_excel_where_that_is_asked_for(kept):
    for words, mark in (([], b"key,"), (["--bom"], b"\xef\xbb\xbfkey,")):
        assert run(kept, "--to", "csv", "-o", "tables", *words).exit_code == 0
        assert Path("tables/entities.csv").read_bytes().startswith(mark)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "csv", "-o", "-"], "writes a folder"),
        (["--to", "turtle"], "needs -o"),
        (["--to", "turtle", "-o", "g.ttl", "--uri", "bolt://x"], "has no use for --uri"),
        (["--to", "neo4j"], "needs --uri"),
        (["--to", "neo4j", "--uri", "bolt://x", "-o", "g"], "has no use for -o"),
        (["--to", "csv", "-o", "t", "--base", "https://x.example/"], "--base is not for"),
        (["--to", "graphml", "-o", "g", "--without-texts"], "--without-texts is not for"),
        (["--to", "parquet", "-o", "t", "--bom"], "--bom is not for"),
        (["--to", "turtle", "-o", "kept.jsonl"], "named twice"),
        (["--to", "turtle", "-o", "."], "writes a file"),
        (["--to", "rdfxml", "-o", "g"], "rdfxml"),
        (["--to", "turtle", "-o", "g", "--min-probability", "2"], "min-probability"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(kept, words, said):
    before = Path(kept).read_bytes()
    result = run(kept, *words, env={"COLUMNS": "400", "TERM": "dumb", "NO_COLOR": "1"})
    assert result.exit_code == 2
    assert said in re.sub(r"[\s│]+", " ", result.stderr)
    assert Path(kept).read_bytes() == before
    assert [path.name for path in Path().iterdir()] == ["kept.jsonl"]


def test_base_and_texts_of_rdf(kept):
    assert run(kept, "--to", "turtle", "-o", "g.ttl", "--base", "https://kg.example/").exit_code == 0
    with_texts = Path("g.ttl").read_text(encoding="utf-8")
    assert "https://kg.example/" in with_texts
    assert FILM in with_texts
    assert run(kept, "--to", "turtle", "-o", "g.ttl", "--without-texts").exit_code == 0
    assert FILM not in Path("g.ttl").read_text(encoding="utf-8")
    result = run(kept, "--to", "turtle", "-o", "h.ttl", "--base", "no iri")
    assert (result.exit_code, Path("h.ttl").exists()) == (1, False)
    assert result.stderr.startswith("error: ")


BAD = [
    ('{"text": "甲", "triples": [{"subject": "甲", "predicate": "父亲", "object": "乙"}]}', "triples[0].verdict"),
    ('{"text": "甲"}', "triples"),
    ('{"text": ""}', "text"),
    ("{", None),
    (json.dumps({"text": "甲", "triples": [judged("甲", "父亲", "乙", evidence=[[0, 9]])]}), "triples[0].evidence[0]"),
    (json.dumps({"text": "甲乙", "triples": [judged("甲", "父亲", "乙", qualifiers=1)]}), "triples[0].qualifiers"),
]


@pytest.mark.parametrize(("line", "field"), BAD)
def test_a_bad_row_is_named_and_nothing_is_written(kept, line, field):
    Path(kept).write_text(f"{json.dumps(ROWS[0])}\n\n{line}\n", encoding="utf-8")
    result = run(kept, "--to", "cypher", "-o", "g.cypher")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: kept.jsonl:3: {field}: " if field else "error: kept.jsonl:3: ")
    assert len(result.stderr.splitlines()) == 1
    assert not Path("g.cypher").exists()


def test_candidates_are_sent_to_the_filter(kept):
    Path(kept).write_text(BAD[0][0], encoding="utf-8")
    assert "run `cacre filter`" in run(kept, "--to", "cypher", "-o", "g.cypher").stderr


def test_bad_rows_are_skipped_and_listed(kept):
    lines = [json.dumps(ROWS[0]), *(line for line, _ in BAD), json.dumps(ROWS[2])]
    Path(kept).write_text("\n".join(lines), encoding="utf-8")
    result = run(kept, "--to", "node-link", "-o", "graph.json", "--on-error", "skip")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("2 rows: 4 supported triples")
    assert result.stderr.endswith("6 rows skipped, listed in graph.json.errors.jsonl\n")
    listed = [json.loads(line) for line in Path("graph.json.errors.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(e["path"], e["line"], e["field"]) for e in listed] == [
        (kept, number, field) for number, (_, field) in enumerate(BAD, 2)
    ]
    assert json.loads(listed[0]["raw"]) == json.loads(BAD[0][0])
    assert len(edges_of("graph.json")) == 3


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["--to", "csv", "-o", "tables.v1"], "tables.v1.errors.jsonl"),
        (["--to", "turtle", "-o", "-"], "kept.graph.errors.jsonl"),
        (["--to", "turtle", "-o", "/dev/null"], "kept.graph.errors.jsonl"),
    ],
)
def test_where_skipped_rows_are_listed(kept, words, where):
    Path(kept).write_text(f"{{\n{json.dumps(ROWS[0])}\n", encoding="utf-8")
    assert run(kept, *words, "--on-error", "skip").exit_code == 0
    assert [path.name for path in Path().glob("*.errors.jsonl")] == [where]


def test_a_graph_without_edges_is_written_too(kept):
    write_rows(kept, [{"text": "今日无事。", "triples": []}])
    for format in (*SINGLE_FILES, *FOLDERS):
        result = run(kept, "--to", format, "-o", f"out.{format}")
        assert result.exit_code == 0, result.output
        assert "0 entities, 0 edges" in result.stderr


def test_neo4j_is_loaded_with_the_options(kept, monkeypatch):
    seen = []

    def load(graph, *options):
        seen.append((len(graph.edges), options))
        from cacre.graph.neo4j import LoadCounts

        return LoadCounts(4, 3)

    monkeypatch.setattr("cacre.graph.neo4j.load_into_neo4j", load)
    words = ("--uri", "bolt://db:7687", "--user", "甲", "--database", "图", "--without-texts")
    result = run(kept, "--to", "neo4j", *words)
    assert result.exit_code == 0, result.output
    assert seen == [(3, ("bolt://db:7687", "甲", "图", False))]
    assert result.stderr.endswith("bolt://db:7687: 4 new nodes, 3 new relationships\n")


def test_a_missing_password_is_one_line(kept, monkeypatch):
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)
    result = run(kept, "--to", "neo4j", "--uri", "bolt://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr == "error: no password for Neo4j: set NEO4J_PASSWORD in the environment\n"


@pytest.mark.parametrize(
    ("format", "module"),
    [("turtle", "rdflib"), ("graphml", "networkx"), ("parquet", "pyarrow"), ("csv", "opencc")],
)
def test_a_missing_library_is_named_before_anything_is_read(kept, format, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    Path(kept).write_text("{", encoding="utf-8")
    result = run(kept, "--to", format, "-o", "out")
    assert result.exit_code == 1
    assert result.stderr == f"error: this needs '{module}', which is not installed: run  pip install 'cacre[graph]'\n"


# docs/graph.md


def documented_calls():
    script = "\n".join(re.findall(r"^```bash\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    lines = script.replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("cacre graph ")]


def test_the_guide_shows_each_format():
    assert {call[call.index("--to") + 1] for call in documented_calls()} == {format.value for format in Formats}


@pytest.mark.parametrize("call", [call for call in documented_calls() if "neo4j" not in call], ids=" ".join)
def test_commands_of_the_guide_run(kept, call):
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0, result.output


def test_rows_of_another_schema_are_not_rewritten_in_silence(kept, tmp_path):
    triples = [
        judged("海雾", "临床表现", "视物不清"),
        judged("海雾", "起雾\u001b原因", "冷暖交汇"),
        judged("沈青", "丈夫", "周一鸣"),
    ]
    write_rows(kept, [{"text": FILM, "triples": [*triples, judged("林知远", "执导作品", "雾中渡")]}])
    said = run(kept, "--to", "node-link", "-o", "graph.json").stderr.splitlines()
    renamed, unknown, hint = said[2:-1]
    assert renamed == ("2 triples renamed to the names of schema 'open': 临床表现 -> 症状 (1), 执导作品 -> 导演 (1)")
    assert unknown == "1 triples kept as said, not in schema 'open': 起雾\\x1b原因 (1)"
    assert hint == "hint: predicates were read by schema 'open': give --schema if your rows have their own"
    given = run(kept, "--to", "node-link", "-o", "graph.json", "--schema", "open").stderr.splitlines()
    assert [*given[2:-1], hint] == said[2:-1], "who has named the schema needs no hint"
    own = [{"name": name, "subject_type": "天气", "object_type": "Text"} for name in ("临床表现", "起雾\u001b原因")]
    Path("own.json").write_text(json.dumps({"name": "weather", "relations": own}), encoding="utf-8")
    write_rows(kept, [{"text": FILM, "triples": triples[:2]}])
    quiet = run(kept, "--to", "node-link", "-o", "graph.json", "--schema", "own.json")
    assert quiet.stderr.splitlines() == ["1 rows: 2 supported triples", "1 entities, 2 edges", "graph.json"]


@pytest.mark.parametrize("key", ["label", "supported"])
def test_what_a_person_calls_wrong_stays_out(kept, key):
    right, wrong, open_ = (
        judged(*parts, **{key: value})
        for parts, value in (
            (("雾中渡", "导演", "林知远"), 1),
            (("雾中渡", "编剧", "林知远"), 0),
            (("雾中渡", "编剧", "沈青"), None),
        )
    )
    write_rows(kept, [{"text": FILM, "triples": [right, wrong, open_]}])
    result = run(kept, "--to", "node-link", "-o", "graph.json")
    assert result.stderr.splitlines()[0] == "1 rows: 2 supported triples (1 labelled wrong left out)"
    assert sorted(edges_of("graph.json")) == sorted([("雾中渡", "导演", "林知远"), ("雾中渡", "编剧", "沈青")])


def test_labels_beside_the_triples_count_too(kept):
    triples = [
        judged("雾中渡", "导演", "林知远"),
        judged("雾中渡", "编剧", "林知远"),
        judged("x", "编剧", "y", verdict="rejected"),
    ]
    write_rows(kept, [{"text": FILM, "triples": triples, "labels": [True, False, False]}])
    result = run(kept, "--to", "node-link", "-o", "graph.json")
    assert result.stderr.splitlines()[0] == "1 rows: 1 supported triples (1 rejected, 1 labelled wrong left out)"
    write_rows(kept, [{"text": FILM, "triples": triples, "labels": [True]}])
    result = run(kept, "--to", "node-link", "-o", "graph.json")
    assert result.exit_code == 1
    assert "kept.jsonl:1: labels: has 1 entries, triples has 3" in result.stderr
