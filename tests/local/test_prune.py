"""Pruning: what nothing refers to goes after a day, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from infra.audit.audit import audit
from infra.audit.prune import Pruned, main, prune
from infra.audit.reading import Located, Reader
from tests.contract.stored_tasks import decide, noise
from tests.local.test_audit import TOLERANCE
from tests.support.in_memory import a_request, a_task
from tools.backends import Backend, moto_backend

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def backend() -> Iterator[Backend]:
    """Return a backend of its own."""
    with moto_backend() as backend:
        yield backend


def store_at(backend: Backend, now: datetime) -> DynamoDbTaskStore:
    """Return a store that puts its side items at this time, in small pieces."""
    return DynamoDbTaskStore(backend.settings(), piece_bytes=4_096, now=lambda: now)


def test_pieces_that_no_task_refers_to_are_deleted_after_a_day(backend: Backend) -> None:
    """Young ones, undated ones and those in use stay; the audit counts what is unused."""
    old, young = store_at(backend, NOW - timedelta(days=2)), store_at(backend, NOW)
    used = a_task(str(uuid4()), request=a_request(noise(20_000)))
    old.create_if_absent(used)
    for store in (old, young, young):
        store.keep_circuit(str(uuid4()), noise(20_000))
    client, table = backend.dynamodb(), backend.table_name
    client.put_item(
        TableName=table, Item={"task_id": {"S": f"{uuid4()}#result#1"}, "payload": {"B": b"r{}"}}
    )
    reader = Reader(
        Located(table_name=table, queue_url=backend.queue_url, dead_letter_queue_url=None)
    )
    before = audit(reader, TOLERANCE)
    pieces = (before.unreferenced - 1) // 3
    assert pieces > 3
    assert prune(client, table, now=NOW) == Pruned(deleted=pieces, young=2 * pieces, undated=1)
    assert audit(reader, TOLERANCE).unreferenced == 2 * pieces + 1
    assert old.get(used.task_id) is not None
    assert old.apply(decide("claim", used)).request == used.request


def test_a_piece_that_is_put_again_meanwhile_stays(backend: Backend) -> None:
    """A repeated request has the same content, so the same key: its delete is conditional."""
    task_id = str(uuid4())
    store_at(backend, NOW - timedelta(days=2)).keep_circuit(task_id, noise(20_000))
    client, again = backend.dynamodb(), store_at(backend, NOW)

    def put_again(**_: object) -> None:
        again.keep_circuit(task_id, noise(20_000))

    event = "before-call.dynamodb.DeleteItem"
    client.meta.events.register_first(event, put_again)
    try:
        assert prune(client, backend.table_name, now=NOW).deleted == 0
    finally:
        client.meta.events.unregister(event, put_again)  # other tests share the client
    task = a_task(task_id, request=a_request(noise(20_000)))
    again.create_if_absent(task)
    assert again.get(task_id) is not None


def test_the_command_says_what_it_did(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prunes what the environment names."""
    for name, value in backend.environment.items():
        monkeypatch.setenv(name, value)
    store_at(backend, NOW - timedelta(days=900)).keep_circuit(str(uuid4()), noise(5_000))
    assert main([]) == 0
    assert "side items that no task refers to" in capsys.readouterr().out
