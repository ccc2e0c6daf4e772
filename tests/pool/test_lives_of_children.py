"""How long children live: over batches, through a freeze, and never longer than their parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from infra.local.settings import ROOT
from infra.waiting import wait_for
from tests.pool.conftest import MakePool, pid_of, run, run_batch
from tests.support.processes import children_of, is_killed, is_running, state_of, wait_until_bound

STOPPED = psutil.STATUS_STOPPED


class Driver:
    """A function's process (`tests.pool.driver`), leading a group of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.pool.driver"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def begin(self, *circuits: str) -> None:
        """Have a batch executed."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(circuits).encode() + b"\n")
        self.process.stdin.flush()

    def end(self) -> Any:  # noqa: ANN401 - JSON
        """Wait for the batch's end."""
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def children(self, count: int) -> frozenset[int]:
        """Wait until it has so many children."""
        wait_for(lambda: len(children_of(self.process.pid)) == count, f"{count} children")
        return children_of(self.process.pid)


@pytest.fixture
def driver() -> Iterator[Driver]:
    """Start one, and kill it in the end."""
    driver = Driver()
    yield driver
    driver.process.kill()
    driver.process.communicate()


def test_no_child_outlives_its_parent(driver: Driver) -> None:
    """A parent killed with -9 takes all with it: at work in C or Python, asleep, or idle."""
    driver.begin(*["quick"] * 5)
    driver.end()
    driver.begin("endless_c", "endless_python", "sleep")
    children = driver.children(5)
    wait_for(
        lambda: sum(state_of(pid) == psutil.STATUS_RUNNING for pid in children) >= 1,
        "executions to begin",
    )
    wait_until_bound(children)
    driver.process.send_signal(signal.SIGKILL)
    driver.process.wait()
    if sys.platform == "linux":
        assert all(map(is_killed, children)), "the kernel kills them with their parent"
    wait_for(lambda: not any(map(is_running, children)), "all children to end")


def test_batches_and_a_freeze_leave_the_same_children(driver: Driver) -> None:
    """The whole group is stopped between two batches, and in the middle of one."""
    batch = ["burn 0.1"] * 4
    driver.begin(*batch)
    first = driver.end()
    assert len(first["pids"]) == 4
    everything = [driver.process.pid, *first["pids"]]
    for is_at_work in (False, True):
        if is_at_work:
            driver.begin(*batch)
        os.killpg(driver.process.pid, signal.SIGSTOP)
        wait_for(lambda: {state_of(pid) for pid in everything} == {STOPPED}, "all to be stopped")
        os.killpg(driver.process.pid, signal.SIGCONT)
        if not is_at_work:
            driver.begin(*batch)
        assert driver.end() == first == {"completed": 4, "pids": first["pids"]}


def test_ten_just_below_the_processor_limit_complete_at_once(make_pool: MakePool) -> None:
    """Each has a child and its processor time, whatever its neighbours take."""
    pool = make_pool(processor_seconds_max=0.3)
    outcomes = run_batch(pool, ["burn 0.2"] * 10)
    assert len({pid_of(outcome) for outcome in outcomes}) == 10


def test_the_processor_limit_is_set_again_for_each_job(make_pool: MakePool) -> None:
    """Three jobs of just below it, and one that overruns, in one warm child."""
    pool = make_pool(processor_seconds_max=0.3)
    pids = {pid_of(run(pool, "burn 0.2")) for _ in range(3)}
    assert len(pids) == 1
    assert isinstance(run(pool, "endless_python"), PermanentExecutionError)
    assert pid_of(run(pool, "quick")) not in pids


def test_a_child_that_grew_is_replaced(make_pool: MakePool) -> None:
    """It keeps what others will need; its own result counts all the same."""
    pool = make_pool(memory_bytes_max=200 << 20)
    small, large, after = (pid_of(run(pool, c)) for c in ("grow 10", "grow 100", "quick"))
    assert small == large != after
    assert not is_running(large)


def test_an_idle_child_that_was_killed_costs_no_attempt(make_pool: MakePool) -> None:
    """Its end is seen before it is given a job."""
    pool = make_pool()
    pid = pid_of(run(pool, "quick"))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_running(pid), "the child's end")
    assert pid_of(run(pool, "quick")) != pid


def test_few_executions_at_a_time_keep_few_children(make_pool: MakePool) -> None:
    """The child that was used last is used first; a closed pool has ended it."""
    pool = make_pool()
    (pid,) = {pid_of(run(pool, "quick")) for _ in range(10)}
    pool.close()
    assert not is_running(pid)
    assert isinstance(run(pool, "quick"), TransientExecutionError)
