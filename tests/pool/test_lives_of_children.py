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

from chalicelib.domain.task import TaskResult
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
    """Children are idle between batches, and are used again after the whole group was stopped."""
    driver.begin(*["burn 0.2"] * 4)
    first = driver.end()
    driver.begin(*["burn 0.2"] * 4)
    second = driver.end()
    os.killpg(driver.process.pid, signal.SIGSTOP)
    stopped = [driver.process.pid, *second["pids"]]
    wait_for(lambda: {state_of(pid) for pid in stopped} == {STOPPED}, "all to be stopped")
    os.killpg(driver.process.pid, signal.SIGCONT)
    driver.begin(*["burn 0.2"] * 4)
    third = driver.end()
    assert len(first["pids"]) == 4
    assert first == second == third == {"completed": 4, "pids": first["pids"]}


def test_a_freeze_in_mid_execution_costs_nothing(driver: Driver) -> None:
    """A group that is stopped while it executes goes on when it is continued."""
    driver.begin(*["burn 0.5"] * 4)
    children = driver.children(4)
    os.killpg(driver.process.pid, signal.SIGSTOP)
    wait_for(lambda: {state_of(pid) for pid in children} == {STOPPED}, "all to be stopped")
    os.killpg(driver.process.pid, signal.SIGCONT)
    assert driver.end() == {"completed": 4, "pids": sorted(children)}


def test_ten_just_below_the_processor_limit_complete_at_once(make_pool: MakePool) -> None:
    """Each gets its processor time, whatever its neighbours take."""
    pool = make_pool(processor_seconds_max=0.5)
    endings = run_batch(pool, ["burn 0.4"] * 10)
    assert len({pid_of(ending) for ending in endings}) == 10


def test_the_processor_limit_is_set_again_for_each_job(make_pool: MakePool) -> None:
    """Three jobs of just below it, and one that overruns, in one warm child."""
    pool = make_pool(processor_seconds_max=0.5)
    pids = {pid_of(run(pool, "burn 0.4")) for _ in range(3)}
    ending = run(pool, "burn 0.6")
    assert len(pids) == 1
    assert isinstance(ending, PermanentExecutionError)
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


def test_a_child_killed_at_work_fails_its_own_execution_only(make_pool: MakePool) -> None:
    """And that one may be tried again."""
    pool = make_pool(processor_seconds_max=60)
    run_batch(pool, ["burn 0.1"] * 4)
    endings = run_batch(pool, ["burn 0.5", f"signalled {signal.SIGKILL:d}", "burn 0.5", "quick"])
    assert isinstance(endings.pop(1), TransientExecutionError)
    assert all(isinstance(ending, TaskResult) for ending in endings)


def test_few_executions_at_a_time_keep_few_children(make_pool: MakePool) -> None:
    """The child that was used last is used first."""
    pool = make_pool()
    assert len({pid_of(run(pool, "quick")) for _ in range(10)}) == 1


def test_the_start_of_a_child_takes_nothing_of_an_executions_time(make_pool: MakePool) -> None:
    """Else a healthy circuit would be charged an attempt for waiting on a busy machine."""
    pool = make_pool("tests.pool.factories:build_slowly")
    endings = run_batch(pool, ["quick"] * 3, seconds_max=0.9)
    assert all(isinstance(ending, TaskResult) for ending in endings), endings


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        ("tests.pool.no_such_module:build", "ModuleNotFoundError: No module named"),
        ("tests.pool.factories:no_such_factory", "AttributeError: module"),
        ("tests.pool.factories:refuse_to_build", "RuntimeError: no license for this simulator"),
        ("tests.pool.factories:crash_while_building", "its process did not become ready"),
    ],
)
def test_an_executor_that_cannot_be_built_says_why(
    make_pool: MakePool, factory: str, why: str
) -> None:
    """A broken build fails no task for good."""
    pool = make_pool(factory)
    for ending in run_batch(pool, ["quick"] * 3):
        assert isinstance(ending, TransientExecutionError)
        assert str(ending).startswith(f"the executor cannot be started: {why}")
    assert pool.idle_pids() == frozenset()


def test_more_executions_than_children_wait_their_turn(make_pool: MakePool) -> None:
    """No more children than allowed, and none is refused while there is time."""
    pool = make_pool()
    endings = run_batch(pool, ["burn 0.05"] * 8)
    assert len({pid_of(ending) for ending in endings}) <= 2
    busy = run_batch(pool, ["burn 0.4", "burn 0.4", "quick"], seconds_max=60)
    assert all(isinstance(ending, TaskResult) for ending in busy)
    refused = run_batch(pool, ["sleep", "sleep", "sleep"], seconds_max=1)
    assert {type(ending) for ending in refused} == {TransientExecutionError}


def test_a_closed_pool_executes_nothing(make_pool: MakePool) -> None:
    """And has ended all of its children."""
    pool = make_pool()
    pid = pid_of(run(pool, "quick"))
    pool.close()
    assert not is_running(pid)
    assert isinstance(run(pool, "quick"), TransientExecutionError)
