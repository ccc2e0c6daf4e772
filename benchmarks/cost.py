"""`docs/cost.md`: what a million tasks cost, from counted units and list prices.

No part of it is timed, so it is the same on each machine. What it takes as given stands in it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import app
from benchmarks import prices
from benchmarks.prices import MILLION
from benchmarks.qasmbench import PACKED_BYTES
from chalicelib.adapters.dynamodb.store import INLINE_BYTES_MAX
from chalicelib.executors.cost import estimate
from infra.local.settings import ROOT
from infra.stage import StageSpec

COUNTS: Final = Path(__file__).with_name("counts.json")
DOCUMENT: Final = ROOT / "docs" / "cost.md"

#: How long a call of the API is billed for, in seconds: some 3 ms of processor at 1,024 MB (0.58
#: of a processor) and two calls of 5 ms; a poll makes one.
API_SECONDS: Final = {"submit": 0.017, "poll": 0.010}
#: The same of the worker for one task without its execution: two calls, while the tasks of a
#: batch share the invocation.
WORKER_SECONDS: Final = 0.004
#: Messages in a batch, where there are enough: receives and deletes are made for a whole batch.
BATCH: Final = app.BATCH_SIZE
#: Pollers of Lambda's where a maximum concurrency is set, each waiting 20 s for a message.
IDLE_POLLERS: Final = 5
_LONG_POLL_SECONDS: Final = 20
_MONTH_SECONDS: Final = 30 * 86_400
_SWEEPS_PER_MONTH: Final = 30 * 24 * 60
_SWEEPER_SECONDS: Final = 0.08
_KB: Final = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What one step of one task takes."""

    write_units: float
    read_units: float
    log_bytes: float


def counted(circuit: str) -> dict[str, Units]:
    """Return the counted steps of a circuit, from `counts.json`."""
    steps: Mapping[str, Any] = json.loads(COUNTS.read_text())["tasks"][circuit]
    return {
        name: Units(
            write_units=step["write_units"],
            read_units=step["read_units"],
            log_bytes=step["log_bytes"],
        )
        for name, step in steps.items()
    }


def like_qasmbench() -> dict[str, Units]:
    """Return the mean over QASMBench's sizes: the Bell circuit's steps with their circuits."""
    small = counted("Bell")
    return {
        name: dataclasses.replace(
            units,
            write_units=statistics.mean(write_units(name, size) for size in PACKED_BYTES),
            read_units=statistics.mean(read_units(name, size) for size in PACKED_BYTES),
        )
        for name, units in small.items()
    }


def write_units(step: str, packed: int) -> int:
    """Return a step's write units with a circuit that packs to so many bytes."""
    inline = packed <= INLINE_BYTES_MAX
    own = math.ceil(((packed if inline else 100) + _OWN_BYTES[step]) / _KB)
    if step == "submit":
        return own + 2 + (0 if inline else math.ceil(packed / _KB))
    return 2 * own + 1 if step == "execute" else 0


#: Of an item without its circuit, after the step.
_OWN_BYTES: Final = {"submit": 500, "execute": 850, "poll": 850}


def read_units(step: str, packed: int) -> int:
    """Return a step's read units with a circuit that packs to so many bytes."""
    inline = packed <= INLINE_BYTES_MAX
    if step == "submit" or (step == "execute" and inline):
        return 0
    side = 0 if inline else math.ceil(packed / (4 * _KB))
    return side + (1 if step == "poll" else 0)


def per_million(
    spec: StageSpec, steps: Mapping[str, Units], *, polls: int, batched: int = 1
) -> dict[str, float]:
    """Return dollars by part for a million tasks that are executed in no time.

    `batched` tasks are submitted with one request.
    """
    submit, execute, poll = steps["submit"], steps["execute"], steps["poll"]
    requests = 1 / batched + polls
    api, worker = spec.functions["api_handler"], spec.functions["worker"]
    gb_second = prices.LAMBDA_GB_SECOND[spec.architecture]
    api_seconds = API_SECONDS["submit"] + polls * API_SECONDS["poll"]
    writes = submit.write_units + execute.write_units
    reads = submit.read_units + execute.read_units + polls * poll.read_units
    logs = submit.log_bytes + execute.log_bytes + polls * poll.log_bytes
    parts = {
        "API Gateway": requests * prices.API_GATEWAY_REQUEST,
        "API function": requests * prices.LAMBDA_REQUEST
        + api_seconds * api.memory_mb / _KB * gb_second,
        "DynamoDB writes": writes * prices.DYNAMODB_WRITE_UNIT,
        "DynamoDB reads": reads * prices.DYNAMODB_READ_UNIT,
        "SQS": (1 + 2 / BATCH) * prices.SQS_REQUEST,
        "worker, overhead": prices.LAMBDA_REQUEST / BATCH
        + WORKER_SECONDS * worker.memory_mb / _KB * gb_second,
        "logs": logs / prices.GB * prices.LOGS_GB,
    }
    return {part: cost * MILLION for part, cost in parts.items()}


def execution_per_million(spec: StageSpec, seconds: float, *, shared_by: int) -> float:
    """Return dollars for a million executions; those that wait share an invocation."""
    memory_gb = spec.functions["worker"].memory_mb / _KB
    price = prices.LAMBDA_GB_SECOND[spec.architecture]
    return seconds / shared_by * memory_gb * price * MILLION


def idle_per_month(spec: StageSpec, *, alarms: int, metrics: int) -> dict[str, float]:
    """Return dollars by part for a month in which no task is submitted."""
    receives = IDLE_POLLERS * _MONTH_SECONDS / _LONG_POLL_SECONDS
    sweeper_gb = spec.functions["sweeper"].memory_mb / _KB
    gb_second = prices.LAMBDA_GB_SECOND[spec.architecture]
    return {
        "SQS receives by Lambda's pollers": receives * prices.SQS_REQUEST,
        "sweeper, queries of eight shards": _SWEEPS_PER_MONTH * 8 * 0.5 * prices.DYNAMODB_READ_UNIT,
        "sweeper, invocations": _SWEEPS_PER_MONTH
        * (prices.LAMBDA_REQUEST + _SWEEPER_SECONDS * sweeper_gb * gb_second),
        "alarms": alarms * prices.ALARM_MONTH,
        "metrics": metrics * prices.METRIC_MONTH,
    }


def simulated_seconds(qubits: int, gates: int) -> float:
    """Return the processor time that a simulation is estimated at."""
    said = estimate(qubits=qubits, gates=gates, shots=1024, has_feedback=False, qubits_max=qubits)
    return said.seconds or 0.0
