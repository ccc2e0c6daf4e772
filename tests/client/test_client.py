"""The client over a real socket: each call, and what it gives back."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from quantum_tasks import (
    Client,
    InvalidRequest,
    Register,
    Result,
    Task,
    TaskAlreadyEnded,
    TaskCancelled,
    TaskError,
    TaskFailed,
    TaskNotFound,
    Throttled,
    WaitTimeout,
)
from tests.client.service import Answer, Service, problem

BELL = "OPENQASM 3.0; qubit[2] q; bit[2] c;"


def test_run_returns_the_result_of_one_new_task(client: Client, service: Service) -> None:
    """Two calls are two tasks."""
    first = client.run(BELL, shots=100, seed=5)
    client.run(BELL, shots=100, seed=5)
    assert first.counts == {"00": 50, "11": 50}
    assert first.registers == (Register(name="c", size=2),)
    assert (first.shots, first.seed) == (100, 5)
    assert len(service.tasks) == 2


def test_a_submission_sends_what_was_given_and_nothing_else(
    client: Client, service: Service
) -> None:
    """What is not given is left to the service; every submission has a key."""
    task = client.submit(BELL, shots=3, seed=0, tags={"a": "b"}, key="my-key")
    kept = service.tasks[task.id]
    assert (kept["circuit"], kept["shots"], kept["seed"], kept["tags"]) == (BELL, 3, 0, {"a": "b"})
    client.submit(BELL)
    keys = [headers["idempotency-key"] for _, _, headers in service.requests]
    assert keys[0] == "my-key"
    assert str(uuid.UUID(keys[1])) == keys[1]


def test_the_same_key_finds_the_same_task(client: Client) -> None:
    """A program that crashed submits again with its key."""
    first = client.submit(BELL, key="k")
    again = client.submit(BELL, key="k")
    assert again.id == first.id
    assert (first.replayed, again.replayed) == (False, True)


def test_get_shows_all_of_a_task(client: Client, service: Service) -> None:
    """History, times and result are values."""
    task_id = client.submit(BELL).id
    service.moves = False
    service.move(task_id, "processing")
    service.move(task_id, "completed")
    task = client.get(task_id)
    assert [entry.status for entry in task.history] == ["pending", "processing", "completed"]
    assert task.history[0].transitioned_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert task.circuit == BELL
    assert task.result().most_likely == "00"


def test_waiting_reports_each_change_once(client: Client, service: Service) -> None:
    """A task that stays as it is is no change."""
    moves = itertools.chain(["processing", None, None, "failed"], itertools.repeat(None))

    def move(method: str, path: str, body: bytes) -> Answer | None:
        status = next(moves) if method == "GET" else None
        if status is not None:
            service.move(path.rpartition("/")[2], status)
        return None

    service.moves = False
    task = client.submit(BELL)
    service.instead = move
    changes: list[str] = []
    task.wait(on_change=lambda seen: changes.append(seen.status))
    assert changes == ["processing", "failed"]
    statuses = [headers.get("if-none-match") for m, _, headers in service.requests if m == "GET"]
    assert statuses == [None, '"1.2"', '"1.2"', '"1.2"']


def test_a_failed_task_has_no_result_but_a_reason(client: Client, service: Service) -> None:
    """`result` never returns nothing."""
    service.moves = False
    task = client.submit(BELL)
    service.move(task.id, "failed", "line 3: no such gate")
    with pytest.raises(TaskFailed, match="no such gate") as caught:
        task.result()
    assert caught.value.task.id == task.id
    assert task.id in str(caught.value)


def test_a_cancelled_task_has_no_result(client: Client, service: Service) -> None:
    """Cancelling twice is no error."""
    service.moves = False
    task = client.submit(BELL)
    assert client.cancel(task.id).status == "cancelled"
    assert task.cancel().status == "cancelled"
    with pytest.raises(TaskCancelled):
        task.result()


def test_a_task_that_has_ended_is_not_cancelled(client: Client) -> None:
    """The error has the class of the problem."""
    task = client.submit(BELL).wait()
    with pytest.raises(TaskAlreadyEnded) as caught:
        task.cancel()
    assert caught.value.status == 409
    assert caught.value.task_id == task.id


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_task_that_had_ended_when_it_was_found_is_read(
    status: str, client: Client, service: Service
) -> None:
    """Answers to submissions and lists have neither result nor history, nor a failure's reason."""
    service.moves = False
    task_id = client.submit(BELL, key="k[0]").id
    service.move(task_id, status, "line 3: no such gate")
    whole = client.get(task_id)

    def found() -> list[Task]:
        many = client.submit_many([{"circuit": BELL, "shots": 1024}], key="k").tasks
        return [client.submit(BELL, key="k[0]"), *client.list(), *many.values()]

    def end(ask: Callable[[], Result]) -> str:
        try:
            return repr(ask())
        except TaskError as exc:
            return repr(exc)

    assert [task.wait(timeout=0).history for task in found()] == [whole.history] * 3
    assert [end(task.result) for task in found()] == [end(whole.result)] * 3
    batch = client.submit_many([{"circuit": BELL, "shots": 1024}], key="k")
    assert end(lambda: batch.results()[0]) == end(whole.result)
    service.requests.clear()
    assert [task.wait().id for task in batch.tasks.values()] == [task_id]
    assert service.requests == []


def test_a_wait_that_times_out_leaves_the_task_alone(client: Client, service: Service) -> None:
    """The error has the task, and the task goes on."""
    service.moves = False
    service.retry_after = "60"
    task = client.submit(BELL)
    with pytest.raises(WaitTimeout, match="still pending") as caught:
        task.wait(timeout=0.01)
    assert caught.value.task_id == task.id
    assert service.tasks[task.id]["status"] == "pending"


def test_an_id_that_could_be_another_path_is_not_sent(client: Client, service: Service) -> None:
    """`..` would read the list."""
    for wrong in ("", ".", "..", "a/b", "?x=1"):
        with pytest.raises(InvalidRequest, match="id must be"):
            client.get(wrong)
    assert service.requests == []


def test_unknown_tasks_are_their_own_error(client: Client) -> None:
    """The id is in the text."""
    missing = str(uuid.uuid4())
    with pytest.raises(TaskNotFound, match=missing):
        client.get(missing)


def test_health_is_an_answer_even_when_it_is_bad(client: Client, service: Service) -> None:
    """A 503 with a health document says what cannot be used."""
    assert client.health().status == "healthy"
    bad = {
        "status": "unavailable",
        "database_status": "unavailable",
        "queue_status": "healthy",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    service.instead = lambda *_: Answer(status=503, body=bad)
    assert client.health().database_status == "unavailable"


def test_validation_says_where_a_mistake_is(client: Client) -> None:
    """No task is made."""
    assert client.validate(BELL).valid
    found = client.validate("oops")
    assert not found.valid
    assert [(f.severity, f.line, f.column) for f in found.findings] == [("error", 4, 7)]


def test_without_retries_the_first_refusal_is_the_error(running_url: str, service: Service) -> None:
    """`Retry-After` is in the error for who wants to do it otherwise."""
    service.instead = lambda *_: problem(429, "throttled", "too many requests")
    with Client(running_url, max_retries=0) as client, pytest.raises(Throttled) as caught:
        client.submit(BELL, key="k")
    assert caught.value.retry_after == 2
    assert caught.value.key == "k"
    assert caught.value.retryable
