"""How a batch of deliveries is handled and how it ends, whatever becomes of each."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

import pytest

from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.entrypoints.worker import BatchFailed, handle_batch
from chalicelib.errors import QueueUnavailable, TransientExecutionError
from tests.support import world as worlds
from tests.support.fakes import ScriptedExecutor
from tests.support.faults import FailBefore, Faulty
from tests.support.in_memory import InMemoryTaskStore, a_result
from tests.support.lambda_context import Context
from tests.support.logged import logged_lines
from tests.support.meeting import Meeting

POISON: Final = "not JSON" + "." * 300


class World(worlds.World):
    """A worker with so many messages of pending tasks."""

    def __init__(
        self,
        tasks: int,
        *outcomes: Any,  # noqa: ANN401 - results or errors
        store: InMemoryTaskStore | None = None,
    ) -> None:
        super().__init__(*outcomes, store=store, tasks=tasks)
        for task in self.store.tasks.values():
            self.queue.send(TaskMessage.about(task, enqueued_at=task.submitted_at))

    def event(self, *poison: str) -> dict[str, Any]:
        """Receive all, as Lambda does, with these bodies at the end."""
        records = [
            _record(d.message_id, d.receipt_handle, d.message.to_json(), d.receive_count)
            for d in self.queue.receive()
        ]
        records += [
            _record(f"poison-{n}", f"poison-receipt-{n}", body, 1)
            for n, body in enumerate(poison, start=1)
        ]
        return {"Records": records}

    def hidden_seconds(self) -> list[float]:
        """Return for how long each message that is left stays hidden."""
        now = self.clock.now()
        return [(message.visible_at - now).total_seconds() for message in self.queue.messages]


def _record(message_id: str, receipt_handle: str, body: str, received: int) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": receipt_handle,
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(received)},
    }


class Meets(ScriptedExecutor):
    """Each execution is a visit of a meeting."""

    def __init__(self, meeting: Meeting) -> None:
        super().__init__()
        self.meeting = meeting

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        self.meeting.visit()
        return super().execute(request, time_limit_seconds=time_limit_seconds)


def test_a_batch_that_went_well_returns_nothing_to_deliver_again() -> None:
    """The mapping deletes it all; no call of the queue is needed."""
    world = World(2)
    assert handle_batch(world.service(), world.event(), Context()) is None
    assert {task.status for task in world.store.tasks.values()} == {"completed"}
    assert sorted(world.observer.others) == ["acknowledged"] * 2 + ["consumed"] * 2
    assert len(world.queue.messages) == 2
    with_flag = World(1)
    answer = handle_batch(
        with_flag.service(partial_batch_responses=True), with_flag.event(), Context()
    )
    assert answer == {"batchItemFailures": []}


def test_without_the_flag_the_successes_are_deleted_and_the_batch_fails() -> None:
    """Raised, it is delivered again as a whole: what is done must not be."""
    world = World(3, a_result(), TransientExecutionError("later"), a_result())
    with pytest.raises(BatchFailed, match=r"^1 of 3 messages must be delivered again$"):
        handle_batch(world.service(execution_concurrency=1), world.event(), Context())
    assert [message.message_id for message in world.queue.messages] == ["message-2"]
    assert world.observer.others.count("redelivered") == 1


def test_with_the_flag_the_failures_are_named_and_nothing_is_deleted() -> None:
    """Lambda deletes the others."""
    world = World(2, TransientExecutionError("later"))
    service = world.service(execution_concurrency=1, partial_batch_responses=True)
    answer = handle_batch(service, world.event("[]"), Context())
    assert answer == {
        "batchItemFailures": [{"itemIdentifier": "message-1"}, {"itemIdentifier": "poison-1"}]
    }
    assert len(world.queue.messages) == 2


def test_what_cannot_be_read_comes_back_after_a_second() -> None:
    """So it soon reaches the dead-letter queue; the log shows its beginning and where it was."""
    world = World(1)
    world.queue.messages[0].receipt_handle = "unused"
    event = world.event(POISON)
    event["Records"][1]["receiptHandle"] = event["Records"][0]["receiptHandle"]
    del event["Records"][0]
    with logged_lines() as lines, pytest.raises(BatchFailed, match="1 of 1"):
        handle_batch(world.service(), event, Context())
    assert world.hidden_seconds() == [1]
    (line,) = lines()
    assert (line["message"], line["level"]) == ("message cannot be read", "ERROR")
    assert (line["message_id"], line["body"]) == ("poison-1", POISON[:200])
    assert line["function_request_id"] == Context().aws_request_id
    assert "Traceback" in line["exception"]
    assert world.observer.others == []


def test_an_unexpected_error_fails_one_delivery_and_leaves_its_timeout() -> None:
    """A bug may take long to be mended: the queue's own visibility timeout is the pause."""
    bug = ValueError("a bug")
    world = World(2)
    faulty = Faulty(world.store, apply=FailBefore(bug))
    service = world.service(store=faulty, execution_concurrency=1)
    with pytest.raises(BatchFailed, match="1 of 2"):
        handle_batch(service, world.event(), Context())
    assert world.observer.problems == [("handle the delivery", bug)]
    assert world.hidden_seconds() == [60]


@pytest.mark.parametrize("method", ["redeliver", "acknowledge"])
def test_a_queue_that_cannot_be_reached_is_told_and_the_batch_still_ends(method: str) -> None:
    """The queue's own timeout brings back what could not be hidden or deleted."""
    error = QueueUnavailable(in_doubt=True)
    world = World(2, TransientExecutionError("later"))
    queue = Faulty(world.queue, **{method: FailBefore(error)})
    with pytest.raises(BatchFailed, match="1 of 2"):
        handle_batch(world.service(queue=queue, execution_concurrency=1), world.event(), Context())
    what = {"redeliver": "redeliver the message", "acknowledge": "acknowledge the others"}[method]
    assert world.observer.problems == [(what, error)]
    assert len(world.queue.messages) == {"redeliver": 1, "acknowledge": 2}[method]


@pytest.mark.parametrize("width", [2, 3])
def test_as_many_records_are_executed_at_the_same_time_as_is_set(width: int) -> None:
    """No fewer, or the barrier would break; no more, or the children would starve each other."""
    meeting = Meeting(width)
    world = World(2 * width)
    world.executor = Meets(meeting)
    handle_batch(world.service(execution_concurrency=width), world.event(), Context())
    assert meeting.most == width
    assert {task.status for task in world.store.tasks.values()} == {"completed"}


@pytest.mark.parametrize(("tasks", "width"), [(1, 10), (2, 1)])
def test_one_at_a_time_needs_no_further_thread(tasks: int, width: int) -> None:
    """A thread costs, and a batch is often of one."""
    meeting = Meeting(1)
    world = World(tasks)
    world.executor = Meets(meeting)
    handle_batch(world.service(execution_concurrency=width), world.event(), Context())
    assert meeting.threads == {threading.get_ident()}


def test_what_is_left_of_the_invocation_is_in_milliseconds() -> None:
    """An execution of 8 s with a margin of 1.5 begins with 9.5 s left, and not with less."""
    world = World(1)
    late = Context(remaining_ms=9_499)
    with pytest.raises(BatchFailed):
        handle_batch(world.service(executor="mock"), world.event(), late)
    assert world.hidden_seconds() == [1]
    world.clock.advance(1)
    in_time = Context(remaining_ms=9_500)
    assert handle_batch(world.service(executor="mock"), world.event(), in_time) is None
