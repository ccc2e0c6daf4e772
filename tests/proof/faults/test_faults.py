"""Every call fails in every way, and nothing is lost, done twice or said falsely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.proof.faults.explore import Explorer, Figures
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


def test_each_operation_and_each_kind_of_fault_is_in_the_sample(total: Figures) -> None:
    """A sample that leaves one out would say nothing of it."""
    assert {operation for operation, _ in total.struck} >= OPERATIONS
    assert {kind for _, kind in total.struck} == {kind.name for kind in KINDS}


def test_the_scenarios_are_counted(total: Figures, figures: Callable[[str], None]) -> None:
    """How many there were stands at the end of the run; those before this one are all."""
    for line in total.lines():
        figures(line)
    assert not total.violations


def test_every_operation_of_the_service_on_its_backends_is_among_the_calls(
    world: World,
) -> None:
    """What the scenarios call is found by running them; here is what must at least be found."""
    called = set()
    for scenario in SCENARIOS:
        scenario.begin(world)
        world.take(scenario.operation, {})
        called |= {call.operation for call in world.wire.calls}
    assert called >= OPERATIONS


def test_the_kinds_of_faults_have_names_of_their_own() -> None:
    """A violation names its faults."""
    assert len({kind.name for kind in KINDS}) == len(KINDS)
