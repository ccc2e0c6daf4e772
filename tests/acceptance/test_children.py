"""Executions in child processes on the real stage: killed, frozen, and at their limits."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Collection
from typing import Any

import psutil
import pytest

from chalicelib.executors.children.child_process import ChildProcess, JobLimits
from chalicelib.executors.children.limits import processor_seconds_of
from infra.waiting import wait_for
from tests.acceptance.tasks import finished, submit
from tests.pool.conftest import request_for
from tests.support.busy_circuits import dense, hungry
from tests.support.processes import children_of, is_killed, is_running, wait_until_bound
from tools.local_stage import BELL_STATE, Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.emulator]

PROCESSOR_SECONDS_MAX = 1.5
QUBITS = 20
#: Time enough for all on a busy machine; the wall is not what is shown here.
UNHURRIED = {
    "EXECUTOR": "simulator",
    "EXECUTION_CONCURRENCY": "10",
    "BATCH_SIZE": "10",
    "EXECUTION_SECONDS_MAX": "40",
    "FUNCTION_TIMEOUT_SECONDS": "58",
    "EXECUTION_PROCESSOR_SECONDS_MAX": str(PROCESSOR_SECONDS_MAX),
    "EXECUTION_AMPLITUDES_MAX": str(1 << QUBITS),
    "EXECUTION_MEMORY_MB_MAX": "100",
}


def function_of(stage: Stage) -> int:
    """The process that holds the worker's function."""
    (sandbox,) = psutil.Process(stage.pid("worker-1")).children()
    return sandbox.pid


def computing(pids: Collection[int]) -> list[int]:
    """Those that use the processor now."""
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() == psutil.STATUS_RUNNING:
                found.append(pid)
    return found


def as_one_batch(stage: Stage, circuits: list[str]) -> list[dict[str, Any]]:
    """Submit while the worker is stopped, so that one receive takes all, and wait for the ends."""
    stage.signal("worker-1", signal.SIGSTOP)
    task_ids = [submit(stage.http, circuit, 100) for circuit in circuits]
    stage.signal("worker-1", signal.SIGCONT)
    return [finished(stage.http, task_id) for task_id in task_ids]


def receives(stage: Stage, tasks: list[dict[str, Any]]) -> set[int]:
    """How often the messages of these tasks were received, as the worker has logged it."""
    wanted = {task["task_id"] for task in tasks}
    entries = [e for e in stage.log_entries("worker-1") if e.get("task_id") in wanted]
    return {entry["receive_count"] for entry in entries if "receive_count" in entry}


def layers_that_take(seconds: float) -> int:
    """Find how many layers take so much processor time on this machine."""
    limits = JobLimits(processor_seconds_max=30, memory_bytes_max=100 << 20)
    child = ChildProcess("chalicelib.executors.simulator:build", limits, {})
    try:
        used = []
        for layers in (1, 21, 41):
            child.run(
                request_for(dense(QUBITS, layers)), deadline=time.monotonic() + 60, seconds_max=60
            )
            used.append(processor_seconds_of(child.pid) or 0.0)
    finally:
        child.end()
    # The first one also pays for the start; from the second to the third are 41 layers.
    return max(1, int(seconds / ((used[2] - used[1]) / 41)))


def long_circuit() -> str:
    """A circuit that takes half of the processor limit on this machine."""
    return dense(QUBITS, layers_that_take(0.5 * PROCESSOR_SECONDS_MAX))


def test_ten_just_below_the_processor_limit_complete_in_one_batch(
    stage: Stage, figures: Callable[[str], None]
) -> None:
    """Each at attempt 1 and receive 1, although they share the processor."""
    circuit = dense(QUBITS, layers_that_take(0.75 * PROCESSOR_SECONDS_MAX))
    stage.start(workers=1, **UNHURRIED)
    finished(stage.http, submit(stage.http))
    tasks = as_one_batch(stage, [f"{circuit}// {n}\n" for n in range(10)])
    histories = [task["status_history"] for task in tasks]
    assert {(task["status"], task["attempt"]) for task in tasks} == {("completed", 1)}, histories
    assert receives(stage, tasks) == {1}
    figures("ten circuits of 3/4 of the processor limit in one batch: attempt 1, receive 1")


def test_children_are_used_again_and_replaced_where_they_are_lost(stage: Stage) -> None:
    """The same over batches and a freeze; one that is killed or starved costs its own task only."""
    stage.start(workers=1, **UNHURRIED)
    as_one_batch(stage, [BELL_STATE] * 10)
    children = children_of(function_of(stage))
    as_one_batch(stage, [BELL_STATE] * 10)
    for number in (signal.SIGSTOP, signal.SIGCONT):
        stage.signal_group("worker-1", number)
    as_one_batch(stage, [BELL_STATE] * 10)
    assert children
    assert children_of(function_of(stage)) == children

    long_task = submit(stage.http, long_circuit(), 100)
    (child,) = wait_for(lambda: computing(children), "a child to compute")
    neighbours = [submit(stage.http, BELL_STATE, 100) for _ in range(9)]
    psutil.Process(child).kill()
    starved = submit(stage.http, hungry(), 100)
    task = finished(stage.http, long_task)
    assert (task["status"], task["attempt"]) == ("completed", 2)
    assert "ended from outside (SIGKILL)" in task["status_history"][2]["notes"]
    for task_id in neighbours:
        task = finished(stage.http, task_id)
        assert (task["status"], task["attempt"]) == ("completed", 1)
    task = finished(stage.http, starved)
    assert (task["status"], task["attempt"]) == ("failed", 1)
    assert task["error_message"] == (
        "the circuit needs more than the 100 MB of memory that one execution may take"
    )


def test_a_function_killed_in_mid_execution_leaves_no_child(
    stage: Stage, figures: Callable[[str], None]
) -> None:
    """The kernel kills its children with it, also the one at work."""
    stage.start(workers=1, **UNHURRIED)
    as_one_batch(stage, [BELL_STATE] * 4)
    function = function_of(stage)
    children = children_of(function)
    submit(stage.http, long_circuit(), 100)
    wait_for(lambda: computing(children), "a child to compute")
    wait_until_bound(children)
    sandbox = psutil.Process(function)
    sandbox.kill()
    killed_at = time.monotonic()
    with contextlib.suppress(psutil.NoSuchProcess):
        sandbox.wait()
    if sys.platform == "linux":
        assert all(map(is_killed, children)), "the kernel kills them with their parent"
    wait_for(lambda: not any(map(is_running, children)), "all children to end")
    seconds = time.monotonic() - killed_at
    figures(f"no child of {len(children)} is left {seconds:.2f} s after its function was killed")
