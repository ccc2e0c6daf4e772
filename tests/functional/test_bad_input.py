"""What clients get wrong, or send on purpose: a small 400 that names field, problem and limit.

One table for each place that input comes in. Nothing reaches a database: the service is in memory.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from chalice.test import Client

import app as lambda_functions
from chalicelib import composition
from chalicelib.entrypoints.http.problems import problem_for
from chalicelib.errors import TaskServiceError
from chalicelib.settings import Settings
from tests.functional.conftest import Api
from tests.functional.problems import MISSING_ID, assert_problem, errors_of
from tests.support.events import post_event
from tests.support.fakes import ports_in_memory
from tests.support.in_memory import InMemoryTaskStore
from tests.support.new_process import as_in_a_new_process

STORE = InMemoryTaskStore()
SHOTS = "must be an integer from 1 to 100000; it was "
SEED = "must be an integer from 0 to 9007199254740991 (2^53 - 1), or null; it was "
CIRCUIT = "must be a string that is not blank (OpenQASM 3 is expected)"
TAGS = "must be an object of at most 50 string values, names of 1 to 128 characters, values of at"
BYTES = "must take at most 2,048 bytes of UTF-8 in all, names and values; they take "


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Return a client of a service in memory, that refuses everything in this module."""
    service = composition.build(Settings(), ports_in_memory(store=STORE))
    project = str(tmp_path_factory.mktemp("project"))
    with as_in_a_new_process(), Client(lambda_functions.app, project_dir=project) as client:
        composition.override_service(service)
        yield Api(client)
    assert STORE.tasks == {}


def nested(opening: str, closing: str, depth: int, field: str) -> bytes:
    """Return a body with a deep value of a field."""
    circuit = "" if field == "circuit" else '"circuit": "x", '
    return f'{{{circuit}"{field}": {opening * depth}1{closing * depth}}}'.encode()


#: A body, the field that is named, and how what is said of it begins.
BODIES: list[tuple[object, str, str]] = [
    (b"", "body", "must be JSON"),
    (b"{", "body", "must be JSON"),
    (b'{"circuit": NaN}', "body", "must be JSON"),
    (b'{"circuit": "\\ud800"}', "body", "must be JSON"),
    (b"[" * 100_000, "body", "must be JSON"),
    # Bytes that are no UTF-8, by place.
    (b"\xff", "body", "must be JSON: must be UTF-8; byte 0 is 0xff"),
    (b'{"circuit": "// Schr\xf6dinger"}', "body", "must be JSON: must be UTF-8; byte 20 is 0xf6"),
    (b'{"circuit": "\xed\xa0\x80"}', "body", "must be JSON: must be UTF-8; byte 13 is 0xed"),
    (b'{"circuit": "\xc0\xaf"}', "body", "must be JSON: must be UTF-8; byte 13 is 0xc0"),
    (b'{"circuit": "cut \xe2\x82', "body", "must be JSON: must be UTF-8; byte 17 is 0xe2"),
    # Which of two equal names counts is not defined, so neither does.
    (b'{"circuit": "x", "circuit": "y"}', "circuit", "is given more than once"),
    (b'{"circuit": "x", "sh\\u006fts": 1, "shots": 2}', "shots", "is given more than once"),
    (b'{"circuit": "x", "tags": {"a": "1", "b": "2", "a": "3"}}', "a", "is given more than once"),
    (b'{"circuit": "x", "other": [{"b": 1, "b": 1}]}', "b", "is given more than once"),
    (
        b'{"' + b"n" * 10**6 + b'": 1, "' + b"n" * 10**6 + b'": 2}',
        f"{'n' * 40}… (1,000,000 characters)",
        "is given more than once",
    ),
    # The depth is met while reading a value, or while saying what was wrong with it.
    *(
        (nested(opening, closing, depth, field), field if depth < 960 else "body", "")
        for field in ("circuit", "tags", "shots", "other")
        for opening, closing in (('{"a":', "}"), ("[", "]"))
        for depth in (50, 100_000)
    ),
    ([], "body", "must be a JSON object, not []"),
    ("text", "body", 'must be a JSON object, not "text"'),
    ({}, "circuit", f"is missing; it must be {CIRCUIT.removeprefix('must be ')}"),
    *(({"circuit": blank}, "circuit", CIRCUIT) for blank in ("", " ", "\n\t")),
    ({"circuit": 5}, "circuit", f"{CIRCUIT}; it was 5"),
    ({"circuit": None}, "circuit", f"{CIRCUIT}; it was null"),
    *(
        ({"circuit": "x", "shots": shots}, "shots", f"{SHOTS}{msgspec.json.encode(shots).decode()}")
        for shots in (0, -1, 100_001, 1.5, "1", True, None, 10**18)
    ),
    ({"circuit": "x", "shots": 10**30}, "shots", SHOTS),
    *(
        ({"circuit": "x", "seed": seed}, "seed", f"{SEED}{msgspec.json.encode(seed).decode()}")
        for seed in (-1, 2**53, 1.5, "1", True)
    ),
    (
        {"circuit": "x", "color": 1},
        "color",
        "is not a field; the fields are circuit, shots, tags, s",
    ),
    ({"circuit": "x", "tags": []}, "tags", TAGS),
    ({"circuit": "x", "tags": {"a": 1}}, "tags", TAGS),
    ({"circuit": "x", "tags": {"": "a"}}, "tags", TAGS),
    ({"circuit": "x", "tags": {"n" * 129: ""}}, "tags", TAGS),
    ({"circuit": "x", "tags": {"a": "b" * 257}}, "tags", TAGS),
    ({"circuit": "x", "tags": {str(n): "" for n in range(51)}}, "tags", TAGS),
    ({"circuit": "x", "tags": {f"{n:03}": "v" * 253 for n in range(8)} | {"x": ""}}, "tags", BYTES),
    ({"circuit": "x", "tags": {str(n): "\N{ROCKET}" * 256 for n in range(2)}}, "tags", BYTES),
    # Names and values of megabytes come back short, with their length.
    ({"circuit": "x", "n" * 3 * 10**6: 1}, f"{'n' * 40}… (3,000,000 characters)", "is not a field"),
    ({"circuit": ["x" * 3 * 10**6]}, "circuit", CIRCUIT),
    ({"circuit": "x", "tags": {"n" * 3 * 10**6: ""}}, "tags", TAGS),
    ({"circuit": "x", "shots": "9" * 3 * 10**6}, "shots", f'{SHOTS}"{"9" * 39}… (3,000,002 char'),
]
BATCH = 'must be a JSON object with the one field "tasks", an array; it was '
BATCHES: list[tuple[object, str, str]] = [
    ([], "body", f"{BATCH}[]"),
    ({}, "body", BATCH + "{}"),
    ({"tasks": {}}, "body", BATCH),
    ({"tasks": [{"circuit": "x"}], "shots": 1}, "body", BATCH),
    ({"tasks": []}, "tasks", "must have 1 to 100 members, not 0"),
    ({"tasks": [{"circuit": "x"}] * 1_101}, "tasks", "must have 1 to 100 members, not 1,101"),
    (b'{"tasks": [{"circuit": "x", "circuit": "y"}]}', "circuit", "is given more than once"),
    (b'{"tasks": [{"circuit": "\xff"}]}', "body", "must be JSON: must be UTF-8; byte 24 is 0xff"),
]


CASES = [
    *(("/tasks", *case) for case in BODIES),
    *(("/batches", *case) for case in BATCHES),
    ("/validations", {"circuit": "x", "shots": 0}, "shots", f"{SHOTS}0"),
]


@pytest.mark.parametrize(
    ("path", "body", "field", "said"), CASES, ids=(f"case {n}" for n in range(len(CASES)))
)
def test_a_bad_body_is_a_400_that_names_field_problem_and_limit(
    api: Api, path: str, body: object, field: str, said: str
) -> None:
    """The client is told what to change, and a batch that is none has no members to answer."""
    errors = errors_of(api.post(body, path))
    assert errors[field].startswith(said)
    assert all(len(message) < 400 for message in errors.values())


def test_errors_are_named_at_once_and_bounded_in_number(api: Api) -> None:
    """Twenty are named, known fields first and in the order of names; the others are counted."""
    assert list(errors_of(api.post({"shots": 0, "tags": 1, "x": 1}))) == [
        *("circuit", "shots", "tags", "x")
    ]
    unknown = {f"a{number:02}": 1 for number in range(19)}
    named = errors_of(api.post({"circuit": "x", "shots": 0, **unknown}))
    assert list(named) == [*unknown, "shots"]
    more = errors_of(api.post({"circuit": "x", "shots": 0, **unknown, "a99": 1, "b": 1}))
    assert (len(more), next(iter(more))) == (21, "shots")
    assert more["body"] == "has 2 more errors"
    many = errors_of(api.post({f"field {number}": 1 for number in range(47_000)}))
    assert many["body"] == "has 46,981 more errors"


CURSOR = "must be the next_cursor of an earlier answer; it was "
#: Of the list without filters.
NO_FILTERS = "26c0492a35f30c7a"
AT = "2026-01-01T12:00:00.000000+00:00"
TIME = "must be an RFC 3339 time such as 2026-01-01T12:00:00Z (write + as %2B); it was "


def cursor(*parts: Any) -> str:  # noqa: ANN401 - JSON
    """Return what looks like a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


#: A query, the parameter that is named, and how what is said of it begins.
QUERIES = [
    *(
        (f"limit={quote(text)}", "limit", "must be an integer from 1 to 100; it was ")
        for text in ("0", "101", "0001", "1.0", "+1", "ten", "", "१")
    ),
    ("limit=1&limit=2", "limit", "must be given once, not 2 times"),
    *(
        (f"status={text}", "status", "must be a list of pending, processing, completed, failed, c")
        for text in ("done", "", "pending,")
    ),
    *(
        (f"tag={text}", "tag", "must be name:value, at most 128 and 256 characters; it was ")
        for text in ("team", ":x", f"{'n' * 128}:{'v' * 257}")
    ),
    ("&".join(f"tag=a:{n}" for n in range(11)), "tag", "must be given at most 10 times, not 11"),
    *(
        (f"submitted_after={text}", "submitted_after", TIME)
        for text in (
            *("yesterday", "2026-01-01", "2026-01-01T12:00:00", "2026-01-01T12:00:00.Z"),
            *("2026-01-01T12:00:00.1234567890Z", "2026-01-01%2012:00:00Z", "2026-02-30T12:00:00Z"),
        )
    ),
    ("submitted_before=2026-13-01T00:00:00Z", "submitted_before", TIME),
    ("submitted_before=0001-01-01T00:00:00%2B23:00", "submitted_before", TIME),
    *(
        (f"cursor={text}", "cursor", CURSOR)
        for text in (
            *("x", "A" * 513, "WzEsMl0", cursor(1, NO_FILTERS, "", "id")),
            *(cursor(1, NO_FILTERS, AT), cursor(1, NO_FILTERS, AT, "id", 1)),
        )
    ),
    *(
        (f"cursor={cursor(version, NO_FILTERS, AT, 'id')}", "cursor", "comes from another version")
        for version in (0, 2)
    ),
    (f"cursor={cursor(1, '0' * 16, AT, 'id')}", "cursor", "belongs to a list with other filters"),
    ("colour=red", '"colour"', "is not a parameter; the parameters are cursor, limit, status, su"),
    ("Limit=1", '"Limit"', "is not a parameter"),
]


@pytest.mark.parametrize(
    ("query", "field", "said"), QUERIES, ids=(f"{n}: {q[0][:30]}" for n, q in enumerate(QUERIES))
)
def test_a_bad_parameter_is_a_400_that_names_it(
    api: Api, query: str, field: str, said: str
) -> None:
    """With what it must be."""
    assert errors_of(api.request("GET", f"/tasks?{query}"))[field].startswith(said)


def test_the_first_twenty_bad_parameters_are_named(api: Api) -> None:
    """An answer is small."""
    query = "&".join(f"p{number:02}=x" for number in range(21))
    assert len(errors_of(api.request("GET", f"/tasks?{query}"))) == 20


@pytest.mark.parametrize("call", ["get", "cancel"])
@pytest.mark.parametrize(
    "task_id",
    [
        *("not-a-uuid", f"{{{MISSING_ID}}}", MISSING_ID.replace("-", ""), f"{MISSING_ID}0", "%20"),
        f"urn:uuid:{MISSING_ID}",
    ],
)
def test_a_bad_id_is_a_400(api: Api, call: str, task_id: str) -> None:
    """An id is 8-4-4-4-12 hexadecimal digits and nothing else."""
    errors = errors_of(getattr(api, call)(task_id))
    assert errors["task_id"].startswith("must be 8-4-4-4-12 hexadecimal digits (a UUID), not ")


@pytest.mark.parametrize("key", ["", "a b", "~" * 256, "\x7f", "ä"])
def test_a_bad_idempotency_key_is_a_400(api: Api, key: str) -> None:
    """It is named as a header, with the limit."""
    errors = errors_of(api.post({"circuit": "x"}, Idempotency_Key=key))
    assert errors["Idempotency-Key"].startswith("must be 1 to 255 visible ASCII characters, not ")


@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key", "IDEMPOTENCY-KEY"])
@pytest.mark.parametrize("values", [["a", "b"], ["a", "a"]])
def test_a_repeated_idempotency_key_is_a_400(api: Api, name: str, values: list[str]) -> None:
    """If the last one counted, a retry that kept the first would make a second task."""
    answer = api.event(post_event('{"circuit": "x"}', headers={name: values}))
    assert errors_of(answer) == {"Idempotency-Key": "must be given once, not 2 times"}


@pytest.mark.parametrize(
    ("content_type", "said"),
    [
        ("", "the content type must be application/json, not ''"),
        ("text/json", "the content type must be application/json, not 'text/json'"),
        ("application/jsonx", "the content type must be application/json"),
        ("x" * 101, f"the content type must be application/json, not '{'x' * 100}'"),
        ("application/json; charset=iso-8859-1", "the charset must be utf-8, not 'iso-8859-1'"),
        ("application/json; profile=x; charset=latin1", "the charset must be utf-8, not 'latin1'"),
        (f"application/json; charset={'x' * 101}", f"the charset must be utf-8, not '{'x' * 100}'"),
    ],
)
def test_another_type_or_charset_is_a_415(api: Api, content_type: str, said: str) -> None:
    """Only JSON in UTF-8 is taken, and it is the service's problem document that says so."""
    answer = api.request("POST", "/tasks", {"circuit": "x"}, {"Content-Type": content_type})
    assert_problem(answer, 415)
    assert answer.body["detail"].startswith(said)


def test_half_of_a_surrogate_pair_in_an_event_is_a_400(api: Api) -> None:
    """An event is text and may hold one; no UTF-8 does."""
    errors = errors_of(api.event(post_event('{"circuit": "\ud800"}')))
    assert errors == {"body": "must be JSON: character 13 is half of a surrogate pair"}


def test_a_message_of_an_error_is_bounded() -> None:
    """Whatever an error repeats, its problem document stays small."""
    assert len(problem_for(TaskServiceError("y" * 10**6), correlation_id="c").detail) <= 4_000
