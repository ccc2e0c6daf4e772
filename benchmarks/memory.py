"""The memory of API and worker over thousands of requests and tasks, after a warm-up.

`python -m benchmarks.memory FILE COUNT` runs in a process of its own. The network is stubbed, so
that what grows is the service's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.figures import Figure, Goal
from benchmarks.handlers import pairs
from benchmarks.stubbed import ENVIRONMENT, StubbedAws

#: Of the warm process's resident memory.
_GOAL: Final = Goal(1.03)
_SAMPLES: Final = 10


def resident_mb() -> float:
    """Return this process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(name: str, job: Callable[[], object], count: int) -> Figure:
    """Do a job so often, a tenth of it before the first look."""
    part = count // _SAMPLES
    seen = []
    for _ in range(_SAMPLES + 1):
        for _ in range(part):
            job()
        seen.append(resident_mb())
    return Figure(
        name=f"memory of the {name} over {count:,}",
        goal=_GOAL,
        samples=tuple(mb / seen[0] for mb in seen[1:]),
        meaning="of what it took when warm",
        parts={"warm MB": seen[0], "last MB": seen[-1]},
    )


def main() -> None:
    """Measure, and write the figures to a file."""
    target, count = Path(sys.argv[1]), int(sys.argv[2])
    os.environ.update(ENVIRONMENT)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    post, get, worker = pairs(StubbedAws())
    figures = [
        measure("API", lambda: (post.handler(), get.handler()), count // 2),
        measure("worker", worker.handler, count),
    ]
    target.write_bytes(msgspec.json.encode(figures))


if __name__ == "__main__":
    main()
