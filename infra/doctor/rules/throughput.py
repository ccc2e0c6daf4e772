"""Rules for a stage's stated rate, `requests_per_second`: settings that could not carry it.

`docs/scale.md` has the limits behind them, and what to set for other rates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from chalicelib.adapters.dynamodb.items import OPEN_SHARDS
from chalicelib.runtime_checks import MB_PER_VCPU
from infra.doctor.finding import Finding, rule
from infra.doctor.live_stage import Snapshot
from infra.doctor.rules.delivery import settings_of
from infra.package.throttling import throttles
from infra.stage import StageSpec

#: Writes that one key of an index takes in a second ("Best practices for designing and using
#: partition keys effectively", DynamoDB guide), and how many a task makes in that of open tasks.
PARTITION_WRITES: Final = 1_000
OPEN_INDEX_WRITES: Final = 2
#: What a task takes of its worker's processor in addition to its execution, in seconds.
WORKER_SECONDS: Final = 0.02
#: How long a call of the API keeps its function: a batch of a hundred has 1.5 s as its goal, a
#: validation 2 s as its limit.
CALL_SECONDS: Final = {"*": 0.05, "/health": 0.05, "/batches": 1.5, "/validations": 2.0}


@rule("throughput/index-shards")
def the_index_takes_the_rate(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The keys of the index of open tasks take the writes of the stage's rate."""
    most = OPEN_SHARDS * PARTITION_WRITES // OPEN_INDEX_WRITES
    if spec.requests_per_second > most:
        yield Finding(
            setting="requests_per_second",
            value=f"{spec.requests_per_second:g}",
            wanted=f"at most {most:,}, or more OPEN_SHARDS than {OPEN_SHARDS}",
            why="the index of open tasks throttles the table's writes above that",
        )


@rule("throughput/workers")
def workers_keep_up(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The mapping's workers keep up with the rate where executions take no time."""
    worker = snapshot.functions["worker"]
    if worker is None:
        return
    vcpus = worker["MemorySize"] / MB_PER_VCPU
    for mapping in snapshot.mappings:
        workers = (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency")
        if workers is None:
            continue  # another rule says so
        most = workers * vcpus / WORKER_SECONDS
        if most < spec.requests_per_second:
            least = -(-spec.requests_per_second * WORKER_SECONDS // vcpus)
            yield Finding(
                setting="the mapping's MaximumConcurrency",
                value=workers,
                wanted=f"at least {least:.0f}",
                why=f"{spec.requests_per_second:g} tasks/s may come (requests_per_second) and"
                f" {most:,.0f} can be done, if their executions take no time at all",
            )


@rule("throughput/burst")
def a_burst_is_no_less_than_the_rate(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The stage's burst is at least a second of its rate."""
    if spec.requests_burst < spec.requests_per_second:
        yield Finding(
            setting="requests_burst",
            value=spec.requests_burst,
            wanted=f"at least {spec.requests_per_second:g} (requests_per_second)",
            why="the gateway's bucket holds less than a second brings: the rate is not reached",
        )


@rule("throughput/account-concurrency")
def the_account_runs_all_functions(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """Worker, API and sweeper fit the account's concurrency together."""
    least = concurrency_of(spec, snapshot)
    if snapshot.account_concurrency < least:
        yield Finding(
            setting="the account's unreserved concurrent executions",
            value=snapshot.account_concurrency,
            wanted=f"at least {least} (workers, API and sweeper at the stage's rate): ask for more"
            " in Service Quotas, or lower WORKERS_MAX, requests_per_second and WAIT_SECONDS_MAX",
            why="a new account has few; throttled calls are a 504, throttled batches come later",
        )


def concurrency_of(spec: StageSpec, snapshot: Snapshot) -> int:
    """Return how many functions the stage's limits let run at the same time."""
    found = [(m.get("ScalingConfig") or {}).get("MaximumConcurrency") for m in snapshot.mappings]
    reserved = snapshot.reserved_concurrency.get("worker")
    workers = 0 if reserved is not None else sum(maximum or 0 for maximum in found)
    waiting = settings_of(snapshot.functions["api_handler"]).wait_seconds_max
    seconds = CALL_SECONDS | {"*": CALL_SECONDS["*"] + waiting}  # every submitter may wait
    api = sum(
        throttle.requests_per_second * seconds.get(throttle.path, seconds["*"])
        for throttle in throttles(spec)
    )
    return workers + math.ceil(api) + 1
