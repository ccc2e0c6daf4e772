"""The least code on the local stage, in place of the service's functions of the same names."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.floor import Floor

_floor = Floor(
    table=os.environ["TASKS_TABLE_NAME"],
    queue_url=os.environ["TASKS_QUEUE_URL"],
)
app = _floor.app


def worker(event: Any, _context: object) -> None:  # noqa: ANN401 - Lambda's event
    """Execute a batch."""
    _floor.work(event)
