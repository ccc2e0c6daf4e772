"""The baseline on the local stage, in place of the service's functions of the same names."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.baseline import Baseline

_baseline = Baseline(
    table=os.environ["TASKS_TABLE_NAME"],
    queue_url=os.environ["TASKS_QUEUE_URL"],
)
app = _baseline.app


def worker(event: Any, _context: object) -> None:  # noqa: ANN401 - Lambda's event
    """Execute a batch."""
    _baseline.work(event)
