"""Reading and writing rows: what comes back, what is refused, and where the fault is said to be."""

import io
import json
import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.data import ErrorsFile, Limits, SeenIds, dump_row, read_rows, to_example, write_rows
from cacre.errors import ConfigError, DataError
from cacre.types import Triple

GOOD = {
    "id": "a1",
    "text": "《长夜》由李默执导。",
    "anchors": [["长夜", "导演", "李默"]],
    "positives": [["李默", "执导作品", "长夜"]],
    "negatives": [["李默", "导演", "长夜"]],
}


def write(path, *rows):
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows))
    return path


def fault(path, kind, limits=None):
    with pytest.raises(DataError) as caught:
        list(read_rows(path, kind, limits=limits or Limits()))
    assert caught.value.path == str(path)
    return caught.value


def contrastive(**changes):
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}


def test_a_row_keeps_its_line_and_all_keys(tmp_path):
    path = write(tmp_path / "a.jsonl", b"", contrastive(genre="影讯", hard=[["长夜", "编剧", "李默", "relation"]]))
    (row,) = read_rows(path, "contrastive")
    assert (row.line, row.raw["genre"], row.path) == (2, "影讯", str(path))
    example = to_example(row)
    assert example.anchors == (Triple("长夜", "导演", "李默"),)
    assert example.hard == (Triple("长夜", "编剧", "李默"),)
    assert example.id == "a1"
    assert example.gold is None


def test_gold_comes_as_objects_lists_or_complex_objects(tmp_path):
    gold = [
        {"subject": "长夜", "predicate": "导演", "object": "李默"},
        ["长夜", "类型", "电影"],
        {"subject": "长夜", "predicate": "配音", "object": {"@value": "周岩", "inWork": "长夜"}},
    ]
    (row,) = read_rows(write(tmp_path / "a.jsonl", contrastive(gold=gold)), "contrastive")
    expected = (("长夜", "导演", "李默"), ("长夜", "类型", "电影"), ("长夜", "配音", "周岩"))
    assert to_example(row).gold == expected


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"text": ...}, "text", "missing"),
        ({"text": "  \n"}, "text", "empty"),
        ({"text": 7}, "text", "string"),
        ({"text": "a\x00b"}, "text", "NUL"),
        ({"text": "a\ud800b"}, "text", "lone surrogate (U+D800)"),
        ({"text": "长" * 31}, "text", "split longer texts"),
        ({"anchors": [["长夜", "导演"]]}, "anchors[0]", "got ['长夜', '导演']"),
        ({"anchors": [["长夜", "导演", 3]]}, "anchors[0]", "object must be a non-empty string, got 3"),
        ({"anchors": [["长夜", "导演", "\udfff"]]}, "anchors[0]", "lone surrogate"),
        ({"anchors": "abc"}, "anchors", "expected a list of triples"),
        ({"anchors": None}, "anchors", "expected a list of triples"),
        ({"anchors": {}}, "anchors", "expected a list of triples"),
        ({"positives": []}, "positives", "has 0 entries, anchors has 1"),
        ({"negatives": GOOD["negatives"] * 2}, "negatives", "has 2 entries"),
        ({"negatives": ...}, "negatives", "present are: 'id', 'text', 'anchors', 'positives'"),
        ({"kinds": []}, "kinds", "aligned"),
        ({"anchors": GOOD["anchors"] * 4}, "anchors", "at most 3"),
        ({"hard": [["长夜", "编剧", "李默", 1]]}, "hard[0]", "fourth part"),
        ({"gold": [{"subject": "长夜", "predicate": "导演"}]}, "gold[0].object", "missing"),
        ({"gold": [{"subject": "长夜", "predicate": "导演", "object": {"inWork": "x"}}]}, "gold[0].object", "@value"),
        ({"\ud800": 1}, None, "the key '\\ud800' holds a lone surrogate"),
        ({"gold": [{"\ud800": 1, "subject": "甲", "predicate": "乙", "object": "丙"}]}, "gold[0]", "lone surrogate"),
        (
            {"gold": [{"subject": "甲", "predicate": "乙", "object": {"@value": "丙", "\ud800": 3}}]},
            "gold[0].object",
            "'\\ud800' must be a string",
        ),
        ({"id": True}, "id", "string"),
        ({"id": ["a"]}, "id", "string"),
    ],
)
def test_a_bad_row_is_named_with_file_line_and_field(tmp_path, changes, field, words):
    path = write(tmp_path / "a.jsonl", contrastive(id="first"), contrastive(**changes))
    error = fault(path, "contrastive", Limits(max_text_characters=30, max_triples=3))
    assert (error.line, error.field) == (2, field)
    assert words in error.reason
    assert str(error).startswith(f"{path}:2: " + (f"{field}: " if field else ""))
    assert str(error).encode("utf-8")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"text": "a"', "not valid JSON"),
        (b'"text"', "expected a JSON object"),
        (b"[]", "expected a JSON object"),
        (b'{"text": "\xff"}', "byte 10 of the line is not UTF-8"),
        (b'{"text": "a", "score": NaN}', "NaN"),
        (b'{"text": "a", "score": -Infinity}', "-Infinity"),
        (b'{"text": "a", "score": 1e999}', "out of range"),
        (b'{"text": "a", "n": ' + b"9" * 5000 + b"}", "number"),
        (b'{"text": ' + b"[" * 200_000, "nested"),
        ('{"text": "a"}'.encode("utf-16"), "not UTF-8"),
    ],
)
def test_lines_that_are_no_json_objects(tmp_path, line, words):
    error = fault(write(tmp_path / "a.jsonl", line), "texts")
    assert error.line == 1
    assert words in error.reason


def test_an_overlong_line_is_refused_and_the_next_one_read(tmp_path):
    limits = Limits(max_line_bytes=100)
    exact = b'{"text": "' + b"a" * 88 + b'"}'
    assert len(exact) == 100
    path = write(tmp_path / "a.jsonl", exact, b'{"text": "' + b"b" * 300_000 + b'"}', {"text": "c"})
    assert fault(path, "texts", limits).line == 2
    rows = list(read_rows(path, "texts", on_error="skip", limits=limits))
    assert [(row.line, len(row.content.text)) for row in rows] == [(1, 88), (3, 1)]


def test_an_overlong_last_line_without_line_end(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 5000)
    assert "longer than 100 bytes" in fault(path, "texts", Limits(max_line_bytes=100)).reason


def test_ids_are_unique_and_numbers_count_as_names(tmp_path):
    path = write(
        tmp_path / "a.jsonl", {"id": 1, "text": "甲"}, {"text": "乙"}, {"text": "丙"}, {"id": "1", "text": "丁"}
    )
    error = fault(path, "texts")
    assert (error.line, error.field) == (4, "id")


def test_a_refused_row_does_not_take_its_id(tmp_path):
    path = write(tmp_path / "a.jsonl", {"id": "a", "text": ""}, {"id": "a", "text": "甲"})
    assert [row.line for row in read_rows(path, "texts", on_error="skip")] == [2]


def test_seen_ids_carry_over(tmp_path):
    seen = SeenIds()
    assert seen.add("a")
    with pytest.raises(DataError, match="used before"):
        list(read_rows(write(tmp_path / "a.jsonl", {"id": "a", "text": "甲"}), "texts", seen=seen))


def test_skipped_rows_go_to_the_errors_file(tmp_path):
    path = write(tmp_path / "a.jsonl", {"text": "甲"}, {"text": ""}, b'{"text": "\xff"}', {"text": "乙"})
    target = tmp_path / "a.errors.jsonl"
    with ErrorsFile(target) as errors:
        rows = list(read_rows(path, "texts", on_error="skip", errors=errors))
        assert not target.exists()
    assert [row.line for row in rows] == [1, 4]
    entries = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [(e["line"], e["field"], e["raw"]) for e in entries] == [
        (2, "text", '{"text": ""}'),
        (3, None, '{"text": "\\xff"}'),
    ]
    assert errors.count == 2


def test_no_errors_no_file_and_none_left_from_before(tmp_path):
    target = tmp_path / "a.errors.jsonl"
    target.write_text("old")
    with ErrorsFile(target) as errors:
        list(read_rows(write(tmp_path / "a.jsonl", {"text": "甲"}), "texts", on_error="skip", errors=errors))
    assert not target.exists()


def test_a_device_is_not_removed_for_want_of_errors(tmp_path):
    device = tmp_path / "device"
    os.mkfifo(device)
    with ErrorsFile(device):
        pass
    assert device.is_fifo()


def test_a_failed_run_leaves_no_errors_file(tmp_path):
    def run():
        with ErrorsFile(tmp_path / "e.errors.jsonl") as errors:
            errors.add(DataError("bad", line=1), "raw")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        run()
    assert list(tmp_path.iterdir()) == []


def test_standard_input_and_output(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO('\ufeff{"text": "甲"}\r\n'.encode())))
    rows = [row.raw for row in read_rows("-", "texts")]
    assert write_rows("-", rows) == 1
    assert capsys.readouterr().out == '{"text": "甲"}\n'


def test_missing_files_and_wrong_arguments(tmp_path):
    assert "cannot be read" in fault(tmp_path / "none.jsonl", "texts").reason
    assert "cannot be read" in fault(tmp_path, "texts").reason
    with pytest.raises(ConfigError, match="'raise' or 'skip'"):
        read_rows("-", "texts", on_error="ignore")
    with pytest.raises(ConfigError, match="verdicts, duie"):
        list(read_rows(write(tmp_path / "a.jsonl", {"text": "甲"}), "text"))


def test_a_row_of_another_kind_is_no_example(tmp_path):
    (row,) = read_rows(write(tmp_path / "a.jsonl", {"text": "甲"}), "texts")
    with pytest.raises(DataError, match="ContrastiveRow is needed"):
        to_example(row)


def test_nan_is_never_written(tmp_path):
    with pytest.raises(DataError, match="JSON"):
        write_rows(tmp_path / "a.jsonl", [{"text": "甲"}, {"x": float("nan")}])
    assert list(tmp_path.iterdir()) == []


def test_surrogates_in_passed_through_keys_survive(tmp_path):
    path = tmp_path / "a.jsonl"
    write_rows(path, [{"text": "甲", "note": "\ud800"}])
    (row,) = read_rows(path, "texts")
    assert row.raw["note"] == "\ud800"


# Characters that line readers, JSON writers and terminals trip over.
words = st.text('甲é😀a \u2028\x85\r\n\t"\\《\ufeff\x7f', min_size=1, max_size=6).filter(str.strip)
keys = st.text("ab甲\n\x00", max_size=3)
values = st.sampled_from(
    [None, True, 0, -7, 10**30, 0.1, -1e-300, "", "甲\n\u2028", "\ud800", [], [[1, "a"]], {"甲": {}}]
)
own_keys = {"id", "text", "anchors", "positives", "negatives", "kinds", "hard", "gold"}


@st.composite
def contrastive_rows(draw):
    size = draw(st.integers(0, 3))
    triples = st.lists(st.lists(words, min_size=3, max_size=3), min_size=size, max_size=size)
    extra = draw(st.dictionaries(keys.filter(lambda key: key not in own_keys), values, max_size=3))
    lists = {name: draw(triples) for name in ("anchors", "positives", "negatives")}
    return {"text": draw(words), **lists, **extra}


@settings(max_examples=25)
@given(st.lists(contrastive_rows(), max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "round_trip.jsonl"
    assert write_rows(path, rows) == len(rows)
    back = list(read_rows(path, "contrastive"))
    assert [row.raw for row in back] == rows
    assert [row.line for row in back] == list(range(1, len(rows) + 1))
    for row, original in zip(back, rows, strict=True):
        assert [list(triple) for triple in to_example(row).anchors] == original["anchors"]


@settings(max_examples=25)
@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_data_errors(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.jsonl"
    path.write_bytes(content)
    for row in read_rows(path, "texts", on_error="skip"):
        assert row.content.text.strip()


@settings(max_examples=25)
@given(st.dictionaries(keys, values))
def test_dump_row_is_one_line_of_utf8_json(row):
    line = dump_row(row)
    assert line.encode("utf-8").count(b"\n") == 1
    assert json.loads(line) == row
