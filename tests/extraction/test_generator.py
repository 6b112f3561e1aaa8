"""A text in, contrastive lists out."""

import asyncio
import json

import pytest

from cacre.data import parse_row
from cacre.errors import AnswerError, ConfigError
from cacre.extraction import ExtractionSettings, Generator
from cacre.extraction.repair_summary import RepairSummary
from cacre.llm import ScriptedLLM
from cacre.schema import load_schema
from cacre.types import Triple

SCHEMA = load_schema("duie")
TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
DIRECTED, WROTE = ["雾中渡", "导演", "林知远"], ["雾中渡", "编剧", "顾青禾"]
ALSO_DIRECTED, ALSO_WROTE = ["林知远", "执导作品", "雾中渡"], ["雾中渡", "剧本作者", "顾青禾"]
WRONG, ALSO_WRONG = ["雾中渡", "导演", "顾青禾"], ["雾中渡", "编剧", "林知远"]


def lists(anchors, positives, negatives):
    return json.dumps({"anchors": anchors, "positives": positives, "negatives": negatives}, ensure_ascii=False)


def generate(*replies, answer=None, fill=True, text=TEXT, **settings):
    llm = ScriptedLLM(*replies) if answer is None else ScriptedLLM(answer=answer)
    generator = Generator(llm, SCHEMA, ExtractionSettings(llm="m", **settings), fill=fill)
    return asyncio.run(generator.agenerate(text))


def test_aligned_lists_make_a_contrastive_row():
    answer = lists([DIRECTED, WROTE], [ALSO_WROTE, ALSO_DIRECTED], [WRONG, ALSO_WRONG])
    row = generate(answer).row({"id": "t1", "text": TEXT, "source": "ours"})
    parse_row(row, "contrastive")
    assert row["anchors"] == [DIRECTED, WROTE]
    assert row["positives"] == [ALSO_DIRECTED, ALSO_WROTE]
    assert row["negatives"] == [WRONG, ALSO_WRONG]
    assert (row["id"], row["source"]) == ("t1", "ours")
    assert row["generation"]["repairs"] == {"positive realigned": 2}
    assert row["generation"]["prompt"].startswith("contrastive.zh@")


def test_a_missing_negative_is_made_or_costs_the_anchor():
    answer = lists([DIRECTED, WROTE], [ALSO_DIRECTED, ALSO_WROTE], [WRONG])
    filled = generate(answer)
    assert len(filled.example.negatives) == 2
    assert filled.provenance["repairs"]["negative generated"] == 1
    assert generate(answer) == filled, "the same answer gives the same row"
    bare = generate(answer, fill=False)
    assert bare.example.anchors == (Triple(*DIRECTED),)
    assert ["anchors", WROTE, "anchor without negative"] in bare.provenance["dropped"]


def test_samples_are_united_and_what_one_affirms_another_cannot_deny():
    answers = {
        0: lists([DIRECTED], [ALSO_DIRECTED], [WROTE]),
        1: lists([WROTE], [ALSO_WROTE], [ALSO_WRONG]),
    }
    generation = generate(answer=lambda request: answers[request.sample], samples=2)
    assert generation.example.anchors == (Triple(*WROTE),)
    assert ["negatives", WROTE, "negative is known by another answer"] in generation.provenance["dropped"]


FAMILY = "许棠的父亲是宋砚。程以南的妻子是许棠。"
FATHER, WIFE = ["许棠", "父亲", "宋砚"], ["程以南", "妻子", "许棠"]
HUSBAND, MOTHER, SON = ["许棠", "丈夫", "程以南"], ["程以南", "母亲", "许棠"], ["许棠", "父亲", "程以南"]


def united(*answers):
    """Anchors with their negatives, and what was left out, of the answers as samples."""
    said = dict(enumerate(answers))
    generation = generate(answer=lambda request: said[request.sample], samples=len(answers), text=FAMILY, fill=False)
    example = generation.example
    pairs = [[list(a), list(n)] for a, n in zip(example.anchors, example.negatives, strict=True)]
    return pairs, generation.provenance.get("dropped", [])


def test_what_one_answer_affirms_in_other_words_another_cannot_deny():
    pairs, dropped = united(lists([FATHER], [], [HUSBAND]), lists([WIFE], [], [MOTHER]))
    assert pairs == [[WIFE, MOTHER]]
    assert ["negatives", HUSBAND, "negative is inverse by another answer"] in dropped
    assert ["anchors", FATHER, "anchor without negative"] in dropped


def test_an_anchor_takes_the_first_negative_that_no_answer_affirms():
    pairs, dropped = united(lists([FATHER], [], [HUSBAND]), lists([WIFE], [], [MOTHER]), lists([FATHER], [], [SON]))
    assert pairs == [[FATHER, SON], [WIFE, MOTHER]]
    assert dropped == []


def test_an_anchor_left_out_for_want_of_a_negative_still_counts_as_said():
    pairs, dropped = united(lists([WIFE], [], []), lists([FATHER], [], [HUSBAND]))
    assert pairs == []
    assert ["negatives", HUSBAND, "negative is inverse by another answer"] in dropped


def test_unreadable_answers():
    with pytest.raises(AnswerError):
        generate("抱歉，我无法回答这个问题。")


def test_a_text_without_triples_gives_an_empty_row():
    row = generate(lists([], [], [])).row({"text": TEXT})
    parse_row(row, "contrastive")
    assert row["anchors"] == []


def test_gleanings_are_refused():
    with pytest.raises(ConfigError, match="gleanings=1"):
        generate(gleanings=1)


def test_the_summary_counts_what_was_repaired():
    summary = RepairSummary()
    for answer in (lists([DIRECTED, DIRECTED], [ALSO_DIRECTED], [WRONG]), lists([], [], [])):
        row = generate(answer).row({"text": TEXT})
        assert summary.seen(row) is row
    assert (summary.rows, summary.empty, summary.anchors) == (2, 1, 1)
    text = "\n".join(summary.lines())
    assert "anchors: anchor duplicate" in text


def test_the_synchronous_face():
    llm = ScriptedLLM(lists([DIRECTED], [ALSO_DIRECTED], [WRONG]))
    with Generator(llm, SCHEMA, ExtractionSettings(llm="m")) as generator:
        assert generator.generate(TEXT).negatives == (Triple(*WRONG),)


@pytest.mark.parametrize("prompt", ["extract", "judge", "glean"])
def test_a_prompt_for_something_else_is_refused(prompt):
    with pytest.raises(ConfigError, match="no three lists"):
        generate(prompt=prompt)


def test_what_an_earlier_corpus_said_of_its_negatives_is_left_out():
    row = generate(lists([DIRECTED], [ALSO_DIRECTED], [WRONG])).row({"text": TEXT, "kinds": [], "hard": [], "gold": []})
    parse_row(row, "contrastive")
    assert not {"kinds", "hard"} & row.keys()
    assert "gold" in row
