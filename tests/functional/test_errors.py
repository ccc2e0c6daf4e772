"""What clients get where a task stands in the way, and where database, queue or service fail."""

from __future__ import annotations

import uuid

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


def test_an_upper_case_id_is_found(api: Api) -> None:
    """Ids are lowered before they are looked up."""
    task_id = api.submit()
    assert api.get(task_id.upper()).body["task_id"] == task_id


def test_a_task_that_has_ended_cannot_be_cancelled(api: Api) -> None:
    """The 409 says how it ended; the task stays as it is."""
    task_id = api.submit()
    api.deliver()
    before = api.get(task_id).body
    assert_problem(api.cancel(task_id), 409, "the task is completed")
    assert api.get(task_id).body == before


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
    for answer, said in (
        (no_database.get(MISSING_ID), "The database cannot be used now"),
        (no_database.cancel(MISSING_ID), "the service did not cancel the task: cancel it again"),
    ):
        assert_problem(answer, 503, said)
        assert "Retry-After" in answer.headers
    health = no_database.health()
    assert (health.status, health.body["status"]) == (503, "unavailable")
    states = (health.body["database_status"], health.body["queue_status"])
    assert states == ("unavailable", "healthy")


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
    health = no_queue.health()
    assert (health.status, health.body["status"]) == (200, "degraded")
    assert health.body["queue_status"] == "unavailable"


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


def test_health_tells_what_works_in_the_contracts_words_and_no_more(api: Api) -> None:
    """The time is the service's."""
    health = api.health()
    assert (health.status, health.body.pop("timestamp")[-1]) == (200, "Z")
    parts = ("status", "database_status", "queue_status")
    assert health.body == dict.fromkeys(parts, "healthy")


def test_without_a_usable_setting_nothing_is_healthy_and_the_log_names_it(
    api: Api, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has its usual shape and tells a stranger nothing of the configuration."""
    monkeypatch.setenv("ATTEMPTS_MAX", "0")
    composition.override_service(None)
    health = api.health()
    assert health.status == 503
    assert health.body.pop("timestamp")
    parts = ("status", "database_status", "queue_status")
    assert health.body == dict.fromkeys(parts, "unavailable")
    assert health.headers["Cache-Control"] == "no-store"
    (line,) = [line for line in logged() if line["level"] == "ERROR"]
    assert line["message"] == (
        "a setting is wrong: ATTEMPTS_MAX must be an integer from 1 to 50, not '0'"
    )
    assert "exception" not in line
    other = api.get(MISSING_ID)
    assert_problem(other, 500)
    assert "ATTEMPTS_MAX" not in str(other.body)
