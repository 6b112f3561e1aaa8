"""Further keys of rows and triples -> what a source keeps of them: JSON, bounded, the same for the same keys.

Rows may carry keys of their own, such as the address and the date of their text, and a graph is asked for just these.
A text of millions of characters in such a key would make every export useless, so what is too long is left out, and
counted.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Collection, Mapping

from cacre.errors import DataError

LONGEST_KEY = 4_000
"""Characters of a key with its value, as JSON; a longer one is left out."""
LONGEST_TOGETHER = 16_000
"""Characters of all keys of a row, or of a triple; those that come when it is full are left out."""
OF_THE_JOB = frozenset(["extraction", "generation", "judge"])
"""Keys of a row that cacre writes itself: of how the row was made, not of where its text is from."""
ON_THE_EDGE = frozenset(["qualifiers", "mentions", "not_in_text"])
"""Keys of a triple that an edge and its evidence say already, and rightly where subject and object change places."""
_SHOWN = 40


def metadata_of(keys: Mapping[str, object] | None, known: Collection[str], left_out: Counter[str], place: str) -> str:
    """Further keys as a JSON object with sorted names, or an empty string where there are none.

    Args:
        keys: Name -> JSON value.
        known: Names that are no further keys.
        left_out: Where a key that is too long is counted, by its name.
        place: Where the keys stand, for the message; empty for the row itself.

    Raises:
        DataError: A value is no JSON value.
    """
    kept: list[str] = []
    room = LONGEST_TOGETHER
    for name in sorted(name for name in keys or () if name not in known):
        entry = f"{_json(name, place, name)}: {_json((keys or {})[name], place, name)}"
        if len(entry) > min(LONGEST_KEY, room):
            left_out[name[:_SHOWN]] += 1
            continue
        kept.append(entry)
        room -= len(entry)
    # The same source of many edges, or the same date of many rows, is held once.
    return sys.intern("{" + ", ".join(kept) + "}") if kept else ""


def json_text(value: object, *, sort_keys: bool = True) -> str:
    r"""JSON that UTF-8 can carry: with lone surrogates in it, all that is not ASCII is written as `\uXXXX`.

    Raises:
        ValueError: A number is NaN or infinite.
        TypeError: A value is no JSON value.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=sort_keys)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, sort_keys=sort_keys)
    return text


def as_object(metadata: str) -> dict[str, object]:
    """The keys that `metadata_of` kept."""
    found: dict[str, object] = json.loads(metadata) if metadata else {}
    return found


def _json(value: object, place: str, name: str) -> str:
    try:
        return json_text(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"is no JSON value: {error}", field=f"{place}.{name}".lstrip(".")) from error
