"""Circuits through HTTP, queue, worker and child processes: true counts, true reasons, no harm."""

from __future__ import annotations

import contextlib
import math
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any

import psutil
import pytest

from infra.waiting import wait_for
from tests.acceptance.tasks import finished, submit
from tests.support.busy_circuits import dense, hungry
from tests.support.circuits import KNOWN
from tests.support.evidence import sample
from tests.support.hand_worked import HAND_WORKED
from tests.support.hostile_circuits import HOSTILE
from tests.support.processes import (
    children_of,
    is_computing,
    is_killed,
    is_running,
    wait_until_bound,
)
from tests.support.refused_circuits import REFUSED
from tools.local_stage import BELL_STATE, Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.emulator]

SHOTS = 20_000
#: What a worker's own process may take, children left out.
WORKER_BYTES_MAX = 300 * 2**20
QUBITS = 20
#: Computes for about half a second, a fraction of its limit.
LONG = dense(QUBITS, 30)
#: Time enough for all on a busy machine; the wall is not what is shown here.
UNHURRIED = {
    "EXECUTOR": "simulator",
    "EXECUTION_CONCURRENCY": "10",
    "BATCH_SIZE": "10",
    "EXECUTION_SECONDS_MAX": "60",
    "FUNCTION_TIMEOUT_SECONDS": "78",
    "EXECUTION_PROCESSOR_SECONDS_MAX": "6",
    "EXECUTION_AMPLITUDES_MAX": str(1 << QUBITS),
    "EXECUTION_MEMORY_MB_MAX": "100",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run one worker that takes batches of ten."""
    stage = Stage(tmp_path_factory.mktemp("simulator") / "data")
    try:
        yield stage.start(workers=1, **UNHURRIED)
    finally:
        stage.close()


def function_of(stage: Stage) -> int:
    """The process that holds the worker's function."""
    (sandbox,) = psutil.Process(stage.pid("worker-1")).children()
    return sandbox.pid


def computing(pids: Collection[int]) -> list[int]:
    """Those that use the processor now."""
    return [pid for pid in pids if is_computing(pid)]


@contextlib.contextmanager
def worker_stopped(stage: Stage) -> Iterator[None]:
    """Stop the worker until the end of the block, so that its next receive takes ten."""
    stage.signal("worker-1", signal.SIGSTOP)
    yield
    stage.signal("worker-1", signal.SIGCONT)


def bells_as_one_batch(stage: Stage) -> None:
    """Have ten circuits executed at once."""
    with worker_stopped(stage):
        task_ids = [submit(stage.http, BELL_STATE, 100) for _ in range(10)]
    assert {finished(stage.http, task_id)["status"] for task_id in task_ids} == {"completed"}


def test_circuits_have_their_exact_distributions_and_refusals_their_reasons(stage: Stage) -> None:
    """Each known circuit within five standard deviations; each other one fails with its message."""
    known_circuits = (*sample(KNOWN, every=5), *sample(HAND_WORKED, every=120))
    known = {submit(stage.http, c.text, SHOTS): c for c in known_circuits}
    refused = {submit(stage.http, c.text, 100): c for c in sample(REFUSED, every=8)}
    for task_id, circuit in known.items():
        task = finished(stage.http, task_id)
        assert task["status"] == "completed", (circuit.name, task["error_message"])
        counts = task["result"]["counts"]
        assert (set(counts), sum(counts.values())) == (set(circuit.expected), SHOTS), circuit.name
        for bits, probability in circuit.expected.items():
            deviation = math.sqrt(SHOTS * probability * (1 - probability))
            assert abs(counts[bits] - SHOTS * probability) <= 5 * deviation, circuit.name
        widths = [register["size"] for register in task["result"]["registers"]]
        assert [len(part) for part in next(iter(counts)).split(" ")] == widths[::-1]
    for task_id, other in refused.items():
        task = finished(stage.http, task_id)
        assert (task["status"], task["attempt"]) == ("failed", 1), other.name
        message = other.message.replace("simulates 2^24", f"simulates 2^{QUBITS}")
        assert message in task["error_message"], other.name


def test_hostile_circuits_end_by_themselves_and_cost_their_neighbours_nothing(
    stage: Stage, figures: Callable[[str], None]
) -> None:
    """Each among nine Bells: these complete at attempt 1, receive 1; the worker stays small."""
    hostile, bells = {}, []
    with worker_stopped(stage):
        for name, text in sample(HOSTILE.items(), every=9):
            shots = 100_000 if "shot" in name else 1_024
            hostile[submit(stage.http, text, shots)] = name
            bells += [submit(stage.http, BELL_STATE) for _ in range(9)]
    for task_id in bells:
        task = finished(stage.http, task_id)
        assert (task["status"], task["attempt"]) == ("completed", 1), task["status_history"]
        assert set(task["result"]["counts"]) == {"00", "11"}
    for task_id, name in hostile.items():
        task = finished(stage.http, task_id)
        assert task["attempt"] == 1, (name, task)
        assert task["status"] == "completed" or task["error_message"], (name, task)
        figures(f"{name}: {task['error_message'] or task['result']['counts']}"[:160])
    assert receives(stage, bells) == {1}
    assert psutil.Process(stage.pid("worker-1")).memory_info().rss < WORKER_BYTES_MAX


def receives(stage: Stage, task_ids: list[str]) -> set[int]:
    """Return how often the messages of these tasks were received, as the worker has logged it."""
    wanted = set(task_ids)
    entries: list[dict[str, Any]] = stage.log_entries("worker-1")
    found = [e for e in entries if e.get("task_id") in wanted and "receive_count" in e]
    assert {entry["task_id"] for entry in found} == wanted
    return {entry["receive_count"] for entry in found}


def test_children_are_used_again_and_replaced_where_they_are_lost(stage: Stage) -> None:
    """The same over batches and a freeze; one that is killed or starved costs its own task only."""
    bells_as_one_batch(stage)
    children = children_of(function_of(stage))
    for number in (signal.SIGSTOP, signal.SIGCONT):
        stage.signal_group("worker-1", number)
    bells_as_one_batch(stage)
    assert children
    assert children_of(function_of(stage)) == children

    long_task = submit(stage.http, LONG, 100)
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
        "the circuit needs more than the 100 MB of memory that its execution may take"
    )


def test_a_function_killed_in_mid_execution_leaves_no_child(stage: Stage) -> None:
    """The kernel kills its children with it, also the one at work."""
    bells_as_one_batch(stage)
    function = function_of(stage)
    children = children_of(function)
    submit(stage.http, LONG, 100)
    wait_for(lambda: computing(children), "a child to compute")
    wait_until_bound(children)
    sandbox = psutil.Process(function)
    sandbox.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        sandbox.wait()
    if sys.platform == "linux":
        assert all(map(is_killed, children)), "the kernel kills them with their parent"
    wait_for(lambda: not any(map(is_running, children)), "all children to end")
