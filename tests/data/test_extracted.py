import json

import pytest

from cacre.data.extracted import load_extracted, with_extracted
from cacre.errors import DataError
from cacre.schema import load_schema
from cacre.types import Example, Triple

OPEN = load_schema("open")
TEXT = "段小满的丈夫邴万里执导了《雾渡》，主演是汲红缨。"
MARRIED, DIRECTED, STARRED = (
    Triple("段小满", "丈夫", "邴万里"),
    Triple("雾渡", "导演", "邴万里"),
    Triple("雾渡", "主演", "汲红缨"),
)
EXAMPLE = Example(
    TEXT,
    anchors=(MARRIED, DIRECTED),
    positives=(Triple("段小满", "爱人", "邴万里"), Triple("邴万里", "执导的影片", "雾渡")),
    negatives=(Triple("邴万里", "丈夫", "段小满"), Triple("雾渡", "编剧", "邴万里")),
    hard=(Triple("雾渡", "导演", "段小满"),),
    gold=(STARRED,),
)
WRONG = Triple("雾渡", "主演", "段小满")
ALSO_WRONG = Triple("汲红缨", "丈夫", "邴万里")


def added(*candidates, most=8):
    (example,) = with_extracted([EXAMPLE], {TEXT: candidates}, OPEN, most=most)
    assert example.hard[:1] == EXAMPLE.hard
    return list(example.hard[1:])


def test_what_nothing_speaks_for_is_added():
    assert added(WRONG, ALSO_WRONG) == [WRONG, ALSO_WRONG]


@pytest.mark.parametrize(
    "right",
    [
        pytest.param(DIRECTED, id="an anchor"),
        pytest.param(Triple("《雾渡》", "导演", "邴万里"), id="an anchor, written otherwise"),
        pytest.param(Triple("霧渡", "導演", "邴萬里"), id="an anchor, in the other script"),
        pytest.param(Triple("段小满", "爱人", "邴万里"), id="a positive"),
        pytest.param(STARRED, id="gold"),
        pytest.param(Triple("邴万里", "妻子", "段小满"), id="the inverse of an anchor"),
        pytest.param(Triple("《雾渡》", "导演", "段小满"), id="a negative that is there already"),
    ],
)
def test_what_is_right_or_there_already_is_not(right):
    assert added(right, WRONG) == [WRONG]


def test_a_relation_that_often_holds_too_is_wrong_where_the_annotation_lacks_it():
    assert added(Triple("雾渡", "编剧", "邴万里"), Triple("雾渡", "制片人", "邴万里")) == [
        Triple("雾渡", "制片人", "邴万里")
    ]


def test_the_first_ones_count():
    assert added(WRONG, ALSO_WRONG, most=1) == [WRONG]


def test_a_text_without_candidates_stays_as_it_is():
    other = Example("别的话。", (), (), ())
    assert with_extracted([EXAMPLE, other], {TEXT: [WRONG]}, OPEN, most=8)[1] is other
    assert with_extracted([EXAMPLE], {}, OPEN, most=8) == [EXAMPLE]


def test_candidates_of_other_texts_are_refused():
    with pytest.raises(DataError, match="none of them is a training text"):
        with_extracted([EXAMPLE], {"别的话。": [WRONG]}, OPEN, most=8)


def test_candidates_are_read_best_first(tmp_path):
    def row(*triples):
        names = ("subject", "predicate", "object", "score")
        return json.dumps({"text": TEXT, "triples": [dict(zip(names, t, strict=False)) for t in triples]})

    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(row((*WRONG, 0.2), (*DIRECTED, 0.9), tuple(STARRED)) + "\n", encoding="utf-8")
    second.write_text(row((*ALSO_WRONG, 0.5), (*WRONG, 0.1)) + "\n", encoding="utf-8")
    judged = tmp_path / "c.jsonl"
    triples = [dict(zip(("subject", "predicate", "object"), t, strict=True)) for t in (WRONG, DIRECTED, STARRED)]
    labelled = [{**t, "supported": label} for t, label in zip(triples, (0, 1, None), strict=True)]
    judged.write_text(json.dumps({"text": TEXT, "triples": labelled}) + "\n", encoding="utf-8")
    assert load_extracted([judged]) == {TEXT: (WRONG,)}
    assert load_extracted([first, second]) == {TEXT: (DIRECTED, ALSO_WRONG, WRONG, STARRED)}


def test_labels_of_every_form_say_what_is_wrong(tmp_path):
    triples = [WRONG, DIRECTED, STARRED, ALSO_WRONG]
    values = [0, 1, None, {"supported": 0, "kind": "swap"}]
    named = [dict(zip(("subject", "predicate", "object"), t, strict=True)) for t in triples]
    inside = [{**item, "label": value} for item, value in zip(named, values, strict=True)]
    for row in ({"triples": inside}, {"triples": named, "labels": values}):
        path = tmp_path / "labelled.jsonl"
        path.write_text(json.dumps({"text": TEXT, **row}) + "\n", encoding="utf-8")
        assert load_extracted([path]) == {TEXT: (WRONG, ALSO_WRONG)}
    path.write_text(json.dumps({"text": TEXT, "triples": named, "labels": [0]}) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"labelled\.jsonl:1: labels: has 1 entries, triples has 4"):
        load_extracted([path])


@pytest.mark.parametrize("known", [{"supported": 1}, {}], ids=["judged", "gold"])
def test_what_one_row_calls_right_is_left_out_of_all(tmp_path, known):
    def triple(t, **more):
        return {"subject": t.subject, "predicate": t.predicate, "object": t.object, **more}

    gold = {} if known else {"gold": [triple(DIRECTED)]}
    written = Triple("《霧渡》", "導演", DIRECTED.object)
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(json.dumps({"text": TEXT, "triples": [triple(DIRECTED, **known)], **gold}), encoding="utf-8")
    second.write_text(json.dumps({"text": TEXT, "triples": [triple(written), triple(WRONG)]}), encoding="utf-8")
    for files in ([first, second], [second, first]):
        assert load_extracted(files) == {TEXT: (WRONG,)}
