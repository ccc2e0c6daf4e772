"""A queue's backlog and its drain, second by second, as a stage's settings make it.

A model and not a measurement: tasks are a fluid, an invocation takes full batches, and what a
stage may use is limited by its settings and by the quotas that AWS gives an account at first.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Final

from chalicelib.adapters.dynamodb.items import OPEN_SHARDS, OWNER_SHARDS
from chalicelib.runtime_checks import MB_PER_VCPU
from infra.doctor.rules.throughput import OPEN_INDEX_WRITES, PARTITION_WRITES, WORKER_SECONDS
from infra.stage import StageSpec

#: First quotas of an account and region: Lambda's concurrent executions, DynamoDB's write units
#: of a table, API Gateway's requests/s; and of a standard queue, messages in flight.
ACCOUNT_CONCURRENCY: Final = 1_000
TABLE_WRITE_UNITS: Final = 40_000
GATEWAY_REQUESTS: Final = 10_000
IN_FLIGHT_MAX: Final = 120_000
#: The largest maximum concurrency of a mapping.
MAPPING_CONCURRENCY: Final = 1_000
#: Lambda adds so many invocations a second to an event source, up to its maximum concurrency, and
#: begins with five ("Scaling behavior", Lambda guide on SQS).
SCALE_PER_SECOND: Final = 5.0
FIRST_INVOCATIONS: Final = 5
#: Write units of a small task.
TASK_WRITE_UNITS: Final = 6
#: What an API call takes of its function, in seconds.
API_SECONDS: Final = 0.02


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What of a stage's settings limits its throughput."""

    requests_per_second: float
    workers_max: int
    #: Executions of one invocation at the same time.
    width: int
    vcpus: float
    open_shards: int = OPEN_SHARDS
    owner_shards: int = OWNER_SHARDS
    account_concurrency: int = ACCOUNT_CONCURRENCY
    table_write_units: int = TABLE_WRITE_UNITS
    gateway_requests: int = GATEWAY_REQUESTS
    sweep_grace_seconds: float
    sweep_tasks_max: int

    @property
    def queues(self) -> int:
        """How many queues the workers need: a mapping invokes so many at most."""
        return math.ceil(self.workers_max / MAPPING_CONCURRENCY)

    @classmethod
    def of(cls, spec: StageSpec, *, workers_max: int) -> Capacity:
        """Read a stage's settings."""
        worker, sweeper = spec.functions["worker"], spec.functions["sweeper"].settings
        return cls(
            requests_per_second=spec.requests_per_second,
            workers_max=workers_max,
            width=worker.settings.execution_concurrency,
            vcpus=worker.memory_mb / MB_PER_VCPU,
            sweep_grace_seconds=sweeper.sweep_grace_seconds,
            sweep_tasks_max=sweeper.sweep_tasks_max,
        )

    def limits(self, *, seconds: float, waits: bool, owners: int) -> dict[str, float]:
        """Return the tasks/s that each part takes, for executions of so many seconds.

        One that `waits` shares its processor with its neighbours; one that computes does not.
        """
        per_worker = (self.width if waits else self.vcpus) / (seconds + WORKER_SECONDS)
        workers = min(self.workers_max, self.account_concurrency)
        return {
            "throttle of the stage": self.requests_per_second,
            "API Gateway, the account's": self.gateway_requests,
            "API function, the account's concurrency": max(
                0.0, (self.account_concurrency - workers) / API_SECONDS
            ),
            "table, the account's write units": self.table_write_units / TASK_WRITE_UNITS,
            "index of open tasks, its shards": self.open_shards
            * PARTITION_WRITES
            / OPEN_INDEX_WRITES,
            "index by owner, its shards": owners * self.owner_shards * PARTITION_WRITES,
            "workers, the mapping's maximum": workers * per_worker,
            "messages in flight": self.queues * IN_FLIGHT_MAX / (seconds + WORKER_SECONDS),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of a simulation."""

    at: int
    backlog: float
    #: How long a task that comes now will wait, at the rate of this second.
    wait_seconds: float
    workers: float
    refused: float


def simulate(
    capacity: Capacity,
    arrivals: Callable[[int], float],
    *,
    duration: int,
    seconds: float,
    waits: bool,
    owners: int,
) -> list[Second]:
    """Return the backlog for so many seconds of these arrivals."""
    limits = capacity.limits(seconds=seconds, waits=waits, owners=owners)
    drain = limits.pop("workers, the mapping's maximum")
    admitted_max = min(limits.values())
    workers_max = min(capacity.workers_max, capacity.account_concurrency)
    workers, backlog = float(min(FIRST_INVOCATIONS * capacity.queues, workers_max)), 0.0
    series = []
    for at in range(duration):
        coming = arrivals(at)
        admitted = min(coming, admitted_max)
        rate = drain * workers / workers_max
        backlog = max(0.0, backlog + admitted - rate)
        if backlog > 0:
            workers = min(workers_max, workers + SCALE_PER_SECOND * capacity.queues)
        series.append(
            Second(
                at=at,
                backlog=backlog,
                wait_seconds=backlog / rate,
                workers=workers,
                refused=coming - admitted,
            )
        )
    return series
