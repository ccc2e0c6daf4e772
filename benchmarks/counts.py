"""What a task costs, counted exactly: calls, request bytes, capacity units and log bytes.

Units follow "DynamoDB on-demand pricing": one write unit for each KB of the item that is written
and for each entry of an index that is put or deleted (both are keys-only, so below 1 KB), one read
unit for 4 KB of a consistent read. Log bytes are those of standard output, as CloudWatch takes
them, with times and durations of one length.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import math
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from benchmarks.events import BELL, Context, http_event, queue_event
from benchmarks.service import built_service
from chalicelib import composition
from chalicelib.adapters.telemetry import SERVICE
from tools.backends import Backend

_WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_INDEX_WRITES: Final = {"submit": 2, "execute": 1, "poll": 0}
_VARYING: Final = re.compile(r'("(?:duration|queue_wait|execution)_ms":)[\d.]+')
#: Members of a line that need not be said: all but time, level, message, the task's ids and its
#: transition, how long a call took, and metrics.
_EXTRAS: Final = frozenset(
    {"function_request_id", "capacity_units", "attempt", "receive_count", "reason"}
)
#: The circuits that are counted, by what they pack to.
CIRCUITS: Final[dict[str, str | int]] = {
    "Bell": BELL,
    "853 B packed": 853,
    "4 KB packed": 4096,
    "100 KB packed": 102_400,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a task's life."""

    calls: tuple[str, ...]
    request_bytes: int
    write_units: int
    read_units: int
    log_bytes: int
    #: The same lines with nothing but what has to be said.
    log_bytes_baseline: int
    #: Of each line, in their order: its message and its bytes.
    log_lines: tuple[tuple[str, int], ...]


@dataclasses.dataclass(slots=True)
class _Seen:
    calls: list[str] = dataclasses.field(default_factory=list)
    request_bytes: int = 0

    def listen(self, client: Any) -> None:  # noqa: ANN401 - any botocore client
        client.meta.events.register_first("before-send.*.*", self._on_send)

    def _on_send(self, request: Any, event_name: str, **_: object) -> None:  # noqa: ANN401
        self.calls.append(event_name.rpartition(".")[2])
        self.request_bytes += len(request.body or b"")


def count(backend: Backend, circuit: str | int) -> dict[str, Step]:
    """Count the steps of one task, submitted, executed and polled in this process."""
    import app  # noqa: PLC0415 - the environment comes first

    ports: Any = built_service().ports
    text = text_of(circuit)
    seen = _Seen()
    seen.listen(ports.store.client)
    seen.listen(ports.queue.client)
    steps: dict[str, Step] = {}

    def step(name: str, run: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the handler answers
        seen.calls.clear()
        seen.request_bytes = 0
        with _logged() as log:
            answer = run()
        calls = tuple(seen.calls)
        lines = _VARYING.sub(r"\g<1>12.3", log.getvalue()).splitlines(keepends=True)
        steps[name] = Step(
            calls=calls,
            request_bytes=seen.request_bytes,
            write_units=_write_units(backend, calls) + _INDEX_WRITES[name],
            read_units=_read_units(backend, calls),
            log_bytes=sum(len(line.encode()) for line in lines),
            log_bytes_baseline=sum(len(_needed_members(line)) for line in lines),
            log_lines=tuple((json.loads(line)["message"], len(line.encode())) for line in lines),
        )
        return answer

    body = {"circuit": text, "shots": 1024}
    accepted = step("submit", lambda: app.app(http_event("POST", "/tasks", body=body), Context()))
    task_id = json.loads(accepted["body"])["task_id"]
    message = _receive(backend)
    batch = queue_event(message)
    step("execute", lambda: app.worker(batch, Context()))
    get = http_event("GET", "/tasks/{task_id}", task_id=task_id)
    step("poll", lambda: app.app(get, Context()))
    handle = message["receipt_handle"]
    backend.sqs().delete_message(QueueUrl=backend.queue_url, ReceiptHandle=handle)
    backend.empty_table()
    composition.override_service(None)
    return steps


def _needed_members(line: str) -> bytes:
    """Leave out of a line what is not asked for: units, attempts, receives, reasons, requests."""
    kept = {name: value for name, value in json.loads(line).items() if name not in _EXTRAS}
    return msgspec.json.encode(kept) + b"\n"


def _write_units(backend: Backend, calls: tuple[str, ...]) -> int:
    """Count by the sizes after the step: each write of the task is of one size, near enough."""
    writes = sum(call in _WRITES for call in calls)
    own, side = _item_sizes(backend)
    is_apart = calls.count("PutItem") > 1
    units = (writes - is_apart) * math.ceil(own / 1024)
    return units + (math.ceil(side / 1024) if is_apart else 0)


def _read_units(backend: Backend, calls: tuple[str, ...]) -> int:
    reads = calls.count("GetItem")
    own, side = _item_sizes(backend)
    of_side = reads - ("UpdateItem" not in calls) if reads else 0  # a claim brings the task itself
    of_own = reads - of_side
    return of_own * math.ceil(own / 4096) + of_side * math.ceil(side / 4096)


def _item_sizes(backend: Backend) -> tuple[int, int]:
    """Return the size of the only task's item, and of its side item."""
    items = backend.dynamodb().scan(TableName=backend.table_name)["Items"]
    sizes = {"#" in item["task_id"]["S"]: _bytes_of_item(item) for item in items}
    return sizes[False], sizes.get(True, 0)


def _bytes_of_item(item: Any) -> int:  # noqa: ANN401 - DynamoDB's JSON
    return sum(len(name.encode()) + _bytes_of(typed) for name, typed in item.items())


def _bytes_of(typed: Any) -> int:  # noqa: ANN401 - DynamoDB's JSON
    """Return the size of a value ("DynamoDB item sizes and formats")."""
    ((kind, value),) = typed.items()
    if kind == "M":
        return 3 + sum(len(n.encode()) + _bytes_of(v) + 1 for n, v in value.items())
    if kind == "L":
        return 3 + sum(_bytes_of(v) + 1 for v in value)
    return len(value if isinstance(value, bytes) else str(value).encode())


def _receive(backend: Backend) -> dict[str, str]:
    received = backend.sqs().receive_message(QueueUrl=backend.queue_url)["Messages"][0]
    return {
        "id": received["MessageId"],
        "receipt_handle": received["ReceiptHandle"],
        "body": received["Body"],
    }


@contextlib.contextmanager
def _logged() -> Iterator[io.StringIO]:
    """Take what the service logs until the end of the block."""
    log = io.StringIO()
    handlers = [
        handler
        for handler in logging.getLogger(SERVICE).handlers
        if isinstance(handler, logging.StreamHandler)
    ]
    before = [handler.setStream(log) for handler in handlers]
    try:
        yield log
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            handler.setStream(stream)


def text_of(circuit: str | int) -> str:
    """Return a circuit, or a text that packs to about so many bytes.

    It is of random digits, which pack to half a byte each.
    """
    if isinstance(circuit, str):
        return circuit
    return random.Random(7).randbytes(circuit).hex()[: 2 * circuit - 40]  # noqa: S311
