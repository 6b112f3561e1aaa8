"""Every error that cacre raises on purpose.

```
CacreError
├── ConfigError          a setting is unknown, of the wrong type, or contradicts another
├── DataError            a row or file of the user's cannot be used (carries file, line and field)
├── OutputError          a file cannot be written; an OSError too
├── SchemaError          a relation schema is not well formed, or a predicate is not in it
├── ModelError           a model folder is missing, truncated, of another version, or not a model
│   └── HubError         a model hub could not be reached
├── LLMError             an LLM gave no answer that can be used
│   ├── RequestRefusedError  the server refuses this request (4xx), so that it is not sent again; others may pass
│   ├── UnavailableError     no answer after all tries: 429, 5xx, time-outs, dropped connections, malformed bodies
│   ├── AccessError          no key, a refused key, or no such model or address: no request can pass
│   ├── BudgetError          the job's limit on requests or cost is reached: nothing more is sent
│   ├── CacheMissError       offline, and the cache has no answer
│   └── AnswerError          the answer cannot be parsed: a refusal, empty, or no triples in any known form
└── MissingExtraError    an optional dependency is not installed (names the pip command)
```

Messages name the value received, what was allowed, and what to do next.
"""

from __future__ import annotations

import errno

_ROOM = "free some space, or name another output (-o)"
_RIGHTS = "change the permissions, or name another output (-o)"
_TO_DO = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EISDIR: "name a file in it",
}


class CacreError(Exception):
    """Root of all errors raised by cacre."""


class ConfigError(CacreError):
    """A setting is unknown, of the wrong type, or contradicts another setting."""


class DataError(CacreError):
    """A row or a file given by the user cannot be used.

    Args:
        reason: What is wrong and what was expected.
        path: File the row came from, `-` for standard input, None where there is no file.
        line: 1-based line number in that file.
        field: Name of the field at fault, such as `triples[2].subject`.
    """

    def __init__(
        self, reason: str, *, path: str | None = None, line: int | None = None, field: str | None = None
    ) -> None:
        self.reason, self.path, self.line, self.field = reason, path, line, field
        where = ":".join(str(part) for part in (path, line) if part is not None)
        super().__init__(": ".join(part for part in (where, field, reason) if part))


class OutputError(CacreError, OSError):
    """A file cannot be written: no room, no permission, or a folder stands in its place.

    Args:
        number: The `errno` of the failure, None if it has none.
        reason: What the system says.
        path: The file as the user named it, and not the temporary one beside it.
    """

    # Without an `__init__` of its own, so that it is made and pickled as any OSError.
    def __str__(self) -> str:
        to_do = _TO_DO.get(self.errno or 0, "name another output (-o)")
        return f"{self.filename}: cannot be written: {self.strerror}: {to_do}"


class SchemaError(CacreError):
    """A relation schema is not well formed, or a predicate is not in it."""


class ModelError(CacreError):
    """A model folder is missing, truncated, of another version, or not a model."""


class HubError(ModelError):
    """A model hub could not be reached."""


class LLMError(CacreError):
    """An LLM gave no answer that can be used."""


class RequestRefusedError(LLMError):
    """The server refuses this request (4xx): it is not sent again, but other requests may pass.

    Args:
        reason: What the server said.
        status: HTTP status.
    """

    def __init__(self, reason: str, status: int) -> None:
        self.status = status
        super().__init__(reason)


class UnavailableError(LLMError):
    """No answer after all tries: 429, 5xx, time-outs, dropped connections or malformed bodies."""


class AccessError(LLMError):
    """No key, a refused key, or no such model or address: no request of the job can pass."""


class BudgetError(LLMError):
    """The job's limit on requests or cost is reached: nothing more is sent."""


class CacheMissError(LLMError):
    """Offline, and the cache has no answer to the request."""


class AnswerError(LLMError):
    """The answer cannot be parsed: a refusal, empty, or no triples in any known form.

    Args:
        reason: What is wrong with it.
        raw: The answer as it came.
    """

    def __init__(self, reason: str, raw: str) -> None:
        self.reason, self.raw = reason, raw
        super().__init__(reason)


class MissingExtraError(CacreError):
    """An optional dependency is not installed.

    Args:
        module: Name of the module that failed to import.
        extra: Name of the extra of this package that brings it.
    """

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"this needs {module!r}, which is not installed: run  pip install 'cacre[{extra}]'")
