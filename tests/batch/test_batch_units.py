"""Every row of the input is in exactly one unit, wherever the cuts fall; what cannot be read says so."""

import gzip
import json
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from candidate_files import candidate_rows, write_jsonl
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from cacre.batch.reading import read_unit
from cacre.batch.tables import row_schema
from cacre.batch.units import InputFile, list_inputs, plan_units
from cacre.errors import ConfigError, DataError

MEMORY = "memory://units/in.jsonl"


def records(paths, unit_bytes, **options):
    files = list_inputs([str(path) for path in paths])
    return [record for unit in plan_units(files, unit_bytes) for record in read_unit(unit, **options)]


def with_file(content):
    fsspec.filesystem("memory").pipe_file("/units/in.jsonl", content)
    return [MEMORY]


@given(
    values=st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=12),
    blanks=st.lists(st.integers(0, 12), max_size=3),
    unit_bytes=st.integers(1, 60),
    ending=st.sampled_from([b"\n", b"\r\n"]),
    last=st.booleans(),
)
def test_units_cut_anywhere_give_every_line_exactly_once(values, blanks, unit_bytes, ending, last):
    lines = [json.dumps({"v": value}, ensure_ascii=False).encode("utf-8") for value in values]
    for place in blanks:
        lines.insert(place, b"")
    content = ending.join(lines) + (ending if last else b"")
    found = records(with_file(content or b"\n"), unit_bytes)
    assert [record.raw["v"] for record in found] == values
    for record in found:  # the place leads back to the line
        assert json.loads(content[record.byte :].split(b"\n")[0]) == record.raw


@pytest.mark.parametrize("unit_bytes", [1, 7, 64, 10_000])
def test_overlong_undecodable_and_other_lines_are_errors_of_their_own(unit_bytes):
    bad = [b'{"v": "' + b"x" * 500 + b'"}', b'{"v": "\xff"}', b"[1]", b'{"v": NaN}', b"{"]
    good = b'{"v": 1}'
    content = "\ufeff".encode() + b"\n".join(line for pair in zip([good] * 5, bad, strict=True) for line in pair)
    found = records(with_file(content), unit_bytes, max_line_bytes=100)
    assert [record.raw for record in found][::2] == [{"v": 1}] * 5
    reasons = [record.error.reason for record in found[1::2]]
    for reason, part in zip(reasons, ("longer than 100", "not UTF-8", "JSON object", "NaN", "not valid"), strict=True):
        assert part in reason
    assert found[1].source == bad[0].decode()[:101]


def test_the_plan_follows_from_names_and_sizes(tmp_path):
    rows = candidate_rows(6)
    write_jsonl(tmp_path / "b.jsonl", rows[:3])
    write_jsonl(tmp_path / "deep" / "a.ndjson", rows[3:])
    write_jsonl(tmp_path / "_marks" / "x.jsonl", rows)
    write_jsonl(tmp_path / "readme.txt", rows)
    for patterns in ([tmp_path], [tmp_path / "deep" / "a.ndjson", tmp_path / "*.jsonl", tmp_path / "b.jsonl"]):
        files = list_inputs([str(pattern) for pattern in patterns])
        assert [file.path for file in files] == [str(tmp_path / "b.jsonl"), str(tmp_path / "deep" / "a.ndjson")]
        assert [file.size for file in files] == [
            (tmp_path / name).stat().st_size for name in ("b.jsonl", "deep/a.ndjson")
        ]
    units = plan_units(files, 100)
    assert [unit.index for unit in units] == list(range(len(units)))
    assert units == plan_units(files, 100)
    with pytest.raises(DataError, match=r"readme\.txt.*names must end with \.jsonl"):
        list_inputs([str(tmp_path / "readme.txt")])
    with pytest.raises(DataError, match="cannot be read"):
        list_inputs([str(tmp_path / "gone.jsonl")])
    with pytest.raises(DataError, match="leads to no input"):
        list_inputs([str(tmp_path / "*.parquet")])
    with pytest.raises(ConfigError, match="nothing://x"):
        list_inputs(["nothing://x"])


@pytest.mark.parametrize(("count", "last"), [(1, "00000"), (100_000, "99999"), (100_001, "100000")])
def test_names_of_units_sort_as_the_units_do(count, last):
    names = [unit.name for unit in plan_units([InputFile("in.jsonl", "jsonl", count)], 1)]
    assert len(names) == count
    assert names == sorted(names)
    assert names[-1] == last


def test_what_a_job_wrote_into_its_input_folder_is_no_input(tmp_path):
    source = write_jsonl(tmp_path / "in" / "a.jsonl", candidate_rows(3))
    written = write_jsonl(tmp_path / "in" / "out" / "kept" / "part-00000.jsonl", candidate_rows(3))
    other = write_jsonl(tmp_path / "in" / "out2" / "b.jsonl", candidate_rows(3))
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    output = tmp_path / "in" / "out"

    def found(pattern, output=output):
        return [Path(file.path).resolve() for file in list_inputs([str(pattern)], str(output))]

    for pattern in (tmp_path / "in", tmp_path / "link", tmp_path / "in" / "**" / "*.jsonl"):
        assert found(pattern) == [source, other]
    assert found(tmp_path / "in", tmp_path / "link" / "out") == [source, other]
    assert found(written) == found(output) == found(output / "kept") == found(output / "kept" / "*") == [written]
    assert found(tmp_path / "in", tmp_path / "in") == [source, written, other]


def test_what_a_job_wrote_into_its_input_folder_in_a_store_is_no_input():
    store = fsspec.filesystem("memory")
    for name in ("a.jsonl", "out/kept/part-00000.jsonl", "out2/b.jsonl"):
        store.pipe_file(f"/around/{name}", b'{"text": "a", "triples": []}')
    found = [file.path for file in list_inputs(["memory://around"], "memory://around/out")]
    assert [name.rsplit("/", 1)[1] for name in found] == ["a.jsonl", "b.jsonl"]


@pytest.mark.parametrize("name", ["a::b.jsonl", "x::y.jsonl.gz", "a::b.parquet", "[1]*.jsonl", "d::e/a.jsonl"])
@pytest.mark.parametrize("start", ["", "file://"])
def test_names_that_look_like_something_else_are_read(name, start, tmp_path):
    rows = candidate_rows(3)
    path = tmp_path / name
    if name.endswith(".parquet"):
        parquet_file(path, rows)
    else:
        write_jsonl(path, rows)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    for searched in (path, tmp_path):
        found = records([f"{start}{searched}"], 100)
        assert [record.raw["text"] for record in found] == [row["text"] for row in rows]
        assert {record.path for record in found} == {str(path)}


def parquet_file(path, rows, group=4):
    table = pa.table(
        {"id": [r.get("id") for r in rows], "text": [r["text"] for r in rows], "triples": [r["triples"] for r in rows]}
    )
    parquet.write_table(table, path, row_group_size=group, compression="none", use_dictionary=False)
    return path


@pytest.mark.parametrize("unit_bytes", [1, 900, 1_000_000])
def test_row_groups_give_every_row_once(unit_bytes, tmp_path):
    rows = candidate_rows(14)
    found = records([parquet_file(tmp_path / "in.parquet", rows)], unit_bytes)
    # A null is no key, as in JSON: rows without an id, triples without the extractor's number.
    assert [record.raw for record in found] == [{k: v for k, v in row.items() if k != "note"} for row in rows]
    assert [record.row for record in found] == list(range(14))


def test_broken_files_are_one_record_after_what_could_be_read(tmp_path):
    rows = candidate_rows(12)
    broken = parquet_file(tmp_path / "b.parquet", rows)
    metadata = parquet.ParquetFile(broken).metadata
    content = bytearray(broken.read_bytes())
    start = metadata.row_group(1).column(0).data_page_offset
    content[start : start + 20] = b"\xff" * 20
    broken.write_bytes(content)
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and then nothing")
    packed = gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in candidate_rows(400)))
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    by_file = {}
    for record in records([tmp_path], 10_000_000):
        by_file.setdefault(record.path.rsplit("/", 1)[1], []).append(record)
    assert set(by_file) == {"a.jsonl.gz", "b.parquet", "c.parquet"}
    for name, found in by_file.items():
        (place,) = [place for place, record in enumerate(found) if record.error]
        assert "broken" in found[place].error.reason
        assert (place, len(found)) == {"b.parquet": (4, 9), "c.parquet": (0, 1)}.get(name, (len(found) - 1, len(found)))
    assert len(by_file["a.jsonl.gz"]) > 100
    (place,) = [record.row for record in by_file["b.parquet"] if record.error]
    assert place == 4
    assert [record.raw["text"] for record in by_file["b.parquet"] if record.raw] == [
        row["text"] for row in rows[:4] + rows[8:]
    ]


def texts_of(cells):
    """A column of text that need not be UTF-8."""
    return pa.Array.from_buffers(pa.string(), len(cells), pa.array(cells, pa.binary()).buffers())


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (
            lambda n, bad: texts_of(["雾".encode("gbk") if i in bad else "雾".encode() for i in range(n)]),
            "can't decode",
        ),
        (lambda n, bad: pa.array([10**12 if i in bad else i for i in range(n)], pa.timestamp("s")), "out of range"),
        (lambda n, bad: pa.array([10**7 if i in bad else i for i in range(n)], pa.date32()), "out of range"),
    ],
)
def test_a_cell_that_cannot_be_read_costs_its_own_row_only(column, said, tmp_path):
    count, bad = 200, (0, 70, 199)
    table = pa.table({"text": [str(n) for n in range(count)], "when": column(count, bad)})
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=150)
    found = records([tmp_path / "in.parquet"], 10_000_000)
    assert [record.row for record in found] == list(range(count))
    assert [record.row for record in found if record.error] == list(bad)
    assert [record.raw["text"] for record in found if record.raw] == [str(n) for n in range(count) if n not in bad]
    for row in bad:
        assert (found[row].error.field, "broken" in found[row].error.reason) == ("when", False)
        assert said in found[row].error.reason


def test_a_time_zone_that_nobody_knows_stops_nothing(tmp_path):
    zone = pa.array([1, None, 1], pa.timestamp("s", tz="Nowhere/Here"))
    parquet.write_table(pa.table({"text": ["a", "b", "c"], "when": zone}), tmp_path / "in.parquet")
    found = records([tmp_path / "in.parquet"], 10_000_000)
    assert [record.error.field if record.error else record.raw for record in found] == ["when", {"text": "b"}, "when"]


@pytest.mark.parametrize("extra", ["[1]", "{", "[" * 100_000])
def test_extra_keys_that_are_no_object_cost_their_own_row_only(extra, tmp_path):
    rows = [{"text": "a", "extra": '{"n": 1}'}, {"text": "b", "extra": extra}, {"text": "c"}]
    parquet.write_table(pa.Table.from_pylist(rows, schema=row_schema()), tmp_path / "in.parquet")
    found = records([tmp_path / "in.parquet"], 10_000_000)
    assert [record.raw for record in found] == [{"text": "a", "n": 1}, None, {"text": "c"}]


def test_a_file_that_is_gone_is_no_broken_file():
    (unit,) = plan_units([InputFile("memory://units/gone.jsonl", "jsonl", 5)], 10)
    with pytest.raises(FileNotFoundError):
        list(read_unit(unit))
