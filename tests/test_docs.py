"""What the documents promise exists: commands, options, paths, names, settings, rows, messages; and snippets run."""

from __future__ import annotations

import ast
import json
import re
import runpy
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import typer

from cacre.cli import app
from cacre.config import load_settings
from cacre.data import parse_row, read_rows
from cacre.data.rows import TextRow
from cacre.errors import DataError
from cacre.inference import Thresholds
from cacre.llm.providers import load_provider
from cacre.schema import Schema
from llm_server import LLMServer, Reply, answer_for

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "corpus/README.md")
)
FOLDERS = ("src", "docs", "tests", "corpus", "configs", "examples", "benchmarks")


class Block(NamedTuple):
    """A fenced block of a document."""

    language: str
    rest: str
    body: str


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str) -> list[Block]:
    found = re.findall(r"^```(\w+)[ ]?([^\n]*)\n(.*?)^```$", read(document), flags=re.MULTILINE | re.DOTALL)
    return [Block(*parts) for parts in found]


def prose(document: str) -> str:
    return re.sub(r"^```.*?^```$", "", read(document), flags=re.MULTILINE | re.DOTALL)


def table_rows(document: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without backticks."""
    below = read(document).split(f"\n{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\|\n)+", below, flags=re.MULTILINE)
    assert table is not None, f"{document}: no table below {heading!r}"
    lines = table[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


# Commands and options


def shell_calls(script: str) -> Iterator[list[str]]:
    """The words of each call of cacre in a shell script, here-documents left out."""
    script = re.sub(r"<<'EOF'\n.*?\nEOF$", "", script, flags=re.MULTILINE | re.DOTALL)
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        redirected = False
        for word in (*lexer, ";"):
            if set(word) <= set("<>"):
                redirected = True
            elif set(word) <= set("|&;"):
                if words and words[0] == "cacre":
                    yield words[1:]
                words = []
            elif redirected:
                redirected = False
            else:
                words.append(word)


def documented_calls() -> list[tuple[str, list[str]]]:
    calls = []
    for document in DOCUMENTS:
        scripts = [block.body for block in blocks(document) if block.language in ("bash", "sh", "console")]
        scripts += re.findall(r"`(cacre [^`\n]+)`", prose(document))
        calls += [(document, call) for script in scripts for call in shell_calls(script)]
    return calls


@pytest.fixture(scope="module")
def commands() -> dict[str, click.Command]:
    group = typer.main.get_command(app)
    return dict(group.commands)  # type: ignore[attr-defined]


def test_each_command_and_option_in_the_documents_exists(commands):
    faults = []
    calls = documented_calls()
    assert len(calls) > 10
    for document, (name, *words) in calls:
        if name not in commands:
            faults.append(f"{document}: no command {name!r}")
            continue
        known = {o for p in commands[name].params for o in (*p.opts, *p.secondary_opts)} | {"-h", "--help"}
        options = [word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]
        faults += [f"{document}: cacre {name} has no option {option}" for option in options if option not in known]
    assert faults == []


def test_each_option_named_alone_belongs_to_some_command(commands):
    known = {o for c in commands.values() for p in c.params for o in (*p.opts, *p.secondary_opts)} | {"-h", "--help"}
    named = {(d, o) for d in DOCUMENTS for o in re.findall(r"`(--[a-z0-9-]+)[^`\n]*`", prose(d))}
    assert {(d, o) for d, o in named if o not in known} == set()


def test_the_readme_lists_every_command(commands):
    listed = {row[0].removeprefix("cacre ") for row in table_rows("README.md", "## Commands")}
    assert listed == set(commands)


def test_calls_are_found_through_pipes_and_here_documents():
    script = "cat > a <<'EOF'\ncacre nonsense\nEOF\n"
    script += "cat a | cacre filter - --all b > cacre  # cacre no\ncacre train x \\\n -o y\n"
    assert list(shell_calls(script)) == [["filter", "-", "--all", "b"], ["train", "x", "-o", "y"]]


def test_each_make_target_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    for document in DOCUMENTS:
        shell = "\n".join(block.body for block in blocks(document) if block.language == "bash")
        named = set(re.findall(r"^make ([a-z-]+)", shell, flags=re.MULTILINE))
        named |= set(re.findall(r"`make ([a-z-]+)`", prose(document)))
        assert named <= targets, document


# Paths and anchors


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_within_the_repository_lead_somewhere(document):
    faults = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / document).parent / name if name else ROOT / document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            faults.append(target)
    assert faults == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_in_code_spans_exist(document):
    spans = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`", prose(document))
    assert [span for span in spans if not (ROOT / span).exists()] == []


# Python snippets

PYTHON = [(d, number, b.body) for d in DOCUMENTS for number, b in enumerate(blocks(d)) if b.language == "python"]


@pytest.fixture(scope="module")
def llm_server():
    with LLMServer(lambda body, number: Reply(answer_for(body))) as server:
        yield server


@pytest.fixture
def stand_ins(llm_server, tiny_folder, tmp_path, monkeypatch):
    """A hand-made model for the bundled one, so that the document is tested and not the model; loopback for the net."""
    monkeypatch.setattr("cacre.inference.folder.bundled_models", lambda: {"mini-zh": tiny_folder})
    monkeypatch.setattr(
        "cacre.llm.providers.load_provider", lambda name, _=None: load_provider(name, llm_server.base_url)
    )
    monkeypatch.setenv("CACRE_API_KEY", "sk-made-up")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("document", "number", "source"), PYTHON)
@pytest.mark.usefixtures("stand_ins")
def test_python_snippets_run(document, number, source, capsys):
    exec(compile(source, f"{document}, block {number}", "exec"), {"__name__": "snippet"})
    assert "print(" not in source or capsys.readouterr().out


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
@pytest.mark.usefixtures("stand_ins")
def test_examples_run(example, capsys):
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out


# docs/paper.md


def names_in(path: Path) -> set[str]:
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return names


def test_each_equation_is_where_the_table_says():
    rows = table_rows("docs/paper.md", "## Equations")
    assert [(file, name) for _, _, file, name in rows if name not in names_in(ROOT / file)] == []


def test_the_table_covers_equations_2_to_21():
    cells = " ".join(row[0] for row in table_rows("docs/paper.md", "## Equations"))
    assert {int(n) for n in re.findall(r"\((\d+)\)", cells)} >= set(range(2, 22))


def shown(value: object) -> str:
    if isinstance(value, str):
        return value
    return "none" if value is None else json.dumps(value)


def test_settings_in_the_table_have_the_values_of_the_presets():
    presets = [load_settings(name).model_dump() for name in ("paper", "similarity")]
    faults = []
    for _, _, setting, *values in table_rows("docs/paper.md", "## What the paper leaves open, as settings"):
        table, key = setting.split(".")
        actual = [shown(preset[table][key]) for preset in presets]
        if actual != values:
            faults.append(f"{setting}: docs/paper.md has {values}, the presets {actual}")
    assert faults == []


def test_each_setting_named_in_docs_paper_exists():
    tables: dict[str, Any] = load_settings("similarity").model_dump()
    named = re.findall(r"`(encoder|model|loss|training)\.(\w+)`", read("docs/paper.md"))
    assert [(table, key) for table, key in named if key not in tables[table]] == []


def test_every_ambiguity_has_a_row():
    text = read("docs/paper.md")
    first = table_rows("docs/paper.md", "## What the paper leaves open, as settings")
    second = table_rows("docs/paper.md", "## What the paper leaves open, without a setting")
    numbered = re.findall(r"A(\d+)", " ".join(row[0] for row in (*first, *second)))
    assert {int(n) for n in numbered} == set(range(1, 47)), text[:40]


# docs/files.md and docs/errors.md


@pytest.mark.parametrize("block", [b for b in blocks("docs/files.md") if b.language == "jsonl"], ids=lambda b: b.rest)
def test_rows_in_docs_files_are_valid(block):
    for line in block.body.splitlines():
        row = parse_row(json.loads(line), block.rest)  # type: ignore[arg-type]
        assert isinstance(row, TextRow)


def test_docs_files_shows_each_kind_of_row():
    kinds = {b.rest for b in blocks("docs/files.md") if b.language == "jsonl"}
    assert kinds == {"texts", "contrastive", "candidates", "verdicts", "duie"}


def test_json_files_in_docs_files_are_valid():
    files = {b.rest: json.loads(b.body) for b in blocks("docs/files.md") if b.language == "json"}
    assert "停靠港" in Schema.from_json(files["schema"])
    assert Thresholds.from_dict(files["thresholds"]).to_dict() == files["thresholds"]


def documented_errors() -> list[tuple[str, str]]:
    found = blocks("docs/errors.md")
    return [(a.body, b.body.strip()) for a, b in pairwise(found) if (a[0], b[0]) == ("jsonl", "text")]


@pytest.mark.parametrize(("row", "message"), documented_errors())
def test_messages_in_docs_errors_are_those_of_the_code(row, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("candidates.jsonl").write_text(row, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(read_rows("candidates.jsonl", "candidates"))
    assert str(caught.value) == message


def test_fragments_of_messages_in_docs_errors_occur_in_the_code():
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/cacre").rglob("*.py"))
    fragments = [row[0] for row in table_rows("docs/errors.md", "## Models")]
    plain = [f.replace("'torch'", "{module!r}") for f in fragments]
    assert [f for f in plain if f not in source] == []


# The licence and the citation


def test_the_licence_is_apache_2_as_pyproject_says():
    assert "Apache License" in read("LICENSE") and "END OF TERMS AND CONDITIONS" in read("LICENSE")
    assert 'license = "Apache-2.0"' in read("pyproject.toml")


def test_version_is_the_same_everywhere():
    version = re.search(r'^version = "(.+)"$', read("pyproject.toml"), re.MULTILINE)
    assert version is not None
    assert f"\nversion: {version[1]}\n" in read("CITATION.cff")
    assert version[1] in read("CHANGELOG.md")
