"""What clients get wrong, or send on purpose: answered in words and small, and nothing stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import app as lambda_functions
from chalicelib.entrypoints.http.problems import problem_for
from chalicelib.errors import TaskServiceError
from tests.functional.conftest import Answer, Api
from tests.functional.problems import assert_problem

#: An answer to bad input stays below this, whatever came in.
ANSWER_BYTES_MAX = 8_000


def errors_of(answer: Answer) -> dict[str, str]:
    """Return the errors of a 400 by field."""
    assert_problem(answer, 400)
    assert len(json.dumps(answer.body)) < ANSWER_BYTES_MAX
    return {error["field"]: error["message"] for error in answer.body["errors"]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"circuit": "\xff"}', "must be UTF-8; byte 13 is 0xff"),
        (b'{"circuit": "// Schr\xf6dinger"}', "must be UTF-8; byte 20 is 0xf6"),
        (b'{"circuit": "\xed\xa0\x80"}', "must be UTF-8; byte 13 is 0xed"),
        (b'{"circuit": "\xc0\xaf"}', "must be UTF-8; byte 13 is 0xc0"),
        (b"\xff\xfe{\x00}\x00", "must be UTF-8; byte 0 is 0xff"),
        (b'{"circuit": "x", "\xe9": 1}', "must be UTF-8"),
        (b'{"circuit": "cut \xe2\x82', "must be UTF-8"),
    ],
)
def test_bytes_that_are_no_utf8_are_named_by_place(api: Api, body: bytes, said: str) -> None:
    """They are a 400, and never stored as something else."""
    assert said in errors_of(api.post(body))["body"]
    assert api.items() == []


@pytest.mark.parametrize("depth", [50, 900, 970, 1_200, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
@pytest.mark.parametrize("field", ["circuit", "tags", "shots", "other"])
def test_a_nested_value_is_a_400_at_any_depth(
    api: Api, field: str, opening: str, closing: str, depth: int
) -> None:
    """Whether the depth is met while reading it or while saying what was wrong with it."""
    value = opening * depth + "1" + closing * depth
    answer = api.post(
        f'{{"circuit": "x", "{field}": {value}}}'.replace(
            '"circuit": "x", "circuit"', '"circuit"'
        ).encode()
    )
    errors_of(answer)
    assert api.items() == []


@pytest.mark.parametrize("shots", [0, 100_001, "8", 1.5, True, None])
def test_shots_out_of_bounds_are_refused_with_both_bounds(api: Api, shots: object) -> None:
    """The words say what would do, and 100,000 does."""
    errors = errors_of(api.post({"circuit": "x", "shots": shots}))
    assert errors["shots"].startswith("must be an integer from 1 to 100000")
    assert api.post({"circuit": "x", "shots": 100_000}).status == 202


def test_errors_are_bounded_in_number(api: Api) -> None:
    """Of 47,000 unknown fields twenty are named and the others counted."""
    body = {"circuit": "", **{f"field {number}": 1 for number in range(47_000)}}
    errors = errors_of(api.post(body))
    assert len(errors) == 21
    assert errors["body"] == "has 46,981 errors more"
    assert "circuit" in errors, "what the client can mend comes first"


@pytest.mark.parametrize(
    "body",
    [
        {"circuit": "x", "n" * 3_000_000: 1},
        {"circuit": ["x" * 3_000_000]},
        {"circuit": "x", "tags": {"n" * 3_000_000: ""}},
        {"circuit": "x", "tags": {"name": "v" * 3_000_000}},
        {"circuit": "x", "shots": "9" * 3_000_000},
        {"circuit": "x", "shots": [0] * 1_000_000},
    ],
)
def test_errors_are_bounded_in_size(api: Api, body: Mapping[str, Any]) -> None:
    """A name or value of megabytes comes back short, with its length."""
    (message,) = errors_of(api.post(body)).values()
    assert len(message) < 400


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"circuit": "x", "circuit": "y"}', "circuit"),
        ('{"circuit": "x", "shots": 1, "shots": 1}', "shots"),
        ('{"circuit": "x", "sh\\u006fts": 1, "shots": 2}', "shots"),
        ('{"circuit": "x", "tags": {"a": "1", "b": "2", "a": "3"}}', "a"),
        ('{"circuit": "x", "other": [{"b": 1, "b": 1}]}', "b"),
    ],
)
def test_a_name_that_is_repeated_is_refused(api: Api, body: str, name: str) -> None:
    """Which of the two counts is not defined, so neither does."""
    assert errors_of(api.post(body.encode()))[name] == "is given more than once"
    assert api.items() == []


def test_a_repeated_name_is_repeated_short(api: Api) -> None:
    """Also one of megabytes."""
    name = "n" * 1_000_000
    (said,) = errors_of(api.post(f'{{"{name}": 1, "{name}": 2}}'.encode()))
    assert said == f"{'n' * 40}… (1,000,000 characters)"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 202),
        ("Application/JSON ; Charset=UTF-8", 202),
        ('application/json; charset="utf-8"', 202),
        ("application/json; profile=x", 202),
        ("application/json; charset=iso-8859-1", 415),
        ("application/json; charset=utf-16", 415),
        ("application/json; profile=x; charset=latin1", 415),
        ("text/plain; charset=utf-8", 415),
        ("", 415),
    ],
)
def test_json_is_taken_in_utf8_alone(api: Api, content_type: str, status: int) -> None:
    """Another type or another declared encoding is a 415 that says so."""
    answer = api.request("POST", "/tasks", {"circuit": "x"}, {"Content-Type": content_type})
    assert answer.status == status
    if status == 415:
        assert_problem(answer, 415)
        assert api.items() == []


def call(api: Api, path: str, headers: Mapping[str, list[str]], body: str | None) -> Any:  # noqa: ANN401 - what Lambda would answer
    """Call the function with an event as API Gateway makes it."""
    del api
    event = {
        "resource": "/tasks",
        "path": path,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": "/tasks",
            "path": f"/dev{path}",
            "identity": {},
        },
        "body": body,
        "isBase64Encoded": False,
    }
    return lambda_functions.app(event, None)


BODY = '{"circuit": "x"}'
TYPE = {"Content-Type": ["application/json"]}


@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key", "IDEMPOTENCY-KEY"])
@pytest.mark.parametrize("values", [["a", "b"], ["a", "a"]])
def test_a_repeated_idempotency_key_is_refused(api: Api, name: str, values: list[str]) -> None:
    """If the last one counted, a retry that kept the first would make a second task."""
    answer = call(api, "/tasks", {**TYPE, name: values}, BODY)
    assert answer["statusCode"] == 400
    assert "must be given once, not 2 times" in answer["body"]
    assert api.items() == []


@pytest.mark.parametrize(("path", "prefix"), [("/tasks", "tasks/"), ("/tasks/", "")])
def test_the_location_leads_to_the_task_from_either_path(api: Api, path: str, prefix: str) -> None:
    """It is relative to the request, so a path that ends in a slash needs a shorter one."""
    answer = call(api, path, TYPE, BODY)
    task_id = json.loads(answer["body"])["task_id"]
    location = (answer.get("multiValueHeaders") or {}).get("Location") or [
        answer["headers"]["Location"]
    ]
    assert location == [f"{prefix}{task_id}"]


def test_half_of_a_surrogate_pair_in_an_event_is_a_400(api: Api) -> None:
    """An event is text and may hold one; no UTF-8 does."""
    answer = call(api, "/tasks", TYPE, '{"circuit": "\ud800"}')
    assert answer["statusCode"] == 400
    assert "half of a pair" in answer["body"]


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ({"\N{ROCKET}" * 5 + str(number): "\N{ROCKET}" * 5 for number in range(48)}, 202),
        ({str(number): "\N{ROCKET}" * 256 for number in range(2)}, 400),
        ({"a" * 128: "b" * 256, **{str(n): "c" * 240 for n in range(7)}}, 400),
        ({"n": "v" * 256, **{str(n): "v" * 254 for n in range(7)}}, 202),
    ],
)
def test_tags_are_bounded_in_bytes_of_utf8(api: Api, tags: Mapping[str, str], status: int) -> None:
    """2,048 in all: they stand in the item that every transition rewrites."""
    size = sum(len(text.encode()) for tag in tags.items() for text in tag)
    assert (size <= 2_048) == (status == 202)
    answer = api.post({"circuit": "x", "tags": tags})
    assert answer.status == status, answer.body
    if status == 400:
        assert f"they take {size:,}" in errors_of(answer)["tags"]
        return
    (item,) = api.items()
    stored = item["tags"]["S"]
    assert len(stored.encode()) <= size + len(tags) * 6 + 2, "stored without escapes"
    assert api.get(answer.body["task_id"]).body["tags"] == tags


def test_a_message_of_an_error_is_bounded() -> None:
    """Whatever an error repeats, its problem document stays small."""
    answer = problem_for(TaskServiceError("y" * 10**6), correlation_id="c")
    assert len(answer.problem.detail) <= 4_000
