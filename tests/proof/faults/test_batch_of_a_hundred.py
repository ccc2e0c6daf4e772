"""A batch of a hundred that breaks off at each member, and is repeated whole with its key."""

from __future__ import annotations

from typing import Final

import pytest

from tests.proof.faults.judge import Answer
from tests.proof.faults.kinds import KINDS
from tests.proof.faults.wire import CallName
from tests.proof.faults.world import Step, World
from tests.support.evidence import FULL

MEMBERS: Final = tuple(f"m{number}" for number in range(100))
#: A member's calls do not depend on its place, so a place differs by how many members were made
#: before it and how many are still to be made: none, one or many.
PLACES: Final = (1, 2, 50, 99, 100) if FULL else (50,)
BREAKS: Final = (("PutItem", "process dies after"), ("SendMessage", "refused, every request"))
MORE_BREAKS: Final = (
    ("PutItem", "process dies before"),
    ("PutItem", "refused, every request"),
    ("PutItem", "reply lost, every request"),
    ("SendMessage", "process dies before"),
    ("SendMessage", "process dies after"),
    ("SendMessage", "answered 500 though applied, every request"),
)
SUBMIT: Final = Step(
    name="submit", role="client", run=lambda world: world.clients.submit_batch(*MEMBERS)
)
_BY_NAME: Final = {kind.name: kind for kind in KINDS}


def expect_a_batch(world: World) -> None:
    """Begin with an empty table, and a client that has a batch and its key."""
    world.reset(max_receive_count=8, partial_batches=False)
    world.clients.expect_batch(*MEMBERS, key="key-1")


def ids(world: World) -> list[str | None]:
    """Return what the client was told, member by member; each must have been accepted."""
    answers = [world.known.submissions[tag] for tag in MEMBERS]
    assert {answer.answer for answer in answers} == {Answer.ACCEPTED}
    return [answer.task_id for answer in answers]


@pytest.mark.parametrize(("operation", "kind"), BREAKS + MORE_BREAKS * FULL)
def test_a_batch_that_breaks_off_anywhere_is_a_hundred_tasks_in_the_end(
    world: World, operation: str, kind: str
) -> None:
    """Each answer on the way is true; the repeated batch finds what was made and makes the rest."""
    for number in PLACES:
        expect_a_batch(world)
        plan = {CallName.parse(f"{operation} {number}"): _BY_NAME[kind]}
        assert world.take(SUBMIT, plan) == [], f"{operation} {number} {kind}"
        assert world.wire.struck
        made = {task.task_id for task in world.tasks()}
        assert len(made) in (number - 1, number)
        assert world.take(SUBMIT, {}) == [], f"after {operation} {number} {kind}"
        told = ids(world)
        assert len(set(told)) == len(MEMBERS)
        assert set(told) == {task.task_id for task in world.tasks()} >= made
        assert len(world.backend.table.items) == len(MEMBERS)


@pytest.mark.parametrize("service", ["dynamodb", "sqs"])
@pytest.mark.parametrize("kind", ["timed out, every request"])
def test_through_an_outage_each_member_says_its_truth_after_a_single_tasks_calls(
    world: World, service: str, kind: str
) -> None:
    """However many members: only the first one calls, so one answer comes as soon as a task's."""
    expect_a_batch(world)
    operations = {"dynamodb": ("PutItem", "GetItem", "DeleteItem"), "sqs": ("SendMessage",)}
    plan = {
        CallName.parse(f"{operation} {number}"): _BY_NAME[kind]
        for operation in operations[service]
        for number in range(1, 101)
    }
    before = world.clock.now()
    assert world.take(SUBMIT, plan) == []
    assert (world.clock.now() - before).total_seconds() < 10
    assert len(world.wire.calls) <= 3
    answers = [world.known.submissions[tag].answer for tag in MEMBERS]
    assert set(answers[1:]) == {Answer.UNKNOWN}
    assert answers[0] is not Answer.ACCEPTED
    assert world.take(SUBMIT, {}) == []
    assert len(set(ids(world))) == len(MEMBERS)
