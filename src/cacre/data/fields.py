"""The fields that rows are made of, and what each may hold: pydantic annotations with messages of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from cacre.data.shapes import EXPECTED_TRIPLE
from cacre.errors import DataError
from cacre.types import Triple, advice_on_numbers

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a row may be at most.

    Args:
        max_text_characters: Longest text, in characters.
        max_line_bytes: Longest line, in bytes; a longer one is never held in memory as a whole.
        max_triples: Longest list of triples in a row.
        max_name_characters: Longest subject, predicate or object of a triple, in characters. A model reads only the
            beginning of a long one, but everything that is looked up in a text takes it whole.
    """

    max_text_characters: int = 20_000
    max_line_bytes: int = 4 * 1024 * 1024
    max_triples: int = 1000
    max_name_characters: int = 2000


DEFAULT_LIMITS = Limits()


def fault(reason: str) -> PydanticCustomError:
    """An error to raise in a validator, whose message is the reason as it stands."""
    # The reason goes in as a value, because pydantic would read braces in a template.
    return PydanticCustomError("row", "{reason}", {"reason": reason})


def _limits(info: ValidationInfo) -> Limits:
    return info.context if isinstance(info.context, Limits) else DEFAULT_LIMITS


def _clean(value: str) -> str:
    found = _UNUSABLE.search(value)
    if found:
        name = "a NUL character" if found[0] == "\x00" else f"a lone surrogate (U+{ord(found[0]):04X})"
        raise fault(f"holds {name} at character {found.start()}, which is no text: remove it")
    return value


def _non_empty(value: str) -> str:
    if not value.strip():
        raise fault(f"must not be empty, got {value!r:.80}")
    return _clean(value)


def _short(value: str, info: ValidationInfo, part: str = "") -> str:
    allowed = _limits(info).max_name_characters
    if len(value) > allowed:
        found = f"{part} has {len(value)}".lstrip()
        raise fault(f"{found} characters, at most {allowed} are allowed: shorten the name, or leave the triple out")
    return value


def _name(value: str, info: ValidationInfo) -> str:
    return _non_empty(_short(value, info))


def _text(value: str, info: ValidationInfo) -> str:
    allowed = _limits(info).max_text_characters
    if len(value) > allowed:
        raise fault(f"has {len(value)} characters, at most {allowed} are allowed: split longer texts into several rows")
    return _non_empty(value)


def bounded(value: object, info: ValidationInfo) -> object:
    """Refuse what is not a list, or longer than `Limits.max_triples`."""
    allowed = _limits(info).max_triples
    if not isinstance(value, list | tuple):
        raise fault(f"expected a list of triples, got {value!r:.80}")
    if len(value) > allowed:
        raise fault(f"has {len(value)} triples, at most {allowed} are allowed: split the row")
    return value


def _triple(value: object, info: ValidationInfo) -> Triple:
    try:
        triple = Triple.parse(cast("Sequence[Any]", value))
    except DataError as error:
        raise fault(error.reason) from error
    for name, part in zip(Triple._fields, triple, strict=True):
        _clean(_short(part, info, name))
    return triple


def spo_fields(value: object, info: ValidationInfo) -> object:
    """A list of three strings as an object with names; an object as it is."""
    if isinstance(value, list | tuple):
        return _triple(value, info)._asdict()
    if not isinstance(value, dict):
        raise fault(f"{EXPECTED_TRIPLE}, got {value!r:.80}")
    return value


def _hard_triple(value: object, info: ValidationInfo) -> tuple[Triple, str | None]:
    if isinstance(value, list | tuple) and len(value) == 4:
        if not isinstance(value[3], str):
            raise fault(f"the fourth part names the kind and must be a string, got {value[3]!r:.80}")
        return _triple(value[:3], info), _clean(value[3])
    return _triple(value, info), None


def _row_id(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _slots(value: object, info: ValidationInfo) -> dict[str, str]:
    """A string or DuIE's `{"@value": ..., slot: ...}`, as the latter."""
    slots = {"@value": value} if isinstance(value, str) else value
    if not isinstance(slots, dict) or "@value" not in slots:
        raise fault(f'expected a string or an object with "@value", got {value!r:.80}{advice_on_numbers(value)}')
    for name, part in slots.items():
        if not isinstance(part, str):
            raise fault(f"{name!r:.80} must be a string, got {part!r:.80}{advice_on_numbers(part)}")
        _clean(name + part)
    _name(slots["@value"], info)
    return cast("dict[str, str]", dict(slots))


Name = Annotated[str, AfterValidator(_name)]
Label = Annotated[str, AfterValidator(_clean)]
Text = Annotated[str, AfterValidator(_text)]
RowId = Annotated[Label | None, BeforeValidator(_row_id)]
TripleValue = Annotated[Triple, PlainValidator(_triple)]
HardTriple = Annotated[tuple[Triple, str | None], PlainValidator(_hard_triple)]
Slots = Annotated[dict[str, str], PlainValidator(_slots)]
TripleList = Annotated[tuple[TripleValue, ...], BeforeValidator(bounded)]
Score = Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
