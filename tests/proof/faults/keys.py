"""What tells apart worlds that can go differently from here on, and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tests.proof.faults.backend import Message, QueuesState, TableState
from tests.proof.faults.judge import Known
from tests.proof.faults.wire import Held

#: What happened to a task, and when, decides nothing any more.
_PAST: Final = frozenset(
    {
        "stored_at",
        "history",
        "submitted_at",
        "started_at",
        "completed_at",
        "error_message",
        "correlation_id",
    }
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+\d\d:?\d\d")


def _short(content: bytes) -> bytes:
    """Tell a circuit or a piece from others by its digest: much to look through for times."""
    return hashlib.blake2b(content, digest_size=16).digest()


def hidden_seconds(message: Message, now: datetime) -> float:
    """How long until a message can be received."""
    return max(0.0, message.visible_at_ms / 1000 - now.timestamp())


def key_of(
    known: Known,
    held: Sequence[Held],
    table: TableState,
    queues: QueuesState,
    *,
    now: datetime,
    age_seconds_max: float,
) -> str:
    """Tell apart worlds that can go differently from here on.

    Times count by how far they are from now, and tokens only while a request is on its way
    that may have one: no new claim will.
    """
    on_their_way = [(h.call.operation, h.body, sorted(h.attempts.items())) for h in held]
    items = [
        {
            name: _short(value["B"]) if "B" in value else value
            for name, value in item.items()
            if name not in _PAST and (on_their_way or name != "lease_owner")
        }
        | {
            "events": [entry["M"]["event"] for entry in item.get("history", {"L": ()})["L"]],
            "old": _is_old(item, now, age_seconds_max),
        }
        for item in table.items.values()
    ]
    messages = [
        sorted((m.receive_count, round(hidden_seconds(m, now), 2), m.body) for m in queue)
        for queue in (queues.messages, queues.dead_letters)
    ]
    submissions = [
        (tag, dataclasses.replace(submitted, circuit=""), _short(submitted.circuit.encode()))
        for tag, submitted in known.submissions.items()
    ]
    told = (submissions, known.swept, known.duplicates)
    return _TIME.sub(
        lambda match: _from_now(match, now), repr((told, items, messages, on_their_way))
    )


def _from_now(match: re.Match[str], now: datetime) -> str:
    at = datetime.fromisoformat(match.group())
    return f"{(at - now).total_seconds():.2f}"


def _is_old(item: Mapping[str, Any], now: datetime, age_seconds_max: float) -> bool:
    if "submitted_at" not in item:
        return False
    age = now - datetime.fromisoformat(item["submitted_at"]["S"])
    return age.total_seconds() > age_seconds_max
