"""Putting a user's text into a prompt so that nothing in it can end the quotation or pass for a control token.

A block looks like this, its code taken from the SHA-256 of what it holds, so that equal texts give equal prompts:

    <<<TEXT 3f9a1c07
    the text
    TEXT 3f9a1c07>>>
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping

from cacre.errors import DataError

_CODE_LENGTH = 8
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f]")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
# Chat templates know these; a local server may read them as tokens of their own wherever they stand in a message.
_ANGLED = (
    r"s|bos|eos|pad|unk|sop|eop|think|thinking|tool_call|tool_response|tool_calls|start_of_turn|end_of_turn"
    r"|start_of_image|end_of_image|unused\d+|reserved_\d+|_\w+"
)
_SQUARE = r"INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|IMG|gMASK|sMASK|MASK"
_CONTROL_TOKENS = re.compile(rf"<(?=[|｜]|</?SYS>>|/?(?:{_ANGLED})>)|\[(?=/?(?:{_SQUARE})\])", flags=re.IGNORECASE)


def defuse(text: str) -> str:
    """Make a text harmless without making it less readable; what is harmless already comes back unchanged.

    A space goes behind the opening bracket of what chat templates use as control tokens (`<|im_start|>`, `[INST]`,
    `<think>`, ...). C0 control characters except tab and newline become spaces. A lone surrogate, which cannot be
    sent, becomes U+FFFD. Doing it twice changes nothing more.
    """
    text = _LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub(" ", text))
    return _CONTROL_TOKENS.sub(lambda match: f"{match.group()} ", text)


def quote(text: str) -> str:
    """Put a text, defused, between two markers that do not occur in it."""
    return quote_parts({"TEXT": text})["TEXT"]


def quote_parts(parts: Mapping[str, str]) -> dict[str, str]:
    """Put several parts of one message between markers that occur in none of them.

    Args:
        parts: Label (capital letters) -> what is quoted under it.

    Returns:
        Label -> block; all blocks share one code.
    """
    safe = {label: defuse(part) for label, part in parts.items()}
    code = _absent_code("\n".join(safe.values()))
    return {label: f"<<<{label} {code}\n{part}\n{label} {code}>>>" for label, part in safe.items()}


def quoted(content: str, label: str = "TEXT") -> str:
    """Find what a message quotes.

    Args:
        content: Content of a message that `quote` or `quote_parts` made.
        label: Label of the block.

    Returns:
        What stands in the first block of that label, defused as it is there.

    Raises:
        DataError: There is no such block.
    """
    opening = re.search(rf"^<<<{label} ([0-9a-f]{{{_CODE_LENGTH}}})\n", content, flags=re.MULTILINE)
    end = -1 if opening is None else content.find(f"\n{label} {opening.group(1)}>>>", opening.end())
    if opening is None or end < 0:
        raise DataError(
            f"the message has no block <<<{label} ... {label}>>>: it was not made by a prompt of this package"
        )
    return content[opening.end() : end]


def _absent_code(material: str) -> str:
    """Hex digits that follow from the material and do not occur in it."""
    lowered = material.lower()
    # Somebody with time to spare can write a text that holds the code of its first round, hence the further rounds.
    rounds = (f"{number}:{material}".encode() for number in itertools.count())
    codes = (hashlib.sha256(data).hexdigest()[:_CODE_LENGTH] for data in rounds)
    return next(code for code in codes if code not in lowered)
