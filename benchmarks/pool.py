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
from pathlib import Path
from typing import Final

from benchmarks.drain import drain_with_service, environment
from benchmarks.events import BELL
from benchmarks.figures import Figure, Goal, ratios, table
from chalicelib.domain.task import TaskRequest
from chalicelib.executors.children.child_process import ChildProcess, JobLimits
from chalicelib.executors.children.pool import ProcessPool
from chalicelib.registry import EXECUTORS
from chalicelib.settings import Settings
from tools.backends import Backend

#: What was asked for, on two cores.
BELLS_PER_SECOND_WANTED: Final = 5_000
#: Circuits are really executed, in other processes; that may cost this much of the rate.
DRAIN_OF_MOCK_WANTED: Final = 0.7
_WARM_JOBS: Final = 3_000
_COLD_JOBS: Final = 40
_SECONDS_MAX: Final = 60.0
_FACTORY: Final = EXECUTORS["simulator"].factory


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
def _pool() -> Iterator[ProcessPool]:
    pool = ProcessPool(_FACTORY, limits=_limits(), reporter=_Failing())
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


def measure(rounds: int = 3) -> list[Figure]:
    """Run the rounds: so many Bells at a time through warm children, and a process for each."""
    cores = os.cpu_count() or 1
    warm: dict[int, list[float]] = {threads: [] for threads in (1, cores, 10)}
    cold: list[float] = []
    with _pool() as pool:
        warm_rate(pool, 10)
        for _ in range(rounds):
            cold.append(cold_rate(cores))
            for threads, rates in warm.items():
                rates.append(warm_rate(pool, threads))
    at_a_time = {
        f"{threads} at a time": statistics.median(rates) for threads, rates in warm.items()
    }
    best = max(warm.values(), key=statistics.median)
    return [
        Figure(
            name="Bells a second through the warm pool",
            goal=Goal(BELLS_PER_SECOND_WANTED, at_most=False),
            samples=tuple(best),
            meaning=f"on {cores} cores; for comparison a process for each, in the same run",
            parts=at_a_time | {"a process for each": statistics.median(cold)},
        )
    ]


def measure_drain(backend: Backend, log: Path, *, tasks: int, rounds: int) -> list[Figure]:
    """Drain the same queue of Bells with the simulator and with the mock, taking turns."""
    rates: dict[str, list[float]] = {"simulator": [], "mock": []}
    for _ in range(rounds):
        for executor, drained in rates.items():
            with environment({"EXECUTOR": executor}):
                drained.append(drain_with_service(backend, tasks, log).rate)
    return [
        Figure(
            name=f"drain of {tasks:,} Bells by the simulator",
            goal=Goal(DRAIN_OF_MOCK_WANTED, at_most=False),
            samples=ratios(rates["simulator"], rates["mock"]),
            meaning="of the rate with the mock",
            parts={name: statistics.median(drained) for name, drained in rates.items()},
        )
    ]


if __name__ == "__main__":
    print(table(measure()))
