"""Many clients, several processes: nothing lost, nothing done twice; and what it took."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest

from infra.waiting import wait_for
from tests.acceptance.tasks import read_concurrently, statuses, submit_concurrently
from tools.http_client import Reply
from tools.local_stage import Stage

pytestmark = pytest.mark.acceptance

TASKS = 1_000
CLIENTS = 16


def percentile(values: list[float], percent: int) -> float:
    """Give the value below which so many percent lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def describe(seconds: list[float]) -> str:
    """Write median and 99th percentile, in milliseconds."""
    return (
        f"median {statistics.median(seconds) * 1000:.1f} ms, "
        f"99th percentile {percentile(seconds, 99) * 1000:.1f} ms"
    )


def seconds_from_stored_to_sent(stage: Stage, parts: list[str]) -> list[float]:
    """Read from the APIs' logs how long each task was stored before its message was sent."""
    stored: dict[str, float] = {}
    sent: dict[str, float] = {}
    for part in parts:
        for line in stage.log(part).splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            for message, seen in (("task submitted", stored), ("message published", sent)):
                if entry.get("message") == message:
                    at = datetime.fromisoformat(entry["timestamp"])
                    seen[entry["task_id"]] = at.timestamp()
    return [sent[task_id] - stored[task_id] for task_id in sent]


def test_a_thousand_tasks_from_sixteen_clients(
    stage: Stage, figures: Callable[[str], None]
) -> None:
    """Two API and four worker processes: each task is accepted, run and settled exactly once."""
    stage.start(workers=4)
    ports = [stage.port, stage.attach_api()]
    started = time.monotonic()
    replies = submit_concurrently(ports, TASKS, CLIENTS)
    submitted = time.monotonic()
    assert Counter(reply.status for reply in replies) == {202: TASKS}
    ids = [reply.json["task_id"] for reply in replies]
    assert len(set(ids)) == TASKS

    wait_for(
        lambda: stage.messages() == 0, "the queue to be empty", poll_seconds=0.2, seconds_max=120
    )
    drained = time.monotonic()
    tasks = read_concurrently(ports, ids, CLIENTS)
    histories = Counter(tuple(statuses(task)) for task in tasks)
    assert histories == {("pending", "processing", "completed"): TASKS}
    assert stage.dead_letters() == 0
    assert stage.items() == TASKS

    between = seconds_from_stored_to_sent(stage, ["api", "api-2"])
    assert len(between) == TASKS
    figures(
        f"{TASKS} tasks, 2 APIs, 4 workers, {CLIENTS} clients: "
        f"{TASKS / (submitted - started):.0f} submissions/s, "
        f"{TASKS / (drained - started):.0f} tasks/s from first POST to empty queue"
        f"\n  POST: {describe([reply.seconds for reply in replies])}"
        f"\n  stored to sent: {describe(between)}"
    )
    stage.stop()


def test_slow_executions_do_not_slow_submissions(
    stage: Stage, figures: Callable[[str], None]
) -> None:
    """With executions of 5 s a POST is as quick as with executions that take no time."""
    seconds: dict[str, list[float]] = {}
    for execution in ("0", "5"):
        stage.start(workers=2, MOCK_EXECUTION_SECONDS=execution)
        replies: list[Reply] = submit_concurrently([stage.port], count=200, clients=4)
        assert Counter(reply.status for reply in replies) == {202: 200}
        seconds[execution] = [reply.seconds for reply in replies]
        stage.stop()
    for execution, taken in seconds.items():
        figures(f"executions of {execution} s: POST {describe(taken)}")
    # Submitting waits for no execution: not one POST took as long as one.
    assert max(seconds["5"]) < 5
