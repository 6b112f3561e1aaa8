"""The LLM as judge of borderline triples, and the whole way from text to verdict row."""

import asyncio
import json

import pytest

from cacre.data import Row, parse_row
from cacre.errors import ConfigError, RequestRefusedError, UnavailableError
from cacre.extraction import ExtractionSettings, Extractor, Judge
from cacre.extraction.judging import NOT_SUPPORTED
from cacre.extraction.run_summary import RunSummary, kept_part, rejected_part
from cacre.extraction.works import ExtractWork, RunWork
from cacre.inference.micro_batching import MicroBatcher
from cacre.llm import ChatAnswer, ScriptedLLM, Usage
from cacre.schema import load_schema
from cacre.types import Triple, Verdict

SCHEMA = load_schema("duie")
TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧，许棠作曲。"
TRIPLES = [
    ["雾中渡", "导演", "林知远"],
    ["雾中渡", "编剧", "顾青禾"],
    ["雾中渡", "作曲", "许棠"],
    ["雾中渡", "主演", "许棠"],
]
SETTINGS = ExtractionSettings(llm="m")


def verdicts_of(*supported):
    entries = [{"number": n, "supported": value} for n, value in enumerate(supported, 1) if value is not None]
    return json.dumps({"verdicts": entries})


def judge(*replies, text=TEXT, triples=TRIPLES, answer=None, settings=SETTINGS):
    llm = ScriptedLLM(*replies) if answer is None else ScriptedLLM(answer=answer)
    one = Judge(llm, SCHEMA, settings, band=0.05)
    return asyncio.run(one.judge(text, [Triple(*t) for t in triples])), llm


def test_one_question_for_all_triples_of_a_text():
    judgement, llm = judge(verdicts_of(True, False, None, True))
    assert judgement.supported == (True, False, None, True)
    assert judgement.calls == len(llm.history) == 1
    system, user = (message.content for message in llm.history[0].messages)
    assert "作曲" in system
    assert "作词" not in system, "only the relations asked about are explained"
    assert TEXT in user


def test_an_unreadable_judgement_leaves_the_thresholds_verdict():
    judgement, _ = judge("这很难说。")
    assert judgement.supported == (None,) * 4
    assert judgement.faults[0]["raw"] == "这很难说。"


def test_triples_of_a_long_text_are_asked_about_where_they_stand():
    filler = "这里没有什么可说的，天气一直很好。" * 12
    far = ["远山", "作词", "程以南"]
    text = TEXT + filler + "《远山》由程以南作词。"
    judgement, llm = judge(
        answer=lambda request: verdicts_of(*[True] * (4 if "林知远" in request.messages[-1].content else 1)),
        text=text,
        triples=[*TRIPLES, far],
        settings=ExtractionSettings(llm="m", window=120, overlap=20),
    )
    assert judgement.supported == (True,) * 5
    assert judgement.calls == len(llm.history) == 2


def test_a_judge_that_cannot_be_reached_is_an_error():
    with pytest.raises(UnavailableError):
        judge(UnavailableError("503"))


def test_the_band_is_checked():
    with pytest.raises(ConfigError, match="band"):
        Judge(ScriptedLLM(), SCHEMA, SETTINGS, band=-0.1)


class Thresholded:
    """A verifier with given margins; None is a triple that a check rejects."""

    def __init__(self, margins):
        self.margins = margins

    def verify(self, text, candidates):
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs):
        return [[self._verdict(c, m) for c, m in zip(cs, self.margins, strict=True)] for _, cs in pairs]

    def _verdict(self, candidate, margin):
        reason = "object not in text" if margin is None else None if margin >= 0 else "text_score 0.1 below 0.2"
        outcome = "supported" if reason is None else "rejected"
        return Verdict(candidate, outcome, text_score=0.1, reason=reason, margin=margin)


def run(margins, *judgements, with_judge=True, band=0.05, **own):
    llm = ScriptedLLM(json.dumps({"triples": TRIPLES}), *judgements)
    extract = ExtractWork(Extractor(llm, SCHEMA, SETTINGS))
    asked = Judge(llm, SCHEMA, SETTINGS, band) if with_judge else None
    work = RunWork(extract, MicroBatcher(Thresholded(margins)), asked)
    raw = {"id": "t1", "text": TEXT, **own}
    return asyncio.run(work(Row("in.jsonl", 1, raw, parse_row(raw, "texts")))), llm


def test_text_to_verdict_row():
    outcome, llm = run([0.3, 0.01, -0.2, None], with_judge=False)
    parse_row(outcome.row, "verdicts")
    assert [item["verdict"] for item in outcome.row["triples"]] == ["supported", "supported", "rejected", "rejected"]
    assert outcome.row["extraction"]["prompt"].startswith("extract.zh@")
    assert len(llm.history) == 1


def test_only_borderline_triples_are_sent_to_the_judge_and_its_word_counts():
    outcome, llm = run([0.3, 0.01, -0.02, None], verdicts_of(False, True))
    items = outcome.row["triples"]
    assert [item["verdict"] for item in items] == ["supported", "rejected", "supported", "rejected"]
    assert items[1]["reason"] == NOT_SUPPORTED
    assert "reason" not in items[2]
    assert [item.get("judge") for item in items] == [None, "not supported", "supported", None]
    assert outcome.row["judge"]["calls"] == 1
    assert "许棠" in llm.history[1].messages[-1].content.replace(TEXT, "")
    assert "林知远" not in llm.history[1].messages[-1].content.replace(TEXT, "")


def test_a_silent_judge_leaves_the_verdict():
    outcome, _ = run([0.3, 0.01, -0.02, None], verdicts_of(None, None) + " 无法判断")
    items = outcome.row["triples"]
    assert [item["verdict"] for item in items] == ["supported", "supported", "rejected", "rejected"]
    assert items[2]["reason"] == "text_score 0.1 below 0.2"


@pytest.mark.parametrize(
    ("content", "said", "piece"),
    [
        ("1: 支持\n2: 不支持\n3: 支持", (True, False, None, None), "3: 支持"),
        (
            '{"verdicts": [{"number": 1, "supported": true}, {"number": 2, "supported": "支持',
            (True, None, None, None),
            None,
        ),
        ('{"1": true, "2": false, "3": "是', (True, False, None, None), '"3": "是'),
        (verdicts_of(True, True, False, False) + "\n说明：第", (True, True, False, False), "说明：第"),
        ("1: 支持\n2: 不支持\n", (True, False, None, None), "1: 支持\n2: 不支持\n"),
    ],
)
def test_a_judge_that_was_cut_off_is_silent_about_what_lacks_its_end(content, said, piece):
    judgement, _ = judge(ChatAnswer(content, "m", "length", Usage(9, 9)))
    assert judgement.supported == said
    [fault] = judgement.faults
    assert fault["reason"] == "judge: cut off"
    assert fault["raw"] == (piece or '{"number": 2, "supported": "支持')


@pytest.mark.parametrize("content", ["是", "1: 支", '{"verdicts": [{"number": 1, "supp'])
def test_a_judge_that_was_cut_off_at_once_is_silent(content):
    judgement, _ = judge(ChatAnswer(content, "m", "length", Usage(9, 9)), triples=TRIPLES[:1])
    assert judgement.supported == (None,)
    [fault] = judgement.faults
    assert (fault["reason"], fault["raw"]) == ("judge: cut off before the first complete verdict", content)


def test_a_refused_judge_is_silent():
    refused = RequestRefusedError("a server answered 400: Content Exists Risk", 400)
    outcome, llm = run([0.3, 0.01, -0.02, None], refused)
    items = outcome.row["triples"]
    assert [item["verdict"] for item in items] == ["supported", "supported", "rejected", "rejected"]
    assert [item.get("judge") for item in items] == [None, "silent", "silent", None]
    [fault] = outcome.errors
    assert (fault["reason"], fault["raw"], fault["window"]) == (f"judge: {refused}", None, [0, len(TEXT)])
    assert len(llm.history) == 2


def test_no_question_where_nothing_is_borderline():
    outcome, llm = run([0.3, 0.3, -0.3, None])
    assert len(llm.history) == 1
    assert "judge" not in outcome.row


def test_the_summary_says_what_the_judge_was_spared():
    summary = RunSummary()
    for margins, judgement in (([0.3, 0.01, -0.02, None], [verdicts_of(False, True)]), ([0.3] * 4, [])):
        summary.seen(run(margins, *judgement)[0].row)
    assert (summary.rows, summary.kept, summary.calls, summary.would_be_calls) == (2, 6, 1, 2)
    assert "1 saved" in summary.lines()[-1]


RECORD = {"prompt": "judge.zh@1:342ccd414fe9", "band": 0.05, "calls": 7}
"""What an earlier run with a judge has left in a row."""


@pytest.mark.parametrize(
    "own", ["程法官", ["程法官"], {"calls": 3}, {**RECORD, "name": "程法官"}, {**RECORD, "calls": "7"}, None]
)
def test_a_key_judge_of_one_s_own_is_passed_on_and_not_counted(own):
    row = run([0.3, 0.3, -0.3, None], with_judge=False, judge=own)[0].row
    assert row["judge"] == own
    summary = RunSummary()
    summary.seen(row)
    assert (summary.rows, summary.calls) == (1, 0)


def test_the_record_of_an_earlier_judge_goes_with_its_triples():
    assert "judge" not in run([0.3, 0.3, -0.3, None], judge=RECORD)[0].row
    row = run([0.3, 0.01, -0.02, None], verdicts_of(False, True), judge=RECORD)[0].row
    assert row["judge"]["calls"] == 1


def test_the_outputs_divide_the_row():
    row = run([0.3, 0.3, -0.3, None], with_judge=False)[0].row
    assert [len(kept_part(row)["triples"]), len(rejected_part(row)["triples"])] == [2, 2]
    assert rejected_part(kept_part(row)) is None


def test_a_relation_that_the_schema_lacks_is_asked_about_all_the_same():
    judgement, llm = judge(verdicts_of(True), triples=[["雾中渡", "配音导演", "许棠"]])
    assert judgement.supported == (True,)
    assert "作曲" in llm.history[0].messages[0].content
