"""The file of the cache: what is in it, damage, full disks, several processes, and kill -9."""

import asyncio
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.errors import CacreError, ConfigError, LLMError
from cacre.llm import CachedLLM, ChatAnswer, ChatRequest, Message, ScriptedLLM, Usage, cache
from cacre.llm.chat import TokenLogprob


def ask(content: str = "谁导演了《长夜》？", **fields) -> ChatRequest:
    return ChatRequest((Message("user", content),), model="test", **fields)


def echo() -> ScriptedLLM:
    return ScriptedLLM(answer=lambda request: request.messages[-1].content)


def within_seconds(main):
    """Run, but fail rather than hang."""

    async def limited():
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(limited())


texts = st.text(st.characters(exclude_categories=()))


@given(
    content=texts,
    model=texts,
    finish_reason=st.none() | texts,
    counts=st.tuples(st.integers(0, 2**40), st.integers(0, 2**40), st.booleans()),
    logprobs=st.none() | st.lists(st.tuples(texts, st.floats(allow_nan=False)), max_size=5),
)
def test_any_answer_is_read_as_it_was_written(content, model, finish_reason, counts, logprobs):
    tokens = None if logprobs is None else tuple(TokenLogprob(*pair) for pair in logprobs)
    answer = ChatAnswer(content, model, finish_reason, Usage(*counts), tokens, cached=True)
    assert cache._decode(cache._encode(answer).encode()) == answer


def test_the_file_holds_no_text_of_the_request_and_only_its_owner_may_read_it(tmp_path):
    async def main() -> None:
        llm = CachedLLM(ScriptedLLM("answer"), tmp_path / "c")
        await llm.chat(ask("a secret question"))
        files = list(tmp_path.iterdir())
        assert len(files) > 1, "the log of SQLite is a file of its own"
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert not any(b"secret" in file.read_bytes() for file in files)
        await llm.aclose()

    asyncio.run(main())


@pytest.mark.parametrize(
    "damage",
    [
        '{"content": "cut o',
        "[]",
        "17",
        '{"content": 3, "model": "m", "finish_reason": null, "usage": [1, 2, false], "logprobs": null}',
        '{"content": "x", "model": "m", "finish_reason": null, "usage": [1, 2], "logprobs": null}',
        '{"content": "x", "model": "m", "finish_reason": null, "usage": [1, 1e999, false], "logprobs": null}',
        b"\xff\xfe\xfd",
        "[" * 100_000,
    ],
)
def test_a_damaged_row_is_asked_again_and_mended(tmp_path, damage):
    path = tmp_path / "c"

    async def main() -> None:
        async with CachedLLM(ScriptedLLM("old", "new"), path) as llm:
            await llm.chat(ask())
            with closing(sqlite3.connect(path)) as other:
                other.execute("UPDATE answers SET answer = CAST(? AS TEXT)", (damage,))
                other.commit()
            assert llm.lookup(ask()) is None
            assert (await llm.chat(ask())).content == "new"
            assert (await llm.chat(ask())).content == "new"
            assert len(llm) == 1

    asyncio.run(main())


def refuse(path, match: str, kind: type[CacreError] = ConfigError) -> None:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(CacreError, match=match) as caught:
        CachedLLM(echo(), path)
    assert type(caught.value) is kind
    assert str(path) in str(caught.value)
    assert before is None or path.read_bytes() == before, "a file that is not ours must stay as it is"


@pytest.mark.parametrize("content", ["只读", "些许文字\n" * 1000])
def test_a_file_that_is_no_database_is_refused(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_text(content, encoding="utf-8")
    refuse(path, "no cache of answers, or a damaged one")


def test_another_database_is_refused(tmp_path):
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE birds (name TEXT)")
    refuse(path, "is no cache of answers: name another file")


def test_another_format_is_refused(tmp_path):
    path = tmp_path / "c"
    within_seconds(CachedLLM(echo(), path).aclose())
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    refuse(path, "format 99, and this version of cacre reads format 1")


def test_a_folder_is_refused(tmp_path):
    refuse(tmp_path, "cannot be used.*name a file that you can read and write", CacreError)


def test_a_place_without_a_write_ahead_log_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CacreError, match=r"no write-ahead log can be kept here .*memory.*local disk"):
        CachedLLM(echo(), ":memory:")


def test_an_answer_that_cannot_be_stored_stops_the_job(tmp_path):
    path = tmp_path / "c"

    async def main() -> None:
        inner = ScriptedLLM("x" * 100_000, "small")
        async with CachedLLM(inner, path) as llm:
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))  # as if the disk were full
            try:
                outcomes = await asyncio.gather(llm.chat(ask()), llm.chat(ask()), return_exceptions=True)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            for outcome in outcomes:
                assert isinstance(outcome, CacreError)
                assert not isinstance(outcome, LLMError), "an LLMError would let the job go on and pay for more"
                assert f"{path}: the answer was paid for but cannot be stored" in str(outcome)
            assert (await llm.chat(ask())).content == "small", "the file must be usable again"

    within_seconds(main())


def test_another_process_that_writes_for_too_long_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "BUSY_SECONDS", 0.01)

    async def main() -> None:
        async with CachedLLM(ScriptedLLM("a", "b"), tmp_path / "c") as llm:
            with closing(sqlite3.connect(tmp_path / "c")) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(CacreError, match=r"paid for but cannot be stored .*locked"):
                    await llm.chat(ask())
            assert (await llm.chat(ask())).content == "b"

    asyncio.run(main())


WRITER = """
import asyncio, itertools, sys
from cacre.llm import CachedLLM, ChatRequest, Message, ScriptedLLM

async def main(path, name, count):
    llm = CachedLLM(ScriptedLLM(answer=lambda request: request.messages[0].content * 50), path)
    for number in range(count) if count else itertools.count():
        answer = await llm.chat(ChatRequest((Message("user", f"{name} {number} "),), model="test"))
        print(number, flush=True)
    await llm.aclose()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def start_writer(path, name: str, count: int = 0) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def missing(path, name: str, count: int) -> list[int]:
    """Numbers of the answers that the file lacks, of those a writer gave."""

    async def main() -> list[int]:
        async with CachedLLM(ScriptedLLM(), path, offline=True) as llm:
            answers = {number: llm.lookup(ask(f"{name} {number} ")) for number in range(count)}
            return [n for n, answer in answers.items() if answer is None or answer.content != f"{name} {n} " * 50]

    return asyncio.run(main())


@pytest.mark.slow
def test_what_was_given_survives_kill_9(tmp_path):
    path, given = tmp_path / "c", {}
    for name in ("first", "second", "third"):
        with start_writer(path, name) as writer:
            for _ in range(300):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
            given[name] = 300 + len([line for line in writer.stdout.read().split("\n")[:-1] if line])
        assert writer.returncode == -signal.SIGKILL
    for name, count in given.items():
        assert missing(path, name, count) == []
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_several_processes_share_one_file(tmp_path):
    path = tmp_path / "c"
    writers = {name: start_writer(path, name, 500) for name in ("a", "b", "c", "d")}
    for name, writer in writers.items():
        writer.communicate(timeout=60)
        assert writer.returncode == 0, name
    assert [missing(path, name, 500) for name in writers] == [[]] * 4


def test_permissions_of_a_file_that_exists_stay(tmp_path):
    path = tmp_path / "c"
    within_seconds(CachedLLM(echo(), path).aclose())
    path.chmod(0o640)
    within_seconds(CachedLLM(echo(), path).aclose())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
