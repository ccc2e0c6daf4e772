"""Pieces: four at a time, and none begun that might end after the deadline."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.adapters.dynamodb import side_items
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.errors import StoreUnavailable
from tests.contract.stored_tasks import noise
from tools.backends import Backend

ID = "00000000-0000-4000-8000-000000000001"
#: Of 100 bytes each; noise does not compress.
PIECES = 12


def a_store(backend: Backend, **settings: Any) -> DynamoDbTaskStore:  # noqa: ANN401 - any setting
    """Return a store with tiny pieces."""
    return DynamoDbTaskStore(backend.settings(**settings), piece_bytes=100)


@pytest.mark.parametrize("at_once", [2, 4])
def test_so_many_pieces_are_put_at_the_same_time(backend: Backend, at_once: int) -> None:
    """The first ones wait for each other; were they put in turn, none would ever be."""
    store = a_store(backend, database_pieces_at_once=at_once)
    together = threading.Barrier(at_once, timeout=30)
    first = iter(range(at_once))

    def wait(**_: object) -> None:
        if next(first, None) is not None:
            together.wait()

    store.client.meta.events.register_first("before-call.dynamodb.PutItem", wait)
    kept = store.keep_circuit(ID, noise(100 * PIECES))
    assert kept.pieces > 4
    assert not together.broken


def test_after_a_failure_no_more_pieces_are_begun(backend: Backend) -> None:
    """It is not in doubt: nothing refers to what was put."""
    store = a_store(backend, database_pieces_at_once=1, database_attempts_max=1)
    calls: list[object] = []

    def refuse(**_: object) -> None:
        calls.append(None)
        if len(calls) == 2:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")

    store.client.meta.events.register_first("before-send.dynamodb.PutItem", refuse)
    with pytest.raises(StoreUnavailable) as caught:
        store.keep_circuit(ID, noise(100 * PIECES))
    assert not caught.value.in_doubt
    assert len(calls) == 2


def test_past_the_deadline_no_piece_is_begun(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each put takes two seconds of a clock: those that might end after eight are not begun."""
    store = a_store(backend, database_pieces_at_once=1)
    seconds = iter(range(0, 1_000, 2))
    monkeypatch.setattr(side_items, "monotonic", lambda: next(seconds))
    puts: list[object] = []
    store.client.meta.events.register("before-call.dynamodb.PutItem", lambda **_: puts.append(None))
    with pytest.raises(StoreUnavailable):
        store.keep_circuit(ID, noise(100 * PIECES))
    assert len(puts) == 2
