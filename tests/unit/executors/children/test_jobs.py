"""What goes over a child's pipes: one line each, with texts that are cut."""

from __future__ import annotations

import pytest

from chalicelib.executors.children.jobs import MESSAGE_CHARACTERS_MAX, Answer, line_of, shortened


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, ""), (1_000, "x" * 1_000), (1_001, "x" * 999 + "…"), (9_999, "x" * 999 + "…")],
)
def test_a_long_text_is_cut_and_shows_it(length: int, expected: str) -> None:
    """At the limit it is whole."""
    assert MESSAGE_CHARACTERS_MAX == 1_000
    assert shortened("x" * length) == expected


def test_a_message_is_one_line_without_what_is_not_set() -> None:
    """Whatever line ends its texts have."""
    line = line_of(Answer(number=3, permanent="two\nlines"))
    assert line == b'{"number":3,"permanent":"two\\nlines"}\n'
