"""Working off rows: bounded, resumable, stopped cleanly."""

import asyncio

import pytest

from cacre.data import Row, parse_row
from cacre.errors import (
    AccessError,
    AnswerError,
    BudgetError,
    CacreError,
    DataError,
    RequestRefusedError,
    UnavailableError,
)
from cacre.extraction import ExtractionSettings, Extractor
from cacre.extraction.job import UNAVAILABLE_ROWS, JobState, work_off
from cacre.extraction.job_store import JobStore, Outcome
from cacre.extraction.works import ExtractWork
from cacre.llm import ScriptedLLM
from cacre.schema import load_schema


def rows(count):
    for number in range(count):
        raw = {"id": f"r{number}", "text": f"第{number}段。"}
        yield Row("in.jsonl", number + 1, raw, parse_row(raw, "texts"))


def number_of(row):
    return int(row.raw["id"][1:])


def run(work, store, count, width=3, state=None):
    state = state or JobState()
    asyncio.run(work_off(rows(count), work, store, state, width=width))
    return state


@pytest.fixture
def store(tmp_path):
    with JobStore(tmp_path / "job", {}) as store:
        yield store


def test_every_row_once_and_never_more_than_width_at_once(store):
    seen, at_once, most = [], 0, 0

    async def work(row):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.001 * (number_of(row) % 3))
        at_once -= 1
        seen.append(number_of(row))
        return Outcome(row.raw)

    state = run(work, store, 20)
    assert sorted(seen) == list(range(20))
    assert most == 3
    assert (state.done, state.failed, state.stopped_by) == (20, 0, None)
    assert [outcome.row["id"] for outcome in store.outcomes()] == [f"r{n}" for n in range(20)]


def test_rows_are_read_as_they_are_needed(store):
    read = 0

    def counted():
        nonlocal read
        for row in rows(100):
            read += 1
            yield row

    ahead = []

    async def work(row):
        await asyncio.sleep(0)
        ahead.append(read - number_of(row))
        return Outcome(row.raw)

    asyncio.run(work_off(counted(), work, store, JobState(), width=4))
    assert max(ahead) <= 5


def test_finished_rows_are_not_worked_on_again(store):
    seen = []

    async def work(row):
        seen.append(number_of(row))
        return Outcome(row.raw)

    run(work, store, 5)
    state = run(work, store, 8)
    assert seen == list(range(8))
    assert (state.done, state.resumed) == (8, 5)


def test_a_failed_row_is_kept_with_its_reason(store):
    async def work(row):
        if number_of(row) == 1:
            raise AnswerError("refusal", "抱歉")
        if number_of(row) == 2:
            raise RequestRefusedError("too long", 413)
        return Outcome(row.raw)

    state = run(work, store, 4)
    outcomes = list(store.outcomes())
    assert [outcome.row is None for outcome in outcomes] == [False, True, True, False]
    assert outcomes[1].errors[0] == {
        "path": "in.jsonl", "line": 2, "id": "r1", "reason": "refusal", "field": "answer", "raw": "抱歉",
    }  # fmt: skip
    assert state.failed == 2
    assert run(work, store, 4).resumed == 4


def test_a_row_without_answer_is_tried_again_when_resumed(store):
    up = False

    async def work(row):
        if not up and number_of(row) == 1:
            raise UnavailableError("503 six times")
        return Outcome(row.raw)

    run(work, store, 3)
    up = True
    state = run(work, store, 3)
    assert state.resumed == 2
    assert [outcome.row is not None for outcome in store.outcomes()] == [True] * 3


def test_a_refused_question_is_not_asked_again_when_resumed(store):
    refused = RequestRefusedError("a server answered 400: Content Exists Risk", 400)
    replies = {0: '{"triples": [["甲", "导演", "乙"]]}', 1: refused}
    llm = ScriptedLLM(answer=lambda request: replies[request.sample])
    work = ExtractWork(Extractor(llm, load_schema("duie"), ExtractionSettings(llm="m", samples=2)))
    assert run(work, store, 1).failed == 0
    state = run(work, store, 1)
    assert (state.done, state.resumed, len(llm.history)) == (1, 1, 2)
    [outcome] = store.outcomes()
    assert [item["agreement"] for item in outcome.row["triples"]] == [0.5]
    assert [error["reason"] for error in outcome.errors] == [str(refused)]


@pytest.mark.parametrize("error", [BudgetError("spent"), AccessError("401"), CacreError("the disk is full")])
def test_what_ends_the_job_lets_rows_in_work_end(store, error):
    ended = []

    async def work(row):
        if number_of(row) == 3:
            raise error
        await asyncio.sleep(0.01)
        ended.append(number_of(row))
        return Outcome(row.raw)

    state = run(work, store, 50, width=5)
    assert state.stopped_by is error
    assert sorted(ended) == [0, 1, 2]
    assert len(store) == 3


def test_stop_from_outside(store):
    state = JobState()

    async def work(row):
        if number_of(row) == 2:
            state.stop(KeyboardInterrupt())
        return Outcome(row.raw)

    run(work, store, 50, width=1, state=state)
    assert len(store) == 3


def test_a_server_that_is_down_ends_the_job(store):
    asked = 0

    async def work(row):
        nonlocal asked
        asked += 1
        raise UnavailableError("connection refused")

    state = run(work, store, 1000, width=2)
    assert UNAVAILABLE_ROWS <= asked <= UNAVAILABLE_ROWS + 2
    assert "connection refused" in str(state.stopped_by)


def test_rows_with_an_answer_between_keep_the_job_going(store):
    async def work(row):
        if number_of(row) % 10:
            raise UnavailableError("503")
        return Outcome(row.raw)

    assert run(work, store, 100, width=1).done == 100


def test_a_bug_is_raised(store):
    async def work(row):
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        run(work, store, 5)
    assert caught.group_contains(ZeroDivisionError)


def test_no_answer_at_all_is_no_success(store):
    async def work(row):
        raise UnavailableError("connection refused")

    state = run(work, store, 3)
    assert "no text got an answer; the last: connection refused" in str(state.stopped_by)
    assert state.unanswered == 3


def test_an_earlier_answer_lets_a_job_end_that_gets_none_now(store):
    async def work(row):
        if number_of(row):
            raise UnavailableError("503")
        return Outcome(row.raw)

    assert run(work, store, 1).stopped_by is None
    assert run(work, store, 3).stopped_by is None


def test_an_input_that_breaks_while_it_is_read_ends_the_job(store):
    def breaking():
        yield from rows(3)
        raise DataError("no JSON", path="in.jsonl", line=4)

    async def work(row):
        return Outcome(row.raw)

    state = JobState()
    asyncio.run(work_off(breaking(), work, store, state, width=2))
    assert str(state.stopped_by) == "in.jsonl:4: no JSON"
    assert len(store) == 3


def test_a_row_nested_too_deeply_is_named(store):
    nested = []
    for _ in range(10_000):
        nested = [nested]
    raw = {"id": "r0", "text": "雾", "more": nested}
    row = Row("in.jsonl", 7, raw, parse_row({"text": "雾"}, "texts"))

    async def work(row):
        return Outcome(row.raw)

    state = JobState()
    asyncio.run(work_off(iter([row]), work, store, state, width=1))
    assert str(state.stopped_by).startswith("in.jsonl:7: the JSON is nested too deeply")
