"""How the list of what a command could not use is called, and whose list it must not be."""

from pathlib import Path

import pytest

from cacre.data import errors_path


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    working = tmp_path / "working"
    (working / "tables").mkdir(parents=True)
    monkeypatch.chdir(working)
    return working


@pytest.mark.parametrize(
    ("source", "outputs", "where"),
    [
        ("in.jsonl", ("kept.jsonl", "rest.jsonl"), "kept.errors.jsonl"),
        ("in.jsonl", ("-", None, "all.jsonl"), "all.errors.jsonl"),
        ("in.jsonl", ("/dev/null", "new/rest.jsonl"), "new/rest.errors.jsonl"),
        ("kept.jsonl", ("kept.ttl",), "kept.ttl.errors.jsonl"),
        ("kept.jsonl", ("kept.v1.jsonl",), "kept.v1.errors.jsonl"),
        ("kept.jsonl", ("tables",), "tables.errors.jsonl"),
        ("in.jsonl", ("-",), "in.filter.errors.jsonl"),
        ("in.jsonl", (None,), "in.filter.errors.jsonl"),
        ("-", ("-",), "stdin.filter.errors.jsonl"),
        ("/dev/null", ("/dev/null",), "stdin.filter.errors.jsonl"),
        # These would be the list of the command that wrote the input.
        ("kept.jsonl", ("kept",), "kept.filter.errors.jsonl"),
        ("tables/../kept.jsonl", ("kept",), "kept.filter.errors.jsonl"),
        ("kept", ("kept.jsonl",), "kept.filter.errors.jsonl"),
        ("stdin.jsonl", ("-",), "stdin.filter.errors.jsonl"),
    ],
)
def test_the_list_is_named_after_the_output_or_else_the_input(source, outputs, where):
    assert errors_path("filter", source, outputs) == Path(where)


@pytest.mark.parametrize(
    ("output", "where"),
    [(".", "working.errors.jsonl"), ("tables/..", "working.errors.jsonl"), ("..", "../{parent}.errors.jsonl")],
)
def test_a_folder_without_a_name_of_its_own_is_looked_up(output, where, folder):
    place = folder.parent / where.format(parent=folder.parent.name)
    assert errors_path("graph", "kept.jsonl", (output,)).resolve() == place.resolve()


def test_the_root_has_no_name_and_is_no_fault():
    assert errors_path("graph", "kept.jsonl", ("/",)) == Path("/.errors.jsonl")
