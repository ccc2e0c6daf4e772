"""What clients get when database or queue is away or full, and when the service has a bug."""

from __future__ import annotations

import pytest
from msgspec import structs

from chalicelib import composition
from chalicelib.domain.task import Task
from chalicelib.errors import StoreFull
from chalicelib.ports import KeptCircuit, PutOutcome
from infra.local.supervisor.supervisor import free_port
from tests.functional.conftest import Api, Logged
from tests.functional.problems import MISSING_ID, assert_problem
from tests.support.in_memory import InMemoryTaskStore


@pytest.fixture
def no_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Return an API whose database refuses connections."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{free_port()}")
    return api


@pytest.fixture
def no_queue(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Return an API whose queue refuses connections."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", f"http://127.0.0.1:{free_port()}")
    return api


def test_without_a_database_everything_but_health_is_a_503(no_database: Api) -> None:
    """A refused put kept nothing, and says so; clients are told to come back."""
    posted = no_database.post({"circuit": "x"})
    assert_problem(posted, 503, "submit it again later")
    assert posted.body["kept"] == "no"
    assert "task_id" not in posted.body
    assert int(posted.headers["Retry-After"]) > 0
    for answer in (no_database.get(MISSING_ID), no_database.cancel(MISSING_ID)):
        assert_problem(answer, 503)
        assert "Retry-After" in answer.headers
    health = no_database.request("GET", "/health")
    assert (health.status, health.body["status"]) == (503, "unavailable")
    assert (health.body["database_status"], health.body["queue_status"]) == (
        "unavailable",
        "healthy",
    )


def test_a_refused_put_with_a_key_may_have_been_kept_by_another(no_database: Api) -> None:
    """With a key, another request may have stored the task, so it is not known."""
    posted = no_database.post({"circuit": "x"}, Idempotency_Key="k")
    assert_problem(posted, 503, "same Idempotency-Key")
    assert posted.body["kept"] == "unknown"
    assert posted.headers["Location"] == f"tasks/{posted.body['task_id']}"


def test_without_a_queue_a_submission_keeps_nothing_and_reads_go_on(no_queue: Api) -> None:
    """The task is withdrawn before the 503 says that it was."""
    posted = no_queue.post({"circuit": "x"})
    assert_problem(posted, 503, "nothing was kept")
    assert posted.body["kept"] == "no"
    assert no_queue.items() == []
    assert no_queue.get(MISSING_ID).status == 404
    health = no_queue.request("GET", "/health")
    assert (health.status, health.body["status"]) == (200, "degraded")
    assert health.body["queue_status"] == "unavailable"


def test_without_a_queue_a_keyed_submission_is_kept(no_queue: Api) -> None:
    """A concurrent retry may have been told that the task is accepted, so it stays."""
    posted = no_queue.post({"circuit": "x"}, Idempotency_Key="k")
    assert_problem(posted, 503, "do not repeat it")
    assert posted.body["kept"] == "yes"
    assert no_queue.get(posted.body["task_id"]).body["status"] == "pending"


class _FullStore(InMemoryTaskStore):
    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        raise StoreFull


class _BuggyStore(InMemoryTaskStore):
    def get(self, task_id: str) -> Task | None:
        message = f"An error occurred in amazonaws for {task_id}"
        raise RuntimeError(message)


def _with_store(store: InMemoryTaskStore) -> None:
    service = composition.get_service()
    ports = structs.replace(service.ports, store=store)
    composition.override_service(composition.build(service.settings, ports))


def test_a_full_database_is_a_507(api: Api) -> None:
    """The database says that it has reached a limit."""
    _with_store(_FullStore())
    assert_problem(api.post({"circuit": "x"}), 507, "reached a limit")


def test_a_bug_is_a_500_that_tells_nothing_but_the_correlation_id(api: Api, logged: Logged) -> None:
    """The client gets a generic body; the log has the context and the stack trace."""
    _with_store(_BuggyStore())
    answer = api.get(MISSING_ID, X_Correlation_ID="find-me")
    assert_problem(answer, 500, "find-me")
    assert MISSING_ID not in str(answer.body)
    assert "_BuggyStore" not in str(answer.body)
    (bug,) = [line for line in logged() if line["level"] == "ERROR"]
    assert bug["correlation_id"] == "find-me"
    assert bug["exception_name"] == "RuntimeError"
    assert "_BuggyStore" not in bug["message"]
    assert "in get" in bug["exception"]
