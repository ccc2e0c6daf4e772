"""`make prune`: delete side items that are older than a day and that no task refers to.

A late attempt, a crash between pieces and put, or a key that was used with another circuit leave
them behind. None is read any more. A submission takes seconds, so what is a day old is in none;
a delete is conditional on the time that was seen, since a repeated request may put a piece again.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import ClientError

from chalicelib.settings import InvalidSetting
from infra.audit.facts import SIDE_ITEM_MARK, Item, Unreadable, side_item_keys
from infra.audit.where import find_backend
from infra.local.supervisor.environment import NotRunning

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AGE: Final = timedelta(days=1)


@dataclasses.dataclass(slots=True, kw_only=True)
class Pruned:
    """What was done."""

    deleted: int = 0
    #: Not a day old yet.
    young: int = 0
    #: Put by a version that noted no time: how old they are cannot be told.
    undated: int = 0


def prune(client: DynamoDBClient, table_name: str, *, now: datetime) -> Pruned:
    """Delete what is old and unused."""
    done = Pruned()
    pages = client.get_paginator("scan").paginate(
        TableName=table_name,
        ConsistentRead=True,
        ProjectionExpression="task_id, stored_at",
        FilterExpression="contains(task_id, :mark)",
        ExpressionAttributeValues={":mark": {"S": SIDE_ITEM_MARK}},
    )
    for page in pages:
        for item in page["Items"]:
            if not _is_used(client, table_name, item):
                _judge(client, table_name, item, now, done)
    return done


def _is_used(client: DynamoDBClient, table_name: str, item: Item) -> bool:
    key = str(item["task_id"]["S"])
    task_id = key.partition(SIDE_ITEM_MARK)[0]
    answer = client.get_item(
        TableName=table_name,
        Key={"task_id": {"S": task_id}},
        ConsistentRead=True,
        ProjectionExpression="circuit_ref, circuit_pieces, result_ref, result_pieces",
    )
    try:
        return key in side_item_keys(answer.get("Item", {}))
    except Unreadable:
        return True  # whatever it refers to may be this


def _judge(
    client: DynamoDBClient, table_name: str, item: Item, now: datetime, done: Pruned
) -> None:
    stored_at = item.get("stored_at", {}).get("S")
    if stored_at is None:
        done.undated += 1
    elif now - datetime.fromisoformat(stored_at) < AGE:
        done.young += 1
    else:
        done.deleted += _delete(client, table_name, str(item["task_id"]["S"]), stored_at)


def _delete(client: DynamoDBClient, table_name: str, key: str, stored_at: str) -> bool:
    try:
        client.delete_item(
            TableName=table_name,
            Key={"task_id": {"S": key}},
            ConditionExpression="stored_at = :seen",
            ExpressionAttributeValues={":seen": {"S": stored_at}},
        )
    except ClientError as exc:
        if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False  # it was put again meanwhile
    return True


def main(arguments: list[str] | None = None) -> int:
    """Prune what the environment points to, or else the local stage; print what was done."""
    argparse.ArgumentParser(prog="make prune", description=__doc__).parse_args(arguments)
    try:
        find_backend()
    except (NotRunning, InvalidSetting) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 2
    client: DynamoDBClient = boto3.Session().client("dynamodb")
    done = prune(client, os.environ["TASKS_TABLE_NAME"], now=datetime.now(UTC))
    print(f"deleted: {done.deleted} side items that no task refers to")
    print(f"left: {done.young} that are not a day old, {done.undated} whose age is not known")
    return 0


if __name__ == "__main__":
    sys.exit(main())
