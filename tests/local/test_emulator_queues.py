"""A receive takes no longer where many messages wait, and takes what it always took."""

from __future__ import annotations

import time
from typing import Any

import pytest

from infra.local.emulator.queues import Queue, Queues


class FakeSqs:
    """MiniStack's module, as far as it is used: what it passes is counted."""

    def __init__(self, queue: Queue | None = None) -> None:
        self.completed: list[str] = []
        self.expired = 0
        self.redriven = 0
        self.passed: list[int] = []
        self._queue = queue
        self._HANDLERS = {"DeleteMessage": self._delete, "DeleteMessageBatch": self._delete}

    def _get_q(self, _: str) -> Queue:
        assert self._queue is not None
        return self._queue

    def _delete(self, request: dict[str, Any], url: str) -> int:
        queue = self._get_q(url)
        before = queue["messages"]
        handles = {entry["ReceiptHandle"] for entry in request.get("Entries", [request])}
        self.passed.append(len(before))
        queue["messages"] = [m for m in before if m.get("receipt_handle") not in handles]
        if len(queue["messages"]) == len(before):
            raise LookupError("no such handle")
        return len(before) - len(queue["messages"])

    def _ensure_msg_fields(self, message: dict[str, Any]) -> None:
        self.completed.append(message["id"])
        message.setdefault("visible_at", 0.0)
        message.setdefault("receive_count", 0)

    def _dlq_sweep(self, _: Queue) -> None:
        self.redriven += 1

    def _expire_retained(self, _: Queue) -> None:
        self.expired += 1

    def _collect_msgs(self, queue: Queue, messages_max: int, seconds: int) -> list[Any]:
        received: list[Any] = queue["messages"][:messages_max]
        for message in received:
            message["visible_at"] = time.time() + seconds
        return received


def a_queue(count: int, *, is_fifo: bool = False) -> Queue:
    """Return a queue in which so many wait."""
    messages = [{"id": f"{number}"} for number in range(count)]
    return {"url": "http://queue", "is_fifo": is_fifo, "messages": messages}


def ids(messages: list[Any]) -> list[str]:
    """Return which messages these are."""
    return [message["id"] for message in messages]


def test_a_receive_passes_what_it_takes_and_what_is_hidden_before() -> None:
    """Of a thousand three are passed, then those three and three more."""
    sqs, queue = FakeSqs(), a_queue(1000)
    queues = Queues(sqs)
    assert ids(queues.collect(queue, 3, 30)) == ["0", "1", "2"]
    assert sqs.completed == ["0", "1", "2"]
    assert ids(queues.collect(queue, 3, 30)) == ["3", "4", "5"]
    assert sqs.completed[3:] == ["0", "1", "2", "3", "4", "5"]
    assert len(queue["messages"]) == 1000


def test_what_is_visible_again_comes_first() -> None:
    """It keeps its place."""
    queue = a_queue(5)
    queues = Queues(FakeSqs())
    queues.collect(queue, 2, 0)
    assert ids(queues.collect(queue, 3, 30)) == ["0", "1", "2"]
    assert ids(queues.collect(queue, 10, 30)) == ["3", "4"]
    assert queues.collect(queue, 10, 30) == []


def test_a_queue_with_an_order_is_received_as_it_always_was() -> None:
    """Its groups are MiniStack's to keep."""
    sqs = FakeSqs()
    assert ids(Queues(sqs).collect(a_queue(4, is_fifo=True), 2, 30)) == ["0", "1"]
    assert sqs.completed == []


def test_ages_are_checked_every_ten_seconds_for_each_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retention is counted in days."""
    sqs = FakeSqs()
    queues = Queues(sqs)
    now = [100.0]
    monkeypatch.setattr("infra.local.emulator.queues.time.monotonic", lambda: now[0])
    for now[0] in (100.0, 105.0, 109.9, 110.0, 115.0):
        queues.expire(a_queue(0))
    assert sqs.expired == 2
    queues.expire({**a_queue(0), "url": "http://another"})
    assert sqs.expired == 3


@pytest.mark.parametrize(
    ("place", "hidden_seconds", "expected"),
    [
        (0, 0, 1),
        (9, 0, 1),
        (10, 0, 0),  # not received next: it is moved when it is
        (0, 30, 0),  # in flight
        (None, 0, 0),
    ],
)
def test_dead_letters_are_looked_for_where_one_may_be_received(
    place: int | None, hidden_seconds: float, expected: int
) -> None:
    """A message that was received before, and is to be received again."""
    sqs, queue = FakeSqs(), a_queue(1000)
    if place is not None:
        visible_at = time.time() + hidden_seconds
        queue["messages"][place] |= {"receive_count": 1, "visible_at": visible_at}
    Queues(sqs).redrive(queue)
    assert sqs.redriven == expected
    assert len(sqs.completed) == 10 + (hidden_seconds > 0)


def test_dead_letters_of_a_queue_with_an_order_are_looked_for_each_time() -> None:
    """Its groups are MiniStack's to keep."""
    sqs = FakeSqs()
    Queues(sqs).redrive(a_queue(4, is_fifo=True))
    assert sqs.redriven == 1


def test_a_delete_passes_what_stands_before_it() -> None:
    """Alone or with others; what waits behind stays, in its order."""
    queue = a_queue(1000)
    for number in (1, 2, 5):
        queue["messages"][number]["receipt_handle"] = f"handle {number}"
    sqs = FakeSqs(queue)
    Queues(sqs)
    delete, delete_many = sqs._HANDLERS["DeleteMessage"], sqs._HANDLERS["DeleteMessageBatch"]  # noqa: SLF001
    entries = [{"ReceiptHandle": "handle 1"}, {"ReceiptHandle": "handle 5"}]
    assert delete_many({"QueueUrl": "q", "Entries": entries}, "") == 2
    assert delete({"ReceiptHandle": "handle 2"}, "q") == 1
    assert sqs.passed == [6, 2]
    assert ids(queue["messages"]) == ["0", "3", "4", *map(str, range(6, 1000))]


def test_a_delete_that_finds_nothing_leaves_all_there() -> None:
    """Its error is MiniStack's own."""
    queue = a_queue(10)
    sqs = FakeSqs(queue)
    Queues(sqs)
    with pytest.raises(LookupError):
        sqs._HANDLERS["DeleteMessage"]({"ReceiptHandle": "unknown"}, "q")  # noqa: SLF001
    assert (sqs.passed, len(queue["messages"])) == ([10], 10)
