"""What the sweeper finds."""

from __future__ import annotations

from tests.proof.faults.scenarios.scenario import Scenario
from tests.proof.faults.scenarios.steps import (
    BECOMES_DUE,
    DELIVERY,
    DIES,
    LOSE,
    SUBMITTED,
    SWEEP,
    TRANSIENT,
    expect,
    submit,
    wait,
)
from tests.support.in_memory import a_result


def sweeps() -> list[Scenario]:
    """Give each thing that the sweeper finds."""
    died = [*SUBMITTED, DELIVERY, LOSE]
    two = [*SUBMITTED, expect("b"), submit("b"), LOSE]
    aged = [wait(6 * 86_400)]
    return [
        Scenario(
            name="sweep a task never claimed",
            prepare=[*SUBMITTED, LOSE, BECOMES_DUE],
            operation=SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep a task whose message waits",
            prepare=[*SUBMITTED, BECOMES_DUE],
            operation=SWEEP,
        ),
        Scenario(
            name="sweep two tasks",
            prepare=[*two, BECOMES_DUE],
            operation=SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep three tasks in units of two",
            prepare=[*two[:-1], expect("c"), submit("c"), LOSE, BECOMES_DUE],
            operation=SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep an expired lease",
            prepare=[*died, BECOMES_DUE],
            behaviours={"a": (DIES, a_result())},
            operation=SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep a released task",
            prepare=[*died, BECOMES_DUE],
            behaviours={"a": (TRANSIENT, a_result())},
            operation=SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep a second time",
            prepare=[*SUBMITTED, LOSE, BECOMES_DUE, SWEEP, LOSE, BECOMES_DUE],
            operation=SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep postpones a live lease",
            prepare=[*SUBMITTED, BECOMES_DUE, DELIVERY],
            behaviours={"a": (DIES, a_result())},
            operation=SWEEP,
        ),
        Scenario(
            name="sweep abandons a task never claimed",
            prepare=[*SUBMITTED, LOSE, *aged],
            operation=SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep abandons a task that was claimed",
            prepare=[*died, *aged],
            behaviours={"a": (DIES, a_result())},
            operation=SWEEP,
            swept=True,
        ),
        Scenario(name="sweep finds nothing", prepare=SUBMITTED, operation=SWEEP),
    ]
