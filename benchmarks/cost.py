"""`docs/cost.md`: what a million tasks cost, from counted units and list prices.

No part of it is timed, so it is the same on each machine. What it takes as given stands in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

import app
from chalicelib.executors.cost import estimate
from infra.stage import StageSpec

COUNTS: Final = Path(__file__).with_name("counts.json")

#: AWS's list prices in dollars, for us-east-1 without free tiers, from the pricing pages of Lambda,
#: API Gateway, DynamoDB, SQS and CloudWatch.
PRICES_OF: Final = "December 2025"
MILLION: Final = 1_000_000

API_GATEWAY_REQUEST: Final = 3.50 / MILLION
LAMBDA_REQUEST: Final = 0.20 / MILLION
LAMBDA_GB_SECOND: Final = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
DYNAMODB_WRITE_UNIT: Final = 0.625 / MILLION
DYNAMODB_READ_UNIT: Final = 0.125 / MILLION
SQS_REQUEST: Final = 0.40 / MILLION
LOGS_GB: Final = 0.50
METRIC_MONTH: Final = 0.30
ALARM_MONTH: Final = 0.10
GB: Final = 1e9

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


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """What one step of one task takes."""

    write_units: float
    read_units: float
    log_bytes: float


def counted(circuit: str) -> dict[str, Units]:
    """Return the counted steps of a circuit, from `counts.json`."""
    steps: Mapping[str, Any] = json.loads(COUNTS.read_text())["tasks"][circuit]
    return msgspec.convert(steps, dict[str, Units])


def per_million(
    spec: StageSpec, steps: Mapping[str, Units], *, polls: int, batched: int = 1
) -> dict[str, float]:
    """Return dollars by part for a million tasks that are executed in no time.

    `batched` tasks are submitted with one request.
    """
    submit, execute, poll = steps["submit"], steps["execute"], steps["poll"]
    requests = 1 / batched + polls
    api, worker = spec.functions["api_handler"], spec.functions["worker"]
    gb_second = LAMBDA_GB_SECOND[spec.architecture]
    api_seconds = API_SECONDS["submit"] + polls * API_SECONDS["poll"]
    writes = submit.write_units + execute.write_units
    reads = submit.read_units + execute.read_units + polls * poll.read_units
    logs = submit.log_bytes + execute.log_bytes + polls * poll.log_bytes
    parts = {
        "API Gateway": requests * API_GATEWAY_REQUEST,
        "API function": requests * LAMBDA_REQUEST + api_seconds * api.memory_mb / _KB * gb_second,
        "DynamoDB writes": writes * DYNAMODB_WRITE_UNIT,
        "DynamoDB reads": reads * DYNAMODB_READ_UNIT,
        "SQS": (1 + 2 / BATCH) * SQS_REQUEST,
        "worker, overhead": LAMBDA_REQUEST / BATCH
        + WORKER_SECONDS * worker.memory_mb / _KB * gb_second,
        "logs": logs / GB * LOGS_GB,
    }
    return {part: cost * MILLION for part, cost in parts.items()}


def execution_per_million(spec: StageSpec, seconds: float, *, shared_by: int) -> float:
    """Return dollars for a million executions; those that wait share an invocation."""
    memory_gb = spec.functions["worker"].memory_mb / _KB
    price = LAMBDA_GB_SECOND[spec.architecture]
    return seconds / shared_by * memory_gb * price * MILLION


def idle_per_month(spec: StageSpec, *, alarms: int, metrics: int) -> dict[str, float]:
    """Return dollars by part for a month in which no task is submitted."""
    receives = IDLE_POLLERS * _MONTH_SECONDS / _LONG_POLL_SECONDS
    sweeper_gb = spec.functions["sweeper"].memory_mb / _KB
    gb_second = LAMBDA_GB_SECOND[spec.architecture]
    return {
        "SQS receives by Lambda's pollers": receives * SQS_REQUEST,
        "sweeper, queries of eight shards": _SWEEPS_PER_MONTH * 8 * 0.5 * DYNAMODB_READ_UNIT,
        "sweeper, invocations": _SWEEPS_PER_MONTH
        * (LAMBDA_REQUEST + _SWEEPER_SECONDS * sweeper_gb * gb_second),
        "alarms": alarms * ALARM_MONTH,
        "metrics": metrics * METRIC_MONTH,
    }


def simulated_seconds(qubits: int, gates: int) -> float:
    """Return the processor time that a simulation is estimated at."""
    return estimate(qubits=qubits, gates=gates, shots=1024, has_feedback=False).seconds
