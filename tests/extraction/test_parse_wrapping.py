"""What stands around an answer: thinking, refusals, emptiness; and the answers of a judge."""

import pytest

from cacre.errors import AnswerError
from cacre.extraction.parsing import parse_answer, parse_judgement
from cacre.extraction.parsing.wrapping import answer_spans

ANSWER = '{"triples": [["雾中渡", "导演", "林知远"]]}'
WRONG = '{"triples": [["雾中渡", "编剧", "韦宁"]]}'


@pytest.mark.parametrize(
    "content",
    [
        f"<think>也许是 {WRONG}？</think>{ANSWER}",
        f"<think>\n（雾中渡，编剧，韦宁）\n</think>\n\n{ANSWER}",
        f"<Thinking>{WRONG}</Thinking>\n```json\n{ANSWER}\n```",
        f"也许是 {WRONG}\n</think>\n{ANSWER}",
        f"<think>{WRONG}</think>{ANSWER}<think>{WRONG}</think>",
        f"◁think▷{WRONG}◁/think▷{ANSWER}",
        f"{ANSWER}\n<think>再看看 {WRONG}",
    ],
)
def test_triples_inside_thinking_are_not_the_answer(content):
    answer = parse_answer(content, "triples")
    assert [tuple(said.triple) for said in answer.anchors] == [("雾中渡", "导演", "林知远")]
    assert answer.repairs["thinking removed"] >= 1


@pytest.mark.parametrize(
    "content", [f"<think>也许是 {ANSWER}", f"好的。<think>也许是 {ANSWER}", "<think>", "\n<think>嗯"]
)
def test_thinking_that_never_closes(content):
    with pytest.raises(AnswerError) as caught:
        parse_answer(content, "triples")
    assert (caught.value.reason, caught.value.raw) == ("cut off while thinking", content)


def test_tags_inside_sound_json_are_text():
    answer = parse_answer('[["<think>", "导演", "</think>"]]', "triples")
    assert answer.anchors[0].triple == ("<think>", "导演", "</think>")


def test_nested_and_repeated_tags_are_read_once():
    assert answer_spans("a<think>b<think>c</think>d") == ([(0, 1), (25, 26)], 1)
    assert answer_spans("a<think>b</think>c</think>d") == ([(26, 27)], 2)
    assert answer_spans("a</think>b</think>c") == ([(18, 19)], 2)


@pytest.mark.parametrize(
    "content",
    [
        "抱歉，我无法完成该请求。",
        "对不起，这个问题我不能回答。",
        "作为一个人工智能语言模型，我无法处理这段内容。",
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "Unfortunately, I am unable to process this text.",
        "The response was filtered due to the content management policy.",
        "该内容涉及敏感内容，请换个话题。",
        "抱歉，我无法处理这段文本。\n1. 首先，内容不当",
        '{"error": "I\'m sorry, but I can\'t help with that."}',
    ],
)
def test_refusals(content):
    for kind in ("triples", "contrastive"):
        with pytest.raises(AnswerError) as caught:
            parse_answer(content, kind)
        assert (caught.value.reason, caught.value.raw) == ("refusal", content)


def test_an_apology_before_an_answer_is_no_refusal():
    answer = parse_answer(f"抱歉，我无法确定全部关系，但可以给出：\n{ANSWER}", "triples")
    assert len(answer.anchors) == 1


@pytest.mark.parametrize("content", ["", " \n\t", "\u3000\ufeff\u200b", "\x00"])
def test_blank_content(content):
    with pytest.raises(AnswerError, match="empty answer"):
        parse_answer(content, "triples")
    with pytest.raises(AnswerError, match="empty answer"):
        parse_judgement(content, 1)


@pytest.mark.parametrize(
    "content",
    [
        *(
            "无",
            "无。",
            "没有",
            "**无**",
            "```\n无\n```",
            "未发现任何关系",
            "没有遗漏的三元组",
            "<think>没有</think>\n无",
        ),
        *(
            "None",
            "none.",
            "N/A",
            "null",
            "[]",
            "(none)",
            "no triples",
            "Nothing was missed.",
            "No relations were found.",
        ),
        "文本中没有符合条件的三元组。",
        "抱歉，没有找到符合要求的三元组。",
        "There are no further triples.",
        "I could not find any triples in the text.",
    ],
)
def test_explicitly_nothing(content):
    answer = parse_answer(content, "triples")
    assert not (answer.anchors or answer.fragments)


@pytest.mark.parametrize(
    "content", ["雾中渡是一部电影。", "\ud800", "9" * 10_000, "1e999", "NaN", "好的", "{", "，，，", "true"]
)
def test_anything_else_is_an_error(content):
    with pytest.raises(AnswerError):
        parse_answer(content, "triples")


@pytest.mark.parametrize(
    "content",
    [
        '{"verdicts": [{"number": 1, "supported": true}, {"number": 2, "supported": false}]}',
        '```json\n{"verdicts": [{"number": "1", "supported": "是"}, {"number": "2", "supported": "否"}]}\n```',
        "{'verdicts': [{'number': 1, 'supported': True}, {'number': 2, 'supported': False},]}",
        '｛"verdicts"：［｛"number"：1，"supported"：true｝，｛"number"：2，"supported"：false｝］｝',
        '{"1": true, "2": false}',
        '{"triple_1": {"supported": "yes"}, "triple_2": {"supported": "no"}}',
        "[true, false]",
        '["支持", "不支持"]',
        '[{"supported": true}, {"supported": false}]',
        "1: 是\n2: 否",
        "1：是。\n2：否。",
        "1. yes\n2. no",
        "1) Supported\n2) Not supported",
        "(1) 支持\n(2) 不支持",
        "① 正确\n② 错误",
        "**1**: ✓\n**2**: ✗",
        "- Triple 1: true\n- Triple 2: false",
        "第1条：成立，文中提到。\n第2条：不成立，因为没有提到。",
        "1. （雾中渡，导演，林知远）：是\n2. （雾中渡，编剧，林知远）：否",
        "1. （无雨之城，导演，林知远）：是\n2. （是夜，编剧，林知远）：否",
        "1. （雾中渡，导演，林知远） 支持，文中提到\n2. （雾中渡，编剧，林知远） 不支持：没有提到",
        "1. 对不起，山海，导演，林知远：是\n2. 对岸，编剧，林知远：否",
        "1. No Way Up, director, Lin: yes\n2. (Yes or No, director, Lin) - no",
        "1: 是：文中说得明白\n2: 否——没有提到",
        "| 1 | 是 |\n| 2 | 否 |",
        "是\n否",
        "0: yes\n1: no",
        "<think>1: 否\n2: 是</think>1: 是\n2: 否",
        '草稿 {"1": false, "2": true} 最终 {"1": true, "2": false}',
    ],
)
def test_judgements(content):
    assert parse_judgement(content, 2) == (True, False)


@pytest.mark.parametrize(
    ("content", "verdicts"),
    [
        ("1: 是", (True, None, None)),
        ("3: no\n1: yes", (True, None, False)),
        ("1: 是\n2: 不确定\n3: 否", (True, None, False)),
        ("1: yes\n1: no\n2: yes", (None, True, None)),
        ("1: yes\n7: no", (True, None, None)),
        ('{"verdicts": [{"number": 1, "supported": true}, {"number": 2, "supp', (True, None, None)),
        ('{"verdicts": [{"number": 1, "supported": null}, {"number": 3, "supported": 0}]}', (None, None, False)),
        ("yes, no, yes\n1: no", (False, None, None)),
    ],
)
def test_silence_and_contradiction_are_no_verdict(content, verdicts):
    assert parse_judgement(content, 3) == verdicts


@pytest.mark.parametrize(
    ("content", "verdict"), [("是", True), ("No.", False), ("supported", True), ('{"supported": false}', False)]
)
def test_a_bare_word_for_one_triple(content, verdict):
    assert parse_judgement(content, 1) == (verdict,)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("抱歉，我无法完成该请求。", "refusal"),
        ("嗯", "no verdict in any known form"),
        ("7: yes", "numbers that fit no triple"),
        ("0: yes\n2: no", "numbers that fit no triple"),
        ("[true]", "no verdict in any known form"),
        ("<think>1: yes", "cut off while thinking"),
        ("2011年的电影", "no verdict in any known form"),
        ("[" * 10_000, "no verdict in any known form"),
    ],
)
def test_judgements_that_cannot_be_read(content, reason):
    with pytest.raises(AnswerError) as caught:
        parse_judgement(content, 2)
    assert (caught.value.reason, caught.value.raw) == (reason, content)
