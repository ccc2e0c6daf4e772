"""Pools of children in memory, closed in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from chalicelib.executors.children import pool as pool_module
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.jobs import Answer
from chalicelib.executors.children.pool import ProcessPool
from tests.support.fakes import RecordingObserver
from tests.support.in_memory import a_request
from tests.unit.executors.fake_children import Children

LIMITS = JobLimits(processor_seconds_max=3, memory_bytes_max=5 << 20)

MakePool = Callable[..., ProcessPool]
Ask = Callable[[ProcessPool, str], "Future[Answer]"]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    """Give what the pools start."""
    children = Children()
    monkeypatch.setattr(pool_module, "ChildProcess", children)
    return children


@pytest.fixture
def observer() -> RecordingObserver:
    """Give what is told of faults."""
    return RecordingObserver()


@pytest.fixture
def make_pool(children: Children, observer: RecordingObserver) -> Iterator[MakePool]:
    """Make pools of children in memory, closed in the end."""
    pools: list[ProcessPool] = []

    def make(*, children_max: int = 10, start_seconds_max: float = 20) -> ProcessPool:
        pools.append(
            ProcessPool(
                "module:factory",
                
                limits=LIMITS,
                reporter=observer,
                start_seconds_max=start_seconds_max,
            )
        )
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def ask(children: Children) -> Iterator[Ask]:
    """Ask pools, each time in a thread of its own; what is held up goes on in the end."""
    with ThreadPoolExecutor(20) as threads:
        yield lambda pool, circuit: threads.submit(
            pool.ask, a_request(circuit), time_limit_seconds=7
        )
        children.let_go(*children.held)
