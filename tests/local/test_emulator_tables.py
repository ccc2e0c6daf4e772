"""Each way of writing an item is noted and saved; only what was written is passed."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.emulator.tables import Table, Tables
from infra.local.supervisor.stack import deploy_all
from infra.waiting import wait_for
from tests.local.emulator_process import EmulatorProcess
from tests.support.saved_state import saved_text

NAME = "quantum-tasks-local"


class FakeDynamoDb:
    """MiniStack's module, as far as it is used."""

    def _set_item(self, table: Table, partition: str, sort: str, item: object) -> None:
        table["items"][partition][sort] = item

    def _remove_item(self, table: Table, partition: str, sort: str) -> None:
        del table["items"][partition][sort]


def a_table(name: str) -> Table:
    """Return a table without items."""
    return {"TableArn": f"arn:{name}", "items": collections.defaultdict(dict)}


def test_what_is_put_or_removed_is_told_once() -> None:
    """Nothing is known of a table that was never asked for; of two tables each has its own."""
    module = FakeDynamoDb()
    tables, one, other = Tables(module), a_table("one"), a_table("other")
    module._set_item(one, "p", "early", {})  # noqa: SLF001 - as MiniStack calls it
    assert tables.take_written(one) is None
    assert tables.take_written(other) is None
    module._set_item(one, "p", "s", {"a": 1})  # noqa: SLF001
    module._set_item(one, "p", "s", {"a": 2})  # noqa: SLF001
    module._remove_item(one, "p", "early")  # noqa: SLF001
    assert one["items"] == {"p": {"s": {"a": 2}}}
    assert tables.take_written(one) == {("p", "s"), ("p", "early")}
    assert tables.take_written(one) == set()
    assert tables.take_written(other) == set()


def test_a_write_that_failed_half_way_is_told() -> None:
    """It may have written."""
    module = FakeDynamoDb()
    tables, table = Tables(module), a_table("one")
    tables.take_written(table)
    with pytest.raises(KeyError):
        module._remove_item(table, "p", "none")  # noqa: SLF001
    assert tables.take_written(table) == {("p", "none")}


def test_of_a_table_whose_items_were_replaced_nothing_is_known() -> None:
    """A backup was restored, or the table was made again."""
    tables, table = Tables(FakeDynamoDb()), a_table("one")
    tables.take_written(table)
    table["items"] = collections.defaultdict(dict)
    assert tables.take_written(table) is None
    assert tables.take_written(table) == set()


def test_a_table_that_is_gone_is_let_go() -> None:
    """Its items with it."""
    tables, kept, gone = Tables(FakeDynamoDb()), a_table("kept"), a_table("gone")
    tables.take_written(kept)
    tables.take_written(gone)
    tables.forget_others([kept])
    assert tables.take_written(kept) == set()
    assert tables.take_written(gone) is None


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """Give an emulator with a table that was saved once."""
    directory: Path = tmp_path_factory.mktemp("emulator")
    emulator = EmulatorProcess(directory)
    emulator.start()
    deploy_all(emulator.endpoint_url)
    yield emulator
    emulator.close()


def key(name: str) -> dict[str, Any]:
    """Return the key of an item."""
    return {"task_id": {"S": name}}


def refused_transaction(client: Any) -> None:  # noqa: ANN401 - botocore makes its class
    """Put two in a transaction that is undone, and then one alone."""
    exists = "attribute_exists(task_id)"
    first = {"Put": {"TableName": NAME, "Item": {**key("undone"), "owner": {"S": "undone"}}}}
    second = {
        "ConditionCheck": {"TableName": NAME, "Key": key("no"), "ConditionExpression": exists}
    }
    with contextlib.suppress(ClientError):
        client.transact_write_items(TransactItems=[first, second])
    client.put_item(TableName=NAME, Item={**key("a"), "owner": {"S": "new"}})


WAYS: dict[str, Callable[[Any], object]] = {
    "update": lambda client: client.update_item(
        TableName=NAME,
        Key=key("a"),
        UpdateExpression="SET #owner = :new",
        ExpressionAttributeNames={"#owner": "owner"},
        ExpressionAttributeValues={":new": {"S": "new"}},
    ),
    "batch": lambda client: client.batch_write_item(
        RequestItems={
            NAME: [
                {"PutRequest": {"Item": {**key("a"), "owner": {"S": "new"}}}},
                {"DeleteRequest": {"Key": key("b")}},
            ]
        }
    ),
    "transaction": lambda client: client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": NAME, "Item": {**key("a"), "owner": {"S": "new"}}}},
            {"Delete": {"TableName": NAME, "Key": key("b")}},
        ]
    ),
    "statement": lambda client: client.execute_statement(
        Statement=f"UPDATE \"{NAME}\" SET owner='new' WHERE task_id='a'"  # noqa: S608 - a constant
    ),
    "after a transaction that was undone": refused_transaction,
}


@pytest.mark.emulator
@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_writing_is_saved(emulator: EmulatorProcess, way: str) -> None:
    """Though the emulator is killed right after the save."""
    client = emulator.dynamodb
    for name in ("a", "b"):
        client.put_item(TableName=NAME, Item={**key(name), "owner": {"S": f"old of {way}"}})
    wait_for(lambda: saved_text(emulator.state).count(f"old of {way}") == 2, "both to be on disk")
    WAYS[way](client)
    items = client.scan(TableName=NAME)["Items"]
    left = sum(item["owner"] == {"S": f"old of {way}"} for item in items)
    wait_for(
        lambda: saved_text(emulator.state).count(f"old of {way}") == left, "the change to be saved"
    )
    emulator.kill()
    emulator.start()
    again = emulator.dynamodb.scan(TableName=NAME)["Items"]
    assert sorted(again, key=str) == sorted(items, key=str)
    assert {"task_id": {"S": "a"}, "owner": {"S": "new"}} in again
