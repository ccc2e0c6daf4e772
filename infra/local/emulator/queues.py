"""MiniStack's queues when many messages wait.

For each receive it completes every message that waits, and checks of each its age and whether it is
due for the dead letters: 20 ms where 15,000 wait, so that a stage became slower the further its
workers were behind. For each delete it makes the whole list again. Here the same is done for the
messages that are received or deleted, and ages are checked every ten seconds.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final

#: Messages are kept for days, so that seconds more are nothing.
_EXPIRY_SECONDS: Final = 10.0
#: No receive takes more (SQS's own limit).
_RECEIVED_MAX: Final = 10

Queue = dict[str, Any]
Message = dict[str, Any]


class Queues:
    """Stands in for five functions of MiniStack's module for SQS."""

    def __init__(self, sqs: Any) -> None:  # noqa: ANN401  MiniStack's module
        """Take their place."""
        self._sqs = sqs
        self._collect = sqs._collect_msgs  # noqa: SLF001
        self._expire = sqs._expire_retained  # noqa: SLF001
        self._redrive = sqs._dlq_sweep  # noqa: SLF001
        #: When the ages in a queue were checked last, by the queue's address.
        self._checked_at: dict[str, float] = {}
        sqs._collect_msgs = self.collect  # noqa: SLF001
        sqs._expire_retained = self.expire  # noqa: SLF001
        sqs._dlq_sweep = self.redrive  # noqa: SLF001
        for name in ("DeleteMessage", "DeleteMessageBatch"):
            delete = sqs._HANDLERS[name]  # noqa: SLF001
            sqs._HANDLERS[name] = functools.partial(self.delete, delete)  # noqa: SLF001

    def expire(self, queue: Queue) -> None:
        """Drop messages that are too old."""
        now, name = time.monotonic(), str(queue.get("url"))
        if now - self._checked_at.get(name, 0.0) >= _EXPIRY_SECONDS:
            self._checked_at[name] = now
            self._expire(queue)

    def redrive(self, queue: Queue) -> None:
        """Move messages to the dead letters, if one may be among those that are received next.

        Most wait for their first receive, and such a one is never moved.
        """
        if queue["is_fifo"] or any(
            message["receive_count"] for message in self._first_visible(queue, _RECEIVED_MAX)
        ):
            self._redrive(queue)

    def collect(self, queue: Queue, messages_max: int, visibility_seconds: int) -> list[Message]:
        """Receive what is visible, the oldest first."""
        if not queue["is_fifo"]:
            # The rest is done where it always was, with a queue of these messages alone.
            queue = {**queue, "messages": self._first_visible(queue, messages_max)}
        received: list[Message] = self._collect(queue, messages_max, visibility_seconds)
        return received

    def delete(self, delete: Callable[[Any, str], Any], request: Any, url: str) -> Any:  # noqa: ANN401
        """Delete messages from a queue that ends behind the last of them."""
        queue: Queue = self._sqs._get_q(request.get("QueueUrl", url))  # noqa: SLF001
        asked = {entry.get("ReceiptHandle") for entry in request.get("Entries", [request])}
        messages = queue["messages"]
        end = _end_of(messages, asked)
        queue["messages"] = messages[:end]
        try:
            return delete(request, url)
        finally:
            messages[:end] = queue["messages"]  # what waits behind is not touched
            queue["messages"] = messages

    def _first_visible(self, queue: Queue, messages_max: int) -> list[Message]:
        now = time.time()
        found: list[Message] = []
        for message in queue["messages"]:
            if len(found) == messages_max:
                break
            self._sqs._ensure_msg_fields(message)  # noqa: SLF001
            if message["visible_at"] <= now:
                found.append(message)
        return found


def _end_of(messages: list[Message], handles: set[object]) -> int:
    """Return how many messages there are up to the last of these."""
    left = len(handles)
    for place, message in enumerate(messages, start=1):
        left -= message.get("receipt_handle") in handles
        if not left:
            return place
    return len(messages)
