"""How fast one worker drains a queue, against a bare boto3 loop that makes the same calls.

Both do for each task one claim and one settle (`UpdateItem`), and for each batch of ten one receive
and one batch delete, on the same emulator. What is measured is therefore what the service adds:
checks, logs, metrics, the process that holds the function; and what it saves, since it executes
some records of a batch at the same time, as it is shipped. Celery does the same number of tasks on
the same emulator, with a worker of one thread and with one of as many. Rounds alternate, so that a
slow spell of the machine hits all.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.events import BELL
from benchmarks.figures import Figure, Goal, ratios
from chalicelib import composition
from chalicelib.adapters.telemetry import logger
from chalicelib.domain.task import TaskRequest
from chalicelib.settings import Settings
from chalicelib.use_cases.submit import Submission
from infra.local.settings import ROOT
from infra.local.stand_ins.lambda_runtime.invoker import Invoker
from infra.local.stand_ins.sqs_trigger import EventSourceMapping, Poller, sqs_client
from tools.backends import Backend

_BARE: Final = Goal(0.85, at_most=False)
_CELERY: Final = Goal(1.25, at_most=False)
_CELERY_PYTHON: Final = ROOT / ".venv-celery" / "bin" / "python"
_CELERY_SECONDS_MAX: Final = 300.0


@dataclasses.dataclass(frozen=True, slots=True)
class Drained:
    """One round."""

    tasks: int
    seconds: float

    @property
    def rate(self) -> float:
        """Tasks per second."""
        return self.tasks / self.seconds


def enqueue(backend: Backend, count: int) -> None:
    """Submit tasks, quietly."""
    with quiet():
        settings = backend.settings()
        service = composition.build(settings, composition.build_ports(settings))
        for _ in range(count):
            service.submit(
                Submission(
                    request=TaskRequest(circuit=BELL, shots=1024, tags={}),
                    owner="local",
                    correlation_id=str(uuid.uuid4()),
                )
            )


def drain_with_service(
    backend: Backend, count: int, log: Path, *, handler: str = "app.worker"
) -> Drained:
    """Drain with the poller and the deployed entry point, or another, warmed up."""
    with environment(backend.environment), output_to(log):
        invoker = Invoker(handler, function_name="quantum-tasks-benchmark", timeout_seconds=60)
        client = sqs_client()
        poller = Poller(client, EventSourceMapping(queue_url=backend.queue_url), invoker)
        invoker.warm_up()
        enqueue(backend, 10)
        drained(poller, 10)  # builds the clients and opens the connections
        enqueue(backend, count)
        started = time.perf_counter()
        drained(poller, count)
        seconds = time.perf_counter() - started
        invoker.close()
    return Drained(count, seconds)


def drained(poller: Poller, count: int) -> None:
    """Process so many messages."""
    left = count
    while left > 0:
        messages = poller.receive()
        failed = poller.process(messages) if messages else frozenset()
        if failed:
            message = f"{len(failed)} deliveries failed: see the log"
            raise RuntimeError(message)
        left -= len(messages)


def drain_bare(backend: Backend, count: int) -> Drained:
    """Drain with nothing but boto3: the same calls with the same attributes."""
    dynamodb, sqs, url = backend.dynamodb(), backend.sqs(), backend.queue_url
    dynamodb.describe_table(TableName=backend.table_name)
    enqueue(backend, count)
    left, started = count, time.perf_counter()
    while left > 0:
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        for message in received:
            task_id = json.loads(message["Body"])["task_id"]
            for update in (_claim, _settle):
                dynamodb.update_item(
                    TableName=backend.table_name,
                    Key={"task_id": {"S": task_id}},
                    ReturnValues="ALL_NEW",
                    **update(),
                )
        if received:
            sqs.delete_message_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]}
                    for n, m in enumerate(received)
                ],
            )
        left -= len(received)
    return Drained(count, time.perf_counter() - started)


def _now() -> dict[str, str]:
    return {"S": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f%z")}


def _entry(event: str, status: str) -> dict[str, Any]:
    entry = {"event": {"S": event}, "status": {"S": status}, "at": _now()}
    return {"L": [{"M": entry}]}


def _claim() -> dict[str, Any]:
    return {
        "UpdateExpression": "SET #s = :s, history = list_append(history, :h), attempt = attempt + "
        ":one, started_at = if_not_exists(started_at, :now), lease_owner = :o, "
        "lease_expires_at = :now",
        "ConditionExpression": "#s IN (:pending, :s) AND attempt < :max AND "
        "(attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now)",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {
            ":s": {"S": "processing"},
            ":pending": {"S": "pending"},
            ":h": _entry("claim", "processing"),
            ":one": {"N": "1"},
            ":max": {"N": "5"},
            ":now": _now(),
            ":o": {"S": str(uuid.uuid4())},
        },
    }


def _settle() -> dict[str, Any]:
    return {
        "UpdateExpression": "SET #s = :s, history = list_append(history, :h), completed_at = :now, "
        "#r = :r REMOVE open_shard, due_at, lease_owner, lease_expires_at",
        "ConditionExpression": "#s = :p AND attempt = :one",
        "ExpressionAttributeNames": {"#s": "status", "#r": "result"},
        "ExpressionAttributeValues": {
            ":s": {"S": "completed"},
            ":p": {"S": "processing"},
            ":h": _entry("complete", "completed"),
            ":one": {"N": "1"},
            ":now": _now(),
            ":r": {"B": b"r" + json.dumps({"counts": {"00": 512, "11": 512}}).encode()},
        },
    }


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for this process and its children, until the block ends."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Send this process's and its children's output to a file: logs cost, a terminal costs more."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            for number, descriptor in enumerate(kept, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what this process logs and measures about its own submissions."""
    level = logger.log_level
    logger.setLevel("CRITICAL")
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield
    logger.setLevel(level)


def drain_with_celery(backend: Backend, count: int, *, threads: int) -> float:
    """Return the tasks/s of one worker of Celery."""
    arguments = [str(backend.endpoint_url), str(count), str(threads)]
    done = subprocess.run(
        [_CELERY_PYTHON, "-m", "benchmarks.celery_peer", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_CELERY_SECONDS_MAX,
        check=True,
    )
    rate: float = json.loads(done.stdout.splitlines()[-1])["rate"]
    return rate


def measure(backend: Backend, log: Path, *, tasks: int, rounds: int) -> list[Figure]:
    """Run the rounds; the rates are given with the ratios."""
    backend.sqs().purge_queue(QueueUrl=backend.queue_url)
    at_once = Settings().execution_concurrency
    ours, bare, celery, threaded = [], [], [], []
    for _ in range(rounds):
        bare.append(drain_bare(backend, tasks).rate)
        ours.append(drain_with_service(backend, tasks, log).rate)
        celery.append(drain_with_celery(backend, tasks, threads=1))
        threaded.append(drain_with_celery(backend, tasks, threads=at_once))
    with environment({"EXECUTION_CONCURRENCY": "1"}):
        single = drain_with_service(backend, tasks, log).rate
    baseline = drain_with_service(
        backend, tasks, log, handler="benchmarks.baseline_app.worker"
    ).rate
    return [
        _compared(
            "drain by one worker",
            _BARE,
            ours,
            bare,
            f"{tasks:,} tasks, rate over that of the bare boto3 loop",
            {"one record at a time": single, "the baseline, one at a time": baseline},
        ),
        _compared(
            "drain by one worker against Celery",
            _CELERY,
            ours,
            celery,
            f"{tasks:,} tasks, rate over that of Celery's solo worker on SQS with its DynamoDB "
            "backend and track_started",
            {f"theirs with {at_once} threads": statistics.median(threaded)},
        ),
    ]


def _compared(
    name: str,
    goal: Goal,
    ours: list[float],
    theirs: list[float],
    meaning: str,
    also: dict[str, float],
) -> Figure:
    rates = {"tasks/s": statistics.median(ours), "theirs": statistics.median(theirs)}
    return Figure(
        name=name,
        goal=goal,
        samples=ratios(ours, theirs),
        meaning=meaning,
        parts={**rates, **also},
        profile=("the worker's own time is in the profile of `CPU of the worker for a task`",),
    )
