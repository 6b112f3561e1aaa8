"""Errors as one line for a terminal: what a server says may hold line breaks and control sequences."""

from __future__ import annotations


def one_line(message: str) -> str:
    """The message without line breaks; control characters are written as escapes, so that a terminal obeys none."""
    return "".join(c if c.isprintable() or c == " " else ascii(c)[1:-1] for c in " ".join(message.splitlines()))
