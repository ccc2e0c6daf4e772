"""A process that has a pool, to be killed and paused: stands for a function's.

`python -m tests.pool.driver`. It reads a batch from each line of standard input, a JSON list of
circuits, and answers with the outcomes and the children's process ids as a line of JSON.
"""

from __future__ import annotations

import json
import sys

from chalicelib.domain.task import TaskResult
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.pool import ProcessPool
from tests.pool.conftest import FACTORY, Problems, run_batch


def main() -> None:
    """Answer batches until standard input ends."""
    limits = JobLimits(processor_seconds_max=60, memory_bytes_max=64 << 20)
    pool = ProcessPool(FACTORY, limits=limits, reporter=Problems())
    for line in sys.stdin:
        outcomes = run_batch(pool, json.loads(line))
        completed = sum(isinstance(outcome, TaskResult) for outcome in outcomes)
        answer = {"completed": completed, "pids": sorted(pool.idle_pids())}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
