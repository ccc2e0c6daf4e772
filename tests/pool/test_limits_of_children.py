"""The limits that a child has set itself, as the kernel has them."""

from __future__ import annotations

import resource
import sys

import pytest

from chalicelib.domain.task import TaskResult
from tests.pool.conftest import MEMORY_BYTES_MAX, MakePool, run


def test_a_child_writes_no_file_and_no_core_and_cannot_change_that(make_pool: MakePool) -> None:
    """Soft and hard: nothing in the child can raise them."""
    ending = run(make_pool(), "limits")
    assert isinstance(ending, TaskResult)
    limits = dict(ending.counts)
    kept = {f"{kind} {bound}": 0 for kind in ("CORE", "FSIZE") for bound in ("soft", "hard")}
    assert {name: limits[name] for name in kept} == kept


def test_the_kernels_processor_limit_is_half_as_much_again_in_whole_seconds(
    make_pool: MakePool,
) -> None:
    """On top of what the child has used; the hard limit is left for the next job to be set."""
    pool = make_pool(processor_seconds_max=100)
    for _ in range(2):
        ending = run(pool, "limits")
        assert isinstance(ending, TaskResult)
        assert 150 < ending.counts["CPU soft"] <= 153
        assert ending.counts["CPU hard"] == resource.getrlimit(resource.RLIMIT_CPU)[1]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone")
def test_a_jobs_memory_comes_on_top_of_what_the_child_has(make_pool: MakePool) -> None:
    """And not on top of what an earlier job was given."""
    pool = make_pool()
    for _ in range(2):
        ending = run(pool, "limits")
        assert isinstance(ending, TaskResult)
        more = ending.counts["used"] + MEMORY_BYTES_MAX - ending.counts["AS soft"]
        assert 0 <= more < 4 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is Linux's")
def test_a_child_has_a_filter_and_no_program_gives_it_more_rights(make_pool: MakePool) -> None:
    """As the kernel says it: a filter is 2; without the first, only root may set one."""
    ending = run(make_pool(), "status")
    assert isinstance(ending, TaskResult)
    assert ending.counts == {"NoNewPrivs": 1, "Seccomp": 2}
