"""Submitting a circuit that may take several pieces: they are put before the task is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from chalicelib.domain import payloads
from chalicelib.domain.task import Task
from chalicelib.errors import Kept, StoreUnavailable, SubmissionUnavailable
from chalicelib.ports import KeptCircuit, PutOutcome
from chalicelib.use_cases.submit import SubmitTask, Submitted, keyed_task_id
from tests.support.in_memory import T0, InMemoryTaskStore
from tests.support.world import World, a_submission
from tests.unit.use_cases.submitter_world import a_world

LARGE = 10
SMALL_CIRCUIT, LARGE_CIRCUIT = "x" * LARGE, "x" * (LARGE + 1)


class Recording(InMemoryTaskStore):
    """Writes down its calls; pieces take a minute of the test's clock to be put."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.calls: list[str] = []
        self.kept: list[KeptCircuit | None] = []

    def keep_circuit(self, task_id: str, circuit: str) -> KeptCircuit:
        """Take a minute."""
        self.calls.append("keep")
        self.world.clock.advance(60)
        return super().keep_circuit(task_id, circuit)

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Write down what was kept."""
        self.calls.append("create")
        self.kept.append(kept)
        return super().create_if_absent(task, kept)

    def get_without_payloads(self, task_id: str) -> Task | None:
        """Read."""
        self.calls.append("read")
        return super().get_without_payloads(task_id)


@pytest.fixture
def world() -> World:
    """Return a world whose store writes down its calls."""
    world = a_world()
    world.store = Recording(world)
    return world


def submitter(world: World) -> SubmitTask:
    """Return a submitter to whom circuits are large soon."""
    return structs.replace(world.submitter(), large_characters=LARGE)


def submit(world: World, circuit: str, key: str | None = None) -> tuple[Submitted, Recording]:
    """Submit, and return the answer and the store."""
    assert isinstance(world.store, Recording)
    return submitter(world)(a_submission(key, circuit)), world.store


def test_a_circuit_of_that_many_characters_is_stored_with_its_task(world: World) -> None:
    """In one put."""
    _, store = submit(world, SMALL_CIRCUIT)
    assert (store.calls, store.kept) == (["create"], [None])


def test_a_larger_one_is_kept_first_and_its_tasks_time_begins_then(world: World) -> None:
    """So the sweeper's grace is whole, and the task is what it would be if submitted then."""
    submitted, store = submit(world, LARGE_CIRCUIT)
    assert (store.calls, store.kept) == (
        ["keep", "create"],
        [KeptCircuit(key="task-1#circuit#11", pieces=1)],
    )
    put_at = T0 + timedelta(seconds=60)
    task = submitted.task
    assert (task.submitted_at, task.due_at) == (put_at, put_at + timedelta(seconds=900))
    assert [entry.transitioned_at for entry in task.history] == [put_at]
    request = a_submission(circuit=LARGE_CIRCUIT).request
    assert (task.request, task.request_fingerprint) == (request, request.fingerprint)
    assert (task.task_id, task.owner, task.correlation_id) == ("task-1", "local", "c")
    assert store.tasks == {"task-1": task}


def test_with_a_key_its_task_is_read_before_its_pieces_are_put(world: World) -> None:
    """A replay puts none of them a second time."""
    first, store = submit(world, LARGE_CIRCUIT, "k")
    assert store.calls == ["read", "keep", "create"]
    store.calls.clear()
    again, _ = submit(world, LARGE_CIRCUIT, "k")
    assert store.calls == ["read"]
    assert (again.task.task_id, again.replayed) == (first.task.task_id, True)
    assert first.task.task_id == keyed_task_id("local", "k")


@pytest.mark.parametrize(
    ("in_doubt", "key", "kept"),
    [(False, None, Kept.NO), (True, None, Kept.UNKNOWN), (False, "k", Kept.UNKNOWN)],
)
def test_pieces_that_cannot_be_put_are_a_task_that_cannot_be_stored(
    world: World,
    in_doubt: bool,  # noqa: FBT001 - a case of the table
    key: str | None,
    kept: Kept,
) -> None:
    """In the same words."""

    class Failing(InMemoryTaskStore):
        def keep_circuit(self, task_id: str, circuit: str) -> KeptCircuit:
            raise StoreUnavailable(in_doubt=in_doubt)

    world.store = Failing()
    with pytest.raises(SubmissionUnavailable) as caught:
        submitter(world)(a_submission(key, LARGE_CIRCUIT))
    assert caught.value.kept is kept
    assert [operation for operation, _ in world.observer.problems] == ["create the task"]
    assert world.store.tasks == {}


def test_what_is_large_is_said_by_the_domain(world: World) -> None:
    """Unless it is set otherwise."""
    assert world.submitter().large_characters == payloads.LARGE_CHARACTERS
