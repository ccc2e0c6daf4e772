"""Every row of the error table, through HTTP's front door."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pytest

from chalicelib import composition
from chalicelib.settings import Settings
from tests.functional.conftest import JSON, Answer, Api
from tests.functional.problems import MISSING_ID, assert_problem

MEGABYTE = 1_000_000


def random_text(length: int) -> str:
    """Return text that does not compress below half its size."""
    return random.Random(3).randbytes(length // 2).hex()  # noqa: S311 - test data


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (b"", "body", "must be JSON"),
        (b"{", "body", "must be JSON"),
        (b'{"circuit": NaN}', "body", "must be JSON"),
        (b"\xff", "body", "must be JSON"),
        (b'{"circuit": "\\ud800"}', "body", "must be JSON"),
        (b"[" * 100_000, "body", "must be JSON"),
        ([], "body", "must be a JSON object, not []"),
        ("text", "body", "must be a JSON object"),
        ({}, "circuit", "is missing; it must be a string that is not blank"),
        ({"circuit": " "}, "circuit", "not blank"),
        ({"circuit": ""}, "circuit", "not blank"),
        ({"circuit": "\n\t"}, "circuit", "not blank"),
        ({"circuit": 5}, "circuit", "it was 5"),
        ({"circuit": None}, "circuit", "it was null"),
        ({"circuit": "x", "shots": 0}, "shots", "from 1 to 100000; it was 0"),
        ({"circuit": "x", "shots": -1}, "shots", "from 1 to 100000"),
        ({"circuit": "x", "shots": 100_001}, "shots", "it was 100001"),
        ({"circuit": "x", "shots": 1.5}, "shots", "it was 1.5"),
        ({"circuit": "x", "shots": "1"}, "shots", 'it was "1"'),
        ({"circuit": "x", "shots": True}, "shots", "it was true"),
        ({"circuit": "x", "shots": None}, "shots", "it was null"),
        ({"circuit": "x", "shots": 10**30}, "shots", "from 1 to 100000"),
        ({"circuit": "x", "color": "red"}, "color", "the fields are circuit, shots, tags, seed"),
        ({"circuit": "x", "seed": -1}, "seed", "an integer from 0 to 9007199254740991"),
        ({"circuit": "x", "seed": 2**53}, "seed", "it was 9007199254740992"),
        ({"circuit": "x", "seed": 1.5}, "seed", "or null; it was 1.5"),
        ({"circuit": "x", "seed": "1"}, "seed", 'it was "1"'),
        ({"circuit": "x", "seed": True}, "seed", "it was true"),
        ({"circuit": "x", "tags": []}, "tags", "it was []"),
        ({"circuit": "x", "tags": {"a": 1}}, "tags", '{"a":1}'),
        ({"circuit": "x", "tags": {"": "a"}}, "tags", "1 to 128 characters"),
        ({"circuit": "x", "tags": {"a": "b" * 257}}, "tags", "at most 256"),
        ({"circuit": "x", "tags": {str(n): "" for n in range(51)}}, "tags", "at most 50"),
    ],
)
def test_a_bad_body_is_a_400_that_names_field_problem_and_limit(
    api: Api, body: object, field: str, said: str
) -> None:
    """Nothing is stored, and the client is told what to change."""
    answer = api.post(body)
    assert_problem(answer, 400)
    errors = {error["field"]: error["message"] for error in answer.body["errors"]}
    assert said in errors[field]
    assert api.items() == []


def test_all_bad_fields_are_named_at_once(api: Api) -> None:
    """A client need not find its mistakes one by one."""
    answer = api.post({"shots": 0, "tags": 1, "x": 1})
    assert_problem(answer, 400)
    assert [error["field"] for error in answer.body["errors"]] == ["circuit", "shots", "tags", "x"]


@pytest.mark.parametrize(
    "task_id",
    [
        "not-a-uuid",
        f"{{{MISSING_ID}}}",
        MISSING_ID.replace("-", ""),
        f"{MISSING_ID}0",
        "%20",
        f"urn:uuid:{MISSING_ID}",
    ],
)
@pytest.mark.parametrize("call", ["get", "cancel"])
def test_a_bad_id_is_a_400_before_any_call(api: Api, call: str, task_id: str) -> None:
    """An id is 8-4-4-4-12 hexadecimal digits and nothing else; no database is asked."""
    composition.override_service(
        composition.build(Settings(), composition.build_ports(Settings()))  # no table: calls fail
    )
    answer: Answer = getattr(api, call)(task_id)
    assert_problem(answer, 400, "8-4-4-4-12 hexadecimal digits")
    assert answer.body["errors"][0]["field"] == "task_id"


def test_an_upper_case_id_is_found(api: Api) -> None:
    """Ids are lowered before they are looked up."""
    task_id = api.submit()
    assert api.get(task_id.upper()).body["task_id"] == task_id


@pytest.mark.parametrize("call", ["get", "cancel"])
def test_a_task_that_does_not_exist_is_a_404(api: Api, call: str) -> None:
    """There is no such task."""
    answer: Answer = getattr(api, call)(MISSING_ID)
    assert_problem(answer, 404, "There is no such task")


def test_a_task_that_has_ended_cannot_be_cancelled(api: Api) -> None:
    """The 409 says how it ended; the task stays as it is."""
    task_id = api.submit()
    api.deliver()
    before = api.get(task_id).body
    assert_problem(api.cancel(task_id), 409, "the task is completed")
    assert api.get(task_id).body == before


@pytest.mark.parametrize(
    ("circuit", "said"),
    [
        ("x " * (3 * MEGABYTE), "in a response; the limit is 5,000,000"),
        ('"\n' * MEGABYTE, "in a response; the limit is 5,000,000"),
        ("ψ" * MEGABYTE, "in a response; the limit is 5,000,000"),
    ],
    ids=["6 MB", "escaped twice", "outside ASCII"],
)
def test_a_circuit_that_is_too_large_is_a_413(api: Api, circuit: str, said: str) -> None:
    """The size and the limit are named, and nothing is stored."""
    assert_problem(api.post({"circuit": circuit}), 413, said)
    assert api.items() == []


def test_a_circuit_of_four_megabytes_that_compresses_comes_back(api: Api) -> None:
    """What fits is taken, and given back unchanged."""
    circuit = "cx q[0], q[1];\n" * (4 * MEGABYTE // 15)
    task_id = api.submit(circuit)
    assert api.get(task_id).body["circuit"] == circuit


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/jsonx", "text/json"])
def test_another_content_type_is_a_415(api: Api, content_type: str) -> None:
    """Only JSON is taken, and it is our problem document that says so."""
    answer = api.request(
        "POST", "/tasks", b'{"circuit": "x"}', headers={"Content-Type": content_type}
    )
    assert_problem(answer, 415, "must be application/json")
    assert api.items() == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_said_in_any_way(api: Api, content_type: str) -> None:
    """Parameters and case do not matter."""
    headers = {"Content-Type": content_type}
    assert api.request("POST", "/tasks", b'{"circuit": "x"}', headers=headers).status == 202


def test_a_key_that_was_used_with_another_request_is_a_422(api: Api) -> None:
    """The first task stays as it was."""
    first = api.post({"circuit": "x"}, Idempotency_Key="k")
    assert_problem(api.post({"circuit": "y"}, Idempotency_Key="k"), 422, "Idempotency-Key")
    assert api.get(first.body["task_id"]).body["circuit"] == "x"


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ü"])
def test_a_bad_idempotency_key_is_a_400(api: Api, key: str) -> None:
    """It is named as a header, with the limit."""
    answer = api.post({"circuit": "x"}, Idempotency_Key=key)
    assert_problem(answer, 400, "Idempotency-Key", "1 to 255 visible ASCII characters")


def test_a_deployed_stage_refuses_a_caller_without_a_name(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where tasks have owners, a request without one is refused."""
    monkeypatch.setenv("STAGE", "prod")
    assert_problem(api.post({"circuit": "x"}), 403, "who is calling")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a-b_c", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("ü", False)],
)
def test_a_valid_correlation_id_is_taken_and_another_replaced(
    api: Api,
    given: str,
    kept: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """It comes back in header and body, of successes and problems alike."""
    accepted = api.post({"circuit": "x"}, X_Correlation_ID=given)
    refused = api.post({}, X_Correlation_ID=given)
    for answer in (accepted, refused):
        assert answer.body["correlation_id"] == answer.headers["X-Correlation-ID"]
        assert (answer.body["correlation_id"] == given) == kept
    if not kept:
        assert uuid.UUID(accepted.body["correlation_id"]).version == 4


def test_problems_keep_their_shape_for_every_call(api: Api) -> None:
    """A problem of a call without body or headers has the same members."""
    bare: dict[str, Any] = {"method": "POST", "path": "/tasks", "headers": {}}
    assert_problem(api.request(**bare), 415)
    assert_problem(api.request("POST", "/tasks", b"x", headers=JSON), 400)
