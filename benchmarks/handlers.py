"""The processor time of a handler against bare botocore making the same calls, network stubbed.

`python -m benchmarks.handlers FILE [ROUNDS]` runs in a process of its own, since it prepares the
environment as Lambda does before it imports the service, and sends what the service logs away.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.events import Context, circuit_of, http_event, queue_event
from benchmarks.figures import Figure, Goal, profile_of, ratios
from benchmarks.stubbed import ENVIRONMENT, StubbedAws, built_service

CIRCUIT_BYTES: Final = 1024
#: Calls in one sample. Few enough that a slow spell of the machine hits both sides of a round.
_CALLS: Final = 40
_WARMING_CALLS: Final = 5
_PROFILED_CALLS: Final = 200

Job = Callable[[], object]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A handler, and the same calls without it."""

    name: str
    goal: Goal
    handler: Job
    bare: Job


def pairs(aws: StubbedAws) -> list[Pair]:
    """Call each handler once, and make the bare calls from what it asked for."""
    import botocore.session  # noqa: PLC0415 - the environment comes first

    import app  # noqa: PLC0415

    ports: Any = built_service().ports
    session = botocore.session.get_session()
    dynamodb: Any = session.create_client("dynamodb")
    sqs: Any = session.create_client("sqs")
    aws.attach(ports.store.client, ports.queue.client, dynamodb, sqs)
    context = Context()
    body = {"circuit": circuit_of(CIRCUIT_BYTES), "shots": 1000, "tags": {"a": "b"}}
    post = http_event("POST", "/tasks", body=body)
    task_id = json.loads(app.app(post, context)["body"])["task_id"]
    put, send = aws.requests["PutItem"], aws.requests["SendMessage"]
    item = stored(put["Item"])
    aws.answer("GetItem", {"Item": item})
    aws.answer("claim", {"Attributes": claimed(item)})
    aws.answer("settle", {"Attributes": settled(item)})
    get = http_event("GET", "/tasks/{task_id}", task_id=task_id)
    _check(app.app(get, context)["statusCode"] == 200)  # noqa: PLR2004 - HTTP's
    batch = queue_event({"id": "m" * 36, "body": send["MessageBody"]})
    aws.calls.clear()
    app.worker(batch, context)
    _check(aws.calls == ["UpdateItem", "UpdateItem"])
    read, claim, settle = (aws.requests[kind] for kind in ("GetItem", "claim", "settle"))
    aws.remembers = False
    return [
        Pair(
            name="CPU of POST",
            goal=Goal(1.45),
            handler=lambda: app.app(post, context),
            bare=lambda: (dynamodb.put_item(**put), sqs.send_message(**send)),
        ),
        Pair(
            name="CPU of GET",
            goal=Goal(1.30),
            handler=lambda: app.app(get, context),
            bare=lambda: dynamodb.get_item(**read),
        ),
        Pair(
            name="CPU of the worker for a task",
            goal=Goal(1.80),
            handler=lambda: app.worker(batch, context),
            bare=lambda: (dynamodb.update_item(**claim), dynamodb.update_item(**settle)),
        ),
    ]


def stored(item: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return an item as DynamoDB sends it."""
    return json.loads(json.dumps(item, default=lambda value: base64.b64encode(value).decode()))


def claimed(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item after its first claim."""
    at = item["submitted_at"]
    entry = {"M": {"event": {"S": "claim"}, "status": {"S": "processing"}, "at": at}}
    return {
        **item,
        "status": {"S": "processing"},
        "attempt": {"N": "1"},
        "started_at": at,
        "lease_owner": {"S": "t" * 36},
        "lease_expires_at": at,
        "history": {"L": [*item["history"]["L"], entry]},
    }


def settled(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item after its first attempt has completed it."""
    held = claimed(item)
    at = item["submitted_at"]
    entry = {"M": {"event": {"S": "complete"}, "status": {"S": "completed"}, "at": at}}
    ended = {
        **held,
        "status": {"S": "completed"},
        "completed_at": at,
        "history": {"L": [*held["history"]["L"], entry]},
    }
    removed = {"open_shard", "due_at", "lease_owner", "lease_expires_at"}
    return {name: value for name, value in ended.items() if name not in removed}


def measure(pair: Pair, rounds: int) -> Figure:
    """Alternate the two, and compare within each round."""
    for job in (pair.handler, pair.bare):
        for _ in range(_CALLS):
            job()
    handler, bare = [], []
    gc.disable()
    for _ in range(rounds):
        handler.append(_microseconds(pair.handler))
        bare.append(_microseconds(pair.bare))
    gc.enable()
    figure = Figure(
        name=pair.name,
        goal=pair.goal,
        samples=ratios(handler, bare),
        meaning="of bare botocore making the same calls",
        parts={
            "handler µs": statistics.median(handler),
            "bare µs": statistics.median(bare),
        },
    )
    if figure.is_reached:
        return figure
    return msgspec.structs.replace(figure, profile=profile_of(pair.handler, _PROFILED_CALLS))


def _microseconds(job: Job) -> float:
    gc.collect()  # which leaves the caches cold: it is neither's time
    for _ in range(_WARMING_CALLS):
        job()
    started = time.process_time()
    for _ in range(_CALLS):
        job()
    return (time.process_time() - started) / _CALLS * 1e6


def _check(holds: bool) -> None:  # noqa: FBT001 - what holds
    if not holds:
        raise RuntimeError("the stubbed service does not behave as it should")


def main() -> None:
    """Measure, and write the figures to a file: standard output is for what the service logs."""
    target, rounds = Path(sys.argv[1]), int(sys.argv[2])
    os.environ.update(ENVIRONMENT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    figures = [measure(pair, rounds) for pair in pairs(StubbedAws())]
    target.write_bytes(msgspec.json.encode(figures))


if __name__ == "__main__":
    main()
