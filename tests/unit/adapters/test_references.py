"""What an item says of its side items, how these are named, and how long deleting them takes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import side_items
from chalicelib.adapters.dynamodb.side_items import Reference, reference_in
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.domain import lifecycle
from chalicelib.domain.unreadable import TaskUnreadable
from tests.contract.stored_tasks import a_large_result, noise
from tests.support.in_memory import T0, FakeClock, a_request, a_task
from tests.unit.domain.test_lifecycle import DECISIONS
from tools.backends import Backend

ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def store(backend: Backend) -> DynamoDbTaskStore:
    """Return a store with tiny pieces and an empty table."""
    settings = backend.settings(database_pieces_at_once=1)
    return DynamoDbTaskStore(settings, piece_bytes=1_500, now=FakeClock().now)


def keys(backend: Backend) -> list[str]:
    """Return the keys of all that is stored."""
    items = backend.dynamodb().scan(TableName=backend.table_name)["Items"]
    return sorted(item["task_id"]["S"] for item in items)


def test_a_result_is_whole_by_what_its_item_says() -> None:
    """An older version kept nothing to know it by."""
    raw: dict[str, Any] = {"result_ref": {"S": "t#result#1"}}
    assert reference_in(raw, "result") == Reference(key="t#result#1", pieces=1, sha256=None)
    known = reference_in({**raw, "result_sha256": {"S": "abc"}}, "result")
    assert known == Reference(key="t#result#1", pieces=1, sha256="abc")


@pytest.mark.parametrize("pieces", [-1, 0, 33])
@pytest.mark.parametrize("name", ["circuit", "result"])
def test_a_number_of_pieces_that_cannot_be_is_refused(name: str, pieces: int) -> None:
    """A corrupt number must not make a loop of millions of calls."""
    raw = {f"{name}_ref": {"S": "t#x#y"}, f"{name}_pieces": {"N": str(pieces)}}
    with pytest.raises(
        ValueError, match=rf"^its {name} cannot be .* in {pieces} pieces$"
    ) as caught:
        reference_in(raw, name)
    assert str(caught.value) == f"its {name} cannot be read: it is said to be in {pieces} pieces"


def test_a_circuits_pieces_are_named_by_its_content_and_say_when_they_were_stored(
    store: DynamoDbTaskStore, backend: Backend
) -> None:
    """Pruning goes by the time; each but the last is as large as a piece may be."""
    kept = store.keep_circuit(ID, noise(4_000))
    client, table = backend.dynamodb(), backend.table_name
    items = [
        client.get_item(TableName=table, Key={"task_id": {"S": key}})["Item"]
        for key in keys(backend)
    ]
    payloads = [item["payload"]["B"] for item in items]
    sha256 = hashlib.sha256(b"".join(payloads)).hexdigest()
    assert kept.key == f"{ID}#circuit#{sha256}"
    assert keys(backend) == [f"{kept.key}#{number}" for number in range(kept.pieces)]
    assert {len(payload) for payload in payloads[:-1]} == {1_500}
    assert 0 < len(payloads[-1]) <= 1_500
    assert {item["stored_at"]["S"] for item in items} == {"2026-01-01T12:00:00+00:00"}


def test_a_results_pieces_are_named_by_its_attempt(
    store: DynamoDbTaskStore, backend: Backend
) -> None:
    """The task says by what they are whole, and asks for a reader of pieces."""
    task = a_task(ID, request=a_request("x"))
    store.create_if_absent(task)
    claimed = store.apply(DECISIONS["claim"](task))
    result = a_large_result(400)
    complete = lifecycle.complete_if_current_attempt(ID, attempt=1, result=result, now=T0)
    store.apply(complete)
    item = backend.dynamodb().get_item(TableName=backend.table_name, Key={"task_id": {"S": ID}})[
        "Item"
    ]
    pieces = int(item["result_pieces"]["N"])
    assert pieces > 1
    assert keys(backend) == [ID, *(f"{ID}#result#1#{number}" for number in range(pieces))]
    assert item["result_ref"] == {"S": f"{ID}#result#1"}
    assert item["schema_version"] == {"N": "2"}
    read = store.get(ID)
    assert read is not None
    assert (read.result, claimed.schema_version) == (result, 1)


def test_a_circuit_in_one_piece_that_is_missing_is_named_by_its_key(
    store: DynamoDbTaskStore, backend: Backend
) -> None:
    """A person finds out by it what was deleted."""
    large = DynamoDbTaskStore(backend.settings())
    large.create_if_absent(a_task(ID, request=a_request(noise(4_000))))
    (key,) = [key for key in keys(backend) if key != ID]
    backend.dynamodb().delete_item(TableName=backend.table_name, Key={"task_id": {"S": key}})
    with pytest.raises(TaskUnreadable) as caught:
        store.get(ID)
    assert caught.value.stored.reason == f"its circuit cannot be read: {key} is missing"[:200]


def test_deleting_pieces_ends_after_two_seconds(
    store: DynamoDbTaskStore, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It adds to an answer that is a 503 anyway; what remains does no harm."""
    task = a_task(ID, request=a_request(noise(10_000)))
    kept = store.keep_circuit(ID, task.request.circuit)
    store.create_if_absent(task, kept)
    assert kept.pieces >= 5
    seconds = iter([0.0, 0.0, 1.0, 2.0, *[2.5] * 10])
    monkeypatch.setattr(side_items, "monotonic", lambda: next(seconds))
    store.delete_if_pending(ID)
    assert keys(backend) == [f"{kept.key}#{number}" for number in range(3, kept.pieces)]
