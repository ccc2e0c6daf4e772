"""How many Bell circuits a second the warm pool executes, against a process for each.

    python -m benchmarks.pool

Rounds alternate, so that a slow spell of the machine hits both.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from benchmarks.events import BELL
from chalicelib.domain.task import TaskRequest
from chalicelib.executors.child_process import ChildProcess, JobLimits
from chalicelib.executors.pool import ProcessPool
from chalicelib.executors.registry import IN_CHILDREN
from chalicelib.settings import Settings

#: What was asked for, on two cores.
BELLS_PER_SECOND_WANTED: Final = 5_000
_WARM_JOBS: Final = 3_000
_COLD_JOBS: Final = 40
_SECONDS_MAX: Final = 60.0
_FACTORY: Final = IN_CHILDREN["simulator"]


class _Failing:
    """Ends the benchmark if an executor fails (`Reporter`)."""

    def problem(self, operation: str, error: Exception) -> None:
        """Fail."""
        raise RuntimeError(operation) from error


def _limits() -> JobLimits:
    settings = Settings()
    return JobLimits(
        processor_seconds_max=settings.execution_processor_seconds_max,
        memory_bytes_max=settings.execution_memory_mb_max << 20,
    )


@contextmanager
def _pool(children: int) -> Iterator[ProcessPool]:
    pool = ProcessPool(_FACTORY, children_max=children, limits=_limits(), reporter=_Failing())
    try:
        yield pool
    finally:
        pool.close()


def _request(number: int) -> TaskRequest:
    return TaskRequest(circuit=BELL, shots=1024, tags={}, seed=number)


def rate(execute: Callable[[TaskRequest], object], *, jobs: int, threads: int) -> float:
    """Return how many jobs a second so many threads get done."""
    with ThreadPoolExecutor(threads) as executor:
        started = time.perf_counter()
        for _ in executor.map(execute, map(_request, range(jobs))):
            pass
        return jobs / (time.perf_counter() - started)


def warm_rate(pool: ProcessPool, threads: int) -> float:
    """Through children that are there already."""
    return rate(
        lambda request: pool.execute(request, time_limit_seconds=_SECONDS_MAX),
        jobs=_WARM_JOBS,
        threads=threads,
    )


def cold_rate(threads: int) -> float:
    """With a child for each."""

    def execute(request: TaskRequest) -> None:
        child = ChildProcess(_FACTORY, _limits(), {})
        try:
            deadline = time.monotonic() + _SECONDS_MAX
            child.run(request, deadline=deadline, seconds_max=_SECONDS_MAX)
        finally:
            child.end()

    return rate(execute, jobs=_COLD_JOBS, threads=threads)


def report(rounds: int = 3) -> None:
    """Run the rounds and print the rates."""
    cores = os.cpu_count() or 1
    warm: dict[int, list[float]] = {threads: [] for threads in (1, cores, 10)}
    cold: list[float] = []
    with _pool(10) as pool:
        warm_rate(pool, 10)
        for _ in range(rounds):
            cold.append(cold_rate(cores))
            for threads, rates in warm.items():
                rates.append(warm_rate(pool, threads))
    for threads, rates in warm.items():
        print(f"pool: {threads} Bells at a time: {statistics.median(rates):,.0f}/s")
    best = max(statistics.median(rates) for rates in warm.values())
    each = statistics.median(cold)
    reached = "reached" if best >= BELLS_PER_SECOND_WANTED else "not reached"
    print(
        f"pool on {cores} cores, medians of {rounds}: at best {best:,.0f} Bells/s (wanted: "
        f"{BELLS_PER_SECOND_WANTED:,}, {reached}); with a process for each {each:.0f}/s, "
        f"{best / each:.0f} times less",
        flush=True,
    )


if __name__ == "__main__":
    report()
