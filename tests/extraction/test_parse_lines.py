"""The paper's lines, with whatever punctuation, numbering and mark-up LLMs give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.errors import AnswerError
from cacre.extraction.parsing import parse_answer
from cacre.extraction.parsing.parts import Unsplit, clean_part, split_three

ONE = ("雾中渡", "导演", "林知远")


def anchors(answer):
    return [tuple(said.triple) for said in answer.anchors]


def read(content, kind="triples", predicates=()):
    return anchors(parse_answer(content, kind, predicates=frozenset(predicates)))


@pytest.mark.parametrize(
    "content",
    [
        "（雾中渡，导演，林知远）",
        "(雾中渡, 导演, 林知远)",
        "（雾中渡, 导演，林知远)",
        "[雾中渡，导演，林知远]",
        "【雾中渡，导演，林知远】",
        "<雾中渡, 导演, 林知远>",
        "1. （雾中渡，导演，林知远）",
        "1) (雾中渡, 导演, 林知远)",
        "①（雾中渡，导演，林知远）",
        "(1) （雾中渡，导演，林知远）",
        "- （雾中渡，导演，林知远）",
        "* **(雾中渡, 导演, 林知远)**",
        "• `(雾中渡, 导演, 林知远)`",
        "三元组1：（雾中渡，导演，林知远）",
        "Triple 1: (雾中渡, 导演, 林知远)",
        "抽取结果：（雾中渡，导演，林知远）",
        "锚点：（雾中渡，导演，林知远）",
        "锚点：雾中渡，导演，林知远",
        "(雾中渡 | 导演 | 林知远)",
        "雾中渡 | 导演 | 林知远",
        "雾中渡\t导演\t林知远",
        "雾中渡 -> 导演 -> 林知远",
        "雾中渡 → 导演 → 林知远",
        "（雾中渡——导演——林知远）",
        "（雾中渡、导演、林知远）",
        "（雾中渡；导演；林知远）",
        "| 主体 | 关系 | 客体 |\n|---|---|---|\n| 雾中渡 | 导演 | 林知远 |",
        "| # | Subject | Predicate | Object |\n|--|--|--|--|\n| 1 | 雾中渡 | 导演 | 林知远 |",
        "主体：雾中渡；关系：导演；客体：林知远",
        "- Relation: 导演, Head: 雾中渡, Tail: 林知远",
        "('雾中渡', '导演', '林知远')",
        "（“雾中渡”，“导演”，“林知远”）",
        "三元组：\n1. 雾中渡，导演，林知远。",
        "[\n（雾中渡，导演，林知远）\n]",
        "以下是结果，请查收，谢谢：\n\n（雾中渡，导演，林知远）\n\n以上，仅供参考，谢谢。",
        "（雾中渡，导演，林知远）—— 文中明确提到",
    ],
)
def test_one_triple(content):
    assert read(content) == [ONE]


@pytest.mark.parametrize(
    "content",
    [
        "（雾中渡，导演，林知远），（a，b，c）",
        "（雾中渡，导演，林知远）；（a，b，c）",
        "（雾中渡，导演，林知远）（a，b，c）",
        "[(雾中渡, 导演, 林知远), (a, b, c)]",
        "1. (雾中渡, 导演, 林知远) 2. (a, b, c)",
        "三元组：雾中渡，导演，林知远；a，b，c",
    ],
)
def test_several_on_a_line(content):
    assert read(content) == [ONE, ("a", "b", "c")]


@pytest.mark.parametrize(
    ("content", "triple"),
    [
        ("（《红雪楼》（2087年版），导演，林知远）", ("《红雪楼》（2087年版）", "导演", "林知远")),
        ("（《山，海》，导演，林知远）", ("《山，海》", "导演", "林知远")),
        ('("山, 海", "导演", "林知远")', ("山, 海", "导演", "林知远")),
        ("（云岫（北，南）公司，创始人，韦宁）", ("云岫（北，南）公司", "创始人", "韦宁")),
        ("（云岫）公司 | 创始人 | 韦宁", ("（云岫）公司", "创始人", "韦宁")),
        ("(A, B and C公司，创始人，韦宁)", ("A, B and C公司", "创始人", "韦宁")),
        ("(O'Neil, 创始人, D'Or)", ("O'Neil", "创始人", "D'Or")),
        ("主体：（云岫）公司，关系：创始人，客体：韦宁", ("（云岫）公司", "创始人", "韦宁")),
        ("锚点：10:30，导演，a__b", ("10:30", "导演", "a__b")),
        ("(3.5级风, 导演, 10:30)", ("3.5级风", "导演", "10:30")),
        ("（《山海，导演，林知远）", ("《山海", "导演", "林知远")),
        ("（甲——乙，导演，丙——丁）", ("甲——乙", "导演", "丙——丁")),
        ("（甲、乙，导演，丙、丁）", ("甲、乙", "导演", "丙、丁")),
        ("（甲，导演，乙）\n（丙(1，导演，丁）", ("甲", "导演", "乙")),
    ],
)
def test_entities_with_commas_and_brackets(content, triple):
    assert read(content)[0] == triple


@pytest.mark.parametrize(
    ("content", "left", "piece"),
    [
        ("雾中渡 | 导演 | 林知远\n雾中渡 | 编剧 | 顾青", [("雾中渡", "导演", "林知远")], "雾中渡 | 编剧 | 顾青"),
        ("1. 雾中渡，导演，林知远\n2. 雾中渡，编剧，顾青", [("雾中渡", "导演", "林知远")], "雾中渡，编剧，顾青"),
        ("雾中渡 | 导演 | 林知远；雾中渡 | 编剧 | 顾青", [("雾中渡", "导演", "林知远")], "雾中渡 | 编剧 | 顾青"),
        (
            "（雾中渡，导演，林知远）\n（雾中渡，编剧，顾青（笔名）",
            [("雾中渡", "导演", "林知远")],
            "（雾中渡，编剧，顾青（笔名）",
        ),
    ],
)
def test_the_last_line_of_an_answer_that_was_cut_off_is_no_triple(content, left, piece):
    answer = parse_answer(content, "triples", cut_off=True)
    assert anchors(answer) == left
    assert [(fragment.raw.strip(), fragment.reason) for fragment in answer.fragments] == [(piece, "line cut off")]
    assert answer.repairs == {"lines cut off": 1, "answer cut off": 1}
    assert len(anchors(parse_answer(content, "triples"))) == 2


@pytest.mark.parametrize("end", ["\n", "。", "；"])
def test_a_last_line_that_has_its_end_is_kept_and_the_cut_told(end):
    answer = parse_answer(f"雾中渡 | 导演 | 林知远{end}", "triples", cut_off=True)
    assert anchors(answer) == [("雾中渡", "导演", "林知远")]
    assert [fragment.reason for fragment in answer.fragments] == ["cut off"]
    assert answer.repairs == {"answer cut off": 1}


@pytest.mark.parametrize("content", ["无", "雾中渡 | 导演 | 林知", "让我想想。没有明确的三元组", "先看第一句"])
def test_an_answer_that_was_cut_off_too_early_does_not_say_that_there_is_nothing(content):
    with pytest.raises(AnswerError, match="cut off before the first complete triple"):
        parse_answer(content, "triples", cut_off=True)


def test_a_known_predicate_shows_where_to_cut():
    content = "(A, B and C公司, 创始人, 韦宁)\n（你好，山海，导演，林，知远）"
    assert read(content, predicates=["创始人", "导演"]) == [
        ("A, B and C公司", "创始人", "韦宁"),
        ("你好，山海", "导演", "林，知远"),
    ]


@pytest.mark.parametrize("predicates", [[], ["编剧"], ["创始人", "and"], ["B", "创始人"]])
def test_without_exactly_one_known_predicate_it_is_a_fragment(predicates):
    answer = parse_answer("（雾中渡，导演，林知远）\n(A, B, 创始人, X)", "triples", predicates=frozenset(predicates))
    found = [said.triple.predicate for said in answer.anchors[1:]]
    known = {"B", "创始人"} & set(predicates)
    assert found == (list(known) if len(known) == 1 else [])
    assert [f.reason for f in answer.fragments] == ([] if found else ["4 parts"])


def test_entities_known_from_other_triples_show_where_to_cut():
    answer = parse_answer(
        "锚点：（你好，山海，导演，林知远）\n正例：（林知远，执导，你好，山海）",
        "contrastive",
        predicates=frozenset(["导演"]),
    )
    assert [tuple(said.triple) for said in answer.positives] == [("林知远", "执导", "你好，山海")]
    assert answer.repairs == {"parts joined by known entities": 1}


@pytest.mark.parametrize(
    "content",
    [
        "锚点：（a，b，c）\n正例：（c，d，a）\n负例：（a，e，c）",
        "Anchor: (a, b, c)\nPositive: (c, d, a)\nNegative: (a, e, c)",
        "锚点:(a,b,c) 正例:(c,d,a) 负例:(a,e,c)",
        "**锚点：**\n- （a，b，c）\n\n**正例：**\n- （c，d，a）\n\n**负例**\n- （a，e，c）",
        "### Anchors\n1. (a, b, c)\n### Positive examples\n1. (c, d, a)\n### Negative triples:\n1. (a, e, c)",
        "锚点1：（a，b，c）\n正例1：（c，d，a）\n负例1：（a，e，c）",
        "【锚点】（a，b，c）\n【正例】（c，d，a）\n【负例】（a，e，c）",
        "1. 锚点（Anchor）：（a，b，c）\n2. 正例（Positive）：（c，d，a）\n3. 负例（Negative）：（a，e，c）",
        "锚点：\n三元组1：（a，b，c）\n正例：\n三元组1：（c，d，a）\n负例：\n三元组1：（a，e，c）",
        "锚点：a，b，c\n正例：c，d，a\n负例：a，e，c",
        "| 锚点 | a | b | c |\n| 正例 | c | d | a |\n| 负例 | a | e | c |",
        "Anchor #1: (a, b, c)\nPositive #1: (c, d, a)\nNegative #1: (a, e, c)",
        "Anchor: (Entity 1, Relation, Entity 2)\nAnchor: (a, b, c)\nPositive: (c, d, a)\nNegative: (a, e, c)",
    ],
)
def test_contrastive_lines(content):
    answer = parse_answer(content, "contrastive")
    lists = [[tuple(said.triple) for said in part] for part in (answer.anchors, answer.positives, answer.negatives)]
    assert lists == [[("a", "b", "c")], [("c", "d", "a")], [("a", "e", "c")]]


def test_negatives_are_left_out_of_a_plain_answer():
    answer = parse_answer("锚点：（a，b，c）\n负例：（a，e，c）", "triples")
    assert [tuple(said.triple) for said in answer.anchors] == [("a", "b", "c")]
    assert answer.repairs == {"list not asked for left out": 1}


def test_a_triple_before_any_heading_is_no_anchor_where_there_are_anchors():
    answer = parse_answer("（x，y，z）\n锚点：（a，b，c）", "contrastive")
    assert [tuple(said.triple) for said in answer.anchors] == [("a", "b", "c")]
    assert [fragment.reason for fragment in answer.fragments] == ["triple outside the three lists"]


@pytest.mark.parametrize("line", ["（雾中渡，编", "（雾中渡，编剧，韦宁", "1. 锚点：(雾中渡"])
def test_a_last_line_that_breaks_off_is_a_fragment(line):
    answer = parse_answer(f"（雾中渡，导演，林知远）\n{line}", "triples")
    assert [tuple(said.triple) for said in answer.anchors] == [ONE]
    assert [fragment.reason for fragment in answer.fragments] == ["line cut off"]
    assert answer.repairs == {"lines cut off": 1}


def test_a_bracket_forgotten_in_the_middle_is_mended():
    answer = parse_answer("（雾中渡，导演，林知远\n（a，b，c）", "triples")
    assert [tuple(said.triple) for said in answer.anchors] == [ONE, ("a", "b", "c")]
    assert answer.repairs == {"bracket mended": 1}


@pytest.mark.parametrize("row", ["（a，，c）", "（a，b，）"])
def test_empty_parts_are_fragments(row):
    answer = parse_answer(f"（雾中渡，导演，林知远）\n{row}", "triples")
    assert len(answer.anchors) == len(answer.fragments) == 1


@pytest.mark.parametrize(
    "content",
    [
        "好的，以下是抽取结果，请查收",
        "本文介绍了雾中渡（包括导演，主演，编剧）的情况。",
        "我先看文本，再看关系，然后作答。",
        "锚点是三元组，正例与之同义，负例相反。",
    ],
)
def test_prose_with_two_commas_is_no_triple(content):
    with pytest.raises(AnswerError):
        parse_answer(content, "triples")


@pytest.mark.parametrize("content", ["锚点：无\n正例：无\n负例：无", "Anchor: None\nPositive: None\nNegative: None"])
def test_empty_lists(content):
    answer = parse_answer(content, "contrastive")
    assert not (answer.anchors or answer.positives or answer.negatives or answer.fragments)


def test_one_empty_list():
    answer = parse_answer("锚点：（a，b，c）\n正例：无", "contrastive")
    assert (len(answer.anchors), answer.positives, answer.fragments) == (1, (), ())


PART = st.text("山海林a b()（）《》“”·-1", min_size=1).map(clean_part).filter(bool)


@given(st.tuples(PART, PART, PART), st.sampled_from(["，", ", ", " | ", "\t", " -> "]))
def test_parts_without_a_separator_and_with_matched_brackets_come_back(parts, separator):
    whole = all(part.count(a) == part.count(b) == 0 for part in parts for a, b in ("()", "（）", "《》", "“”"))
    cut = split_three(separator.join(parts))
    if whole and not any(">" in part or "-" in part for part in parts):
        assert not isinstance(cut, Unsplit)
        assert tuple(map(clean_part, cut)) == parts


@given(st.text(max_size=60), st.frozensets(st.text(max_size=3), max_size=3))
def test_no_character_is_invented_or_reordered(text, predicates):
    cut = split_three(text, predicates)
    if not isinstance(cut, Unsplit):
        at = 0
        for part in cut:
            at = text.index(part, at) + len(part)


@given(st.text(max_size=30))
def test_cleaning_twice_changes_nothing(text):
    assert clean_part(clean_part(text)) == clean_part(text)
    assert clean_part(text) in text
