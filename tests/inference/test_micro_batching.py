"""Concurrent callers share batches and get what they would get alone."""

import asyncio
import threading

import pytest

from cacre.errors import ConfigError, DataError
from cacre.inference import load_verifier
from cacre.inference.micro_batching import MicroBatcher
from cacre.types import Candidate, Triple, Verdict

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"


class Recorder:
    """A verifier that keeps what it was given."""

    def __init__(self, fail_on=None):
        self.batches, self.threads, self.fail_on = [], set(), fail_on

    def verify(self, text, candidates):
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs):
        self.batches.append([text for text, _ in pairs])
        self.threads.add(threading.current_thread())
        if self.fail_on in self.batches[-1]:
            raise RuntimeError("broken")
        return [[Verdict(candidate, "supported") for candidate in candidates] for _, candidates in pairs]


def ask(batcher, texts):
    async def main():
        calls = (batcher.verify(text, [Triple(text, "导演", str(i))]) for i, text in enumerate(texts))
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(main())


def test_each_caller_gets_its_own_verdicts_and_batches_are_bounded():
    recorder = Recorder()
    answers = ask(MicroBatcher(recorder, max_rows=4), [f"t{i}" for i in range(10)])
    assert [verdict.candidate.triple.object for (verdict,) in answers] == [str(i) for i in range(10)]
    assert [len(batch) for batch in recorder.batches] == [4, 4, 2]
    assert threading.main_thread() not in recorder.threads


def test_a_malformed_candidate_concerns_its_caller_only():
    recorder = Recorder()
    answers = ask(MicroBatcher(recorder), ["a", " ", "b"])
    assert isinstance(answers[1], DataError)
    assert recorder.batches == [["a", "b"]]


def test_a_failing_verifier_is_heard_by_all_of_the_batch_and_no_other():
    answers = ask(MicroBatcher(Recorder(fail_on="b"), max_rows=2), ["a", "b", "c"])
    assert [isinstance(answer, RuntimeError) for answer in answers] == [True, True, False]


def test_nothing_to_judge_costs_nothing():
    recorder = Recorder()
    assert asyncio.run(MicroBatcher(recorder).verify("a", [])) == []
    assert recorder.batches == []


def test_a_caller_that_has_gone_holds_nobody_up():
    recorder = Recorder()
    batcher = MicroBatcher(recorder, max_rows=1)

    async def main():
        calls = [asyncio.create_task(batcher.verify(text, [Triple("s", "p", "o")])) for text in "abc"]
        await asyncio.sleep(0)
        calls[1].cancel()
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(main())
    assert isinstance(answers[1], asyncio.CancelledError)
    assert [len(answer) for answer in (answers[0], answers[2])] == [1, 1]


def test_the_verdicts_are_those_of_the_verifier_alone():
    verifier = load_verifier("mini-zh")
    candidates = [
        Candidate(Triple("雾中渡", "导演", "林知远")),
        Candidate(Triple("雾中渡", "编剧", "顾青禾"), paraphrase=Triple("顾青禾", "编剧作品", "雾中渡")),
    ]
    texts = [TEXT, TEXT * 3, "云岫科技由贺一鸣创办。" + TEXT]

    async def main():
        batcher = MicroBatcher(verifier)
        return await asyncio.gather(*(batcher.verify(text, candidates) for text in texts))

    assert asyncio.run(main()) == [verifier.verify(text, candidates) for text in texts]


def batches_of(sizes, gone=(), **bounds):
    """How texts with so many triples are put together."""
    recorder = Recorder()
    batcher = MicroBatcher(recorder, **bounds)

    async def main():
        calls = [
            asyncio.create_task(batcher.verify(str(place), [Triple("s", "p", "o")] * size))
            for place, size in enumerate(sizes)
        ]
        await asyncio.sleep(0)
        for place in gone:
            calls[place].cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(main())
    return [[sizes[int(text)] for text in batch] for batch in recorder.batches]


def test_a_batch_ends_at_its_triples_too():
    assert batches_of([4, 3, 3, 1, 10, 11, 1, 9, 1], max_triples=10) == [[4, 3, 3], [1], [10], [11], [1, 9], [1]]
    assert batches_of([1] * 5, max_triples=10, max_rows=2) == [[1, 1], [1, 1], [1]]
    assert batches_of([300, 200, 1]) == [[300, 200], [1]], "500 by default"


def test_who_has_gone_takes_no_place_in_a_batch():
    assert batches_of([9, 8, 1, 1], gone=[1], max_triples=10, max_rows=2) == [[9, 1], [1]]
    assert batches_of([9, 8], gone=[0, 1]) == []


class Held(Recorder):
    """Judges a batch only when it is let go."""

    def __init__(self):
        super().__init__()
        self.go = threading.Semaphore(0)

    def verify_many(self, pairs):
        judged = super().verify_many(pairs)
        assert self.go.acquire(timeout=600)
        return judged


def order_of(texts, later):
    """The order in which texts of one caller, and of others of which one comes during each batch, are judged."""
    verifier = Held()
    batcher = MicroBatcher(verifier, max_triples=5)

    def ask_for(name, before=0):
        return asyncio.create_task(batcher.verify(name, [Triple("s", "p", "o")] * 5, before))

    async def main():
        calls = [ask_for(name, 5 * place) for place, name in enumerate(texts)]
        for number, name in enumerate(later):
            while len(verifier.batches) <= number:
                await asyncio.sleep(0.001)
            calls.append(ask_for(name))
            await asyncio.sleep(0)
            verifier.go.release()
        verifier.go.release(len(texts))
        await asyncio.gather(*calls)

    asyncio.run(main())
    return " ".join(text for batch in verifier.batches for text in batch)


def test_many_texts_of_one_caller_take_turns_with_others():
    assert order_of("ABCD", "x") == "A x B C D"
    assert order_of("ABCD", "uvwxyz") == "A u B v C w D x y z"
    assert order_of("A", "xyz") == "A x y z"


@pytest.mark.parametrize("bound", ["max_rows", "max_triples"])
def test_bounds_are_checked(bound):
    with pytest.raises(ConfigError, match=f"{bound} must be at least 1, got 0"):
        MicroBatcher(Recorder(), **{bound: 0})
