"""The client and the API's own document: its calls are in it, its models accept the examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from quantum_tasks import Client, ProblemError, contract, errors
from quantum_tasks.protocol.answers import Reply, Response
from quantum_tasks.protocol.requests import Request, SubmissionFields
from tests.client.virtual import URL, VirtualClock

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
METHODS = {"get", "post"}
TASK_ID = "1f0b3a9e-6d1c-5c57-9a43-0f0f6e2c7d11"
#: What the client reads its document for: nothing.
UNUSED = {("get", "/openapi.json")}

OPERATIONS = {
    (method, path): operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method in METHODS
}


def examples(operation: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    """Give each example of an answer, with its status."""
    for status, answer in operation["responses"].items():
        for content in answer.get("content", {}).values():
            for example in content.get("examples", {}).values():
                yield int(status), example["value"]


def first_success(method: str, path: str) -> Response:
    """Return an operation's own example of success."""
    status, body = next(e for e in examples(OPERATIONS[method, path]) if e[0] < 300)
    return Response(status=status, headers={}, body=json.dumps(body).encode())


def operation_of(request: Request) -> tuple[str, str]:
    """Find the operation that a request is for."""
    path = re.sub(r"^/tasks/[^/]+", "/tasks/{task_id}", request.path)
    return request.method.lower(), path


class Answering:
    """Answers every request with its operation's example, or with one reply."""

    def __init__(self, reply: Response | None = None) -> None:
        self._reply = reply
        self.requests: list[Request] = []

    def send(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        return self._reply or first_success(*operation_of(request))

    def close(self) -> None:
        """Nothing is open."""


def call(client: Client, operation: tuple[str, str]) -> object:  # noqa: PLR0911 - one for each
    """Call what the client has for an operation, with all that it can say."""
    match operation:
        case ("post", "/tasks"):
            return client.submit("x", shots=5, seed=3, tags={"a": "b"}, key="k")
        case ("post", "/batches"):
            return client.submit_many([{"circuit": "x", "tags": {"a": "b"}}, {"circuit": "y"}])
        case ("post", "/validations"):
            return client.validate("x")
        case ("get", "/tasks"):
            since, until = datetime(2026, 1, 1, tzinfo=UTC), "2026-02-01T00:00:00Z"
            filters: dict[str, Any] = {"status": ["failed", "cancelled"], "tags": {"a": "b"}}
            return next(client.list(**filters, since=since, until=until, page_size=7))
        case ("get", "/health"):
            return client.health()
        case ("get", "/tasks/{task_id}"):
            return client.get(TASK_ID)
        case ("post", "/tasks/{task_id}/cancel"):
            return client.cancel(TASK_ID)
    raise AssertionError(operation)


def offline(transport: Answering) -> Client:
    """Return a client that sends nothing and does not sleep."""
    return Client(URL, transport=transport, clock=VirtualClock(), max_retries=0)


CALLS = sorted(set(OPERATIONS) - UNUSED)


@pytest.mark.parametrize("operation", CALLS)
def test_every_call_is_in_the_document_as_it_is_sent(operation: tuple[str, str]) -> None:
    """Path, parameters, headers and body."""
    transport = Answering()
    with offline(transport) as client:
        call(client, operation)
    request = transport.requests[0]
    assert operation_of(request) == operation
    described = OPERATIONS[operation]
    known = {(p["in"], p["name"].lower()): p for p in described.get("parameters", [])}
    for name, value in request.query:
        schema = known["query", name]["schema"]
        schema = schema.get("items", schema)
        jsonschema.validate(int(value) if schema["type"] == "integer" else value, schema)
    for name in request.headers:
        assert name == "Content-Type" or ("header", name.lower()) in known
    if request.body is not None:
        schema = described["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.validate(
            json.loads(request.body), {**schema, "components": DOCUMENT["components"]}
        )


@pytest.mark.parametrize("operation", CALLS)
def test_the_models_accept_every_example(operation: tuple[str, str]) -> None:
    """A success is read; a refusal is raised as the class of its type."""
    for status, body in examples(OPERATIONS[operation]):
        reply = Response(status=status, headers={}, body=json.dumps(body).encode())
        with offline(Answering(reply)) as client:
            if status < 300 or "database_status" in body:
                assert call(client, operation) is not None
                continue
            with pytest.raises(ProblemError) as caught:
                call(client, operation)
        kind = errors.PROBLEMS[body["type"].rpartition("/")[2]]
        assert type(caught.value) is kind
        assert (caught.value.status, caught.value.message) == (status, body["detail"])


def test_the_clients_numbers_and_statuses_are_the_documents() -> None:
    """The client is installed alone, so it has them in a module of its own."""
    schemas = DOCUMENT["components"]["schemas"]
    fields = schemas["PostTask"]["properties"]
    shots, limit = fields["shots"], parameter(("get", "/tasks"), "limit")
    key = parameter(("post", "/tasks"), "Idempotency-Key")
    assert set(contract.STATUSES) == set(schemas["TaskStatus"]["enum"])
    assert (shots["default"], shots["maximum"]) == (contract.SHOTS_DEFAULT, contract.SHOTS_MAX)
    assert schemas["PostBatch"]["properties"]["tasks"]["maxItems"] == contract.BATCH_MEMBERS_MAX
    assert limit["maximum"] == contract.PAGE_SIZE_MAX
    assert f"{{1,{contract.KEY_CHARACTERS_MAX}}}" in key["pattern"]
    assert SubmissionFields.__annotations__.keys() | {"circuit"} == fields.keys()


def parameter(operation: tuple[str, str], name: str) -> dict[str, Any]:
    """Return a parameter's schema."""
    found = (p["schema"] for p in OPERATIONS[operation]["parameters"] if p["name"] == name)
    schema: dict[str, Any] = next(found)
    return schema


def test_every_operation_has_a_call() -> None:
    """What the API offers, the client offers."""
    assert {path for _, path in CALLS} == set(DOCUMENT["paths"]) - {"/openapi.json"}
