"""Many files as one list of examples."""

import json

import pytest

from cacre.data import ErrorsFile, load_examples
from cacre.errors import DataError


def row(name, text="林溪县位于青川市。"):
    triples = [["林溪县", "位于", "青川市"]]
    return json.dumps({"id": name, "text": text, "anchors": triples, "positives": triples, "negatives": triples}) + "\n"


def test_folders_are_read_in_the_order_of_names(tmp_path):
    (tmp_path / "b.jsonl").write_text(row("b1"))
    (tmp_path / "a.jsonl").write_text(row("a1") + row("a2"))
    (tmp_path / "a.errors.jsonl").write_text("not read\n")
    (tmp_path / "notes.txt").write_text("not read\n")
    assert [example.id for example in load_examples(tmp_path)] == ["a1", "a2", "b1"]
    assert [e.id for e in load_examples([tmp_path / "b.jsonl", str(tmp_path / "a.jsonl")])] == ["b1", "a1", "a2"]


def test_ids_are_unique_across_files(tmp_path):
    (tmp_path / "a.jsonl").write_text(row("x"))
    (tmp_path / "b.jsonl").write_text(row("x"))
    with pytest.raises(DataError) as caught:
        load_examples(tmp_path)
    assert (caught.value.path, caught.value.line, caught.value.field) == (str(tmp_path / "b.jsonl"), 1, "id")


def test_bad_rows_of_all_files_go_to_one_errors_file(tmp_path):
    (tmp_path / "a.jsonl").write_text(row("a1") + row("a2", text=""))
    (tmp_path / "b.jsonl").write_text("{\n" + row("b1"))
    target = tmp_path / "all.errors.jsonl"
    with ErrorsFile(target) as errors:
        assert [e.id for e in load_examples(tmp_path, on_error="skip", errors=errors)] == ["a1", "b1"]
    entries = [json.loads(line) for line in target.read_text().splitlines()]
    assert [(e["path"], e["line"]) for e in entries] == [(str(tmp_path / "a.jsonl"), 2), (str(tmp_path / "b.jsonl"), 1)]


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="the folder has no"):
        load_examples(tmp_path)
