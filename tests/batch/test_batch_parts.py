"""The parts of a unit that is done twice are those of the second time alone."""

import pytest
from pyarrow import parquet

from cacre.batch.parts import ERRORS, UnitParts
from cacre.batch.reading import read_unit
from cacre.batch.storage import Folder
from cacre.batch.units import Unit

UNIT, OTHER = Unit(3, "in.jsonl", "jsonl", 0, 9), Unit(4, "in.jsonl", "jsonl", 9, 18)
ENTRY = {"path": "in.jsonl", "byte": 0, "row": None, "reason": "no answer", "field": None, "raw": "{}"}


@pytest.fixture(params=["disk", "odd name", "store"])
def folder(request, tmp_path):
    places = {"disk": str(tmp_path / "out"), "odd name": str(tmp_path / "a::b"), "store": f"memory://{tmp_path.name}"}
    return Folder(places[request.param])


def write(folder, unit, format, datasets):
    with UnitParts(folder, unit, format) as parts:
        for dataset in datasets:
            if dataset == ERRORS:
                parts.add_error(ENTRY)
            else:
                parts.add(dataset, parts.encode({"text": "a", "triples": []}))


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_parts_of_an_earlier_attempt_are_removed_and_no_others(folder, format):
    write(folder, OTHER, format, ["candidates", ERRORS])
    write(folder, UNIT, format, ["candidates", ERRORS])
    folder.write("_manifest.json", b"{}")
    folder.write(f"_commits/part-{UNIT.name}.{format}", b"{}")
    write(folder, UNIT, format, ["candidates"])
    names = [f"part-{unit.name}.{format}" for unit in (UNIT, OTHER)]
    assert (folder.names("candidates"), folder.names(ERRORS)) == (names, names[1:])
    assert folder.names("_commits") == names[:1]
    write(folder, UNIT, format, [])
    assert folder.names("candidates") == names[1:]


def test_an_attempt_that_fails_leaves_the_parts_that_stand(folder):
    write(folder, UNIT, "jsonl", ["candidates", ERRORS])
    with pytest.raises(RuntimeError), UnitParts(folder, UNIT, "jsonl"):
        raise RuntimeError
    assert folder.names("candidates") == folder.names(ERRORS) == [f"part-{UNIT.name}.jsonl"]
    write(folder, UNIT, "jsonl", [])
    assert folder.names("candidates") == folder.names(ERRORS) == []


def test_an_error_that_quotes_what_is_no_text_is_written_as_a_table_too(folder, tmp_path):
    entry = {**ENTRY, "reason": "a\ud800b", "field": "x\ud800", "raw": "答\udc00"}
    with UnitParts(folder, UNIT, "parquet") as parts:
        parts.add_error(entry)
    folder.fetch(f"{ERRORS}/part-{UNIT.name}.parquet", tmp_path / "errors.parquet")
    (row,) = parquet.read_table(tmp_path / "errors.parquet").to_pylist()
    assert row == {**ENTRY, "reason": "a\\ud800b", "field": "x\\ud800", "raw": "答\\udc00"}


def test_ids_that_are_numbers_are_read_back_as_numbers(tmp_path):
    rows = [{"id": row_id, "text": "a", "triples": [], "n": 1} for row_id in (7, "7", 10**20)]
    rows.append({"text": "a", "triples": []})
    with UnitParts(Folder(str(tmp_path)), UNIT, "parquet") as parts:
        for row in rows:
            parts.add("kept", parts.encode(row))
    path = tmp_path / "kept" / f"part-{UNIT.name}.parquet"
    assert parquet.read_table(path)["id"].to_pylist() == ["7", "7", str(10**20), None]
    assert [record.raw for record in read_unit(Unit(0, str(path), "parquet", 0, 1))] == rows


def test_an_output_with_an_odd_name_is_where_it_says(tmp_path):
    write(Folder(str(tmp_path / "a::b")), UNIT, "jsonl", ["candidates"])
    assert [path.name for path in tmp_path.iterdir()] == ["a::b"]


def test_a_file_of_the_user_in_the_output_stops_nothing(tmp_path):
    (tmp_path / "notes.txt").touch()
    write(Folder(str(tmp_path)), UNIT, "jsonl", ["candidates"])
    assert (tmp_path / "notes.txt").exists()
