"""Two owners on a deployed stage: nothing of one is the other's, or shows that it exists.

The requests are as API Gateway makes them of requests that IAM has let in.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

import app as lambda_functions
from chalicelib import composition
from tests.support.new_process import as_in_a_new_process
from tools.backends import moto_backend

ALICE, BOB = "AIDAALICEALICEALICE1", "AIDABOBBOBBOBBOBBO12"
NOBODYS = "00000000-0000-4000-8000-000000000000"


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """What the function answered."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def without_id(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        """All of it but the correlation id, which differs with each request."""
        headers = {k: v for k, v in self.headers.items() if k != "X-Correlation-ID"}
        return self.status, headers, {k: v for k, v in self.body.items() if k != "correlation_id"}


class Api:
    """The API's function, invoked as the gateway does for callers whom IAM has let in."""

    def __call__(
        self,
        caller: str | None,
        method: str,
        resource: str,
        task_id: str | None = None,
        body: object = None,
    ) -> Reply:
        """Send one request."""
        sent = {"Content-Type": "application/json"}
        answer = lambda_functions.app(
            {
                "resource": resource,
                "path": resource.format(task_id=task_id),
                "httpMethod": method,
                "headers": sent,
                "multiValueHeaders": {name: [value] for name, value in sent.items()},
                "queryStringParameters": None,
                "multiValueQueryStringParameters": None,
                "pathParameters": None if task_id is None else {"task_id": task_id},
                "stageVariables": None,
                "requestContext": {
                    "accountId": "123456789012",
                    "apiId": "abcdefghij",
                    "httpMethod": method,
                    "identity": {
                        "accountId": "123456789012",
                        "caller": caller,
                        "sourceIp": "192.0.2.1",
                        "user": caller,
                        "userArn": "arn:aws:iam::123456789012:user/example",
                    },
                    "requestId": str(uuid4()),
                    "resourcePath": resource,
                    "stage": "dev",
                },
                "body": None if body is None else json.dumps(body),
                "isBase64Encoded": False,
            },
            None,
        )
        parsed = json.loads(answer["body"]) if answer["body"] else None
        return Reply(answer["statusCode"], answer["headers"], parsed)

    def submit(self, caller: str) -> Reply:
        """Submit a task."""
        return self(caller, "POST", "/tasks", body={"circuit": "OPENQASM 3.0;"})

    def get(self, caller: str | None, task_id: str) -> Reply:
        """Read a task."""
        return self(caller, "GET", "/tasks/{task_id}", task_id)

    def cancel(self, caller: str, task_id: str) -> Reply:
        """Cancel a task."""
        return self(caller, "POST", "/tasks/{task_id}/cancel", task_id)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """Be a deployed stage, with its table and queue in memory."""
    with moto_backend() as backend, pytest.MonkeyPatch.context() as patch:
        for name, value in {**backend.environment, "STAGE": "dev"}.items():
            patch.setenv(name, value)
        with as_in_a_new_process():
            yield Api()


@pytest.fixture(scope="module")
def calls() -> Callable[[], list[str]]:
    """Return a function that gives the database operations since it was last called."""
    seen: list[str] = []

    def note(model: Any, **_: object) -> None:  # noqa: ANN401
        seen.append(model.name)

    def take() -> list[str]:
        events = composition.get_service().ports.store.client.meta.events  # type: ignore[attr-defined]
        events.register("before-call.dynamodb.*", note, unique_id="calls")
        taken, seen[:] = list(seen), []
        return taken

    return take


def test_anothers_task_cannot_be_read(api: Api, calls: Callable[[], list[str]]) -> None:
    """The answer and the way to it are those of a task that does not exist."""
    mine = api.submit(ALICE).body["task_id"]
    calls()
    anothers = api.get(BOB, mine)
    on_the_way = calls()
    nobodys = api.get(BOB, NOBODYS)
    assert anothers.status == 404
    assert anothers.without_id == nobodys.without_id
    assert on_the_way == calls() == ["GetItem"]
    assert api.get(ALICE, mine).status == 200


def test_anothers_task_cannot_be_cancelled(api: Api, calls: Callable[[], list[str]]) -> None:
    """Nor does trying show that there is one; it stays as it is."""
    mine = api.submit(ALICE).body["task_id"]
    calls()
    anothers = api.cancel(BOB, mine)
    on_the_way = calls()
    nobodys = api.cancel(BOB, NOBODYS)
    assert anothers.status == 404
    assert anothers.without_id == nobodys.without_id
    assert on_the_way == calls() == ["UpdateItem", "GetItem"]
    assert api.get(ALICE, mine).body["status"] == "pending"
    assert api.cancel(ALICE, mine).body["status"] == "cancelled"


def test_an_ended_task_of_another_is_no_conflict(api: Api) -> None:
    """409 would tell that it exists."""
    mine = api.submit(ALICE).body["task_id"]
    api.cancel(ALICE, mine)
    assert api.cancel(BOB, mine).status == 404


@pytest.mark.parametrize("caller", [None, "", ":session"])
def test_a_request_that_names_no_caller_is_refused(api: Api, caller: str | None) -> None:
    """A route without its authorizer lets no caller act for every owner."""
    answer = api(caller, "POST", "/tasks", body={"circuit": "OPENQASM 3.0;"})
    assert (answer.status, answer.body["type"]) == (403, "/problems/caller-unknown")
    assert api.get(caller, NOBODYS).status == 403
