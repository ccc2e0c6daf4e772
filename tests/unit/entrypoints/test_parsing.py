"""What a client sent: bounds to the character, and what an error repeats of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.entrypoints.http import parsing
from chalicelib.errors import InvalidRequest, UnsupportedMediaType


def errors_of(body: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Return the errors of a body of `POST /tasks`."""
    with pytest.raises(InvalidRequest) as caught:
        parsing.parse_post_task(json.dumps(body).encode())
    return [(error.field, error.message) for error in caught.value.errors]


def test_an_idempotency_key_has_1_to_255_visible_characters() -> None:
    """Both bounds are usable; without a header there is no key."""
    assert parsing.parse_idempotency_key([]) is None
    assert parsing.parse_idempotency_key(["!"]) == "!"
    assert parsing.parse_idempotency_key(["~" * 255]) == "~" * 255
    for wrong in ("", "~" * 256, "a b", "\x7f", "\x20", "ä"):
        with pytest.raises(InvalidRequest) as caught:
            parsing.parse_idempotency_key([wrong])
        (error,) = caught.value.errors
        assert error.field == "Idempotency-Key"
        assert error.message.startswith("must be 1 to 255 visible ASCII characters, not ")
    with pytest.raises(InvalidRequest, match="must be given once, not 2 times"):
        parsing.parse_idempotency_key(["a", "a"])


def test_a_correlation_id_has_at_most_128_visible_characters() -> None:
    """Another is replaced, not refused."""
    assert parsing.valid_correlation_id("x" * 128) == "x" * 128
    for wrong in (None, "", "x" * 129, "a b"):
        assert parsing.valid_correlation_id(wrong) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x" * 38, f'"{"x" * 38}"'),
        ("x" * 39, f'"{"x" * 39}… (41 characters)'),
        ("x" * 2_000, f'"{"x" * 39}… (2,002 characters)'),
        ([1, 2], "[1,2]"),
        (None, "null"),
        ("\ud800", "a string with half of a surrogate pair"),
    ],
)
def test_a_value_is_repeated_as_json_and_cut_after_forty_characters(
    value: object, said: str
) -> None:
    """With how long it was."""
    assert parsing.shown(value) == said


def test_twenty_errors_are_named_and_the_rest_counted_known_fields_first() -> None:
    """In the order of their names; what is one too many is said in words."""
    unknown = {f"a{number:02}": 1 for number in range(19)}
    named = errors_of({"circuit": "x", "shots": 0, **unknown})
    assert [field for field, _ in named] == [*sorted(unknown), "shots"]
    more = errors_of({"circuit": "x", "shots": 0, **unknown, "a99": 1, "b": 1})
    assert len(more) == 21
    assert more[0][0] == "shots"
    assert more[-1] == ("body", "has 2 errors more")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, ("circuit", "is missing; it must be a string that is not blank")),
        ({"circuit": " "}, ("circuit", "must be a string that is not blank")),
        ({"circuit": "x", "shots": 0}, ("shots", "must be an integer from 1 to 100000; it was 0")),
        ({"circuit": "x", "shots": 100_001}, ("shots", "must be an integer from 1 to 100000; it")),
        ({"circuit": "x", "shots": True}, ("shots", "must be an integer from 1 to 100000; it")),
        ({"circuit": "x", "seed": -1}, ("seed", "must be an integer from 0 to 9007199254740991")),
        ({"circuit": "x", "seed": 2**53}, ("seed", "must be an integer from 0 to 900719925474")),
        ({"circuit": "x", "tags": {"": "x"}}, ("tags", "must be an object of at most 50 string")),
        ({"circuit": "x", "tags": {"n" * 129: ""}}, ("tags", "must be an object of at most 50")),
        ({"circuit": "x", "tags": {"n": "v" * 257}}, ("tags", "must be an object of at most 50")),
        (
            {"circuit": "x", "tags": {str(n): "" for n in range(51)}},
            ("tags", "must be an object of at most 50 string values, names of 1 to 128 characters"),
        ),
        (
            {"circuit": "x", "tags": {f"{n:03}": "v" * 253 for n in range(8)} | {"x": ""}},
            ("tags", "must take at most 2,048 bytes of UTF-8 in all, names and values; they take"),
        ),
        ({"circuit": "x", "shot": 1}, ("shot", "is not a field; the fields are circuit, shots, ")),
        ([], ("body", "must be a JSON object, not []")),
    ],
)
def test_a_field_that_is_wrong_is_named_with_what_it_must_be(
    body: object, error: tuple[str, str]
) -> None:
    """In the words of the API's description."""
    ((field, message),) = errors_of(body)
    assert field == error[0]
    assert message.startswith(error[1])


def test_the_largest_of_everything_is_taken() -> None:
    """All bounds at once: shots, seed, names, values, and bytes of tags."""
    tags = {"n" * 128: "v" * 256} | {f"{n:03}": "v" * 205 for n in range(8)}
    body = {"circuit": "x", "shots": 100_000, "seed": 2**53 - 1, "tags": tags}
    posted = parsing.parse_post_task(json.dumps(body).encode())
    assert (posted.shots, posted.seed, posted.tags) == (100_000, 2**53 - 1, tags)
    tags["n" * 128] = ""
    tags |= {f"{n:03}": "v" * 253 for n in range(7)} | {"007": "v" * 125}
    assert sum(len(name) + len(value) for name, value in tags.items()) == 2_048
    assert parsing.parse_post_task(json.dumps({"circuit": "x", "tags": tags}).encode()).tags == tags
    posted = parsing.parse_post_task(b'{"circuit": "x"}')
    assert (posted.shots, posted.seed, posted.tags) == (1_024, None, {})
    fifty = {str(number): "" for number in range(50)}
    body = {"circuit": "x", "shots": 1, "seed": 0, "tags": fifty}
    posted = parsing.parse_post_task(json.dumps(body).encode())
    assert (posted.shots, posted.seed, posted.tags) == (1, 0, fifty)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], 'must be a JSON object with the one field "tasks", an array; it was []'),
        ({"tasks": {}}, 'must be a JSON object with the one field "tasks", an array; it was {'),
        ({"tasks": [1], "x": 1}, 'must be a JSON object with the one field "tasks", an array; it'),
        ({"tasks": []}, "must have 1 to 100 members, not 0"),
        ({"tasks": [1] * 1_101}, "must have 1 to 100 members, not 1,101"),
    ],
)
def test_what_is_no_batch_has_no_members(body: object, said: str) -> None:
    """It is refused as a whole."""
    with pytest.raises(InvalidRequest) as caught:
        parsing.parse_post_batch(json.dumps(body).encode())
    (error,) = caught.value.errors
    assert error.message.startswith(said)


def test_a_hundred_members_are_a_batch_and_each_has_its_own_errors() -> None:
    """A wrong one is answered in its place."""
    members = [{"circuit": "x"}] * 99 + [1]
    read = parsing.parse_post_batch(json.dumps({"tasks": members}).encode())
    assert len(read) == 100
    assert isinstance(read[99], InvalidRequest)
    assert not any(isinstance(member, InvalidRequest) for member in read[:99])


def test_a_content_type_is_repeated_short() -> None:
    """A hundred characters of it."""
    with pytest.raises(UnsupportedMediaType) as caught:
        parsing.check_content_type("x" * 101)
    assert str(caught.value) == f"the content type must be application/json, not '{'x' * 100}'"
    with pytest.raises(UnsupportedMediaType) as caught:
        parsing.check_content_type(f"application/json; charset={'x' * 101}")
    assert str(caught.value) == f"the charset must be utf-8, not '{'x' * 100}'"


def test_a_value_too_deep_to_be_written_is_named_as_such() -> None:
    """An error repeats what it can."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert parsing.shown(value) == "a deeply nested value"
