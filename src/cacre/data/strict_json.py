"""JSON from outside: as the standard has it, with finite numbers, and with a clear word where it is not."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from cacre.errors import DataError


def read_json(content: bytes, what: str) -> Any:  # noqa: ANN401  (JSON)
    """Read a JSON value.

    Args:
        content: UTF-8.
        what: What holds it, such as "line" or "body", for the message.

    Raises:
        DataError: It is no UTF-8, no JSON (`NaN` is none), nested too deeply, or holds a number out of range.
    """
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse_number, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise DataError(f"byte {error.start} of the {what} is not UTF-8: save or send it as UTF-8") from error
    except json.JSONDecodeError as error:
        line = f"line {error.lineno} " if error.lineno > 1 else ""
        raise DataError(f"not valid JSON at {line}column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise DataError("the JSON is nested too deeply") from error
    except ValueError as error:  # an integer with more digits than Python converts
        raise DataError(f"a number cannot be read: {error}") from error


def _refuse_number(name: str) -> NoReturn:
    raise DataError(f"{name} is not JSON: write null or leave the key out")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise DataError(f"the number {digits:.40} is out of range")
    return value
