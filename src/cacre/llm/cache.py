"""A file of answers that were paid for, so that no request is paid for twice."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from cacre.errors import CacheMissError, CacreError, ConfigError
from cacre.llm.chat import LLM, ChatAnswer, ChatRequest, TokenLogprob, Usage
from cacre.llm.meter import Meter

FORMAT = 1
"""Number of the file's format, kept as SQLite's `user_version`."""
BUSY_SECONDS = 30.0
"""How long to wait for another process that writes to the same file."""


class CachedLLM:
    """An LLM that remembers: a request that was answered before, by any process with this file, is not sent again.

    Requests are equal if all their fields and the base URL are. Equal requests at the same time are sent once. An
    answer is in the file before `chat` gives it, so that it survives a killed process; a power cut may lose the last
    ones. Empty answers are not kept, because they would be replayed for ever; answers that were cut off are. The file
    holds answers, neither requests nor API keys. Use one event loop at a time; several processes may share the file.

    Args:
        inner: The LLM to ask; closed together with the cache.
        path: The file; it is created, readable by its owner only, if there is none.
        offline: Never ask `inner`.
        meter: Counts the answers that came from the cache.

    Raises:
        ConfigError: The file is something else or of another format, or there is none although `offline` needs one.
        CacreError: The file cannot be opened.
    """

    def __init__(self, inner: LLM, path: str | Path, *, offline: bool = False, meter: Meter | None = None) -> None:
        self.path = Path(path)
        if offline and not self.path.exists():
            raise ConfigError(
                f"{path}: no such cache, and --offline answers from a cache alone: name another file, or go online"
            )
        self._inner, self._offline, self._meter = inner, offline, meter
        self._file: _AnswerFile | None = _AnswerFile(self.path)
        # What each request in flight came to; None if it was cut short and somebody else has to try.
        self._running: dict[str, asyncio.Future[ChatAnswer | CacreError | None]] = {}

    @property
    def base_url(self) -> str:
        """Where requests go: that of the LLM inside."""
        return self._inner.base_url

    def __len__(self) -> int:
        """Answers in the file."""
        return self._open_file().count()

    def lookup(self, request: ChatRequest) -> ChatAnswer | None:
        """The answer that the file has, marked as cached; None if it has none. Asks nobody and counts nothing.

        Raises:
            CacreError: The file cannot be read.
        """
        return self._open_file().read(request.key(self.base_url))

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Answer from the file, or ask the LLM and keep its answer.

        Raises:
            CacheMissError: The file has no answer, and the cache is offline.
            LLMError: The LLM gave no answer; all that waited for the same one get the same error.
            CacreError: The file cannot be read, or a new answer cannot be stored.
        """
        file, key = self._open_file(), request.key(self.base_url)
        while True:
            answer: ChatAnswer | CacreError | None = file.read(key)
            if answer is None and (running := self._running.get(key)) is not None:
                # `wait`, because a task that is cancelled here must not cancel the request for the others.
                await asyncio.wait([running])
                answer = running.result()
            elif answer is None:
                return await self._ask(file, key, request)
            if isinstance(answer, CacreError):
                raise answer
            if answer is not None:
                if self._meter is not None:
                    self._meter.cached(answer.usage)
                return replace(answer, cached=True)

    async def aclose(self) -> None:
        """Close the file and the LLM inside; may be called again."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.close()
        finally:
            await self._inner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _open_file(self) -> _AnswerFile:
        if self._file is None:
            raise CacreError(f"{self.path}: this cache was closed: make a new CachedLLM")
        return self._file

    async def _ask(self, file: _AnswerFile, key: str, request: ChatRequest) -> ChatAnswer:
        if self._offline:
            raise CacheMissError(
                f"{self.path}: the cache has no answer to this request to {request.model}, and --offline was given: "
                "run without --offline, or with the settings that the cache was filled with"
            )
        running = self._running[key] = asyncio.get_running_loop().create_future()
        outcome: ChatAnswer | CacreError | None = None
        try:
            outcome = answer = await self._inner.chat(request)
            if answer.content.strip():
                file.write(key, answer)
            return answer
        except CacreError as error:
            outcome = error
            raise
        finally:
            del self._running[key]
            running.set_result(outcome)


class _AnswerFile:
    """The SQLite file: a table of answers under the keys of their requests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite gives its other files the permissions of this one.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            # Any thread, because a synchronous caller may run each job in a thread of its own, one after the other.
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        # Bytes, because text that is not UTF-8 would be an exception of SQLite's and not a miss.
        self._connection.text_factory = bytes
        try:
            self._prepare()
        except BaseException as error:
            self._connection.close()
            if isinstance(error, sqlite3.Error):
                raise self._unusable(error) from error
            raise

    def _prepare(self) -> None:
        if self._is_new():
            # A lock, because another process may be creating it at the same time.
            self._connection.execute("BEGIN IMMEDIATE")
            if self._is_new():
                self._connection.execute(
                    "CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL, created INTEGER NOT NULL)"
                )
                self._connection.execute(f"PRAGMA user_version = {FORMAT}")
            self._connection.execute("COMMIT")
        mode = self._value("PRAGMA journal_mode = WAL")
        if mode != b"wal":
            raise CacreError(
                f"{self._path}: no write-ahead log can be kept here ({mode!r}): name a file on a local disk"
            )
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def _is_new(self) -> bool:
        """Whether nothing is in it yet.

        Raises:
            ConfigError: Something is in it that is no table of answers of this format.
        """
        tables, version = self._value("SELECT count(*) FROM sqlite_master"), self._value("PRAGMA user_version")
        if not tables and not version:
            return True
        if not self._value("SELECT count(*) FROM sqlite_master WHERE name = 'answers'"):
            raise ConfigError(f"{self._path}: this SQLite file is no cache of answers: name another file")
        if version != FORMAT:
            raise ConfigError(
                f"{self._path}: the cache has format {version}, and this version of cacre reads format {FORMAT}: "
                "name another file, or use the version of cacre that wrote it"
            )
        return False

    def _value(self, query: str) -> Any:  # noqa: ANN401  (what a column holds)
        return self._connection.execute(query).fetchone()[0]

    def count(self) -> int:
        try:
            return int(self._value("SELECT count(*) FROM answers"))
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def read(self, key: str) -> ChatAnswer | None:
        try:
            row = self._connection.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return None if row is None else _decode(row[0])

    def write(self, key: str, answer: ChatAnswer) -> None:
        row = (key, _encode(answer), int(time.time()))
        try:
            self._connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", row)
        except sqlite3.Error as error:
            raise CacreError(
                f"{self._path}: the answer was paid for but cannot be stored ({error}), so that the job stops: "
                "make room on the disk, or name another file, and run it again"
            ) from error

    def close(self) -> None:
        self._connection.close()

    def _unusable(self, error: OSError | sqlite3.Error) -> CacreError:
        # SQLite has no subclass for a file that is no database; all passing troubles, such as a lock, are subclasses.
        if type(error) is sqlite3.DatabaseError:
            return ConfigError(
                f"{self._path}: no cache of answers, or a damaged one ({error}): name another file, or move it away"
            )
        return CacreError(f"{self._path}: the cache cannot be used ({error}): name a file that you can read and write")


def _encode(answer: ChatAnswer) -> str:
    whole = {
        "content": answer.content,
        "model": answer.model,
        "finish_reason": answer.finish_reason,
        "usage": [answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.estimated],
        "logprobs": None if answer.logprobs is None else [[item.token, item.logprob] for item in answer.logprobs],
    }
    text = json.dumps(whole, ensure_ascii=False)
    with suppress(UnicodeEncodeError):
        text.encode()
        return text
    # Half a surrogate pair, as cut-off answers have it, is no UTF-8, so that everything is escaped.
    return json.dumps(whole)


def _decode(stored: bytes) -> ChatAnswer | None:
    """The answer; None if the row is damaged."""
    try:
        whole = json.loads(stored)
        content, model, finish_reason = whole["content"], whole["model"], whole["finish_reason"]
        prompt_tokens, completion_tokens, estimated = whole["usage"]
        pairs = whole["logprobs"]
        logprobs = None if pairs is None else tuple(TokenLogprob(str(token), float(value)) for token, value in pairs)
        usage = Usage(int(prompt_tokens), int(completion_tokens), bool(estimated))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    if not (isinstance(content, str) and isinstance(model, str) and isinstance(finish_reason, str | None)):
        return None
    return ChatAnswer(content, model, finish_reason, usage, logprobs, cached=True)
