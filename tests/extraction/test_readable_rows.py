"""Whatever an LLM says, the rows that are written of it can be read by the commands that come after."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.data import Row, dump_row, parse_row
from cacre.errors import AnswerError
from cacre.extraction import ExtractionSettings, Extractor, Generator
from cacre.extraction.judging import Judge
from cacre.extraction.usable_parts import LONGEST_PART, without_unusable
from cacre.extraction.values import ParsedAnswer, SaidTriple
from cacre.extraction.works import MOST_BYTES, MOST_TRIPLES, ExtractWork, GenerateWork, RunWork, fitting
from cacre.inference import load_verifier
from cacre.inference.micro_batching import MicroBatcher
from cacre.llm import ScriptedLLM
from cacre.schema import load_schema
from cacre.types import Triple

SCHEMA = load_schema("duie")
TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧，ＡＢ 公司（北川）出品。"
_ODD = st.text(st.sampled_from("雾中渡a \t\n《》“”\"'（）,，\x00\x1b\ud83d\ude00\u200b\ufeff\u3000①ﬁİς"), max_size=6)
_PART = st.one_of(
    st.sampled_from(["雾中渡", "林知远", "顾青禾", "ab公司", "北川", "导演", "编剧", "执导", "", "无"]),
    _ODD,
    st.integers() | st.none() | st.booleans() | st.floats(),
    st.lists(st.sampled_from(["林知远", "\x00"]), max_size=2),
)
_TRIPLE = st.lists(_PART, min_size=2, max_size=4) | st.fixed_dictionaries(
    {"subject": _PART, "predicate": _PART, "object": _PART}, optional={"subject_type": _ODD, "object_type": _ODD}
)
_TRIPLES = st.lists(_TRIPLE, max_size=4)
_LISTS = st.fixed_dictionaries(
    {}, optional={name: _TRIPLES for name in ("anchors", "positives", "negatives", "triples")}
)
ANSWERS = st.builds(
    lambda value, ascii_, end: json.dumps(value, ensure_ascii=ascii_)[:end],
    _LISTS | _TRIPLES,
    st.booleans(),
    st.none() | st.integers(1, 200),
)
GIVEN = {"id": "t1", "text": TEXT, "judge": 7, "kinds": ["old"], "hard": "old"}


def work_on(make, answers):
    """The outcome of one row for `answers`, each one sample; None where none of them can be read."""
    llm = ScriptedLLM(answer=lambda request: answers[request.sample % len(answers)])
    raw = dict(GIVEN)
    row = Row("in.jsonl", 1, raw, parse_row(raw, "texts"))
    try:
        return asyncio.run(make(llm, ExtractionSettings(llm="m", samples=len(answers)))(row))
    except AnswerError:
        return None


def read_back(outcome, kind):
    """What a later command reads; every entry of the errors file can be written too."""
    for entry in outcome.errors:
        dump_row(entry)
    return parse_row(json.loads(dump_row(outcome.row)), kind)


@settings(max_examples=80)
@given(st.lists(ANSWERS, min_size=1, max_size=3), st.sampled_from([None, "contrastive"]))
def test_extracted_rows(answers, prompt):
    def make(llm, options):
        return ExtractWork(Extractor(llm, SCHEMA, options.model_copy(update={"prompt": prompt})))

    if outcome := work_on(make, answers):
        assert read_back(outcome, "candidates").text == TEXT


@settings(max_examples=80)
@given(st.lists(ANSWERS, min_size=1, max_size=3), st.booleans())
def test_generated_rows(answers, fill):
    def make(llm, options):
        return GenerateWork(Generator(llm, SCHEMA, options, fill=fill))

    if outcome := work_on(make, answers):
        row = read_back(outcome, "contrastive")
        assert len(row.anchors) == len(row.positives) == len(row.negatives)


@pytest.fixture(scope="module")
def verifier(tiny_folder):
    return load_verifier(tiny_folder)


@settings(max_examples=50)
@given(answers=st.lists(ANSWERS, min_size=1, max_size=2))
def test_judged_rows(verifier, answers):
    def make(llm, options):
        judge = Judge(llm, SCHEMA, options, 2.0)
        return RunWork(ExtractWork(Extractor(llm, SCHEMA, options)), MicroBatcher(verifier), judge)

    if outcome := work_on(make, answers):
        read_back(outcome, "verdicts")
        judge_asked = any("judge" in item for item in outcome.row["triples"])
        assert isinstance(outcome.row["judge"], dict) if judge_asked else outcome.row["judge"] == 7


@pytest.mark.parametrize(
    ("part", "reason"),
    [("a\x00", "NUL"), ("\ud83d", "surrogate"), ("雾" * (LONGEST_PART + 1), f"at most {LONGEST_PART}")],
)
def test_a_part_that_no_row_can_hold(part, reason):
    good = SaidTriple(Triple("雾中渡", "导演", "林知远"), part, "人物")
    bad = SaidTriple(Triple("雾中渡", "导演", part))
    answer = without_unusable(ParsedAnswer((good, bad), (bad,), (good,)))
    assert answer.anchors == answer.negatives == (SaidTriple(good.triple, None, "人物"),)
    assert answer.positives == ()
    assert [reason in fragment.reason for fragment in answer.fragments] == [True, True]
    assert json.loads(answer.fragments[0].raw)[2] == part


def test_as_many_triples_as_a_row_may_hold():
    assert fitting([["甲", "导演", "乙"]] * 3) == 3
    assert fitting([["甲", "导演", "乙"]] * (MOST_TRIPLES + 1)) == MOST_TRIPLES
    assert fitting([["x" * (MOST_BYTES // 2)]] * 3) == 1
    assert fitting([]) == 0


def test_lists_too_long_for_a_row_are_cut_together():
    text = "".join(f"甲{n}由乙{n}执导。" for n in range(1500))
    lists = {
        "anchors": [[f"甲{n}", "导演", f"乙{n}"] for n in range(1500)],
        "positives": [[f"乙{n}", "执导", f"甲{n}"] for n in range(1500)],
        "negatives": [[f"甲{n}", "编剧", f"乙{n}"] for n in range(1500)],
    }
    llm = ScriptedLLM(json.dumps(lists, ensure_ascii=False))
    row = Row("in.jsonl", 1, {"text": text}, parse_row({"text": text}, "texts"))
    work = GenerateWork(Generator(llm, SCHEMA, ExtractionSettings(llm="m", window=30_000)))
    outcome = asyncio.run(work(row))
    assert len(read_back(outcome, "contrastive").anchors) == MOST_TRIPLES
    assert len(outcome.errors) == 500
