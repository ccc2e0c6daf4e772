"""The item: that old ones read, and that it stays small."""

from __future__ import annotations

import random
import string
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.domain import lifecycle, payloads
from chalicelib.domain.task import Lease, TaskStatus
from chalicelib.errors import StoreUnavailable
from tests.support.in_memory import T0, a_request, a_result, a_task
from tests.unit.domain.test_lifecycle import DECISIONS
from tools.backends import Backend

BELL = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n'
    "h q[0];\ncx q[0], q[1];\nc = measure q;\n"
)
ID = "00000000-0000-4000-8000-000000000001"


def item_bytes(value: Any) -> int:  # noqa: ANN401 - an attribute value
    """Return the size that DynamoDB counts ("DynamoDB Item sizes and formats")."""
    if isinstance(value, dict):
        return sum(item_bytes(name) + item_bytes(held) + 1 for name, held in value.items()) + 3
    if isinstance(value, list):
        return sum(item_bytes(held) + 1 for held in value) + 3
    return len(value if isinstance(value, bytes) else str(value).encode())


def _text_that_packs_to(size: int) -> str:
    letters = random.Random(size)  # noqa: S311 - must be repeatable, not secret
    text = ""
    while len(payloads.pack(text)) < size:
        text += letters.choice(string.printable)
    assert len(payloads.pack(text)) == size
    return text


@pytest.mark.parametrize(("size", "inline"), [(2_048, True), (2_049, False)])
def test_a_packed_text_of_two_kib_lies_in_the_item_and_a_byte_more_does_not(
    backend: Backend, size: int, *, inline: bool
) -> None:
    """Every transition rewrites the item, so circuit and result have a bound in it."""
    text = _text_that_packs_to(size)
    store = DynamoDbTaskStore(backend.settings())
    store.create_if_absent(a_task(ID, request=a_request(text)))
    item = backend.dynamodb().get_item(TableName=backend.table_name, Key={"task_id": {"S": ID}})[
        "Item"
    ]
    assert ("circuit" in item, "circuit_ref" in item) == (inline, not inline)
    task = store.get(ID)
    assert task is not None
    assert task.request.circuit == text


@pytest.mark.parametrize("event", ["claim", "cancel"])
def test_a_transition_whose_circuit_is_not_read_is_in_doubt(backend: Backend, event: str) -> None:
    """It is applied: a caller that is told that it failed must not be told that it was refused."""
    store = DynamoDbTaskStore(backend.settings())
    task = a_task(ID, request=a_request("".join(f"rz({n}) q;" for n in range(9_000))))
    store.create_if_absent(task)

    def refuse(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1")

    store.client.meta.events.register_first("before-send.dynamodb.GetItem", refuse)
    with pytest.raises(StoreUnavailable) as caught:
        store.apply(DECISIONS[event](task))
    store.client.meta.events.unregister("before-send.dynamodb.GetItem", refuse)
    assert caught.value.in_doubt
    stored = store.get(ID)
    assert stored is not None
    assert stored.history[-1].event == event


def test_a_circuit_that_cannot_be_deleted_does_not_hide_that_its_task_was(backend: Backend) -> None:
    """The task goes first; what remains of its circuit does no harm."""
    store = DynamoDbTaskStore(backend.settings())
    store.create_if_absent(
        a_task(ID, request=a_request("".join(f"rz({n}) q;" for n in range(9_000))))
    )
    deletes: list[object] = []

    def refuse_the_second(**_: object) -> None:
        deletes.append(None)
        if len(deletes) > 1:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")

    store.client.meta.events.register_first("before-send.dynamodb.DeleteItem", refuse_the_second)
    store.delete_if_pending(ID)
    assert len(deletes) > 1
    assert store.get(ID) is None


def test_a_small_tasks_item_is_one_write_unit_all_its_life(backend: Backend) -> None:
    """Below 1 KB from the put to the result, so a transition costs one unit."""
    store = DynamoDbTaskStore(backend.settings())
    client = backend.dynamodb()

    def size() -> int:
        item = client.get_item(TableName=backend.table_name, Key={"task_id": {"S": ID}})["Item"]
        plain = {name: next(iter(typed.values())) for name, typed in item.items()}
        return item_bytes(plain)

    sizes = []
    store.create_if_absent(a_task(ID, request=a_request(BELL, shots=1024)))
    sizes.append(size())
    lease = Lease(holder="0" * 36, expires_at=T0)
    store.apply(lifecycle.claim_if_available(ID, lease=lease, now=T0, attempts_max=1))
    sizes.append(size())
    store.apply(lifecycle.complete_if_current_attempt(ID, attempt=1, result=a_result(), now=T0))
    sizes.append(size())
    assert all(bytes_ <= 1024 for bytes_ in sizes), sizes
    item = client.get_item(TableName=backend.table_name, Key={"task_id": {"S": ID}})["Item"]
    assert item["status"]["S"] == TaskStatus.COMPLETED
    assert {"open_shard", "due_at", "lease_owner"} & set(item) == set()
