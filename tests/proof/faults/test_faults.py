"""Every call fails in every way, and nothing is lost, done twice or said falsely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.proof.faults.explore import Explorer, Figures, faults_of
from tests.proof.faults.kinds import KINDS
from tests.proof.faults.scenarios import SCENARIOS
from tests.proof.faults.world import World

#: `python -m tests.proof.faults --full` runs all of both. Each scenario begins at another fault,
#: and the number has no factor in common with that of the kinds.
EVERY: Final = 13
SHARE_OF_PAIRS: Final = 0.0005
SEED: Final = 1
OPERATIONS: Final = {
    "ChangeMessageVisibility",
    "DeleteMessageBatch",
    "GetItem",
    "GetQueueAttributes",
    "PutItem",
    "Query",
    "SendMessage",
    "UpdateItem",
}


@pytest.mark.parametrize("number", range(len(SCENARIOS)), ids=lambda n: SCENARIOS[n].name)
def test_whatever_call_fails_the_promises_are_kept(
    world: World, total: Figures, number: int
) -> None:
    """Calls of the operation fail in every way; some do so again on the way to rest."""
    explorer = Explorer(world, every=EVERY, first=number, pairs=SHARE_OF_PAIRS, seed=SEED)
    found = explorer.explore(SCENARIOS[number])
    total.add(found)
    assert not found.violations, "\n".join(found.violations[:10])


def test_the_scenarios_are_counted(total: Figures, figures: Callable[[str], None]) -> None:
    """How many there were stands at the end of the run; those before this one are all."""
    for line in total.lines():
        figures(line)
    assert not total.violations


def test_each_operation_and_each_kind_of_fault_is_in_the_sample(world: World) -> None:
    """The calls of the scenarios are found by running them; here is the least of them."""
    tried = set()
    for number, scenario in enumerate(SCENARIOS):
        scenario.begin(world)
        world.take(scenario.operation, {})
        tried |= set([*faults_of(world.wire.calls)][number % EVERY :: EVERY])
    assert {call.operation for call, _ in tried} >= OPERATIONS
    assert {kind for _, kind in tried} == set(KINDS)


def test_the_kinds_of_faults_have_names_of_their_own() -> None:
    """A violation names its faults."""
    assert len({kind.name for kind in KINDS}) == len(KINDS)
