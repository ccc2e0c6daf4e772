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
from chalicelib.entrypoints.http.caller import owner_of
from chalicelib.errors import CallerUnknown
from tests.support.backends import moto_backend
from tests.support.new_process import as_in_a_new_process

ALICE, BOB = "AIDAALICEALICEALICE1", "AIDABOBBOBBOBBOBBO12"
ROLE = "AROAROLEROLEROLEROLE"
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
        **headers: str,
    ) -> Reply:
        """Send one request; header names have underscores for hyphens."""
        sent = {"Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
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

    def submit(self, caller: str, circuit: str = "OPENQASM 3.0;", **headers: str) -> Reply:
        """Submit a task."""
        return self(caller, "POST", "/tasks", body={"circuit": circuit}, **headers)

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


def test_idempotency_keys_are_each_owners_own(api: Api) -> None:
    """The same key of two owners is two tasks: no replay and no conflict between them."""
    mine = api.submit(ALICE, "alice's", Idempotency_Key="k-1")
    bobs = api.submit(BOB, "bob's", Idempotency_Key="k-1")
    assert (mine.status, bobs.status) == (202, 202)
    assert "Idempotent-Replayed" not in bobs.headers
    again = api.submit(ALICE, "alice's", Idempotency_Key="k-1")
    assert again.headers["Idempotent-Replayed"] == "true"
    ids = {answer.body["task_id"] for answer in (mine, bobs, again)}
    assert len(ids) == 2
    assert api.get(BOB, bobs.body["task_id"]).body["circuit"] == "bob's"
    assert api.submit(BOB, "alice's", Idempotency_Key="k-1").status == 422


def test_sessions_of_one_role_are_one_owner(api: Api) -> None:
    """The session's name changes with every session; the role's id does not."""
    mine = api.submit(f"{ROLE}:monday").body["task_id"]
    assert api.get(f"{ROLE}:tuesday", mine).status == 200
    assert api.get(f"{ROLE}X:monday", mine).status == 404


def test_federated_users_are_owners_of_their_own(api: Api) -> None:
    """Before their colon stands the account, which all of them share."""
    mine = api.submit("123456789012:carol").body["task_id"]
    assert api.get("123456789012:carol", mine).status == 200
    assert api.get("123456789012:dave", mine).status == 404
    assert owner_of({"identity": {"caller": "123456789012"}}, stage="dev") == "123456789012"


@pytest.mark.parametrize("caller", [None, "", ":session"])
def test_a_request_that_names_no_caller_is_refused(api: Api, caller: str | None) -> None:
    """A route without its authorizer lets no caller act for every owner."""
    answer = api(caller, "POST", "/tasks", body={"circuit": "OPENQASM 3.0;"})
    assert (answer.status, answer.body["type"]) == (403, "/problems/caller-unknown")
    assert api.get(caller, NOBODYS).status == 403


def test_the_local_owner_is_of_the_local_stage_only() -> None:
    """A caller of a deployed stage who calls itself local is not the local stage's owner."""
    assert owner_of({}, stage="local") == "local"
    with pytest.raises(CallerUnknown):
        owner_of({}, stage="dev")
    assert owner_of({"identity": {"caller": "AIDA:x:y"}}, stage="dev") == "AIDA"
