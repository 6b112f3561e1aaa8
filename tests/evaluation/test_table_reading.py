import json

import numpy as np
import pytest

from cacre.errors import DataError
from cacre.evaluation import score
from cacre.evaluation.paired import order_as
from cacre.evaluation.table_reading import UNNAMED_STRATEGY, read_labelled_scores, read_score_table
from cacre.schema import load_schema
from cacre.types import Triple

TEXT, OTHER = "《雾港》由程以南执导，骆知寒编剧。", "许棠生于临澜。"
DIRECTOR, WRITER, WRONG = ["雾港", "导演", "程以南"], ["雾港", "编剧", "骆知寒"], ["雾港", "导演", "骆知寒"]


def judged(triple, text_score=0.5, pair_score=None, **more):
    parts = dict(zip(("subject", "predicate", "object"), triple, strict=True))
    return {**parts, "verdict": "supported", "text_score": text_score, "pair_score": pair_score, **more}


def write(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def verdicts(tmp_path):
    def make(*triples, **more):
        first = {"id": "a", "text": TEXT, "triples": list(triples), **more}
        return write(tmp_path / "all.jsonl", first, {"id": "b", "text": OTHER, "triples": [], "gold": []})

    return make


def test_the_gold_of_the_rows(verdicts):
    gold = [DIRECTOR, WRITER, {"subject": "雾港", "predicate": "主演", "object": {"@value": "许棠"}}]
    path = verdicts(
        judged(["《雾港》", "导演", "程以南"], 0.6, 0.4, probability=0.9, agreement=0.5), judged(WRONG, 0.3), gold=gold
    )
    table = read_score_table(path, source="gold", training=[("雾港", "程以南"), ("《骆知寒》", "何物")])
    assert table.labels.tolist() == [True, False]
    assert table.text_score.tolist() == [0.6, 0.3]
    assert table.missed_gold.tolist() == [2, 0]
    assert table.strategy == [UNNAMED_STRATEGY, None]
    assert np.isnan(table.pair_score[1])
    assert table.probability[0] == 0.9
    assert table.agreement[0] == 0.5
    assert table.text_length.tolist() == [len(TEXT)] * 2
    assert table.seen.tolist() == [1.0, 1.0]
    assert np.isnan(read_score_table(path, source="gold").seen).all()
    assert read_score_table(path, source="gold", training=[("雾港", "程以南")]).seen.tolist() == [1.0, 0.0]


def test_keeping_all_scores_as_the_scorer_says(verdicts):
    gold = [DIRECTOR, WRITER]
    path = verdicts(judged(["《雾港》", "导演", "程以南"]), judged(WRONG), judged(DIRECTOR, 0.1), gold=gold)
    reading = read_labelled_scores(path, source="gold")
    official = score({TEXT: [("《雾港》", "导演", "程以南"), tuple(WRONG), tuple(DIRECTOR)]}, {TEXT: gold})
    table = reading.table
    assert reading.repeated == 1
    assert (int(table.labels.sum()), len(table)) == (official.correct, official.predicted)
    assert int(table.labels.sum() + table.missed_gold.sum()) == official.gold


def test_judged_triples_of_a_support_file(verdicts, tmp_path):
    path = verdicts(judged(DIRECTOR), judged(WRITER), judged(WRONG), judged(["雾港", "主演", "许棠"]))
    marks = [(DIRECTOR, 1), (WRITER, None), (WRONG, 0)]
    triples = [{"triple": triple, "supported": mark, "why": ["ok"]} for triple, mark in marks]
    labels = write(tmp_path / "support.jsonl", {"id": "a", "triples": triples})
    reading = read_labelled_scores(path, labels, source="support")
    assert reading.triples == [Triple(*DIRECTOR), Triple(*WRONG)]
    assert reading.table.labels.tolist() == [True, False]
    assert (reading.unjudged, reading.rows_without_labels) == (2, 1)
    assert reading.table.missed_gold.tolist() == [0, 0]


@pytest.mark.parametrize("in_rows", [True, False])
def test_aligned_labels_with_kinds(verdicts, tmp_path, in_rows):
    labels = [{"supported": 1, "kind": None}, {"supported": 0, "kind": "relation"}, {"supported": None}]
    triples = [judged(DIRECTOR), judged(WRONG), judged(WRITER)]
    path = verdicts(*triples, **({"labels": labels} if in_rows else {}))
    plain = [dict(zip(("subject", "predicate", "object"), t, strict=True)) for t in (DIRECTOR, WRONG, WRITER)]
    file = None if in_rows else write(tmp_path / "l.jsonl", {"text": TEXT, "triples": plain, "labels": labels})
    reading = read_labelled_scores(path, file, source="support")
    assert reading.table.error_kind == [None, "relation"]
    assert reading.unjudged == 1


def test_labels_in_the_triples(verdicts):
    marked = (judged(DIRECTOR, label=1), judged(WRONG, label=0, supported=1, kind="swap"))
    path = verdicts(*marked, gold=[DIRECTOR, WRITER])
    table = read_score_table(path, source="gold")
    assert table.labels.tolist() == [True, False]
    assert table.error_kind == [None, "swap"]
    assert table.missed_gold.tolist() == [1, 0]
    assert read_score_table(path, source="support").labels.tolist() == [True, True]
    # what the text supports is not what gold says
    path = verdicts(judged(WRITER, label={"supported": 0, "kind": "absent"}), gold=[WRITER])
    assert read_score_table(path, source="gold").labels.tolist() == [True]
    table = read_score_table(path, source="support")
    assert (table.labels.tolist(), table.error_kind) == ([False], ["absent"])


def test_the_lists_of_contrastive_rows(verdicts, tmp_path):
    path = verdicts(judged(DIRECTOR), judged(WRONG), judged(WRITER), judged(["雾", "导演", "程以南"]))
    row = {
        "id": "a",
        "text": TEXT,
        "anchors": [DIRECTOR],
        "positives": [["程以南", "执导作品", "雾港"]],
        "negatives": [WRONG],
        "kinds": ["relation"],
        "hard": [["雾", "导演", "程以南", "boundary"], DIRECTOR],
    }
    reading = read_labelled_scores(path, write(tmp_path / "lists.jsonl", row), source="lists")
    assert reading.table.labels.tolist() == [True, False, False]
    assert reading.table.error_kind == [None, "relation", "boundary"]
    assert reading.unjudged == 1


@pytest.mark.parametrize("key", ["gold", "spo_list", "triples"])
def test_gold_in_a_file_of_its_own(verdicts, tmp_path, key):
    path = verdicts(judged(DIRECTOR), judged(WRONG), gold=[WRONG])
    table = read_score_table(path, write(tmp_path / "gold.jsonl", {"text": TEXT, key: [DIRECTOR]}), source="gold")
    assert table.labels.tolist() == [True, False]


def test_strategies(verdicts):
    paraphrase = ["程以南", "亲手拍成的片子", "雾港"]
    path = verdicts(
        judged(DIRECTOR, pair_score=0.4, paraphrase=paraphrase),
        judged(WRITER, pair_score=0.4, paraphrase=WRITER),  # says nothing and is passed over
        judged(WRONG, paraphrase=paraphrase),
        gold=[DIRECTOR],
    )
    assert read_score_table(path, source="gold").strategy == ["paraphrase", UNNAMED_STRATEGY, None]
    table = read_score_table(path, source="gold", schema=load_schema("duie"))
    assert table.strategy == ["paraphrase", "schema", None]


def test_rows_of_one_text_are_one_text(tmp_path):
    rows = [{"id": name, "text": TEXT, "triples": [judged(DIRECTOR)], "gold": [DIRECTOR]} for name in "ab"]
    path = write(tmp_path / "all.jsonl", *rows)
    reading = read_labelled_scores(path, source="gold")
    assert reading.table.text.tolist() == [0, 0]
    assert len(reading.table.missed_gold) == 2
    assert order_as(reading, reading).tolist() == [0, 1]
    labels = write(tmp_path / "gold.jsonl", *({**row, "id": row["id"] * 2} for row in rows))
    with pytest.raises(DataError, match=r"several rows of .* have this text"):
        read_score_table(path, labels, source="gold")


def test_what_one_row_of_a_text_misses_another_may_have(tmp_path):
    gold = [DIRECTOR, ["雾中渡", "主演", "顾青禾"], ["雾中渡", "编剧", "许知遥"]]
    split = [{"text": TEXT, "triples": [judged(triple)], "gold": gold} for triple in gold[:2]]
    whole = [{"text": TEXT, "triples": [judged(triple) for triple in gold[:2]], "gold": gold}]
    readings = [
        read_labelled_scores(write(tmp_path / f"{name}.jsonl", *rows), source="gold")
        for name, rows in (("split", split), ("whole", whole))
    ]
    assert [sum(reading.table.missed_gold) for reading in readings] == [1, 1]
    assert [reading.table.labels.tolist() for reading in readings] == [[True, True]] * 2


def test_candidates_are_found_again_in_another_order(verdicts, tmp_path):
    gold = [DIRECTOR]
    first = read_labelled_scores(verdicts(judged(DIRECTOR), judged(WRONG), gold=gold), source="gold")
    turned = read_labelled_scores(verdicts(judged(WRONG), judged(DIRECTOR), gold=gold), source="gold")
    assert order_as(first, turned).tolist() == [1, 0]
    fewer = read_labelled_scores(verdicts(judged(WRONG), gold=gold), source="gold")
    with pytest.raises(DataError, match="2 and 1 labelled candidates, and 1 of the first"):
        order_as(first, fewer)
    other = read_labelled_scores(verdicts(judged(WRONG), judged(DIRECTOR), gold=[WRONG]), source="gold")
    with pytest.raises(DataError, match="other labels"):
        order_as(first, other)


@pytest.mark.parametrize(
    ("row", "source", "field", "reason"),
    [
        ({"id": "a", "triples": [{"triple": ["x", "y"], "supported": 1}]}, "support", "triples[0].triple", "subject"),
        ({"id": "a", "triples": [{"triple": DIRECTOR, "supported": 2}]}, "support", "triples[0].supported", "got 2"),
        ({"text": TEXT, "triples": [DIRECTOR], "labels": [1, 0]}, "support", "labels", "aligned by index"),
        ({"text": TEXT, "triples": [DIRECTOR], "labels": [{}]}, "support", "labels[0].supported", "missing"),
        ({"text": TEXT, "triples": [DIRECTOR]}, "support", None, "no labels of source 'support'"),
        ({"text": TEXT, "anchors": [DIRECTOR]}, "lists", "positives", "missing"),
        ({"gold": [DIRECTOR]}, "gold", None, "id or its text"),
        ({"id": "a", "text": "别的。", "gold": []}, "gold", "id", "another text"),
    ],
)
def test_errors_name_file_line_and_field(verdicts, tmp_path, row, source, field, reason):
    labels = write(tmp_path / "labels.jsonl", {"id": "z", "text": "z", "gold": [], "triples": []}, row)
    if source == "lists":
        labels.write_text("\n" + labels.read_text("utf-8").splitlines()[1], "utf-8")
    path = verdicts(judged(DIRECTOR))
    with pytest.raises(DataError) as caught:
        read_score_table(path, labels, source=source)
    at_fault = (str(path), 1) if reason == "another text" else (str(labels), 2)
    assert (caught.value.path, caught.value.line, caught.value.field) == (*at_fault, field)
    assert reason in caught.value.reason


def test_rows_that_cannot_be_measured(verdicts, tmp_path):
    with pytest.raises(
        DataError, match=r"no candidate of 2 rows has a label of source 'support' \(the rows themselves"
    ):
        read_score_table(verdicts(judged(DIRECTOR)), source="support")
    with pytest.raises(DataError, match=r"all.jsonl:1: triples\[0\].text_score: is null"):
        read_score_table(verdicts(judged(DIRECTOR, None), gold=[DIRECTOR]), source="gold")
    with pytest.raises(DataError, match=r"triples\[0\].agreement: expected a share"):
        read_score_table(verdicts(judged(DIRECTOR, agreement=2), gold=[DIRECTOR]), source="gold")
    with pytest.raises(DataError, match=r"triples\[0\].verdict: is missing"):
        bare = {"text": TEXT, "triples": [{"subject": "雾港", "predicate": "导演", "object": "程以南"}]}
        read_score_table(write(tmp_path / "candidates.jsonl", bare), source="gold")
