"""What a task costs: calls, request bytes and write units, counted exactly.

Write units follow "DynamoDB on-demand pricing": one for each KB of the item that is written, and
one for each index entry that is put or deleted (both are keys-only, so an entry is below 1 KB).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any

from benchmarks.drain import BELL, quiet
from chalicelib import composition
from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import TaskRequest
from chalicelib.use_cases.submit import Submission
from tests.support.backends import Backend
from tests.unit.adapters.test_items import item_bytes

_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}


@dataclasses.dataclass(slots=True)
class Counter:
    """Counts the calls of a client, and what they send."""

    calls: list[str] = dataclasses.field(default_factory=list)
    request_bytes: int = 0

    def listen(self, client: Any) -> None:  # noqa: ANN401 - any botocore client
        """Count this client's requests too."""
        client.meta.events.register("before-send.*.*", self._on_send)

    def _on_send(self, request: Any, event_name: str, **_: object) -> None:  # noqa: ANN401
        self.calls.append(event_name.rpartition(".")[2])
        self.request_bytes += len(request.body or b"")


def report(backend: Backend) -> None:
    """Print a table: for each circuit and step, calls, bytes and write units."""
    print(f"{'circuit':<24}{'step':<10}{'calls':<46}{'request bytes':>14}{'write units':>12}")
    for name, circuit in (
        ("Bell", BELL),
        ("853 B packed", _text_packing_to(853)),
        ("4 KB packed", _text_packing_to(4096)),
        ("100 KB packed", _text_packing_to(102_400)),
    ):
        _report_one(backend, name, circuit)


def _report_one(backend: Backend, name: str, circuit: str) -> None:
    settings = backend.settings(execution_concurrency=1)
    with quiet():
        service = composition.build(settings, composition.build_ports(settings))
    ports: Any = service.ports
    client = backend.dynamodb()

    def item_size(task_id: str) -> int:
        key = {"task_id": {"S": task_id}}
        item = client.get_item(TableName=backend.table_name, Key=key)["Item"]
        return item_bytes({n: next(iter(typed.values())) for n, typed in item.items()})

    def step(label: str, index_writes: int, run: Callable[[], str]) -> str:
        counter = Counter()
        counter.listen(ports.store.client)
        counter.listen(ports.queue.client)
        with quiet():
            task_id = run()
        for listened in (ports.store.client, ports.queue.client):
            listened.meta.events.unregister("before-send.*.*", counter._on_send)  # noqa: SLF001
        writes = sum(call in _WRITES for call in counter.calls)
        side = math.ceil(len(circuit.encode()) / 1024) if counter.calls.count("PutItem") > 1 else 0
        own = (writes - (side > 0)) * math.ceil(item_size(task_id) / 1024)
        print(
            f"{name:<24}{label:<10}{', '.join(counter.calls):<46}{counter.request_bytes:>14,}"
            f"{own + index_writes + side:>12}"
        )
        return task_id

    task_id = step(
        "submit",
        2,
        lambda: (
            service.submit(
                Submission(
                    request=TaskRequest(circuit=circuit, shots=1024, tags={}),
                    owner="local",
                    correlation_id="00000000-0000-4000-8000-000000000000",
                )
            ).task.task_id
        ),
    )
    step("execute", 1, lambda: _execute(service, task_id))
    step("get", 0, lambda: service.get(task_id, owner="local").task_id)


def _execute(service: composition.Service, task_id: str) -> str:
    message = TaskMessage(
        task_id=task_id, correlation_id="c", enqueued_at=service.ports.clock.now()
    )
    delivery = Delivery(message=message, message_id="m", receipt_handle="r", receive_count=1)
    service.execute(delivery, seconds_left=lambda: 60)
    return task_id


def _text_packing_to(packed_bytes: int) -> str:
    """Return text that packs to about so many bytes: random digits, half a byte each."""
    import random  # noqa: PLC0415 - only here

    return json.dumps(random.Random(7).randbytes(packed_bytes).hex())[1 : 2 * packed_bytes - 40]  # noqa: S311
