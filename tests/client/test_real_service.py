"""The client against the service itself: the local stage, its processes and the real simulator."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.waiting import wait_for
from quantum_tasks import Client, TaskFailed, TaskNotFound
from quantum_tasks.cli import exits
from tests.client.fault_proxy import Fault, Impatient, Kind, Side, fault_proxy, places
from tests.client.process import qtasks, submit_five_hundred
from tests.client.virtual import VirtualClock
from tools.local_stage import BELL_STATE, Stage

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
    assert qtasks(url, "run", str(bad)).code == 3


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", list(Kind))
def test_one_call_is_one_task_also_there(
    kind: Kind, side: Side, stage: Stage, client: Client, figures: Callable[[str], None]
) -> None:
    """As in `test_faults.py`."""
    tags = {"fault": f"{kind.value} {side.value}"}
    ids = []
    with fault_proxy(stage.port) as proxy:

        def submit() -> str:
            transport = Impatient(proxy.url, kind)
            with Client(proxy.url, transport=transport, clock=VirtualClock()) as through:
                return through.submit(BELL_STATE, shots=1, tags=tags).id

        ids.append(submit())
        proxy.wait()
        for after in places(proxy.messages[side]):
            proxy.plan(Fault(kind=kind, side=side, after=after))
            ids.append(submit())
        proxy.wait()
    assert len(set(ids)) == len(ids)
    wait_for(
        lambda: sorted(task.id for task in client.list(tags=tags)) == sorted(ids),
        "the list to have each task once",
    )
    figures(f"real service, {kind.value} of the {side.value}: {len(ids)} calls, {len(ids)} tasks")


def test_five_hundred_killed_and_repeated_are_five_hundred_there_too(
    stage: Stage, client: Client, figures: Callable[[str], None]
) -> None:
    """Killed in the middle of a batch, four times, then left to its end."""
    chance = random.Random(500)  # noqa: S311 - a test's
    with fault_proxy(stage.port) as proxy:

        def under_way() -> None:
            until = proxy.exchanges + chance.randrange(1, 5)
            wait_for(lambda: proxy.exchanges >= until, "a batch to be under way")

        kills = submit_five_hundred(proxy.url, BELL_STATE, [under_way] * 4)
        proxy.wait()

    def all_are_listed() -> bool:
        found = sorted(task.shots or 0 for task in client.list(tags={"sweep": "1"}))
        return found == list(range(1, 501))

    wait_for(all_are_listed, "the list to have five hundred tasks, each once")
    figures(f"real service, submit_many of 500: killed {kills} times in the middle, 500 tasks")
