"""Pools of real child processes for the tests, closed in the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.errors import ExecutionError
from chalicelib.executors.children.child_process import ChildProcess, JobLimits
from chalicelib.executors.children.pool import ProcessPool
from tests.support.processes import children_of

#: Enough for each behaviour, and short where all of it is used.
PROCESSOR_SECONDS_MAX = 0.5
MEMORY_BYTES_MAX = 64 << 20
#: No execution reaches it but those that wait for it.
PATIENCE_SECONDS = 120.0

LIMITS = JobLimits(processor_seconds_max=PROCESSOR_SECONDS_MAX, memory_bytes_max=MEMORY_BYTES_MAX)
FACTORY = "tests.pool.factories:build"

Outcome = TaskResult | ExecutionError
MakePool = Callable[..., ProcessPool]
MakeChild = Callable[..., ChildProcess]


class Problems:
    """Keeps what an observer is told (`ports.Observer.problem`)."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def problem(self, operation: str, error: Exception, *, task_ids: Iterable[str] = ()) -> None:
        """Keep the error's words."""
        self.told.append(f"{operation}: {error}")


@pytest.fixture
def problems() -> Problems:
    """Give what the pool reports."""
    return Problems()


@pytest.fixture
def make_pool(problems: Problems) -> Iterator[MakePool]:
    """Make pools of children that behave as their circuit says."""
    pools: list[ProcessPool] = []

    def make(
        factory: str = FACTORY,
        *,
        processor_seconds_max: float = PROCESSOR_SECONDS_MAX,
        memory_bytes_max: int = MEMORY_BYTES_MAX,
        environment: dict[str, str] | None = None,
    ) -> ProcessPool:
        limits = JobLimits(
            processor_seconds_max=processor_seconds_max, memory_bytes_max=memory_bytes_max
        )
        pools.append(
            ProcessPool(
                factory,
                limits=limits,
                reporter=problems,
                environment=environment,
                start_seconds_max=PATIENCE_SECONDS,
            )
        )
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture(scope="module")
def foreign_children() -> frozenset[int]:
    """Give what this process had started before the pool, such as another module's stage."""
    return children_of(os.getpid())


@pytest.fixture(scope="module")
def pool(foreign_children: frozenset[int]) -> Iterator[ProcessPool]:
    """Give a pool that a module's tests share, whatever they did to its children."""
    del foreign_children  # taken before the first child starts
    pool = ProcessPool(
        FACTORY, limits=LIMITS, reporter=Problems(), start_seconds_max=PATIENCE_SECONDS
    )
    yield pool
    pool.close()


@pytest.fixture
def make_child() -> Iterator[MakeChild]:
    """Start single children. The test's thread starts them, and outlives them."""
    children: list[ChildProcess] = []

    def make(factory: str = FACTORY) -> ChildProcess:
        children.append(ChildProcess(factory, LIMITS, {}))
        return children[-1]

    yield make
    for child in children:
        child.end()


def request_for(circuit: str) -> TaskRequest:
    """Ask for a few shots of a circuit."""
    return TaskRequest(circuit=circuit, shots=7, tags={})


def run(pool: ProcessPool, circuit: str, *, seconds_max: float = PATIENCE_SECONDS) -> Outcome:
    """Execute, and give what came of it."""
    try:
        return pool.execute(request_for(circuit), time_limit_seconds=seconds_max)
    except ExecutionError as exc:
        return exc


def run_batch(
    pool: ProcessPool, circuits: list[str], *, seconds_max: float = PATIENCE_SECONDS
) -> list[Outcome]:
    """Execute all at once, each in a thread that ends with the batch, as the worker does."""
    with ThreadPoolExecutor(len(circuits)) as threads:
        return list(threads.map(lambda one: run(pool, one, seconds_max=seconds_max), circuits))


def pid_of(outcome: Outcome) -> int:
    """Give the process that completed an execution."""
    return int(next(iter(counts_of(outcome))))


def counts_of(outcome: Outcome) -> dict[str, int]:
    """Give what a completed execution has counted."""
    assert isinstance(outcome, TaskResult), outcome
    return dict(outcome.counts)
