"""Every interleaving and every fault, to a small bound; and what breaks without each guard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

import pytest

from chalicelib.domain.task import Task, TaskEvent
from chalicelib.use_cases.submit import SubmitTask, Submitted
from tests.proof.explorer.code import Code
from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.mutant import Mutant
from tests.proof.explorer.mutants import MUTANTS
from tests.proof.explorer.report import Figures, explore_service, hunt
from tests.proof.explorer.search import explore
from tests.proof.explorer.state_space import StateSpace
from tests.proof.explorer.suites import SMALL
from tests.proof.explorer.values import Answer, ExplorerError, Operation

#: No configuration here has nearly as many.
STATES_MAX: Final = 100_000

#: Together these go everywhere; `python -m tests.proof.explorer --full` explores all others too.
BROAD: Final = tuple(
    configuration
    for configuration in SMALL
    if configuration.name
    in {
        "unaided, no key",
        "unaided, one key, two requests",
        "unaided, cancelled",
        "unaided, batches of two, raising",
        "unaided, pieces, no key",
        "unaided, corrupt items",
        "sweeper, dead letters",
        "sweeper, corrupt items",
    }
)

#: Why deliveries end, as the table of deliveries in the design has it.
REASONS: Final = {
    "done: no such task",
    "done: duplicate: the task is completed",
    "done: duplicate: the task is failed",
    "done: duplicate: the task is cancelled",
    "done: the task is completed",
    "done: the task is failed",
    "done: the task is completed already",
    "done: the task is cancelled already",
    "redelivered: another attempt is at work",
    "redelivered: another attempt has the task",
    "redelivered: the task changed meanwhile",
    "redelivered: the database cannot be used",
    "redelivered: the task cannot be read",
    "redelivered: the task is from a newer version",
}

#: One of each three; `python -m tests.proof.explorer --mutants` explores all.
HUNTING_GROUNDS: Final = list(dict.fromkeys(mutant.configuration for mutant in MUTANTS))[::3]


def _name(case: Configuration | Mutant) -> str:
    return case.name


@pytest.fixture(scope="module")
def explored() -> dict[Configuration, StateSpace]:
    """What a test has explored, for the one that asks how far that was."""
    return {}


@pytest.mark.parametrize("configuration", BROAD, ids=_name)
def test_the_service_keeps_every_property_in_every_state(
    configuration: Configuration, figures: Figures, explored: dict[Configuration, StateSpace]
) -> None:
    """Whatever the interleaving and whichever calls fail, no property is broken."""
    space = explored[configuration] = StateSpace(configuration)
    seen = explore_service(space, figures, states_max=STATES_MAX)
    assert seen.complete
    assert not seen.found, "\n".join(line for found in seen.found for line in found.lines())


def test_the_explored_came_to_every_answer_event_operation_and_reason(
    explored: dict[Configuration, StateSpace],
) -> None:
    """Properties that hold because nothing happens would prove nothing."""
    for configuration in BROAD:
        if configuration not in explored:
            explore(explored.setdefault(configuration, StateSpace(configuration)))
    ends = [
        node.ended for space in explored.values() for node in space.universe.nodes if node.ended
    ]
    calls = [call for space in explored.values() for call in space.universe.calls]
    events = {call.transition.event for call in calls if call.transition is not None}
    assert {end.answer for end in ends} - {None} == set(Answer)
    assert events == set(TaskEvent) - {TaskEvent.SUBMIT}
    assert {call.operation for call in calls} == set(Operation)
    assert set().union(*(space.universe.script.reasons for space in explored.values())) >= REASONS


@pytest.mark.parametrize("mutant", MUTANTS, ids=_name)
def test_without_any_one_guard_a_property_breaks(mutant: Mutant, figures: Figures) -> None:
    """A guard that could be taken out unnoticed would not be tested, or not be needed."""
    found, seen = hunt(mutant, figures)
    assert found is not None, f"survived {seen.states} states without: {mutant.removes}"


@pytest.mark.parametrize("configuration", HUNTING_GROUNDS, ids=_name)
def test_where_a_mutant_breaks_a_property_the_service_keeps_it(
    configuration: Configuration, figures: Figures
) -> None:
    """What kills a mutant is what was taken out, not the configuration in which it is hunted."""
    seen = explore_service(StateSpace(configuration), figures, states_max=STATES_MAX)
    assert seen.complete
    assert not seen.found, "\n".join(line for found in seen.found for line in found.lines())


class _Curious(SubmitTask, frozen=True):
    """Reads a field that submitters are not shown."""

    def _send_existing(self, task: Task, *, keyed: bool) -> Submitted:
        assert task.attempt == 0
        return super()._send_existing(task, keyed=keyed)


class _Fickle(SubmitTask, frozen=True):
    """Does something else each time, whatever it was told."""

    moods: ClassVar[Iterator[bool]]

    def _send(self, task: Task) -> None:
        if next(self.moods):
            self.store.get(task.task_id)
        super()._send(task)


KEYED: Final = Configuration(name="one key", keyed=True, submitters=("A", "A"))


def test_code_that_reads_what_the_states_do_not_show_is_an_error() -> None:
    """States leave out what no code reads; code that starts to read it must not go unnoticed."""
    with pytest.raises(ExplorerError, match="attempt"):
        explore(StateSpace(KEYED, Code(submit=_Curious)))


def test_code_that_depends_on_more_than_its_ports_is_an_error() -> None:
    """A use case is run again for each step, so it must do the same again."""
    _Fickle.moods = iter([False, True] * 100)
    with pytest.raises(ExplorerError, match="did reads where it did sends"):
        explore(StateSpace(KEYED, Code(submit=_Fickle)))


def test_an_exploration_sees_the_same_each_time() -> None:
    """Counts are facts of the protocol: they change with the code, not from run to run."""
    first, second = explore(StateSpace(KEYED)), explore(StateSpace(KEYED))
    assert (first.states, first.edges) == (second.states, second.edges)


def test_equal_tasks_are_one_item() -> None:
    """The canonical form of a canonical task is itself."""
    space = StateSpace(KEYED)
    explore(space)
    items = space.universe.items
    assert len(items.all) > 4
    assert [items.intern(item.task) for item in items.all] == list(range(len(items.all)))


def test_a_bound_that_is_met_is_said() -> None:
    """An exploration that was cut short never passes for a whole one."""
    assert not explore(StateSpace(KEYED), states_max=10).complete


def test_a_violation_comes_with_a_shortest_way_to_it() -> None:
    """The last step of the trace is the one that breaks the property."""
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "claim, any status")
    found, _ = hunt(mutant, Figures())
    assert found is not None
    assert [step.what for step in found.trace][-1] == "claims with token 1"
    assert len(found.trace) == 5
