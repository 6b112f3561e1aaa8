"""What a job would cost, before anything is sent."""

import asyncio

from cacre.data import Row, parse_row
from cacre.extraction import ExtractionSettings, Extractor
from cacre.extraction.pricing import ASSUMED_COMPLETION, estimate_job
from cacre.llm import CachedLLM, ChatAnswer, Prices, ScriptedLLM, Usage
from cacre.llm.usage import estimate_tokens
from cacre.schema import load_schema

TEXTS = ["《雾中渡》由林知远执导。", "云岫科技由贺一鸣创办。", "许棠作曲。"]
ANSWER = ChatAnswer('{"triples": []}', "m", "stop", Usage(900, 17))


def rows():
    for number, text in enumerate(TEXTS):
        raw = {"text": text}
        yield Row("in.jsonl", number + 1, raw, parse_row(raw, "texts"))


def estimate(llm, cache=None, **settings):
    extractor = Extractor(llm, load_schema("duie"), ExtractionSettings(llm="m", max_tokens=1000, **settings))
    return estimate_job(rows(), extractor.asker, cache), extractor


def test_every_question_is_counted_and_none_is_asked():
    llm = ScriptedLLM()
    found, extractor = estimate(llm, samples=2)
    assert (found.rows, found.requests, found.cached, found.to_pay) == (3, 6, 0, 6)
    asked = [extractor.asker.request(q) for text in TEXTS for q in extractor.asker.questions(text)]
    assert found.prompt_tokens == sum(estimate_tokens(m.content) for request in asked for m in request.messages)
    assert found.completion_tokens == 6 * ASSUMED_COMPLETION["triples"]
    assert found.most_completion_tokens == 6000
    assert llm.history == []


def test_what_is_in_the_cache_costs_nothing_and_tells_how_long_answers_are(tmp_path):
    cache = CachedLLM(ScriptedLLM(ANSWER), tmp_path / "cache.sqlite")
    _, extractor = estimate(cache)

    async def first():
        await extractor.aextract(TEXTS[0])

    asyncio.run(first())
    found, _ = estimate(cache, cache)
    assert (found.requests, found.cached, found.to_pay, found.assumed) == (3, 1, 2, 17)
    assert found.completion_tokens == 34
    asyncio.run(cache.aclose())


def test_prices():
    found, _ = estimate(ScriptedLLM(), gleanings=2)
    likely = (found.prompt_tokens * 2.0 + found.completion_tokens * 8.0) / 1e6
    most = (found.prompt_tokens * 2.0 + 3000 * 8.0) / 1e6
    text = "\n".join(found.lines(Prices(2.0, 8.0)))
    assert f"about {likely:.4f}, at most {most:.4f}" in text
    assert "gleanings add up to 6 requests" in text
    assert "--price-prompt" in "\n".join(found.lines(None))
