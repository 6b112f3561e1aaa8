"""Every error that cacre raises on purpose.

```
CacreError
├── ConfigError          a setting is unknown, of the wrong type, or contradicts another
├── DataError            a row or file of the user's cannot be used (carries file, line and field)
├── SchemaError          a relation schema is not well formed, or a predicate is not in it
├── ModelError           a model folder is missing, truncated, of another version, or not a model
│   └── HubError         a model hub could not be reached
└── MissingExtraError    an optional dependency is not installed (names the pip command)
```

Messages name the value received, what was allowed, and what to do next.
"""

from __future__ import annotations


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


class SchemaError(CacreError):
    """A relation schema is not well formed, or a predicate is not in it."""


class ModelError(CacreError):
    """A model folder is missing, truncated, of another version, or not a model."""


class HubError(ModelError):
    """A model hub could not be reached."""


class MissingExtraError(CacreError):
    """An optional dependency is not installed.

    Args:
        module: Name of the module that failed to import.
        extra: Name of the extra of this package that brings it.
    """

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"this needs {module!r}, which is not installed: run  pip install 'cacre[{extra}]'")
