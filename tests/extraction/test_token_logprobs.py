"""The mean log probability of a triple's tokens."""

import json
import math
import re

import pytest

from cacre.extraction.parsing import parse_answer
from cacre.llm.chat import TokenLogprob


def by_character(content, values):
    """One token a character; `values` gives a log probability to the characters of some pieces, in order."""
    scores, at = [0.0] * len(content), 0
    for piece, value in values:
        at = content.index(piece, at)
        scores[at : at + len(piece)] = [value] * len(piece)
        at += len(piece)
    return [TokenLogprob(character, score) for character, score in zip(content, scores, strict=True)]


def test_mean_over_the_tokens_of_the_three_parts():
    content = '{"triples": [["雾中渡", "导演", "林知远"]]}'
    logprobs = by_character(content, [("雾中渡", -1.0), ("导演", -4.0), ("林知远", -1.0)])
    (said,) = parse_answer(content, "triples", logprobs).anchors
    assert said.logprob == pytest.approx((3 * -1 + 2 * -4 + 3 * -1) / 8)


def test_tokens_that_only_overlap_count_whole():
    tokens = [("[[", -9), ('"雾', -1), ('中渡","', -2), ('导演"', -3), (',"林知远', -4), ('"]]', -9)]
    content = "".join(token for token, _ in tokens)
    (said,) = parse_answer(content, "triples", [TokenLogprob(*token) for token in tokens]).anchors
    assert said.logprob == -2.5


def test_each_triple_is_found_behind_the_one_before():
    content = "（甲，导演，乙）\n（甲，编剧，乙）\n（甲，导演，乙）"
    pieces = re.findall(r"\w+", content)
    logprobs = by_character(content, list(zip(pieces, [-1.0] * 3 + [-2.0] * 3 + [-3.0] * 3, strict=True)))
    assert [said.logprob for said in parse_answer(content, "triples", logprobs).anchors] == [-1.0, -2.0, -3.0]


def test_keys_in_another_order():
    rows = [
        {"predicate": "导演", "object": "乙", "subject": "甲"},
        {"predicate": "导演", "object": "丁", "subject": "丙"},
    ]
    content = json.dumps(rows, ensure_ascii=False)
    values = [("导演", -1.0), ("乙", -1.0), ("甲", -1.0), ("导演", -2.0), ("丁", -2.0), ("丙", -2.0)]
    said = parse_answer(content, "triples", by_character(content, values)).anchors
    assert [each.logprob for each in said] == [-1.0, -2.0]


def test_a_part_that_also_stands_inside_another():
    content = '[["导演工会", "导演", "工会"]]'
    logprobs = by_character(content, [("导演工会", -1.0), ("导演", -2.0), ("工会", -3.0)])
    (said,) = parse_answer(content, "triples", logprobs).anchors
    assert said.logprob == pytest.approx((4 * -1 + 2 * -2 + 2 * -3) / 8)


def test_thinking_and_drafts_do_not_count():
    draft = '[["甲", "导演", "乙"]]'
    content = f"<think>{draft}</think>草稿：{draft}。最终：{draft}"
    values = [(draft, -7.0), (draft, -8.0), (draft, -1.0)]
    (said,) = parse_answer(content, "triples", by_character(content, values)).anchors
    assert said.logprob == -1.0


def test_none_where_it_cannot_be_known():
    content = '[["甲", "导演", "乙"]]'
    logprobs = by_character(content, [])
    assert parse_answer(content, "triples").anchors[0].logprob is None
    assert parse_answer(content, "triples", logprobs[:-1]).anchors[0].logprob is None
    assert parse_answer(content, "triples", []).anchors[0].logprob is None
    infinite = [TokenLogprob(token.token, -math.inf) for token in logprobs]
    assert parse_answer(content, "triples", infinite).anchors[0].logprob is None
    escaped = '[["\\u7532", "导演", "乙"]]'
    assert parse_answer(escaped, "triples", by_character(escaped, [])).anchors[0].logprob is None


def test_tokens_without_characters_do_not_count():
    tokens = [("（甲，", -1), ("", -50), ("导演，乙）", -3)]
    (said,) = parse_answer("（甲，导演，乙）", "triples", [TokenLogprob(*token) for token in tokens]).anchors
    assert said.logprob == -2.0
