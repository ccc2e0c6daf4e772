"""Circuits through HTTP, queue, worker and child processes: true counts, true reasons, no harm."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from infra.waiting import wait_for
from tests.acceptance.stage import Stage
from tests.acceptance.tasks import finished, submit
from tests.support.circuits import BELL, KNOWN
from tests.support.hand_worked import HAND_WORKED
from tests.support.hostile_circuits import HOSTILE
from tests.support.refused_circuits import REFUSED

pytestmark = [pytest.mark.acceptance, pytest.mark.emulator]

SHOTS = 20_000
#: What a worker's own process may take, children left out.
WORKER_BYTES_MAX = 300 * 2**20


def test_circuits_have_their_exact_distributions_and_refusals_their_reasons(stage: Stage) -> None:
    """Each known circuit within five standard deviations; each other one fails with its message."""
    stage.start(workers=2, EXECUTOR="simulator")
    known = {
        submit(stage.http, circuit.text, SHOTS): circuit for circuit in (*KNOWN, *HAND_WORKED[::40])
    }
    refused = {submit(stage.http, circuit.text, 100): circuit for circuit in REFUSED}
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
        assert other.message in task["error_message"], other.name
    stage.stop()


@pytest.fixture
def paused(stage: Stage) -> Callable[[], object]:
    """Start one worker that takes batches of ten, stop it, and return what lets it go on."""
    stage.start(workers=1, EXECUTOR="simulator", EXECUTION_CONCURRENCY="10", BATCH_SIZE="10")
    finished(stage.http, submit(stage.http, BELL))
    stage.signal("worker-1", signal.SIGSTOP)

    return lambda: stage.signal("worker-1", signal.SIGCONT)


def test_hostile_circuits_end_by_themselves_and_cost_their_neighbours_nothing(
    stage: Stage, paused: Callable[[], object], figures: Callable[[str], None]
) -> None:
    """Each among nine Bells: these complete at attempt 1, receive 1; the worker stays small."""
    hostile, bells = {}, []
    for name, text in HOSTILE.items():
        shots = 100_000 if "shot" in name else 1_024
        hostile[submit(stage.http, text, shots)] = name
        bells += [submit(stage.http, BELL) for _ in range(9)]
    paused()
    for task_id in bells:
        task = finished(stage.http, task_id)
        history = task["status_history"]
        assert (task["status"], task["attempt"]) == ("completed", 1), history
        assert set(task["result"]["counts"]) == {"00", "11"}
    for task_id, name in hostile.items():
        task = finished(stage.http, task_id)
        assert task["attempt"] == 1, (name, task)
        assert task["status"] == "completed" or task["error_message"], (name, task)
        figures(f"{name}: {task['error_message'] or task['result']['counts']}"[:160])
    assert _receives(stage, bells) == {1}
    worker = psutil.Process(stage.pid("worker-1"))
    assert worker.memory_info().rss < WORKER_BYTES_MAX
    children = worker.children(recursive=True)
    stage.stop()
    wait_for(lambda: not any(child.is_running() for child in children), "the children to end")


def _receives(stage: Stage, task_ids: list[str]) -> set[int]:
    """Return how often the messages of these tasks were received, as the worker has logged it."""
    wanted = set(task_ids)
    entries: list[dict[str, Any]] = stage.log_entries("worker-1")
    found = [e for e in entries if e.get("task_id") in wanted and "receive_count" in e]
    assert {entry["task_id"] for entry in found} == wanted
    return {entry["receive_count"] for entry in found}
