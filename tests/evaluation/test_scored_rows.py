import io
import json

import pytest

from cacre.errors import DataError
from cacre.evaluation import read_aliases, read_scored_rows
from cacre.evaluation.scored_rows import read_scored_file

TEXT = "林夏的代表作是《海雾》。"


def write(tmp_path, *rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in rows), "utf-8")
    return path


def test_every_shape_of_an_spo_reads_the_same(tmp_path):
    expected = {TEXT: [("海雾", "作者", {"@value": "林夏"})]}
    full = {"subject": "海雾", "predicate": "作者", "object": {"@value": "林夏"}, "subject_type": "图书作品"}
    for row in (
        {"spo_list": [full]},
        {"triples": [{**full, "object": "林夏"}]},
        {"triples": [["海雾", "作者", "林夏"]]},
        {"triples": [["海雾", "作者", {"@value": "林夏"}]]},
    ):
        path = write(tmp_path, {"text": TEXT, **row})
        assert read_scored_rows(path) == read_scored_rows(path, "gold") == expected


def test_slots_are_kept(tmp_path):
    slots = {"@value": "2003年", "inArea": "法国"}
    path = write(tmp_path, {"text": TEXT, "spo_list": [{"subject": "海雾", "predicate": "上映时间", "object": slots}]})
    assert read_scored_rows(path)[TEXT][0][2] == slots


def test_the_side_decides_which_list_counts(tmp_path):
    triples, gold, spos = ([["海雾", "作者", name]] for name in ("甲", "乙", "丙"))
    path = write(tmp_path, {"text": TEXT, "triples": triples, "gold": gold, "spo_list": spos})
    assert read_scored_rows(path)[TEXT][0][2] == {"@value": "甲"}
    assert read_scored_rows(path, "gold")[TEXT][0][2] == {"@value": "乙"}


def test_gold_is_never_taken_for_predictions(tmp_path):
    path = write(tmp_path, {"text": TEXT, "gold": []})
    with pytest.raises(DataError, match="predictions needs a list under one of triples, spo_list"):
        read_scored_rows(path)


def test_rejected_triples_are_left_out(tmp_path):
    triple = {"subject": "海雾", "predicate": "作者", "object": "林夏"}
    judged = [{**triple, "verdict": "supported"}, {**triple, "object": "乙", "verdict": "rejected"}, triple]
    assert len(read_scored_rows(write(tmp_path, {"text": TEXT, "triples": judged}))[TEXT]) == 2


@pytest.mark.parametrize(
    "labels",
    [
        {"triples": [{"supported": 1}, {"supported": 0}]},
        {"triples": [{"label": True}, {"label": False}]},
        {"triples": [{"label": {"supported": 1}}, {"label": {"supported": 0, "kind": "swap"}}]},
        {"triples": [{}, {}], "labels": [1, 0]},
        {"triples": [{}, {}], "labels": [{"supported": 1}, {"supported": 0}]},
    ],
)
def test_what_a_label_calls_wrong_is_no_gold(tmp_path, labels):
    names = [{"subject": "雾中渡", "predicate": "导演", "object": name} for name in ("林知远", "顾青禾")]
    triples = [{**triple, **label} for triple, label in zip(names, labels["triples"], strict=True)]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "雾", **labels, "triples": triples}, ensure_ascii=False), encoding="utf-8")
    assert [spo[2] for spo in read_scored_rows(path, "gold")["雾"]] == [{"@value": "林知远"}]
    assert len(read_scored_rows(path)["雾"]) == 2


@pytest.mark.parametrize(
    "labels",
    [
        {"triples": [{"supported": 1}, {"supported": None}, {"supported": 0}]},
        {"triples": [{"label": 1}, {}, {"label": 0}]},
        {"triples": [{"label": {"supported": 1}}, {"label": None}, {"label": {"supported": 0}}]},
        {"triples": [{}, {}, {}], "labels": [1, None, 0]},
    ],
)
def test_of_a_row_with_labels_only_what_is_judged_right_is_gold(tmp_path, labels):
    parts = (("导演", "林知远"), ("编剧", "顾青禾"), ("主演", "顾青禾"))
    triples = [
        {"subject": "雾中渡", "predicate": predicate, "object": name, **label}
        for (predicate, name), label in zip(parts, labels["triples"], strict=True)
    ]
    file = read_scored_file(write(tmp_path, {"text": "雾", **labels, "triples": triples}), "gold")
    assert [spo[1] for spo in file.rows["雾"]] == ["导演"]
    assert (file.judged_wrong, file.unjudged) == (1, 1)


def test_of_gold_a_label_goes_before_a_verdict(tmp_path):
    names = [{"subject": "雾中渡", "predicate": "导演", "object": name} for name in ("林知远", "顾青禾", "陈砚秋")]
    triples = [
        {**names[0], "label": 1, "verdict": "supported"},
        {**names[1], "label": 1, "verdict": "rejected"},
        {**names[2], "label": 0, "verdict": "rejected"},
    ]
    path = write(tmp_path, {"text": "雾", "triples": triples})
    file = read_scored_file(path, "gold")
    assert [spo[2]["@value"] for spo in file.rows["雾"]] == ["林知远", "顾青禾"]
    assert (file.judged_wrong, file.unjudged) == (1, 0)
    assert [spo[2]["@value"] for spo in read_scored_rows(path)["雾"]] == ["林知远"]
    unlabelled = write(tmp_path, {"text": "雾", "triples": [{**names[0], "verdict": "rejected"}, names[1]]})
    assert [spo[2]["@value"] for spo in read_scored_rows(unlabelled, "gold")["雾"]] == ["顾青禾"]


def test_labels_of_gold_that_are_none(tmp_path):
    row = {"text": "雾", "triples": [["雾中渡", "导演", "林知远"]]}
    with pytest.raises(DataError, match="has 2 entries, triples has 1") as caught:
        read_scored_rows(write(tmp_path, {**row, "labels": [1, 0]}), "gold")
    assert (caught.value.line, caught.value.field) == (1, "labels")
    of_others = write(tmp_path, {**row, "labels": ["影视"]})
    assert len(read_scored_rows(of_others, "gold")["雾"]) == 1


def test_blank_lines_a_byte_order_mark_and_repeats(tmp_path):
    first, last = ({"text": TEXT, "triples": [["海雾", "作者", name]]} for name in ("甲", "乙"))
    path = write(tmp_path, "\ufeff" + json.dumps(first), "", "  ", last)
    both = [("海雾", "作者", {"@value": name}) for name in ("甲", "乙")]
    assert read_scored_rows(path) == read_scored_rows(path, "gold") == {TEXT: both}
    assert read_scored_rows(path, repeats="last") == {TEXT: both[1:]}
    assert read_scored_file(path, "predictions").repeated == 1


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("terminal", ["utf-8", "gbk", "ascii"])
def test_standard_input(monkeypatch, mark, terminal):
    stream = io.TextIOWrapper(io.BytesIO(f'{mark}{{"text": "甲", "triples": []}}\n'.encode()), encoding=terminal)
    monkeypatch.setattr("sys.stdin", stream)
    assert read_scored_rows("-") == {"甲": []}
    assert not stream.buffer.closed


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ('{"text": ', None, "not valid JSON"),
        ("[1]", None, "expected a JSON object"),
        ({"triples": []}, "text", "is missing; present are: 'triples'"),
        ({"text": None, "triples": []}, "text", "got None"),
        ({"text": TEXT}, None, "it has 'text'"),
        ({"text": TEXT, "triples": {}}, "triples", "expected a list"),
        ({"text": TEXT, "triples": [["a", "b"]]}, "triples[0]", "got ['a', 'b']"),
        (
            {"text": TEXT, "triples": [["a", "b", "c"], {"subject": "a"}]},
            "triples[1].predicate",
            "present are: 'subject'",
        ),
        ({"text": TEXT, "triples": [{"subject": 1, "predicate": "b", "object": "c"}]}, "triples[0].subject", "got 1"),
        ({"text": TEXT, "spo_list": [["a", None, "c"]]}, "spo_list[0].predicate", "got None"),
        ({"text": TEXT, "triples": [["a", "b", {"inArea": "c"}]]}, "triples[0].object", "'@value'"),
        ({"text": TEXT, "triples": [["a", "b", {"@value": 3}]]}, "triples[0].object", "dict of strings"),
    ],
)
def test_errors_carry_file_line_and_field(tmp_path, row, field, reason):
    path = write(tmp_path, {"text": "甲", "triples": []}, row)
    with pytest.raises(DataError) as caught:
        read_scored_rows(path)
    assert (caught.value.path, caught.value.line, caught.value.field) == (str(path), 2, field)
    assert reason in caught.value.reason


def test_unreadable_files(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_scored_rows(tmp_path / "none.jsonl")
    (tmp_path / "gbk.jsonl").write_bytes('{"text": "甲", "triples": []}'.encode("gbk"))
    with pytest.raises(DataError, match="not UTF-8") as caught:
        read_scored_rows(tmp_path / "gbk.jsonl")
    assert caught.value.line == 1


def test_aliases_are_lower_cased_and_the_last_line_counts(tmp_path):
    path = tmp_path / "aliases.tsv"
    path.write_text("Lin Xia\t林夏\tL.X.\n\n海雾\t雾\nlin xia\t小林\n", "utf-8")
    assert read_aliases(path) == {"lin xia": {"小林"}, "海雾": {"雾"}}
