"""Whatever the string: triples or an `AnswerError`, never another exception, and nothing invented."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cacre.errors import AnswerError
from cacre.extraction.parsing import parse_answer, parse_judgement, whole_part

TRIPLES = [
    ("《雾中渡》（2087年版）", "导演", "林知远"),
    ("云岫（北）公司", "创始人", "韦宁"),
    ("A, B Inc", "成立日期", "2011"),
]
OTHERS = [("林知远", "执导", "雾中渡"), ("韦宁", "创办", "云岫（北）公司"), ("A, B Inc", "成立于", "2011")]
LISTS = {"anchors": TRIPLES, "positives": OTHERS, "negatives": TRIPLES[::-1]}
OBJECTS = [dict(zip(("subject", "predicate", "object"), triple, strict=True)) for triple in TRIPLES]
EXAMPLES = [
    json.dumps(LISTS, ensure_ascii=False),
    json.dumps({"triples": OBJECTS}, ensure_ascii=False, indent=2),
    json.dumps(TRIPLES),
    "\n".join(f"{name}：（{'，'.join(t)}）" for name in ("锚点", "正例", "负例") for t in TRIPLES),
    "Anchors:\n" + "\n".join(f"{n}. ({', '.join(t)})" for n, t in enumerate(TRIPLES)) + "\nPositive:\nNone",
    "<think>先想一想</think>\n```json\n" + json.dumps({"spo_list": OBJECTS}, ensure_ascii=False) + "\n```\n以上。",
    '{"verdicts": [{"number": 1, "supported": true}, {"number": 2, "supported": false}]}',
    "1：是\n2：否",
]
TRAPS = st.sampled_from(
    [
        *(
            "[",
            "]",
            "{",
            "}",
            '"',
            "'",
            "“",
            "（",
            "）",
            "，",
            ",",
            ":",
            "：",
            "\\",
            "\n",
            "```",
            "<think>",
            "</think>",
        ),
        *("\x00", "\ud800", "null", "NaN", "1e999", "锚点：", "|", "->", "——", "/*", "//", "#", "《"),
        *("[" * 99, "9" * 5000, "《" * 99),
    ]
)
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)


@st.composite
def mutated(draw):
    text = draw(st.sampled_from(EXAMPLES))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        change = draw(st.sampled_from(["cut", "insert", "delete", "repeat", "splice", "wrap"]))
        if change == "cut":
            text = text[:end]
        elif change == "insert":
            text = text[:start] + draw(TRAPS | st.text(max_size=3)) + text[start:]
        elif change == "delete":
            text = text[:start] + text[min(end, start + 5) :]
        elif change == "repeat":
            text = text[:end] + text[start:end] * draw(st.integers(1, 3)) + text[end:]
        elif change == "splice":
            text = text[:start] + draw(st.sampled_from(EXAMPLES))[end:]
        else:
            text = draw(TRAPS) + text + draw(TRAPS)
    return text


def check(content, kind, predicates=frozenset(), cut_off=False):
    try:
        answer = parse_answer(content, kind, predicates=predicates, cut_off=cut_off)
    except AnswerError as error:
        assert error.raw == content
        return
    for said in (*answer.anchors, *answer.positives, *answer.negatives):
        for part in said.triple:
            assert part
            assert part == part.strip()
    assert all(isinstance(fragment.raw, str) and fragment.reason for fragment in answer.fragments)
    assert all(count > 0 for count in answer.repairs.values())
    assert kind == "contrastive" or not (answer.positives or answer.negatives)
    assert not cut_off or any("cut off" in fragment.reason for fragment in answer.fragments)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(
    mutated(),
    st.sampled_from(["triples", "contrastive"]),
    st.sampled_from([frozenset(), frozenset({"导演", "创始人"})]),
    st.booleans(),
)
def test_mutated_answers(content, kind, predicates, cut_off):
    check(content, kind, predicates, cut_off)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(mutated() | ANY_TEXT)
def test_the_whole_part_of_anything_is_its_beginning(content):
    whole, piece = whole_part(content)
    assert content.startswith(whole)
    assert content.strip().endswith(piece.strip())


@settings(max_examples=500)
@given(ANY_TEXT, st.sampled_from(["triples", "contrastive"]))
def test_any_text(content, kind):
    check(content, kind)


@settings(max_examples=300)
@given(st.text("[]{}()（）\"'“”,，:：\\/#a甲1 \n《》|<>-*`", max_size=80), st.sampled_from(["triples", "contrastive"]))
def test_punctuation_soup(content, kind):
    check(content, kind)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(mutated() | ANY_TEXT | st.text('0123①:：.是否yesno\n"{}[] ', max_size=40), st.integers(1, 5))
def test_any_judgement(content, count):
    try:
        verdicts = parse_judgement(content, count)
    except AnswerError as error:
        assert error.raw == content
    else:
        assert len(verdicts) == count
        assert set(verdicts) <= {True, False, None}


ENTITY = st.text("山海林知远aB1·", min_size=1, max_size=6).map(str.strip).filter(bool)
TRIPLE = st.tuples(ENTITY, ENTITY, ENTITY)


@given(st.lists(TRIPLE, min_size=1, max_size=4), st.lists(TRIPLE, max_size=4), st.booleans())
def test_unmutated_answers_come_back_exactly(anchors, positives, as_json):
    if as_json:
        content = json.dumps({"anchors": anchors, "positives": positives}, ensure_ascii=False)
    else:
        lines = [("锚点", triple) for triple in anchors] + [("正例", triple) for triple in positives]
        content = "\n".join(f"{name}：（{'，'.join(triple)}）" for name, triple in lines)
    answer = parse_answer(content, "contrastive")
    assert [tuple(said.triple) for said in answer.anchors] == anchors
    assert [tuple(said.triple) for said in answer.positives] == positives
    assert not answer.fragments
    assert not answer.repairs


@pytest.mark.parametrize("motif", ["[", '{"a":', "{[", '["', "{'a':[(", "［"])
def test_deep_nesting_is_an_answer_error(motif):
    for content in (motif * 10_000, motif * 500_000, motif * 500 + "]}" * 500):
        with pytest.raises(AnswerError, match="nested too deeply"):
            parse_answer(content, "triples")


@pytest.mark.parametrize("motif", ['/){ *"', "”{”]}", '甲"/', ':"', "',", '["a"b"c],'])
def test_json_repair_is_stopped_where_it_would_take_minutes(motif):
    content = '{"triples": [["雾中渡","导演","林知远"],' + motif * (8_000 // len(motif))
    try:
        parse_answer(content, "triples")
    except AnswerError as error:
        assert error.raw == content


def test_a_very_long_answer_is_cut_with_a_note():
    row = '["雾中渡","导演","林知远"],'
    answer = parse_answer('{"triples": [' + row * 11_000, "triples")
    assert 200_000 // len(row) - 1 <= len(answer.anchors) <= 200_000 // len(row)
    assert answer.repairs["answer too long: end left out"] == 1
