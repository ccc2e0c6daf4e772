"""Offences against what the service writes: how an item is corrupt, what the audit says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Item = dict[str, Any]


def _history(item: Item) -> list[Item]:
    return [entry["M"] for entry in item["history"]["L"]]


VIOLATIONS: dict[str, tuple[str, Callable[[Item], object], str]] = {
    "status changed alone": (
        "completed",
        lambda item: item.update(status={"S": "failed"}),
        "history: it ends with completed, the task's status is failed",
    ),
    "history emptied": (
        "pending",
        lambda item: item.update(history={"L": []}),
        "history: it is empty",
    ),
    "begins in the middle": (
        "completed",
        lambda item: item["history"]["L"].pop(0),
        "history: it begins with claim to processing",
    ),
    "completed without a claim": (
        "completed",
        lambda item: item["history"]["L"].pop(1),
        "history: entry 2 goes by complete from pending to completed",
    ),
    "completed twice": (
        "completed",
        lambda item: item["history"]["L"].append(item["history"]["L"][-1]),
        "history: entry 4 goes by complete from completed to completed",
    ),
    "went backwards": (
        "processing, released",
        lambda item: _history(item)[-1].update(status={"S": "pending"}),
        "history: entry 3 goes by release from processing to pending",
    ),
    "an hour too early": (
        "completed",
        lambda item: _history(item)[-1].update(at={"S": "2025-01-01T00:00:00.000000+0000"}),
        "s too early",
    ),
    "submitted at another time": (
        "pending",
        lambda item: item.update(submitted_at={"S": "2025-01-01T00:00:00.000000+0000"}),
        "time: submitted_at is not the time of the first entry",
    ),
    "never started": (
        "completed",
        lambda item: item.pop("started_at"),
        "time: started_at is not the time of the first claim",
    ),
    "never ended": (
        "completed",
        lambda item: item.pop("completed_at"),
        "time: completed_at is not the time of the end",
    ),
    "an attempt number used twice": (
        "completed",
        lambda item: item.update(attempt={"N": "2"}),
        "attempt: it is 2, but the history has 1 claims",
    ),
    "settled after its release": (
        "completed",
        lambda item: item["history"]["L"].insert(
            2,
            {"M": {**_history(item)[1], "event": {"S": "release"}}},
        ),
        "attempt: entry 4, complete, comes from no attempt that had the task",
    ),
    "a lease left behind": (
        "completed",
        lambda item: item.update(
            lease_owner={"S": "x"}, lease_expires_at={"S": "2026-01-01T00:00:00.000000+0000"}
        ),
        "attempt: there is a lease, against the history",
    ),
    "a lease lost": (
        "processing, live lease",
        lambda item: item.pop("lease_owner"),
        "attempt: there is no lease, against the history",
    ),
    "a result of a failure": (
        "failed",
        lambda item: item.update(result={"B": b'r{"counts":{}}'}),
        "result: there are 1, the task is failed",
    ),
    "no result": (
        "completed",
        lambda item: item.pop("result"),
        "result: there are 0, the task is completed",
    ),
    "two results": (
        "completed",
        lambda item: item.update(result_ref={"S": f"{item['task_id']['S']}#result#1"}),
        "result: there are 2, the task is completed",
    ),
    "no circuit": (
        "pending",
        lambda item: item.pop("circuit"),
        "circuit: it must be in the item or in one of its own",
    ),
    "no error message": (
        "failed",
        lambda item: item.pop("error_message"),
        "error: none, the task is failed",
    ),
    "open and off the sweeper's list": (
        "pending",
        lambda item: (item.pop("due_at"), item.pop("open_shard")),
        "index: it is missing in open_tasks",
    ),
    "ended and on the sweeper's list": (
        "completed",
        lambda item: item.update(
            open_shard={"S": "open#1"}, due_at={"S": "2026-01-01T00:00:00.000000+0000"}
        ),
        "index: it is left in open_tasks",
    ),
    "no owner's list": (
        "pending",
        lambda item: item.pop("owner_shard"),
        "index: owner_shard is missing",
    ),
    "another owner's list": (
        "completed",
        lambda item: item.update(owner_shard={"S": "another#0"}),
        "index: it is in another list: another#0",
    ),
    "a place that no list is read from": (
        "pending",
        lambda item: item.update(owner_shard={"S": f"{item['owner']['S']}#4"}),
        "index: it is missing in its owner's list",
    ),
    "another owner": (
        "pending",
        lambda item: item.update(owner={"S": "another"}),
        "index: it is missing in its owner's list",
    ),
    "unreadable and in no list": (
        "pending",
        lambda item: (item.update(history={"S": "?"}), item.pop("owner_shard")),
        "index: it is missing in its owner's list",
    ),
    "sweeps uncounted": (
        "pending, swept",
        lambda item: item.update(sweeps={"N": "0"}),
        "sweeps: 0 are counted, the history has 1",
    ),
    "another's circuit": (
        "pending",
        lambda item: (item.pop("circuit"), item.update(circuit_ref={"S": "other#circuit#1"})),
        "circuit: other#circuit#1 is another task's",
    ),
    "a circuit that is gone": (
        "pending",
        lambda item: (
            item.pop("circuit"),
            item.update(circuit_ref={"S": f"{item['task_id']['S']}#circuit#1"}),
        ),
        "is referred to and not there",
    ),
    "an unknown status": (
        "pending",
        lambda item: item.update(status={"S": "?"}),
        "unreadable: status is '?', which the service does not write",
    ),
    "an unknown kind of history": (
        "pending",
        lambda item: item.update(history={"S": "?"}),
        "unreadable: history is missing or not of type L",
    ),
}
