"""Whether the service can work now."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chalicelib.errors import ServiceUnavailable
from chalicelib.ports import TaskQueue, TaskStore
from chalicelib.threads import map_in_threads


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether what the service depends on can be used now."""

    database: bool
    queue: bool


class CheckHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Asks database and queue. It always answers."""

    store: TaskStore
    queue: TaskQueue

    def __call__(self) -> Health:
        """Ask both at the same time: neither waits for the other's timeout."""
        database, queue = map_in_threads(_answers, (self.store.ping, self.queue.ping), width=2)
        return Health(database=database, queue=queue)


def _answers(ping: Callable[[], None]) -> bool:
    try:
        ping()
    except ServiceUnavailable:
        return False
    return True
