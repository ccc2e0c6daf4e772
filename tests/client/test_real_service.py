"""The client against the service itself: the local stage, its processes and the real simulator."""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.waiting import wait_for
from quantum_tasks import Client, TaskFailed, TaskNotFound
from quantum_tasks.cli import exits
from tests.acceptance.stage import BELL_STATE, Stage
from tests.client.fault_proxy import Fault, FaultProxy, Kind, Side, fault_proxy
from tests.client.process import environment, qtasks
from tests.client.virtual import VirtualClock

pytestmark = pytest.mark.acceptance

#: The last register is leftmost, and in each the highest bit: a[0] = 1, b = 011.
ASYMMETRIC = """OPENQASM 3.0;
include "stdgates.inc";
qubit[4] q;
bit[1] a;
bit[3] b;
x q[0];
x q[1];
x q[2];
a[0] = measure q[0];
b[0] = measure q[1];
b[1] = measure q[2];
b[2] = measure q[3];
"""
DELAYED_SECONDS = 0.5


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run the local stage."""
    stage = Stage(tmp_path_factory.mktemp("stage") / "data", EXECUTOR="simulator")
    try:
        yield stage.start()
    finally:
        stage.close()


@pytest.fixture
def url(stage: Stage) -> str:
    """Return the stage's address."""
    return f"http://127.0.0.1:{stage.port}"


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """Return a client of the stage."""
    with Client(url) as client:
        yield client


def test_run_gives_real_counts_in_the_documented_order(client: Client) -> None:
    """Single and in a batch, whole and by register."""
    bell = client.run(BELL_STATE, shots=400, seed=1)
    assert set(bell.counts) == {"00", "11"}
    assert client.run(BELL_STATE, shots=400, seed=1).counts == bell.counts
    single = client.run(ASYMMETRIC, shots=5)
    (many,) = client.submit_many([{"circuit": ASYMMETRIC, "shots": 5}]).results()
    assert single.counts == many.counts == {"011 1": 5}
    assert single.for_register("b").counts == {"011": 5}


def test_a_task_is_read_listed_and_cancelled(client: Client) -> None:
    """With history, usage and tags."""
    task = client.submit(BELL_STATE, tags={"suite": "client"}).wait()
    assert [entry.status for entry in task.history] == ["pending", "processing", "completed"]
    assert task.refresh().usage.attempts == 1
    wait_for(
        lambda: task.id in {seen.id for seen in client.list(tags={"suite": "client"})},
        "the list to have the task",
    )
    failed = client.submit("OPENQASM 3.0; qubit q; bit c; oops q; c = measure q;")
    with pytest.raises(TaskFailed, match="oops"):
        failed.result()
    with pytest.raises(TaskNotFound):
        client.get("00000000-0000-0000-0000-000000000000")
    assert client.health().status == "healthy"


def test_the_command_line_works_with_the_service(url: str, tmp_path: Path) -> None:
    """Run, findings with their place, and the exit codes."""
    file, bad = tmp_path / "bell.qasm", tmp_path / "bad.qasm"
    file.write_text(BELL_STATE)
    bad.write_text(BELL_STATE.replace("h q[0];", "  oops q[0];"))
    done = qtasks(url, "run", str(file), "--shots", "100", "--json")
    assert done.code == exits.DONE
    assert set(json.loads(done.out)["result"]["counts"]) == {"00", "11"}
    found = qtasks(url, "validate", str(bad))
    assert found.code == exits.FAILED
    assert found.out.startswith(f"{bad}:5:3: error: ")
    assert qtasks(url, "run", str(bad)).code == exits.TASK_FAILED


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", list(Kind))
def test_one_call_is_one_task_also_there(
    kind: Kind, side: Side, stage: Stage, client: Client, figures: Callable[[str], None]
) -> None:
    """At every fifteenth byte of a submission; `test_faults.py` has every one."""
    seconds = DELAYED_SECONDS if kind is Kind.DELAY else 30.0
    tags = {"fault": f"{kind.value} {side.value}"}
    ids = []
    with fault_proxy(stage.port) as proxy:

        def submit() -> str:
            through = Client(proxy.url, clock=VirtualClock(), timeout=seconds)
            with through:
                return through.submit(BELL_STATE, shots=1, tags=tags).id

        ids.append(submit())
        proxy.settle()
        size = proxy.sizes[side]
        for after in [*range(0, size, 15), size - 1, size]:
            proxy.plan(Fault(kind=kind, side=side, after=after))
            ids.append(submit())
        proxy.settle()
    assert len(set(ids)) == len(ids)
    wait_for(
        lambda: sorted(task.id for task in client.list(tags=tags)) == sorted(ids),
        "the list to have each task once",
    )
    figures(f"real service, {kind.value} of the {side.value}: {len(ids)} calls, {len(ids)} tasks")


PROGRAM = """
import sys
from quantum_tasks import Client
bell = sys.stdin.read()
requests = [{"circuit": bell, "shots": n + 1, "tags": {"sweep": "1"}} for n in range(500)]
Client().submit_many(requests, key="sweep")
print("all", flush=True)
"""


def reached(proxy: FaultProxy, exchanges: int) -> bool:
    """Tell whether so many requests were begun."""
    return proxy.exchanges >= exchanges


def test_five_hundred_killed_and_repeated_are_five_hundred_there_too(
    stage: Stage, client: Client, figures: Callable[[str], None]
) -> None:
    """Killed in the middle of a batch, four times, then left to its end."""
    chance = random.Random(500)  # noqa: S311 - a test's
    kills, out = 0, b""
    with fault_proxy(stage.port) as proxy:
        for last in (False, False, False, False, True):
            until = proxy.exchanges + chance.randrange(1, 5)
            program = subprocess.Popen(
                [sys.executable, "-c", PROGRAM],
                env=environment(proxy.url),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert program.stdin is not None
            program.stdin.write(BELL_STATE.encode())
            program.stdin.close()
            program.stdin = None
            if not last:
                wait_for(functools.partial(reached, proxy, until), "a batch to be under way")
                os.kill(program.pid, signal.SIGKILL)
            out, _ = program.communicate(timeout=120)
            kills += not out
        assert out == b"all\n"
        proxy.settle()
    wait_for(
        lambda: (
            sorted(task.shots or 0 for task in client.list(tags={"sweep": "1"}))
            == list(range(1, 501))
        ),
        "the list to have five hundred tasks, each once",
    )
    figures(f"real service, submit_many of 500: killed {kills} times in the middle, 500 tasks")
