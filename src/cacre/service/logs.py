"""The log: one JSON object a line on stderr, with numbers and names of ours, and nothing that a client wrote."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from typing import TextIO

LOGGER = logging.getLogger("cacre.service")
_UVICORN = "uvicorn"


class JsonFormatter(logging.Formatter):
    """Writes a record as a JSON object; of an exception its kind and place, because its message may hold a text."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        said = record.getMessage()
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": said if record.name == LOGGER.name else _UVICORN,
        }
        if entry["event"] == _UVICORN:
            entry["message"] = said.strip()
        entry |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            entry |= crash_fields(record.exc_info[1])
        return json.dumps(entry, ensure_ascii=True)


def crash_fields(error: BaseException) -> dict[str, object]:
    """Kind and place of an exception, for the log."""
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-4:]]
    return {"error": type(error).__name__, "at": places}


def log(event: str, fields: Mapping[str, object] | None = None, level: int = logging.INFO) -> None:
    """Write an event with its numbers."""
    LOGGER.log(level, event, extra={"fields": fields or {}})


def start_logging(stream: TextIO | None = None) -> None:
    """Send this process's service log, and what uvicorn has to say, to a stream (stderr by default)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name, level in ((LOGGER.name, logging.INFO), (_UVICORN, logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
