"""What is left when all is quiet: the table, the queues, the logs, and what the API says."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tools.http_client import Http
from tools.local_stage import TABLE, Stage

#: SQS's most for one receive.
_RECEIVE_MESSAGES_MAX = 10


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Read once, after the last task has ended."""

    #: By the name of the submission that made it; a name twice would be two tasks for one.
    stored: Sequence[StoredTask]
    #: What the API answers for each task that was promised: status code and body.
    read: dict[str, tuple[int, bytes]]
    #: Bodies in the dead-letter queue.
    dead: Sequence[str]
    #: Messages left in the queue, in flight or not.
    left_in_queue: int
    #: Claims by task and attempt, as the workers logged them.
    claims: Counter[tuple[str, int]]
    #: Completions and failures by task, likewise.
    settlements: Counter[str]
    #: Correlation ids of what was claimed.
    claimed_correlation_ids: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """What an item says about itself."""

    task_id: str
    name: str
    status: str
    attempt: int
    events: tuple[str, ...]


def collect(stage: Stage, port: int, promised: Sequence[str]) -> Evidence:
    """Read it all, past the service but for what the API is asked."""
    workers = [
        entry
        for path in sorted((stage.data_dir / "log").glob("worker-*.log"))
        for entry in stage.log_entries(path.stem)
    ]
    claims = [entry for entry in workers if entry.get("message") == "task claimed"]
    ends = [e for e in workers if e.get("message") in {"task completed", "task failed"}]
    http = Http(port)
    replies = {task_id: http.get(f"/tasks/{task_id}") for task_id in promised}
    http.close()
    return Evidence(
        stored=stored_tasks(stage),
        read={task_id: (reply.status, reply.body) for task_id, reply in replies.items()},
        dead=_dead_letters(stage),
        left_in_queue=stage.messages(),
        claims=Counter((entry["task_id"], entry["attempt"]) for entry in claims),
        settlements=Counter(entry["task_id"] for entry in ends),
        claimed_correlation_ids=frozenset(entry["correlation_id"] for entry in claims),
    )


def stored_tasks(stage: Stage) -> list[StoredTask]:
    """Scan the table; it has no side items, since no payload of this run is large."""
    pages = stage.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    return [_stored(item) for page in pages for item in page["Items"]]


def _stored(item: dict[str, Any]) -> StoredTask:
    return StoredTask(
        task_id=item["task_id"]["S"],
        name=json.loads(item["tags"]["S"])["name"],
        status=item["status"]["S"],
        attempt=int(item["attempt"]["N"]),
        events=tuple(entry["M"]["event"]["S"] for entry in item["history"]["L"]),
    )


def _dead_letters(stage: Stage) -> list[str]:
    sqs = stage.sqs
    url = sqs.get_queue_url(QueueName=f"{TABLE}-dead")["QueueUrl"]
    bodies: list[str] = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=_RECEIVE_MESSAGES_MAX, VisibilityTimeout=600
    ).get("Messages"):
        bodies += [message["Body"] for message in messages]
    return bodies
