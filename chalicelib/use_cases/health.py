"""Whether the service can work now."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from chalicelib.errors import (
    ServiceUnavailable,
)
from chalicelib.ports import TaskQueue, TaskStore


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether what the service depends on can be used now."""

    database: bool
    queue: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckHealth:
    """Asks database and queue. It always answers."""

    store: TaskStore
    queue: TaskQueue

    def __call__(self) -> Health:
        """Ask both at the same time: neither waits for the other's timeout."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            database = pool.submit(_answers, self.store.ping)
            queue = pool.submit(_answers, self.queue.ping)
            return Health(database=database.result(), queue=queue.result())


def _answers(ping: Callable[[], None]) -> bool:
    try:
        ping()
    except ServiceUnavailable:
        return False
    return True
