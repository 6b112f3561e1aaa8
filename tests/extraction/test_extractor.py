"""A text in, candidates out: windows, parts of the schema, samples, gleanings, and answers that fail."""

import asyncio
import json

import pytest

from cacre.errors import AnswerError, BudgetError, CacheMissError, RequestRefusedError, UnavailableError
from cacre.extraction import ExtractionSettings, Extractor
from cacre.llm import ChatAnswer, ScriptedLLM, Usage
from cacre.schema import load_schema
from cacre.types import Triple

SCHEMA = load_schema("duie")
TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
DIRECTED, WROTE = ["雾中渡", "导演", "林知远"], ["雾中渡", "编剧", "顾青禾"]


def said(*triples):
    return json.dumps({"triples": [list(t) for t in triples]}, ensure_ascii=False)


def extractor(*replies, answer=None, **settings):
    llm = ScriptedLLM(*replies) if answer is None else ScriptedLLM(answer=answer)
    return Extractor(llm, SCHEMA, ExtractionSettings(llm="m", **settings))


def extract(*replies, text=TEXT, answer=None, **settings):
    one = extractor(*replies, answer=answer, **settings)
    return asyncio.run(one.aextract(text)), one.llm


def triples(extraction):
    return [[item["subject"], item["predicate"], item["object"]] for item in extraction.triples]


def test_one_question_by_default():
    extraction, llm = extract(said(DIRECTED, WROTE))
    assert triples(extraction) == [DIRECTED, WROTE]
    [request] = llm.history
    assert (request.model, request.temperature, request.seed, request.sample) == ("m", 0.0, None, 0)
    assert request.answer_format == "json_schema"
    assert TEXT in request.messages[-1].content
    assert all(relation.name in request.messages[0].content for relation in SCHEMA)


def test_the_row_says_who_said_it_and_how_it_was_asked():
    extraction, _ = extract(said(DIRECTED))
    assert extraction.provenance["llm"]
    assert extraction.provenance["prompt"].startswith("extract.zh@")
    assert extraction.provenance["temperature"] == 0.0
    assert "samples" not in extraction.provenance


def test_a_long_schema_is_split_over_several_questions():
    extraction, llm = extract(*[said(DIRECTED)] * 5, relations_per_prompt=10)
    assert len(llm.history) == 5
    shown = [sum(f"{r.name}" in request.messages[0].content for r in SCHEMA) for request in llm.history]
    assert all(count < len(SCHEMA) for count in shown)
    assert triples(extraction) == [DIRECTED]


def test_samples_are_united_and_their_agreement_kept():
    answers = {0: said(DIRECTED), 1: said(DIRECTED, WROTE), 2: said(DIRECTED), 3: said()}
    extraction, llm = extract(answer=lambda request: answers[request.sample], samples=4, seed=7)
    assert triples(extraction) == [DIRECTED, WROTE]
    assert [item["agreement"] for item in extraction.triples] == [0.75, 0.25]
    assert sorted((request.sample, request.seed) for request in llm.history) == [(0, 7), (1, 8), (2, 9), (3, 10)]
    assert {request.temperature for request in llm.history} == {0.7}
    assert len({request.key("") for request in llm.history}) == 4


def test_what_was_missed_is_asked_for_until_nothing_new_comes():
    extraction, llm = extract(said(DIRECTED), said(WROTE), said(WROTE), gleanings=5)
    assert len(llm.history) == 3
    assert triples(extraction) == [DIRECTED, WROTE]
    assert [item.get("gleaned", False) for item in extraction.triples] == [False, True]
    assert "林知远" in llm.history[1].messages[-1].content.replace(TEXT, "")


def test_windows_of_a_long_text_and_offsets_into_the_whole():
    filler = "这里没有什么可说的，天气一直很好。" * 12
    text = TEXT + filler + "《远山》由许棠作词。"

    def answer(request):
        message = request.messages[-1].content
        return said(
            *([DIRECTED] if "林知远" in message else []), *([["远山", "作词", "许棠"]] if "许棠" in message else [])
        )

    extraction, llm = extract(answer=answer, text=text, window=100, overlap=20)
    assert len(llm.history) > 2
    assert triples(extraction) == [DIRECTED, ["远山", "作词", "许棠"]]
    for item in extraction.triples:
        for role, (start, end) in item["mentions"].items():
            assert text[start:end] == item[role]


def test_candidates_are_ready_for_a_verifier():
    answer = json.dumps({"anchors": [DIRECTED], "positives": [["林知远", "执导作品", "雾中渡"]], "negatives": [WROTE]})
    extraction, _ = extract(answer, prompt="contrastive")
    [candidate] = extraction.candidates
    assert candidate.triple == Triple(*DIRECTED)
    assert candidate.paraphrase == Triple("林知远", "执导作品", "雾中渡")
    assert "mentions" in candidate.extra


def test_lines_are_asked_for_and_read():
    extraction, llm = extract("（雾中渡，导演，林知远）\n（雾中渡，编剧，顾青禾）", style="lines")
    assert triples(extraction) == [DIRECTED, WROTE]
    assert llm.history[0].answer_format == "text"


def test_synonyms_can_be_made_canonical():
    synonym = ["雾中渡", SCHEMA["导演"].synonyms[0], "林知远"]
    assert triples(extract(said(synonym))[0]) == [synonym]
    extraction, _ = extract(said(synonym), canonical_predicates=True)
    assert triples(extraction) == [DIRECTED]


@pytest.mark.parametrize("answer", ["", "抱歉，我无法回答这个问题。", "今天天气很好。"])
def test_an_unreadable_answer_fails_the_text_and_is_kept(answer):
    with pytest.raises(AnswerError) as caught:
        extract(answer)
    assert caught.value.raw == answer


def test_an_unreadable_answer_among_others_is_reported_with_its_question():
    answers = {0: said(DIRECTED), 1: "抱歉，我无法回答这个问题。"}
    extraction, _ = extract(answer=lambda request: answers[request.sample], samples=2)
    assert triples(extraction) == [DIRECTED]
    assert extraction.provenance["unparsed"] == 1
    [fault] = extraction.faults
    assert fault["raw"] == answers[1]
    assert fault["question"] == {"window": [0, len(TEXT)], "part": 0, "sample": 1, "gleaning": 0}


def test_a_cut_off_answer_keeps_what_is_whole():
    extraction, _ = extract(said(DIRECTED, WROTE)[:-12])
    assert triples(extraction) == [DIRECTED]
    assert len(extraction.faults) == 1
    assert extraction.provenance["answer_repairs"]["json cut off"] == 1


@pytest.mark.parametrize("reason", ["length", "content_filter", "insufficient_system_resource"])
def test_an_answer_that_the_server_ended_is_no_whole_one(reason):
    content = "雾中渡 | 导演 | 林知远\n雾中渡 | 编剧 | 顾青"
    extraction, _ = extract(ChatAnswer(content, "m", reason, Usage(9, 9)), style="lines")
    assert triples(extraction) == [DIRECTED]
    assert [(fault["reason"], fault["raw"]) for fault in extraction.faults] == [
        ("line cut off", "雾中渡 | 编剧 | 顾青")
    ]
    assert extraction.provenance["answer_repairs"] == {"answer cut off": 1, "lines cut off": 1}
    extraction, _ = extract(ChatAnswer(content + "禾", "m", "stop", Usage(9, 9)), style="lines")
    assert triples(extraction) == [DIRECTED, WROTE]


def test_an_empty_answer_is_no_fault():
    extraction, _ = extract(said())
    assert list(extraction.triples) == []
    assert list(extraction.faults) == []


def test_other_questions_of_a_text_are_waited_for_when_one_fails():
    done = []

    def answer(request):
        if request.sample == 0:
            return UnavailableError("503")
        done.append(request.sample)
        return said(DIRECTED)

    with pytest.raises(UnavailableError):
        extract(answer=answer, samples=3)
    assert done == [1, 2]


def test_what_ends_the_job_goes_before_what_concerns_one_text():
    errors = [UnavailableError("503"), BudgetError("spent"), RequestRefusedError("no", 400)]
    with pytest.raises(BudgetError):
        extract(answer=lambda request: errors[request.sample], samples=3)


REFUSED = RequestRefusedError("a server answered 400: Content Exists Risk", 400)


def test_a_refused_sample_leaves_the_others():
    extraction, _ = extract(answer=lambda request: REFUSED if request.sample == 1 else said(DIRECTED), samples=3)
    assert triples(extraction) == [DIRECTED]
    assert extraction.triples[0]["agreement"] == pytest.approx(2 / 3, abs=1e-4)
    assert (extraction.provenance["llm"], extraction.provenance["unparsed"]) == ("m", 1)
    [fault] = extraction.faults
    assert (fault["reason"], fault["raw"], fault["question"]["sample"]) == (str(REFUSED), None, 1)


def test_a_refused_window_leaves_the_others():
    text = TEXT + "这里没有什么可说的，天气一直很好。" * 12 + "坏话在此。"
    extraction, llm = extract(
        answer=lambda request: REFUSED if "坏话" in request.messages[-1].content else said(DIRECTED),
        text=text,
        window=100,
        overlap=10,
    )
    assert triples(extraction) == [DIRECTED]
    assert [fault["question"]["window"][1] for fault in extraction.faults] == [len(text)]
    assert len(llm.history) > 2


def test_a_refused_gleaning_leaves_what_was_said_before():
    extraction, llm = extract(said(DIRECTED), REFUSED, gleanings=3)
    assert triples(extraction) == [DIRECTED]
    assert [fault["question"]["gleaning"] for fault in extraction.faults] == [1]
    assert len(llm.history) == 2


def test_a_text_all_of_whose_questions_are_refused_fails():
    with pytest.raises(RequestRefusedError, match="Content Exists Risk"):
        extract(answer=lambda request: REFUSED, samples=2)


@pytest.mark.parametrize("other", [BudgetError("spent"), UnavailableError("503"), CacheMissError("offline")])
def test_what_may_pass_later_goes_before_what_is_refused(other):
    with pytest.raises(type(other)):
        extract(answer=lambda request: [REFUSED, other, said(DIRECTED)][request.sample], samples=3)


def test_the_synchronous_face():
    with extractor(said(DIRECTED), said(WROTE)) as one:
        assert [c.triple for c in one.extract(TEXT)] == [Triple(*DIRECTED)]
        assert [c.triple for c in one.extract(TEXT)] == [Triple(*WROTE)]
