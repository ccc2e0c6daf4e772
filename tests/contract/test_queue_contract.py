"""What every queue must do, whatever it is made of."""

from __future__ import annotations

import pytest
from msgspec import structs

from chalicelib.domain.message import Delivery, TaskMessage
from tests.contract.conftest import QueueUnderTest
from tests.support.in_memory import T0


def a_message(task_id: str = "task-1") -> TaskMessage:
    """Return a message."""
    return TaskMessage(task_id=task_id, correlation_id="correlation-1", enqueued_at=T0)


def test_a_message_arrives_as_it_was_sent(queue: QueueUnderTest) -> None:
    """Task, correlation id, time and the queue's own id come through unchanged."""
    message_id = queue.queue.send(a_message())
    (delivery,) = queue.receive(2)
    assert delivery.message == a_message()
    assert (delivery.message_id, delivery.receive_count) == (message_id, 1)


@pytest.mark.parametrize("count", [1, 10])
def test_a_batch_is_sent_in_one_call(queue: QueueUnderTest, count: int) -> None:
    """Each message has an id of its own, and arrives; a group changes nothing of that."""
    messages = [a_message(f"task-{number}") for number in range(count)]
    ids = queue.queue.send_batch([structs.replace(one, group="f" * 32) for one in messages])
    received: list[Delivery] = []
    while len(received) < count:
        received += queue.receive(2)
    assert {d.message_id: d.message for d in received} == dict(zip(ids, messages, strict=True))


def test_a_delivered_message_is_hidden(queue: QueueUnderTest) -> None:
    """Until its visibility timeout ends, no other receiver gets it."""
    queue.queue.send(a_message())
    assert len(queue.receive(2)) == 1
    assert queue.receive(0) == []


def test_an_acknowledged_message_never_comes_back(queue: QueueUnderTest) -> None:
    """Acknowledging deletes it; another one of the same task stays."""
    queue.queue.send(a_message("task-1"))
    queue.queue.send(a_message("task-2"))
    deliveries = {d.message.task_id: d for d in [*queue.receive(2), *queue.receive(1)]}
    queue.queue.redeliver(deliveries["task-2"].receipt_handle, visibility_timeout_seconds=1)
    queue.queue.acknowledge([deliveries["task-1"].receipt_handle])
    assert [d.message.task_id for d in queue.receive(4)] == ["task-2"]


def test_a_message_given_back_comes_back_when_it_is_due_and_is_counted(
    queue: QueueUnderTest,
) -> None:
    """Hiding sets when it comes back; it stays the same message and its receive count goes up."""
    queue.queue.send(a_message())
    (first,) = queue.receive(2)
    queue.queue.redeliver(first.receipt_handle, visibility_timeout_seconds=1)
    assert queue.receive(0) == []
    (second,) = queue.receive(4)
    assert (second.message_id, second.receive_count) == (first.message_id, 2)
    assert second.receipt_handle != first.receipt_handle


def test_acknowledging_nothing_is_no_call(queue: QueueUnderTest) -> None:
    """An empty batch is not an error."""
    queue.queue.acknowledge([])
    assert queue.receive(0) == []


@pytest.mark.parametrize("count", [1, 10])
def test_a_batch_is_acknowledged_whole(queue: QueueUnderTest, count: int) -> None:
    """As many as Lambda delivers at once go in one call."""
    for number in range(count):
        queue.queue.send(a_message(f"task-{number}"))
    received: list[Delivery] = []
    while len(received) < count:
        received += queue.receive(2)
    queue.queue.acknowledge([delivery.receipt_handle for delivery in received])
    assert queue.receive(0) == []


def test_a_queue_that_works_answers(queue: QueueUnderTest) -> None:
    """The health check's question costs nothing and raises nothing."""
    queue.queue.ping()
    assert queue.receive(0) == []
