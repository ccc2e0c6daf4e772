"""The in-memory store with DynamoDB's index: shards, limits, and no order among equal times."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chalicelib.adapters.dynamodb import index_reader
from chalicelib.adapters.dynamodb.items import OWNER_SHARDS
from chalicelib.domain.task import Task
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.ports import IndexPage, Summaries
from chalicelib.use_cases.list_tasks import BATCH_TASKS_MAX
from tests.support.in_memory import InMemoryTaskStore, without_payloads

EVERY_ENTRY = 10**9
FORMAT = "%Y-%m-%dT%H:%M:%S.%f+0000"


class ShardedStore(InMemoryTaskStore):
    """A store with DynamoDB's index: shards, limits, and no order among equal times."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self.unreadable: set[str] = set()
        self.busy = 0.0
        #: Where a query is cut by bytes; one for a single time, without a limit, is not.
        self.entries_a_call = EVERY_ENTRY
        self.entries_read = 0
        self.batch_reads = 0

    def tasks_of(
        self,
        owner: str,
        *,
        task_filter: TaskFilter,
        after: Position | None,
        limit: int,
        start_deadline: datetime,
    ) -> IndexPage:
        """See `TaskStore`: through the code that reads the real index."""
        del start_deadline
        return index_reader.read_index(
            self._query, owner, task_filter=task_filter, after=after, limit=limit
        )

    def get_summaries(self, owner: str, task_ids: Sequence[str]) -> Summaries:
        """See `TaskStore`."""
        assert 0 < len(task_ids) <= BATCH_TASKS_MAX
        self.batch_reads += 1
        unprocessed = {i for i in task_ids if self._chance.random() < self.busy}
        read = {i: self.tasks[i] for i in task_ids if i in self.tasks and i not in unprocessed}
        return Summaries(
            tasks={i: without_payloads(t) for i, t in read.items() if i not in self.unreadable},
            unreadable=frozenset(read.keys() & self.unreadable),
            unprocessed=frozenset(unprocessed),
        )

    def _query(self, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - as botocore takes them
        limit = (
            min(arguments["Limit"], self.entries_a_call) if "Limit" in arguments else EVERY_ENTRY
        )
        values = {n: v["S"] for n, v in arguments["ExpressionAttributeValues"].items()}
        entries = [
            (position.submitted_at, self._chance.random(), position.task_id)
            for position, shard in map(self.entry, self.tasks.values())
            if shard == values[":shard"]
            and values[":low"] <= position.submitted_at <= values[":high"]
        ]
        entries.sort(reverse=True)
        found = entries[:limit]
        self.entries_read += len(found)
        answer: dict[str, Any] = {
            "Items": [{"submitted_at": {"S": at}, "task_id": {"S": i}} for at, _, i in found]
        }
        if len(entries) >= limit:  # DynamoDB says so also where nothing follows
            answer["LastEvaluatedKey"] = answer["Items"][-1]
        return answer

    @staticmethod
    def entry(task: Task) -> tuple[Position, str]:
        """Return a task's place in the index, and its shard."""
        position = Position(submitted_at=task.submitted_at.strftime(FORMAT), task_id=task.task_id)
        return position, f"{task.owner}#{int(task.task_id[-2:], 16) % OWNER_SHARDS}"
