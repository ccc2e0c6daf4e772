"""What an error repeats of what a client sent, and what a correlation id may be.

What is refused, and in which words, stands in `tests/functional/test_bad_input.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.entrypoints.http.parsing import shown, to_batch
from chalicelib.errors import InvalidRequest


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x" * 38, f'"{"x" * 38}"'),
        ("x" * 39, f'"{"x" * 39}… (41 characters)'),
        ([1, 2], "[1,2]"),
        (None, "null"),
        ("\ud800", "a string with half of a surrogate pair"),
    ],
)
def test_a_value_is_repeated_as_json_and_cut_after_forty_characters(
    value: object, said: str
) -> None:
    """With how long it was."""
    assert shown(value) == said


def test_a_value_too_deep_to_be_written_is_named_as_such() -> None:
    """An error repeats what it can."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert shown(value) == "a deeply nested value"


def test_a_hundred_members_are_a_batch_and_each_has_its_own_errors() -> None:
    """A wrong one is answered in its place."""
    read = to_batch({"tasks": [{"circuit": "x"}] * 99 + [1]})
    assert [isinstance(member, InvalidRequest) for member in read] == [False] * 99 + [True]
