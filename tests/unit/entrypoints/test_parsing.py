"""What an error repeats of what a client sent, and what a correlation id may be.

What is refused, and in which words, stands in `tests/functional/test_bad_input.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.entrypoints.http.parsing import shown, to_batch, to_post_task
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


@pytest.mark.parametrize(
    ("inputs", "field", "said"),
    [
        ("x", "inputs", "an object of at most 1,000 values"),
        ([], "inputs", "a list of 1 to 1,000 such objects"),
        ([{}] * 1001, "inputs", "a list of 1 to 1,000 such objects"),
        ({"": 1}, "inputs", "names of 1 to 255 characters"),
        ({"a": "1"}, "inputs.a", 'must be a number, true or false; it was "1"'),
        ([{"a": 1}, {"a": None}], "inputs[1].a", "must be a number, true or false; it was null"),
        ([{"a": 1}, 5], "inputs[1]", "must be an object; it was 5"),
        ({"a": 2**64}, "inputs.a", "must be from -2^63 to 2^64 - 1"),
        ([{"a": -(2**63) - 1}], "inputs[0].a", "must be from -2^63 to 2^64 - 1"),
    ],
)
def test_wrong_inputs_are_named_by_their_places(inputs: object, field: str, said: str) -> None:
    """Whichever object of a list they stand in."""
    with pytest.raises(InvalidRequest) as caught:
        to_post_task({"circuit": "x", "inputs": inputs})
    (error,) = caught.value.errors
    assert error.field == field
    assert said in error.message


def test_the_shots_of_all_points_are_bounded() -> None:
    """A million in all; the message says how many each may have."""
    whole = {"circuit": "x", "shots": 1_000, "inputs": [{"a": 2**64 - 1}] * 1_000}
    assert len(to_post_task(whole).to_request().points) == 1_000
    with pytest.raises(InvalidRequest, match=r"shots: must be at most 1,000 for 1,000 objects"):
        to_post_task({**whole, "shots": 1_001})
