"""The documentation as a site: every page is there, none is out of date, no link is broken, nothing is from outside."""

from __future__ import annotations

import re
import runpy
import shlex
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import typer

from cacre.cli import app
from cacre.cli.examples import EXAMPLES

ROOT = Path(__file__).resolve().parents[1]
DOCS, TOOLS = ROOT / "docs", ROOT / "docs/tools"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.fixture
def tools(monkeypatch):
    """Runs a file of docs/tools and gives its names."""
    monkeypatch.syspath_prepend(TOOLS)
    return lambda name: runpy.run_path(str(TOOLS / name))


# --help and docs/cli.md


def test_every_command_has_examples():
    assert list(EXAMPLES) == list(COMMANDS)
    for name, examples in EXAMPLES.items():
        assert all(f"cacre {name}" in example for example in examples), name


@pytest.mark.parametrize("example", [one for examples in EXAMPLES.values() for one in examples])
def test_each_example_parses(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    _, name, *words = shlex.split(re.sub(r"^cat \S+ \| | > \S+$", "", example))
    COMMANDS[name].make_context(name, words)


def test_the_reference_of_the_commands_is_up_to_date(tools):
    said = "run  python docs/tools/cli_reference.py"
    assert tools("cli_reference.py")["reference"]() == (DOCS / "cli.md").read_text(encoding="utf-8"), said


@pytest.mark.parametrize("name", ["graph.md", "extractors.md"])
def test_what_the_guides_say_of_the_packaged_sample_is_what_their_commands_give(name, tools):
    said = "run  python docs/tools/sample_numbers.py"
    assert tools("sample_numbers.py")["written"](name) == (DOCS / name).read_text(encoding="utf-8"), said


# docs/paper.md

SOURCE = "\n".join(
    path.read_text(encoding="utf-8") for kind in ("py", "toml") for path in (ROOT / "src/cacre").rglob(f"*.{kind}")
)
PAPER = re.findall(r"`([^`\n]+)`", (DOCS / "paper.md").read_text(encoding="utf-8"))


def test_code_names_in_the_paper_index_exist():
    spans = [span for span in PAPER if re.fullmatch(r"[A-Za-z]\w{2,}(\.\w+)*", span)]
    assert len(spans) > 100
    words = set(re.findall(r"\w+", SOURCE))
    assert [span for span in spans if not words.issuperset(span.split("."))] == []


def test_lines_in_the_paper_index_exist():
    places = [re.fullmatch(r"([\w./-]+\.py)(?::(\d+))?", span) for span in PAPER]
    named = [(place[1], int(place[2] or 1)) for place in places if place]
    assert len(named) > 20
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name, _ in named}
    assert [(name, line) for name, line in named if line > lengths[name]] == []


# The site


def test_every_page_is_in_the_navigation():
    listed = re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [name for name in listed if not (DOCS / name).exists()] == []
    # Results are reached from the pages that speak of them.
    assert sorted(name for name in listed if "/" not in name) == sorted(path.name for path in DOCS.glob("*.md"))


def test_every_diagram_is_drawn(tools):
    wanted = [path for path, _ in tools("diagrams.py")["diagrams"]()]
    assert wanted
    assert [path.name for path in wanted if not path.exists()] == [], "run docs/tools/diagrams.py"


def test_links_to_files_that_are_no_documents_become_paths(tools):
    staged = tools("site.py")["staged"]
    plain, linked = staged(DOCS / "paper.md"), staged(DOCS / "paper.md", "https://git.example.org/x/")
    assert "](../" not in plain and "`src/cacre/config.py`" in plain
    assert "[config.py](https://git.example.org/x/src/cacre/config.py)" in linked


class Page(HTMLParser):
    """What a built page leads to, what it loads, and what can be led to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.ids = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag in ("link", "script", "img", "iframe", "source"):
            self.loads += [given[name] for name in ("href", "src") if given.get(name)]


@pytest.mark.slow
def test_the_site_builds_strictly_and_stands_alone(tools, tmp_path):
    assert tools("site.py")["build"](tmp_path / "stage") == 0
    built = tmp_path / "stage" / "site"
    pages = {path: Page(path) for path in built.rglob("*.html") if path.name != "404.html"}
    assert len(pages) == len(list(DOCS.rglob("*.md")))
    outside = [target for page in pages.values() for target in page.loads if urlsplit(target).netloc]
    assert outside == []
    assert broken(built, pages) == []


def broken(built, pages):
    """Links and loads of built pages that lead nowhere."""
    faults = []
    for path, page in pages.items():
        for target in (*page.links, *page.loads):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not file.exists() or (anchor and file in pages and anchor not in pages[file].ids):
                faults.append(f"{path.relative_to(built)}: {target}")
    return faults
