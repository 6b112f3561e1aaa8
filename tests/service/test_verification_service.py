"""The service apart from HTTP: the same verdicts as the verifier alone, in shared batches and bounded room."""

import asyncio
import random

import pytest
from service_calls import LISTED, LONG, OUTSIDE, RIGHT, ROW, TEXT, HeldVerifier, held_service, tiny_service, until

import tiny_model
from cacre.data import Row, parse_row, to_candidates, verdict_row
from cacre.errors import AnswerError, ConfigError, UnavailableError
from cacre.inference import DecisionRules, load_verifier
from cacre.service import ModelInfo, Proposer, RefusalError, ServeSettings, VerificationService
from cacre.service.batching import CountedVerifier, PatientBatcher, Room
from cacre.service.metrics import Metrics
from cacre.types import Triple


def named(triple):
    return triple if isinstance(triple, dict) else dict(zip(("subject", "predicate", "object"), triple, strict=True))


def alone(verifier, row):
    """What `cacre filter --all` would write for a row."""
    raw = {**row, "triples": [named(triple) for triple in row["triples"]]}
    sets = to_candidates(Row("-", 1, raw, parse_row(raw, "candidates")))
    return verdict_row(raw, verifier.verify(sets.text, sets.candidates))


def run(service, work):
    async def main():
        async with service:
            return await work(service)

    return asyncio.run(main())


def many_rows(count):
    draw = random.Random(5)
    names = ["林知远", "顾青禾", "沈若汐", "贺一鸣", "雾中渡", "云岫科技", "临澜"]
    predicates = ["导演", "编剧", "主演", "创始人", "妻子"]
    rows = []
    for number in range(count):
        text = "".join(draw.choices(tiny_model.SENTENCES, k=draw.randint(1, 6)))
        triples = [[draw.choice(names), draw.choice(predicates), draw.choice(names)] for _ in range(draw.randint(1, 9))]
        rows.append({"id": f"r{number}", "text": text, "triples": triples, "source": "ours"})
    return rows


def test_64_concurrent_requests_give_bit_equal_verdicts(tiny_folder):
    rows, service = many_rows(64), tiny_service(tiny_folder, ServeSettings(max_batch_rows=7))

    async def work(service):
        return await asyncio.gather(*(service.verify(row) for row in rows))

    answers = run(service, work)
    verifier = load_verifier(tiny_folder, threads=1)
    assert [answer.content for answer in answers] == [alone(verifier, row) for row in rows]
    page = service.metrics.page()[0].decode()
    assert "cacre_batch_rows_sum 64.0" in page
    assert 'cacre_batch_rows_bucket{le="4.0"} 1.0' in page, "only the last batch is small"


def test_unrounded_scores_do_not_depend_on_the_batch(tiny_folder):
    verifier = load_verifier(tiny_folder, threads=1)
    pairs = [(row["text"], [Triple(*triple) for triple in row["triples"]]) for row in many_rows(64)]

    async def main():
        batcher = PatientBatcher(CountedVerifier(verifier, Metrics()), 16, 0.001)
        return await asyncio.gather(*(batcher.verify(text, triples) for text, triples in pairs))

    assert asyncio.run(main()) == [verifier.verify(text, triples) for text, triples in pairs]


def test_filter_gives_the_three_outputs_of_the_command(tiny_folder):
    rows = [{"id": "a", **ROW}, {"id": "b", "text": TEXT, "triples": [RIGHT]}, {"id": "c", "text": TEXT, "triples": []}]
    answer = run(tiny_service(tiny_folder), lambda service: service.filter({"rows": rows}))
    kept, rejected, everything = (answer.content[name] for name in ("kept", "rejected", "all"))
    assert [row["id"] for row in everything] == [row["id"] for row in kept] == ["a", "b", "c"]
    assert [(row["id"], len(row["triples"])) for row in rejected] == [("a", 1)]
    assert rejected[0]["triples"][0]["reason"] == "object not in text"
    assert answer.counts == {"rows": 3, "kept": 3, "rejected": 1}


def test_complex_objects_and_unknown_keys_pass_through(tiny_folder):
    triple = {**RIGHT, "object": {"@value": "林知远", "inWork": "雾中渡"}, "mine": [1, {"a": None}]}
    row = {"text": TEXT, "triples": [triple], "note": "\ud800"}
    judged = run(tiny_service(tiny_folder), lambda service: service.verify(row)).content
    assert judged["note"] == "\ud800"
    assert {key: judged["triples"][0][key] for key in triple} == triple
    assert judged["triples"][0]["verdict"] == "supported"


def test_a_full_queue_refuses_and_frees_its_room(tiny_folder):
    service, verifier = held_service(ServeSettings(max_rows=2, max_waiting_rows=2, max_batch_rows=1))

    async def work(service):
        waiting = [asyncio.create_task(service.verify(ROW)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(RefusalError, match="no room for 1 more rows: 2 of at most 2") as caught:
            await service.verify(ROW)
        verifier.go.set()
        await asyncio.gather(*waiting)
        await service.verify(ROW)
        return caught.value

    error = run(service, work)
    assert (error.status, error.code, error.retry_after) == (503, "overloaded", 1)
    assert service.rows.taken == service.triples.taken == 0


def test_what_could_never_be_taken_is_refused_for_good():
    service, _ = held_service(ServeSettings(max_triples=3, max_waiting_triples=3))
    with pytest.raises(RefusalError, match="6 triples in one request, at most 3") as caught:
        run(service, lambda service: service.filter({"rows": [ROW, ROW]}))
    assert caught.value.status == 413


def test_rooms_never_hold_more_than_their_limit():
    room = Room("rows", 3, 1)
    with room.hold(2), pytest.raises(RefusalError), room.hold(2):
        pass
    assert room.taken == 0


def test_an_idle_batcher_waits_until_its_batch_is_full():
    verifier, metrics = HeldVerifier(), Metrics()
    verifier.go.set()

    async def main():
        batcher = PatientBatcher(CountedVerifier(verifier, metrics), 3, LONG)

        async def later():
            await asyncio.sleep(0.01)
            return await batcher.verify(TEXT, [Triple(*LISTED)])

        await asyncio.gather(batcher.verify(TEXT, [Triple(*LISTED)]), later(), later())

    asyncio.run(main())
    assert "cacre_batch_rows_count 1.0" in metrics.page()[0].decode()


def test_an_idle_batcher_waits_until_it_has_the_triples_of_a_batch():
    verifier = HeldVerifier()
    verifier.go.set()

    async def main():
        batcher = PatientBatcher(CountedVerifier(verifier, Metrics()), 100, LONG, max_triples=5)
        await asyncio.gather(*(batcher.verify(TEXT, [Triple(*LISTED)] * count) for count in (2, 3)))

    asyncio.run(asyncio.wait_for(main(), LONG / 2))


def test_a_request_of_many_triples_is_judged_in_several_batches():
    service, verifier = held_service(ServeSettings(max_batch_triples=7, timeout_seconds=LONG))
    verifier.go.set()
    rows = [{"text": TEXT, "triples": [LISTED] * count} for count in (3, 4, 1, 9, 2)]
    run(service, lambda service: service.filter({"rows": rows}))
    page = service.metrics.page()[0].decode()
    assert "cacre_batch_rows_count 4.0" in page, "3 + 4, 1, 9, 2"
    assert "cacre_batch_triples_sum 19.0" in page


def test_a_large_request_takes_turns_with_others():
    judged = []

    class Verifier(HeldVerifier):
        def verify_many(self, pairs):
            judged.extend(text[0] for text, _ in pairs)
            return super().verify_many(pairs)

    service, verifier = held_service(ServeSettings(max_batch_rows=1, timeout_seconds=LONG), Verifier())

    async def work(service):
        rows = [{"text": f"{name}。", "triples": [LISTED]} for name in "甲乙丙丁"]
        large = asyncio.create_task(service.filter({"rows": rows}))
        await until(verifier.reached.is_set)
        small = asyncio.create_task(service.verify({"text": "戊。", "triples": [LISTED]}))
        await until(lambda: service.rows.taken == 5)
        verifier.go.set()
        await asyncio.gather(large, small)

    run(service, work)
    assert "".join(judged[1:]) == "甲戊乙丙丁", "the first was the warm-up"


def test_extraction_needs_an_llm(tiny_folder):
    with pytest.raises(RefusalError, match=r"no LLM is configured.*cacre serve --base-url") as caught:
        run(tiny_service(tiny_folder), lambda service: service.extract({"texts": [TEXT]}))
    assert caught.value.status == 501


def proposing(by_text):
    closed = []

    async def propose(text):
        if isinstance(by_text[text], Exception):
            raise by_text[text]
        return {"triples": [named(triple) for triple in by_text[text]], "extraction": {"llm": "m"}}

    async def aclose():
        closed.append(True)

    return Proposer("m", propose, aclose), closed


def test_extracted_triples_are_judged_and_failures_told(tiny_folder):
    proposer, closed = proposing({TEXT: [LISTED, OUTSIDE], "二": UnavailableError("down"), "三": [["三", "", ""]]})
    texts = ["二", {"id": "x", "text": TEXT}, "三"]
    service = tiny_service(tiny_folder, proposer=proposer)
    content = run(service, lambda service: service.extract({"texts": texts})).content
    assert [(row["id"], len(row["triples"]), row["extraction"]) for row in content["all"]] == [("x", 2, {"llm": "m"})]
    assert len(content["kept"][0]["triples"]) == len(content["rejected"][0]["triples"]) == 1
    assert [entry["row"] for entry in content["failed"]] == [0, 2]
    assert closed == [True]


def test_labels_go_with_their_triples(tiny_folder):
    proposer, _ = proposing({TEXT: [LISTED, OUTSIDE]})
    row = {"id": "x", "text": TEXT, "triples": [named(OUTSIDE), named(LISTED)], "labels": [0, 1]}
    service = tiny_service(tiny_folder, proposer=proposer)
    content = run(service, lambda service: service.filter({"rows": [row]})).content
    assert [content[name][0]["labels"] for name in ("kept", "rejected", "all")] == [[1], [0], [0, 1]]
    service = tiny_service(tiny_folder, proposer=proposer)
    content = run(service, lambda service: service.extract({"texts": [row]})).content
    assert not any("labels" in content[name][0] for name in ("kept", "rejected", "all"))


def test_the_record_of_an_earlier_judge_goes_and_a_key_of_the_users_own_stays(tiny_folder):
    proposer, _ = proposing({TEXT: [LISTED]})
    ours, own = {"prompt": "judge-zh@1", "band": [0.1, 0.9], "calls": 1}, {"name": "王法官"}
    texts = [{"id": "x", "text": TEXT, "judge": ours}, {"id": "y", "text": TEXT, "judge": own}]
    service = tiny_service(tiny_folder, proposer=proposer)
    content = run(service, lambda service: service.extract({"texts": texts})).content
    assert [row.get("judge") for row in content["all"]] == [None, own]


def test_extraction_that_gives_nothing_is_an_error(tiny_folder):
    proposer, _ = proposing({"一": AnswerError("empty answer", "")})
    with pytest.raises(RefusalError, match="no answer that can be used: empty answer") as caught:
        run(tiny_service(tiny_folder, proposer=proposer), lambda service: service.extract({"texts": ["一"]}))
    assert (caught.value.status, caught.value.row) == (502, 0)


def test_the_model_is_described_with_the_thresholds_that_apply(tiny_folder):
    rules = DecisionRules(text_threshold=0.25, pair_threshold=-1.0)
    verifier = load_verifier(tiny_folder, threads=1, rules=rules)
    service = VerificationService(verifier, ModelInfo.of(verifier), ServeSettings())
    told = service.model().content
    assert told["name"] == "tiny"
    assert (told["text_threshold"], told["pair_thresholds"]["schema"]) == (0.25, -1.0)
    assert "导演" in told["relations"]
    assert (told["llm"], told["calibrated"]) == (None, False)
    assert (told["new_relations"], told["new_text_threshold"]) == ((), 0.25)
    assert told["new_pair_thresholds"]["schema"] == -1.0


def test_readiness_follows_opening_and_draining():
    service, _ = held_service()
    assert not service.ready

    async def work(service):
        assert service.ready
        service.drain()
        return service.ready

    assert run(service, work) is False


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"host": "0.0.0.0"}, "host 0.0.0.0 can be reached by others: set CACRE_SERVE_TOKEN"),
        ({"token": "short"}, "token: the token must have 16 or more"),
        ({"token": ""}, "token: the token must have 16 or more"),
        ({"token": "with spaces in the middle of it"}, "token: the token must have 16 or more"),
        ({"max_rows": 9, "max_waiting_rows": 8}, "max_rows=9 must not be above max_waiting_rows=8"),
        ({"max_row": 9}, "max_row: Extra inputs are not permitted"),
    ],
)
def test_settings_that_contradict_are_refused(values, message):
    from cacre.service.settings import serve_settings

    with pytest.raises(ConfigError) as caught:
        serve_settings(**values)
    assert message in str(caught.value)
    assert not values.get("token") or values["token"] not in str(caught.value)


def test_an_empty_token_variable_does_not_open_the_service(monkeypatch):
    from cacre.service.settings import serve_settings

    monkeypatch.setenv("CACRE_SERVE_TOKEN", "")
    with pytest.raises(ConfigError, match="token"):
        serve_settings()
