"""Each example, and each snippet of docs/adapters.md, runs against the real package, where that is installed."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples/adapters").glob("*.py"))
SNIPPETS = re.findall(r"^```py\n(.*?)^```$", (ROOT / "docs/adapters.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
TOOLS = r"^from (langchain_community|langchain_core|llama_index|neo4j_graphrag|openodke|kg_gen)\b"


def need_tools_of(source):
    for tool in re.findall(TOOLS, source, re.MULTILINE):
        pytest.importorskip(tool, reason=f"needs {tool}, see docs/adapters.md")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_keeps_the_right_and_rejects_the_invented(example, capsys):
    source = example.read_text("utf-8")
    need_tools_of(source)
    assert len(source.splitlines()) <= 40
    runpy.run_path(str(example), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert any(
        re.match("kept|supported", line) and re.search("导演|DIRECTED_BY|执导者|directed_by", line) for line in lines
    )
    assert "object not in text" in lines[-1] and "沈若汐" not in "".join(line for line in lines if "kept" in line)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.splitlines()[0])
def test_each_snippet_of_the_document_runs(snippet, capsys):
    need_tools_of(snippet)
    exec(compile(snippet, "docs/adapters.md", "exec"), {"__name__": "snippet"})
    assert "print(" not in snippet or capsys.readouterr().out
