"""`make smoke`: one task through a live stage, and what a stranger is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from infra.aws import Aws
from infra.deploy.api_client import ApiClient, Reply, api_url
from infra.errors import UserError
from infra.stage import StageSpec
from infra.waiting import comes_true, wait_for

#: A cold start, a first poll of the mapping, and one execution.
_COMPLETED_SECONDS_MAX: Final = 90.0
#: A new deployment of the API, wherever AWS answers for it.
_ANSWERS_SECONDS_MAX: Final = 30.0
_POLL_SECONDS: Final = 0.5
_CIRCUIT: Final = "OPENQASM 3.0; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;"
_STATUSES: Final = ["pending", "processing", "completed"]
_ENDED: Final = frozenset({"completed", "failed", "cancelled"})


class SmokeTestFailed(UserError):
    """The stage does not do what it is there for."""


def client_of(aws: Aws, spec: StageSpec, api_id: str, *, signed: bool) -> ApiClient:
    """Return a client of a stage's API, with our credentials or with none."""
    region = aws.region or ""
    url = api_url(api_id, spec.api_stage, region=region, endpoint_url=aws.endpoint_url)
    who = aws.credentials if signed else None
    return ApiClient(url, who, region=region, ca_bundle=aws.ca_bundle)


def smoke(signed: ApiClient, unsigned: ApiClient, say: Callable[[str], None]) -> None:
    """Submit a task and follow it to its end.

    Raises:
        SmokeTestFailed: with what was expected and what came instead.
    """
    health = _first_answer(unsigned)
    if health.body["status"] != "healthy":
        message = f"GET /health says {health.body}: check the functions' permissions"
        raise SmokeTestFailed(message)
    refused = unsigned.call("POST", "/tasks", {"circuit": _CIRCUIT})
    _expect("POST /tasks without a signature", refused, 403)
    key = {"Idempotency-Key": f"smoke-{uuid.uuid4()}"}
    body = {"circuit": _CIRCUIT, "shots": 100, "tags": {"purpose": "smoke test"}}
    accepted = signed.call("POST", "/tasks", body, key)
    _expect("POST /tasks", accepted, 202)
    task = _ended(signed, accepted.body["task_id"])
    statuses = [entry["status"] for entry in task["status_history"]]
    if statuses != _STATUSES:
        message = f"task {task['task_id']} went {statuses}: {task['error_message']}"
        raise SmokeTestFailed(message)
    say(f"task {task['task_id']} went {', '.join(statuses)}")


def _first_answer(client: ApiClient) -> Reply:
    """Ask until the API answers as it should: AWS does not say how soon a new deployment does."""
    seen: list[Reply] = []

    def answers() -> bool:
        seen[:] = [client.call("GET", "/health")]
        return seen[0].status == HTTPStatus.OK

    if not comes_true(answers, seconds_max=_ANSWERS_SECONDS_MAX, poll_seconds=_POLL_SECONDS):
        _expect(f"GET /health, for {_ANSWERS_SECONDS_MAX:g} s,", seen[0], HTTPStatus.OK)
    return seen[0]


def _ended(client: ApiClient, task_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer = client.call("GET", f"/tasks/{task_id}")
        _expect(f"GET /tasks/{task_id}", answer, 200)
        task: dict[str, Any] = answer.body
        return task if task["status"] in _ENDED else None

    return wait_for(
        look,
        f"the end of task {task_id}: see the worker's log, and its mapping",
        seconds_max=_COMPLETED_SECONDS_MAX,
        poll_seconds=_POLL_SECONDS,
        failing_as=SmokeTestFailed,
    )


def _expect(what: str, answer: Reply, status: int) -> None:
    if answer.status != status:
        message = (
            f"{what} was answered with {answer.status} instead of {status}:"
            f" {answer.content[:500].decode(errors='replace')}"
        )
        raise SmokeTestFailed(message)
