"""JSON as LLMs write it: sound, fenced, cut off, broken, in every shape."""

import json

import pytest

from cacre.errors import AnswerError
from cacre.extraction.parsing import parse_answer
from cacre.extraction.values import Fragment, ParsedAnswer

ONE = [("雾中渡", "导演", "林知远")]
TWO = [*ONE, ("雾中渡", "主演", "韦宁")]


def triples(answer: ParsedAnswer, name="anchors"):
    return [tuple(said.triple) for said in getattr(answer, name)]


KEYS = "Head-Entity Relation_Type tail|head type tail|e1 r e2|实体1 关系 实体2|主体 谓词 客体|主语 关系 宾语"


@pytest.mark.parametrize(
    "value",
    [
        *([dict(zip(keys.split(), triple, strict=True)) for triple in TWO] for keys in KEYS.split("|")),
        {"triples": TWO},
        TWO,
        {"spo_list": [{"subject": s, "predicate": p, "object": o} for s, p, o in TWO]},
        {"三元组": TWO},
        {"result": TWO},
        {"data": {"triples": TWO}},
        {"1": TWO[0], "2": TWO[1]},
        {"text": "雾中渡", "entities": ["雾中渡", "林知远", "韦宁"], "triples": TWO},
        {"triples": [f"（{s}，{p}，{o}）" for s, p, o in TWO]},
        {"triples": "\n".join(f"{s}, {p}, {o}" for s, p, o in TWO)},
        [[TWO]],
    ],
)
def test_every_shape(value):
    answer = parse_answer(json.dumps(value, ensure_ascii=False), "triples")
    assert triples(answer) == TWO
    assert not answer.repairs
    assert not answer.fragments


def test_duie_objects_and_types():
    row = {
        "subject": "雾中渡",
        "subject_type": "影视作品",
        "predicate": "上映时间",
        "object": {"@value": "2011", "inArea": "云岫"},
        "object_type": {"@value": "Date", "inArea": "地点"},
    }
    (said,) = (answer := parse_answer(json.dumps({"text": "x", "spo_list": [row]}), "triples")).anchors
    assert said.triple == ("雾中渡", "上映时间", "2011")
    assert (said.subject_type, said.object_type) == ("影视作品", "Date")
    assert answer.repairs == {"further slots left out": 1}


def test_entities_as_objects_give_types():
    content = '[{"subject": {"name": "雾中渡", "type": "作品"}, "predicate": "导演", "object": {"text": "林知远"}}]'
    (said,) = parse_answer(content, "triples").anchors
    assert (said.triple, said.subject_type, said.object_type) == (ONE[0], "作品", None)


def test_a_list_of_objects_is_several_triples():
    answer = parse_answer('[{"subject": "雾中渡", "predicate": "主演", "object": ["韦宁", "阿莫"]}]', "triples")
    assert triples(answer) == [("雾中渡", "主演", "韦宁"), ("雾中渡", "主演", "阿莫")]
    assert answer.repairs == {"list of objects": 1}


def test_numbers_stay_as_written():
    answer = parse_answer('[["雾中渡", "票房", 1.50], ["雾中渡", "年份", 2011], ["a", "b", 1e999]]', "triples")
    assert [said.triple.object for said in answer.anchors] == ["1.50", "2011", "1e999"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('["a", "b", null]', "empty object"),
        ('["a", "", "c"]', "empty predicate"),
        ('[" 「」 ", "b", "c"]', "empty subject"),
        ('["a", "b", NaN]', "empty object"),
        ('["a", "b"]', "2 parts"),
        ('["a", "b", "c", "d"]', "4 parts"),
        ('["a", "b", true]', "a part that is no text"),
        ('{"subject": "a", "object": "c"}', "empty predicate"),
        ('["实体1", "关系", "实体2"]', "placeholder of the answer format"),
    ],
)
def test_what_is_no_triple_becomes_a_fragment(row, reason):
    answer = parse_answer(f'{{"triples": [["雾中渡", "导演", "林知远"], {row}]}}', "triples")
    assert triples(answer) == ONE
    assert [fragment.reason for fragment in answer.fragments] == [reason]


def test_only_fragments_is_an_error_with_the_raw_answer():
    with pytest.raises(AnswerError) as caught:
        parse_answer('[["a", "b", null]]', "triples")
    assert (caught.value.reason, caught.value.raw) == ("no triple could be read", '[["a", "b", null]]')


@pytest.mark.parametrize(
    "content",
    [
        '{"anchors": [["a","b","c"]], "positives": [["c","d","a"]], "negatives": [["a","e","c"]]}',
        '{"锚点": [["a","b","c"]], "正例": [["c","d","a"]], "负例": [["a","e","c"]]}',
        '{"Anchor_Triples": [["a","b","c"]], "positive examples": [["c","d","a"]], "负样本": [["a","e","c"]]}',
        '[{"anchor": ["a","b","c"], "positive": ["c","d","a"], "negative": ["a","e","c"]}]',
        '{"data": [{"锚点1": {"e1":"a","r":"b","e2":"c"}, "正例1": ["c","d","a"], "负例1": ["a","e","c"]}]}',
        '{"anchors": [["a","b","c"]]}\n{"positives": [["c","d","a"]]}\n{"negatives": [["a","e","c"]]}',
        '锚点：\n```json\n[["a","b","c"]]\n```\n正例：\n```json\n[["c","d","a"]]\n```\n负例：\n```json\n[["a","e","c"]]\n```',
        'Anchors: [["a","b","c"]]\nPositives: [["c","d","a"]]\nNegatives: [["a","e","c"]]',
        '[{"type":"anchor","s":"a","p":"b","o":"c"},{"type":"positive","s":"c","p":"d","o":"a"},'
        '{"type":"negative","s":"a","p":"e","o":"c"}]',
    ],
)
def test_contrastive_lists(content):
    answer = parse_answer(content, "contrastive")
    assert triples(answer) == [("a", "b", "c")]
    assert triples(answer, "positives") == [("c", "d", "a")]
    assert triples(answer, "negatives") == [("a", "e", "c")]
    assert not answer.fragments


def test_lists_of_unequal_length_stay_as_they_are():
    answer = parse_answer(
        '{"anchors": [["a","b","c"],["d","b","c"]], "positives": [], "negatives": [["a","e","c"]]}', "contrastive"
    )
    assert [len(part) for part in (answer.anchors, answer.positives, answer.negatives)] == [2, 0, 1]


def test_negatives_are_never_taken_for_triples():
    answer = parse_answer(
        '{"anchors": [["a","b","c"]], "positives": [["c","d","a"]], "negatives": [["a","e","c"]]}', "triples"
    )
    assert triples(answer) == [("a", "b", "c")]
    assert not answer.positives
    assert not answer.negatives
    assert answer.repairs == {"list not asked for left out": 2}


def test_three_lists_without_names_are_not_guessed():
    with pytest.raises(AnswerError, match="no triple could be read"):
        parse_answer('[[["a","b","c"]], [["c","d","a"]], [["a","e","c"]]]', "contrastive")


SOUND = json.dumps({"triples": TWO}, ensure_ascii=False)


@pytest.mark.parametrize(
    "content",
    [
        f"```json\n{SOUND}\n```",
        f"```\n{SOUND}\n```",
        f"```JSON{SOUND}```",
        f"好的，结果如下：\n```json\n{SOUND}\n```\n希望有帮助，谢谢，再见。",
        f"~~~\n{SOUND}\n~~~",
        f"Here is the JSON: {SOUND} Done (a, b, c).",
        f"```json\n{SOUND}",
        "\ufeff" + SOUND + "\n",
        json.dumps(SOUND),
        '```json\n["雾中渡","导演","林知远"]\n```\n```json\n["雾中渡","主演","韦宁"]\n```',
        '["雾中渡","导演","林知远"]\n["雾中渡","主演","韦宁"]',
        '{"subject":"雾中渡","predicate":"导演","object":"林知远"},\n{"subject":"雾中渡","predicate":"主演","object":"韦宁"}',
    ],
)
def test_fences_prose_and_json_lines_around(content):
    assert triples(parse_answer(content, "triples")) == TWO


@pytest.mark.parametrize(
    ("content", "repair"),
    [
        ("{'triples': [['雾中渡', '导演', '林知远'], ['雾中渡', '主演', '韦宁'],]}", "json mended"),
        ('{"triples": [["雾中渡","导演","林知远"] ["雾中渡","主演","韦宁"]]}', "json mended"),
        ('{"triples": [["雾中渡","导演","林知远"], // 导演\n["雾中渡","主演","韦宁"]]}', "json mended"),
        ('[("雾中渡", "导演", "林知远"), ("雾中渡", "主演", "韦宁")]', "json mended"),
        ('{"triples": [["雾中渡","导演","林知远"],["雾中渡","主演","韦宁"]], "more": None}', "json mended"),
        ("{triples: [[雾中渡, 导演, 林知远], [雾中渡, 主演, 韦宁]]}", "json mended"),
        ('{"triples": [["雾中渡","导演","林知远",["雾中渡","主演","韦宁"]]}', "json mended"),
        ('{"triples": [\n["雾中渡", "导演", "林知远"],\n["雾中渡", "主演", "韦宁]\n]}', "json mended"),
        ('｛"triples"：［［"雾中渡"，"导演"，"林知远"］，［"雾中渡"，"主演"，"韦宁"］］｝', "full-width punctuation"),
        ("{“triples“： [[“雾中渡“， “导演“，“林知远“]，[”雾中渡”，”主演”，”韦宁”]]}", "curly quotes"),
    ],
)
def test_common_mistakes_are_mended_and_counted(content, repair):
    answer = parse_answer(content, "triples")
    assert triples(answer) == TWO
    assert answer.repairs == {repair: 1}


def test_full_width_punctuation_inside_strings_stays():
    answer = parse_answer('{"triples"：[["山，海（一）"，"导演"，"林：知远"]]}', "triples")
    assert triples(answer) == [("山，海（一）", "导演", "林：知远")]


def test_an_unescaped_quote_inside_a_string():
    assert triples(parse_answer('{"triples": [["他说"你好"","导演","林知远"]]}', "triples")) == [
        ('他说"你好"', "导演", "林知远")
    ]


def test_strings_that_ran_together_are_no_triple():
    answer = parse_answer('{"triples": [["雾中渡","导演","林知远"], ["甲":"乙", 丙":"丁", "戊", "己"] x]}', "triples")
    assert all(mark not in part for said in answer.anchors for part in said.triple for mark in ('":"', '","'))


@pytest.mark.parametrize("length", range(len(SOUND)))
def test_cut_off_anywhere_keeps_complete_triples_and_invents_none(length):
    content = SOUND[:length]
    complete = [triple for triple in TWO if json.dumps(triple, ensure_ascii=False) in content]
    try:
        answer = parse_answer(content, "triples")
    except AnswerError as error:
        assert not complete
        assert error.reason != "refusal"
    else:
        assert triples(answer) == complete
        if length < len(SOUND) - 2:
            assert answer.repairs.get("json cut off") or content.endswith("]")


CUT = ['["雾中渡", "主', '["雾中渡", "主演", "韦宁', '{"subject": "雾中渡", "object": {"@value": "韦"}, "pre']


@pytest.mark.parametrize("piece", CUT)
def test_the_incomplete_triple_becomes_a_fragment(piece):
    answer = parse_answer(f'```json\n{{"triples": [["雾中渡", "导演", "林知远"], {piece}', "triples")
    assert triples(answer) == ONE
    assert answer.fragments == (Fragment(piece, "json cut off"),)
    assert answer.repairs["json cut off"] == 1


def test_cut_off_in_the_second_list():
    answer = parse_answer('{"anchors": [["a","b","c"]], "positives": [["c","d","a"], ["c","d', "contrastive")
    assert (triples(answer), triples(answer, "positives")) == ([("a", "b", "c")], [("c", "d", "a")])
    assert [fragment.raw for fragment in answer.fragments] == ['["c","d']


def test_cut_off_before_the_first_complete_triple():
    with pytest.raises(AnswerError, match="cut off before the first complete triple"):
        parse_answer('{"triples": [["雾中渡", "导', "triples")


@pytest.mark.parametrize(
    "content",
    [
        '{"triples": [["雾中渡", "导演", "林知远"]',
        '["雾中渡", "导演", "林知远"]\n',
        '{"triples": [["雾中渡", "导演", "林知远"]]}\n\n说明：这',
        '{"triples": [["雾中渡", "导演", "林知远"]]}',
    ],
)
def test_an_answer_cut_off_between_two_triples_is_told_from_a_whole_one(content):
    answer = parse_answer(content, "triples", cut_off=True)
    assert triples(answer) == ONE
    assert answer.fragments == (Fragment(content, "cut off"),)
    assert answer.repairs["answer cut off"] == 1
    assert not parse_answer(content, "triples").fragments


def test_a_piece_that_is_cut_off_is_told_once():
    answer = parse_answer('[["雾中渡","导演","林知远"],["雾中渡","编剧","顾青', "triples", cut_off=True)
    assert answer.fragments == (Fragment('["雾中渡","编剧","顾青', "json cut off"),)
    assert answer.repairs == {"json cut off": 1, "answer cut off": 1}


DRAFT = '{"triples": [["雾中渡", "编剧", "韦宁"]]}'


def test_of_a_draft_and_a_final_version_the_last_complete_one_counts():
    answer = parse_answer(f"草稿：\n```json\n{DRAFT}\n```\n检查后修正：\n```json\n{SOUND}\n```", "triples")
    assert triples(answer) == TWO
    assert answer.repairs["earlier json left out"] == 1
    assert answer.fragments == (Fragment("(雾中渡, 编剧, 韦宁)", "left out for a later version"),)


GROUPS = [
    "按 JSON 格式回答如下。\n### 导演\n```json\n{}\n```\n### 主演\n```json\n{}\n```",
    "导演：{}\n主演：{}",
    "1. 关于导演，文本说：\n{}\n\n2. 关于主演：\n{}\n\n3. 关于编剧：\n[]",
    "director:\n{}\nactor:\n{}\nwriter:\n{{}}",
]


@pytest.mark.parametrize("form", GROUPS)
@pytest.mark.parametrize("wrapped", ["[{}]", '{{"triples": [{}]}}'])
def test_an_answer_grouped_by_relation_is_one_answer(form, wrapped):
    rows = [wrapped.format(json.dumps(row, ensure_ascii=False)) for row in TWO]
    answer = parse_answer(form.format(*rows), "triples")
    assert triples(answer) == TWO
    assert not answer.fragments
    assert "earlier json left out" not in answer.repairs


def test_a_group_of_nothing_and_one_that_is_cut_off_spoil_no_other():
    answer = parse_answer(
        '导演：{"triples": [["甲", "导演", "乙"]]}\n编剧：{"triples": []}\n主演：[["甲", "主演", "丙"], ["甲", "主',
        "triples",
    )
    assert triples(answer) == [("甲", "导演", "乙"), ("甲", "主演", "丙")]
    assert answer.fragments == (Fragment('["甲", "主', "json cut off"),)


@pytest.mark.parametrize("again", [["林知远", "导演", "雾中渡"], ["雾中渡", "导演", "林知远"]])
def test_what_is_said_again_replaces_the_first_and_what_is_lost_is_told(again):
    row = json.dumps([again], ensure_ascii=False)
    answer = parse_answer(f'[["雾中渡", "导演", "林知远"], ["雾中渡", "编剧", "韦宁"]]\n再看一遍：\n{row}', "triples")
    assert triples(answer) == [tuple(again)]
    lost = [] if tuple(again) in ONE else [Fragment("(雾中渡, 导演, 林知远)", "left out for a later version")]
    assert answer.fragments == (*lost, Fragment("(雾中渡, 编剧, 韦宁)", "left out for a later version"))


def test_groups_of_three_lists_may_share_what_is_wrong():
    said = (("导演", "甲"), ("主演", "乙"))
    lists = [
        {"anchors": [["雾中渡", p, o]], "positives": [[o, f"{p}了", "雾中渡"]], "negatives": [["雾中渡", "票房", o]]}
        for p, o in said
    ]
    content = "\n".join(f"{p}：{json.dumps(one, ensure_ascii=False)}" for (p, _), one in zip(said, lists, strict=True))
    answer = parse_answer(content, "contrastive")
    assert triples(answer) == [("雾中渡", "导演", "甲"), ("雾中渡", "主演", "乙")]
    assert [len(getattr(answer, name)) for name in ("positives", "negatives")] == [2, 2]


def test_an_example_is_no_group():
    answer = parse_answer(f'例如 [["某片", "导演", "某人"]]\n本文：{SOUND}', "triples")
    assert triples(answer) == TWO
    assert answer.fragments == (Fragment("(某片, 导演, 某人)", "left out for a later version"),)


def test_a_final_version_that_is_cut_off_does_not_replace_a_complete_draft():
    cut = '{"triples": [["雾中渡", "导演", "林知远"], ["雾'
    answer = parse_answer(f"草稿：\n{DRAFT}\n修正：\n{cut}", "triples")
    assert triples(answer) == [("雾中渡", "编剧", "韦宁")]
    assert answer.fragments == (Fragment(cut, "cut off, after a complete answer"),)


def test_an_empty_final_version_counts_but_a_bare_list_in_prose_does_not():
    assert not parse_answer(f'草稿：{DRAFT}\n检查后发现都不成立：{{"triples": []}}', "triples").anchors
    assert triples(parse_answer(f"{SOUND}\n如无则输出 []", "triples")) == TWO


def test_lines_beside_json_are_counted():
    answer = parse_answer(f"（雾中渡，编剧，韦宁）\n{SOUND}", "triples")
    assert triples(answer) == TWO
    assert answer.repairs == {"lines beside json left out": 1}


EMPTY = ["[]", "{}", '{"triples": []}', '{"triples": null}', "```json\n[]\n```", "{'triples': [],}"]


@pytest.mark.parametrize(
    "content", [*EMPTY, '{"triples": ["无"]}', '{"anchors": [], "positives": [], "negatives": []}']
)
def test_an_explicitly_empty_answer_is_no_error(content):
    answer = parse_answer(content, "contrastive")
    assert not (answer.anchors or answer.positives or answer.negatives or answer.fragments)


@pytest.mark.parametrize("content", ['{"triples": [...]}', '{"error": "x"}', '{"triples": [["a","b"'])
def test_what_holds_nothing_is_not_taken_for_empty(content):
    with pytest.raises(AnswerError):
        parse_answer(content, "triples")


def test_quotes_and_white_space_around_an_entity_go_and_book_marks_stay():
    content = json.dumps([[" 「雾中渡」 ", '"导演"', "《林知远》"], ["“甲”与“乙”", "导演", "“丙”"]])
    assert triples(parse_answer(content, "triples")) == [("雾中渡", "导演", "《林知远》"), ("“甲”与“乙”", "导演", "丙")]
