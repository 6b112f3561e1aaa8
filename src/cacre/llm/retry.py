"""What a failure means, when a request is sent again, and after how long.

The repeating is tenacity's, with random exponential waits that obey the server.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from cacre.errors import AccessError, ConfigError, LLMError, RequestRefusedError, UnavailableError
from cacre.llm.chat import ChatAnswer
from cacre.llm.pauses import requested_pause
from cacre.llm.providers import Feature
from cacre.llm.refused_texts import about_the_key, about_the_text

LONGEST_PAUSE = 600.0
"""Seconds; a server that asks for a longer pause than this is not waited for."""

_EXCERPT = 300
_NO_ACCESS = {
    "insufficient_quota": "top up the account",
    "insufficient balance": "top up the account",
    "billing_not_active": "top up the account",
    "arrearage": "top up the account",
    "invalid_api_key": "check the key",
    "api key not valid": "check the key",
    "model_not_found": "check the name of the model",
    "model not exist": "check the name of the model",
}
"""What servers say, with whatever status, when no request of the job can pass."""

_WORDS: tuple[tuple[str, tuple[Feature, ...]], ...] = (
    ("logprob", ("logprobs",)),
    (
        r"response_?format|json_schema|json_object|json (?:mode|schema)|structured.?output",
        ("json_schema", "json_object"),
    ),
    ("thinking", ("thinking",)),
    (r"\bseed\b", ("seed",)),
    ("temperature", ("temperature",)),
    ("max_completion_tokens", ("max_tokens",)),
)
"""What servers call the features that they refuse."""

_ADVICE = {
    "429": "lower the concurrency, or set limits on requests and tokens a minute",
    "5xx": "the server is in trouble, try again later",
    "timeout": "allow more time for a request, or ask for shorter answers",
    "connection": "check that the server runs, that its base URL is right, and the network",
    "malformed": "check that the base URL is that of an OpenAI-compatible server",
}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is tried.

    Args:
        attempts: Tries of a request, the first one included.
        first_wait: Seconds; the wait before the second try is random below this, and the bound doubles with each try.
        longest_wait: Seconds; bound on a wait that the server did not ask for.
        timeout: Seconds for one try, from sending to the answer's last byte; waiting for a free place is not counted.

    Raises:
        ConfigError: A value is out of range.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    timeout: float = 120.0

    def __post_init__(self) -> None:
        if not isinstance(self.attempts, int) or self.attempts < 1:
            raise ConfigError(f"attempts is {self.attempts!r}: expected a whole number of 1 or more")
        for name, least in (("first_wait", 0.0), ("longest_wait", 0.0), ("timeout", 0.001)):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                raise ConfigError(f"{name} is {value!r} seconds: expected a finite number of {least:g} or more")


class AttemptError(Exception):
    """A try that failed in a way that another try may mend.

    Args:
        cause: What is counted: `429`, `5xx`, `408`, `409`, `timeout`, `connection`, `malformed`, `empty`.
        reason: What happened, in words.
        pause: Seconds that the server asks to wait; None if it does not.
        answer: The answer, where it came but is empty.
    """

    def __init__(
        self, cause: str, reason: str, *, pause: float | None = None, answer: ChatAnswer | None = None
    ) -> None:
        self.cause, self.reason, self.pause, self.answer = cause, reason, pause, answer
        super().__init__(reason)


class FeatureRefusedError(RequestRefusedError):
    """A 400 or 422: maybe the server refuses only something that the request can do without.

    Args:
        reason: What the server said, shortened.
        status: HTTP status.
        said: What the server said, at greater length, to find the name of a feature in.
    """

    def __init__(self, reason: str, status: int, said: str) -> None:
        super().__init__(reason, status)
        self.said = said


def server_message(body: object) -> str:
    """What the body of a refusal says, in one line.

    Args:
        body: The parsed JSON, or the text where it is no JSON.

    Returns:
        Message, code and parameter; of a validation error its places and messages, not the input it repeats.
    """
    if not isinstance(body, dict):
        return " ".join(str(body or "").split()) or "no message"
    inner = body.get("error", body)
    if not isinstance(inner, dict):
        return server_message(inner)
    details = inner.get("detail")
    entries = [entry for entry in details if isinstance(entry, dict)] if isinstance(details, list) else []
    found = [f"{entry.get('loc')}: {entry.get('msg')}" for entry in entries]
    parts = [inner.get("message"), inner.get("error_msg"), None if entries else details, *found]
    parts += [f"{name} {inner[name]}" for name in ("code", "param") if inner.get(name)]
    return " ".join("; ".join(str(part) for part in parts if part).split()) or "no message"


def refusal(status: int, headers: Mapping[str, str], said: str, server: str) -> LLMError | AttemptError:
    """What a status other than 2xx means: try again, do without something, or give up the request or the job.

    Args:
        status: HTTP status.
        headers: The response's headers, looked up in lower case.
        said: What the server said, without any key.
        server: Name of the server, for messages.
    """
    excerpt = said if len(said) <= _EXCERPT else said[:_EXCERPT] + "…"
    reason = f"{server} answered {status}: {excerpt}"
    advice = next((advice for words, advice in _NO_ACCESS.items() if words in said.lower()), None)
    if status == 403 and advice is None and about_the_text(said) and not about_the_key(said):
        return RequestRefusedError(reason, status)
    if status in (401, 403):
        advice = advice or "check the key and what it may be used for"
    elif status == 402:
        advice = "top up the account"
    elif status == 404:
        advice = advice or "check the base URL and the name of the model"
    elif status < 400:
        advice = f"give the address that it redirects to as base URL: {headers.get('location', 'it names none')[:200]}"
    if advice is not None:
        return AccessError(f"{reason}; {advice}")
    if status in (408, 409, 429) or status >= 500:
        cause = "5xx" if status >= 500 else str(status)
        return AttemptError(cause, f"{status} {excerpt}", pause=requested_pause(headers))
    if status in (400, 422):
        return FeatureRefusedError(reason, status, said)
    return RequestRefusedError(reason, status)


def broken(error: BaseException) -> AttemptError:
    """What it means that a response did not come, or not to its end."""
    cause: BaseException | None = error
    while cause is not None:
        # Transports wrap what happened, some time-outs as connection errors and some dropped connections as time-outs.
        if isinstance(cause, TimeoutError):
            return AttemptError("timeout", "it took too long")
        last, cause = cause, cause.__cause__
    return AttemptError("connection", f"the connection failed ({type(last).__name__}: {str(last)[:_EXCERPT]})")


def named_feature(message: str, used: tuple[Feature, ...]) -> Feature | None:
    """Which of the used features a server's refusal speaks of; None if of none of them.

    Args:
        message: What the server said; its beginning counts, because some servers repeat the input after it.
        used: The features of the request.
    """
    for pattern, features in _WORDS:
        if re.search(pattern, message[:500], re.IGNORECASE):
            for feature in features:
                if feature in used:
                    return feature
    return None


async def with_retries(
    policy: RetryPolicy, attempt: Callable[[], Awaitable[ChatAnswer]], again: Callable[[str], None], server: str
) -> ChatAnswer:
    """Try until there is an answer.

    Args:
        policy: How often and how patiently.
        attempt: One try; an `AttemptError` makes another one, any other exception passes.
        again: Called with the cause before each further try.
        server: Name of the server, for messages.

    Returns:
        The answer; an empty one if the last try brought an empty one.

    Raises:
        UnavailableError: No try brought an answer, or the server asks for too long a pause.
    """
    try:
        return await attempt()
    except AttemptError as error:
        failed = [error]

    async def attempt_again() -> ChatAnswer:
        if failed:
            raise failed.pop()
        return await attempt()

    # Only now, because most requests need one try, and this machinery takes as long as building a request.
    tries = AsyncRetrying(
        stop=stop_after_attempt(policy.attempts),
        wait=_Wait(policy),
        retry=retry_if_exception(_is_worth_waiting_for),
        before_sleep=lambda state: again(_failure(state).cause),
        reraise=True,
    )
    try:
        return await tries(attempt_again)
    except AttemptError as error:
        if error.answer is not None:
            return error.answer
        raise _unavailable(error, int(tries.statistics["attempt_number"]), server) from None


class _Wait:
    """Random exponential waits; what the server asks for comes on top, so that not all come back at one moment."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._usual = wait_random_exponential(multiplier=policy.first_wait, max=policy.longest_wait)

    def __call__(self, state: RetryCallState) -> float:
        pause = _failure(state).pause
        if pause is None:
            return self._usual(state)
        return pause + random.uniform(0, min(self._policy.first_wait, self._policy.longest_wait))


def _failure(state: RetryCallState) -> AttemptError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, AttemptError):
        raise RuntimeError(f"a try was repeated after {error!r}")
    return error


def _is_worth_waiting_for(error: BaseException) -> bool:
    return isinstance(error, AttemptError) and not _asks_too_much(error)


def _asks_too_much(error: AttemptError) -> bool:
    return error.pause is not None and error.pause > LONGEST_PAUSE


def _unavailable(error: AttemptError, tries: int, server: str) -> UnavailableError:
    if _asks_too_much(error):
        return UnavailableError(
            f"{server} asks to wait {error.pause:.0f} s, and at most {LONGEST_PAUSE:.0f} s are waited: "
            f"start again later; it says: {error.reason}"
        )
    times = "1 try" if tries == 1 else f"{tries} tries"
    advice = _ADVICE.get(error.cause, "try again later")
    return UnavailableError(f"{server} gave no answer in {times}, last cause {error.cause}: {error.reason}; {advice}")
