"""What a server says, as one harmless line."""

from hypothesis import given
from hypothesis import strategies as st

from cacre.cli.one_line import one_line


def test_control_sequences_are_shown_and_not_obeyed():
    assert one_line("no\x1b[2J\nkey\tin 雾中渡  twice") == r"no\x1b[2J key\tin 雾中渡  twice"


@given(st.text())
def test_always_one_printable_line(message):
    assert one_line(message).isprintable()
