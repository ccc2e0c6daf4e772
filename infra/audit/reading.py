"""What the audit reads: the table page by page, its two indexes, the queues' counts.

It only looks. Messages are counted and not received, since receiving one hides it from a worker
and counts towards the dead-letter queue.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import boto3

from chalicelib.adapters.dynamodb.items import open_shards
from infra.audit.facts import Item
from infra.audit.lists import Listed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: What one BatchGetItem takes.
_BATCH_KEYS_MAX = 100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a backend's table and queues are."""

    table_name: str
    queue_url: str
    #: Not every caller knows it; its messages are then not counted.
    dead_letter_queue_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Located:
        """Read the variables that the service itself reads.

        Raises:
            KeyError: naming the variable that is missing.
        """
        return cls(
            table_name=environment["TASKS_TABLE_NAME"],
            queue_url=environment["TASKS_QUEUE_URL"],
            dead_letter_queue_url=environment.get("TASKS_DEAD_LETTER_QUEUE_URL") or None,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """How many messages there are, as near as SQS tells."""

    waiting: int
    delivered: int
    dead: int | None


class Reader:
    """Reads one backend."""

    def __init__(self, located: Located) -> None:
        """Take what the SDK's environment points to: an emulator, or AWS."""
        self._located = located
        self._dynamodb: DynamoDBClient = boto3.Session().client("dynamodb")
        self._sqs = boto3.Session().client("sqs")

    def pages(self) -> Iterator[Sequence[Item]]:
        """Return all items, at most 1 MB of them at a time, consistently read."""
        paginator = self._dynamodb.get_paginator("scan")
        for page in paginator.paginate(TableName=self._located.table_name, ConsistentRead=True):
            yield page["Items"]

    def item(self, task_id: str) -> Item | None:
        """Return one item, consistently read."""
        answer = self._dynamodb.get_item(
            TableName=self._located.table_name,
            Key={"task_id": {"S": task_id}},
            ConsistentRead=True,
        )
        return answer.get("Item")

    def missing(self, keys: Iterable[str]) -> set[str]:
        """Return those keys that no item has."""
        wanted = sorted(set(keys))
        found: set[str] = set()
        for begin in range(0, len(wanted), _BATCH_KEYS_MAX):
            pending = wanted[begin : begin + _BATCH_KEYS_MAX]
            while pending:
                pending = self._batch(pending, found)
        return set(wanted) - found

    def _batch(self, keys: Sequence[str], found: set[str]) -> list[str]:
        table = self._located.table_name
        answer = self._dynamodb.batch_get_item(
            RequestItems={
                table: {
                    "Keys": [{"task_id": {"S": key}} for key in keys],
                    "ConsistentRead": True,
                    "ProjectionExpression": "task_id",
                }
            }
        )
        found |= {item["task_id"]["S"] for item in answer["Responses"].get(table, [])}
        unread = answer.get("UnprocessedKeys", {}).get(table, {"Keys": []})
        return [key["task_id"]["S"] for key in unread["Keys"]]

    def open_in_index(self) -> set[str]:
        """Return the ids that the index of open tasks holds."""
        paginator = self._dynamodb.get_paginator("query")
        return {
            item["task_id"]["S"]
            for shard in open_shards()
            for page in paginator.paginate(
                TableName=self._located.table_name,
                IndexName="open_tasks",
                KeyConditionExpression="open_shard = :shard",
                ExpressionAttributeValues={":shard": {"S": shard}},
            )
            for item in page["Items"]
        }

    def listed(self) -> Listed:
        """Return all that the index of owners' tasks holds: how often, at which places."""
        listed: dict[str, collections.Counter[str]] = {}
        paginator = self._dynamodb.get_paginator("scan")
        for page in paginator.paginate(
            TableName=self._located.table_name,
            IndexName="tasks_by_owner",
            ProjectionExpression="task_id, owner_shard",
        ):
            for item in page["Items"]:
                places = listed.setdefault(item["task_id"]["S"], collections.Counter())
                places[item["owner_shard"]["S"]] += 1
        return listed

    def messages(self) -> Messages:
        """Count the messages."""
        waiting, delivered = self._counts(self._located.queue_url)
        dead_url = self._located.dead_letter_queue_url
        return Messages(
            waiting=waiting,
            delivered=delivered,
            dead=None if dead_url is None else sum(self._counts(dead_url)),
        )

    def _counts(self, queue_url: str) -> tuple[int, int]:
        counts = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])
        held = counts["Attributes"]
        waiting = int(held["ApproximateNumberOfMessages"])
        waiting += int(held["ApproximateNumberOfMessagesDelayed"])
        return waiting, int(held["ApproximateNumberOfMessagesNotVisible"])
