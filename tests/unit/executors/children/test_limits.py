"""The bounds of a child: what the kernel is told, and what stands in for it elsewhere."""

from __future__ import annotations

import json
import math
import mmap
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.executors.children import limits
from chalicelib.executors.children.limits import JobBounds, processor_seconds_of
from infra.local.settings import ROOT

MEGABYTE = 1 << 20
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel is Linux's")
#: No job of these tests may come near it: the tests run in the process that is bounded.
PLENTY = {"processor_seconds_max": 100_000.0, "memory_bytes_max": 1 << 40}


def soft(kind: int) -> int:
    """Return this process's soft limit."""
    return resource.getrlimit(kind)[0]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Undo what a test has set for this process."""
    kinds = (resource.RLIMIT_CPU, resource.RLIMIT_AS)
    before = [resource.getrlimit(kind) for kind in kinds]
    yield
    for kind, limit in zip(kinds, before, strict=True):
        resource.setrlimit(kind, limit)


@pytest.fixture
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a system that is not Linux."""
    monkeypatch.setattr(limits, "_IS_LINUX", False)


@ON_LINUX
def test_a_job_has_half_as_much_again_of_the_processor_and_its_memory_on_top() -> None:
    """The kernel counts whole seconds, and what the process has used already."""
    bounds = JobBounds()
    used = time.process_time()
    bounds.begin(**PLENTY)  # type: ignore[arg-type]
    assert 150_000 + math.floor(used * 0.5) <= soft(resource.RLIMIT_CPU)
    assert soft(resource.RLIMIT_CPU) <= 150_000 + math.ceil(used * 2) + 2
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    assert abs(soft(resource.RLIMIT_AS) - (1 << 40) - pages * mmap.PAGESIZE) < 8 * MEGABYTE


@ON_LINUX
def test_a_grant_is_counted_from_where_the_job_began_and_takes_nothing_away() -> None:
    """What the job has used since is in it; the next job has its own."""
    bounds = JobBounds()
    bounds.begin(processor_seconds_max=100_000.0, memory_bytes_max=1 << 32)
    began = soft(resource.RLIMIT_AS)
    with mmap.mmap(-1, 100 * MEGABYTE):
        bounds.grant(1 << 33)
        assert soft(resource.RLIMIT_AS) == began + (1 << 32)
        bounds.grant(1 << 31)
        assert soft(resource.RLIMIT_AS) == began + (1 << 32)
    bounds.begin(processor_seconds_max=100_000.0, memory_bytes_max=1 << 31)
    assert soft(resource.RLIMIT_AS) < began


@ON_LINUX
def test_room_is_made_to_report_that_memory_ran_out() -> None:
    """All that the hard limit leaves."""
    bounds = JobBounds()
    bounds.begin(**PLENTY)  # type: ignore[arg-type]
    assert soft(resource.RLIMIT_AS) != resource.getrlimit(resource.RLIMIT_AS)[1]
    bounds.lift()
    assert soft(resource.RLIMIT_AS) == resource.getrlimit(resource.RLIMIT_AS)[1]


@ON_LINUX
@pytest.mark.parametrize(("megabytes", "must_be_replaced"), [(62, False), (64.5, True)])
def test_a_child_must_be_replaced_when_it_has_grown_by_more_than_64_megabytes(
    megabytes: float,
    must_be_replaced: bool,  # noqa: FBT001
) -> None:
    """What goes on in it then has a second of the processor."""
    bounds = JobBounds()
    bounds.begin(**PLENTY)  # type: ignore[arg-type]
    with mmap.mmap(-1, int(megabytes * MEGABYTE)):
        assert bounds.end() is must_be_replaced
    used = limits._processor_seconds_by_ticks()  # noqa: SLF001 - as the kernel counts it
    assert used < soft(resource.RLIMIT_CPU) <= used + 2


def test_the_processor_time_of_a_process_is_its_own() -> None:
    """And not known of one that there is not."""
    if sys.platform == "linux":
        before = time.process_time()
        used = processor_seconds_of(os.getpid())
        assert used is not None
        assert before - 0.001 < used < time.process_time() + 0.001
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        ended.wait()
    assert processor_seconds_of(ended.pid) is None


@pytest.mark.usefixtures("_elsewhere")
def test_elsewhere_only_the_processor_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the process has used as the system's accounts have it."""
    usage = SimpleNamespace(ru_utime=300_000.25, ru_stime=200_000.5)
    monkeypatch.setattr(resource, "getrusage", lambda who: usage)
    memory = resource.getrlimit(resource.RLIMIT_AS)
    bounds = JobBounds()
    bounds.begin(**PLENTY)  # type: ignore[arg-type]
    assert soft(resource.RLIMIT_CPU) == 650_001
    with mmap.mmap(-1, 100 * MEGABYTE):
        assert bounds.end() is False
    assert soft(resource.RLIMIT_CPU) == 500_002
    bounds.lift()
    assert resource.getrlimit(resource.RLIMIT_AS) == memory
    assert processor_seconds_of(os.getpid()) is None


#: Bounds of a process whose hard limits are lower than what is asked for.
LOW = """
import json, resource
from chalicelib.executors.children.limits import JobBounds
resource.setrlimit(resource.RLIMIT_CPU, (500, 500))
resource.setrlimit(resource.RLIMIT_AS, (1 << 39, 1 << 39))
bounds = JobBounds()
said = []
for step in (
    lambda: bounds.begin(processor_seconds_max=200.0, memory_bytes_max=1 << 30),
    lambda: bounds.begin(processor_seconds_max=1000.0, memory_bytes_max=1 << 40),
    bounds.lift,
):
    step()
    said.append([resource.getrlimit(kind) for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS)])
print(json.dumps(said))
"""


@ON_LINUX
def test_a_limit_from_outside_that_is_lower_stays() -> None:
    """A container may have set it; a job gets what is left."""
    ended = subprocess.run(
        [sys.executable, "-c", LOW], capture_output=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    said: Any = json.loads(ended.stdout)
    first, second, lifted = said
    assert (first[0][1], first[1][1]) == (500, 1 << 39)
    assert 300 < first[0][0] <= 303
    assert 1 << 30 < first[1][0] < 2 << 30
    assert second == lifted == [[500, 500], [1 << 39, 1 << 39]]
