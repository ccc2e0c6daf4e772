"""What travels through the queue, one receipt of it, and what becomes of that."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Final

import msgspec

from chalicelib.domain.task import Task

#: Hexadecimal digits of a message group. SQS takes 128 characters, and no blanks.
_GROUP_CHARACTERS: Final = 32
#: Ids here are UUIDs and what clients may send as a correlation id; nothing longer is one.
_ID_CHARACTERS_MAX: Final = 128


class TaskMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What travels through the queue: never the circuit, only where to find it."""

    task_id: str
    correlation_id: str
    enqueued_at: datetime
    #: Whose messages share a turn in the queue ("Amazon SQS fair queues"): it travels with the
    #: body, and is not known of one that was received.
    group: str | None = None

    @classmethod
    def about(cls, task: Task, *, enqueued_at: datetime) -> TaskMessage:
        """Return the message of a task, in its owner's group."""
        digest = hashlib.sha256(task.owner.encode()).hexdigest()
        return cls(
            task_id=task.task_id,
            correlation_id=task.correlation_id,
            enqueued_at=enqueued_at,
            group=digest[:_GROUP_CHARACTERS],
        )

    def to_json(self) -> str:
        """Encode as version 1 of the message."""
        return json.dumps(
            {
                "v": 1,
                "task_id": self.task_id,
                "correlation_id": self.correlation_id,
                "enqueued_at": self.enqueued_at.isoformat(),
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, body: str) -> TaskMessage:
        """Decode a message of version 1.

        Raises:
            ValueError: if the body is anything else. Such a message is kept for inspection.
        """
        try:
            fields = json.loads(body)
            texts = [fields["task_id"], fields["correlation_id"]]
            if fields["v"] != 1 or not all(map(_is_id, texts)):
                reason = "its version is not 1, or one of its ids is not valid"
                raise ValueError(reason)  # noqa: TRY301 - one place says what it is not
            enqueued_at = datetime.fromisoformat(fields["enqueued_at"])
        except (ValueError, KeyError, TypeError) as exc:
            reason = f"not a task message: {exc}"
            raise ValueError(reason) from exc
        return cls(task_id=texts[0], correlation_id=texts[1], enqueued_at=enqueued_at)


def _is_id(text: object) -> bool:
    """Whether it can be a key of the table and stand in a log line: printable ASCII without blanks.

    JSON may hold anything else, down to half of a surrogate pair, which no log can encode.
    """
    return (
        isinstance(text, str)
        and 0 < len(text) <= _ID_CHARACTERS_MAX
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt of one message. SQS may deliver a message many times, and two at once."""

    message: TaskMessage
    message_id: str
    #: Acknowledges or hides this delivery only; not the message's identity.
    receipt_handle: str
    #: SQS's count of deliveries, from 1. Not the number of executions: that is `attempt`.
    receive_count: int


class Acknowledge(msgspec.Struct, frozen=True):
    """The delivery is done with: its message may be deleted."""

    reason: str


class Redeliver(msgspec.Struct, frozen=True):
    """The delivery failed: its message must come back, after being hidden for this long."""

    reason: str
    #: None leaves the queue's own visibility timeout as it is.
    delay_seconds: int | None


Disposition = Acknowledge | Redeliver
