"""`--set table.key=value`: settings given on the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Any

from cacre.errors import ConfigError


def parse_overrides(entries: Iterable[str]) -> dict[str, Any]:
    """Read `table.key=value` entries, values as TOML (a bare word is a string).

    Raises:
        ConfigError: An entry has another form.
    """
    tables: dict[str, Any] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        table, dot, key = name.strip().partition(".")
        if not (equals and dot and table and key):
            raise ConfigError(f"--set takes table.key=value, such as training.epochs=3, got {entry!r}")
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value.strip()
        tables.setdefault(table, {})[key] = parsed
    return tables
