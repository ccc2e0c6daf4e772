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
        Scenario("sweep a task never claimed", [*SUBMITTED, LOSE, BECOMES_DUE], SWEEP, swept=True),
        Scenario("sweep a task whose message waits", [*SUBMITTED, BECOMES_DUE], SWEEP),
        Scenario("sweep two tasks", [*two, BECOMES_DUE], SWEEP, swept=True),
        Scenario(
            "sweep three tasks in units of two",
            [*two[:-1], expect("c"), submit("c"), LOSE, BECOMES_DUE],
            SWEEP,
            swept=True,
        ),
        Scenario(
            "sweep an expired lease",
            [*died, BECOMES_DUE],
            SWEEP,
            {"a": (DIES, a_result())},
            swept=True,
        ),
        Scenario(
            "sweep a released task",
            [*died, BECOMES_DUE],
            SWEEP,
            {"a": (TRANSIENT, a_result())},
            swept=True,
        ),
        Scenario(
            "sweep a second time",
            [*SUBMITTED, LOSE, BECOMES_DUE, SWEEP, LOSE, BECOMES_DUE],
            SWEEP,
            swept=True,
        ),
        Scenario(
            "sweep postpones a live lease",
            [*SUBMITTED, BECOMES_DUE, DELIVERY],
            SWEEP,
            {"a": (DIES, a_result())},
        ),
        Scenario(
            "sweep abandons a task never claimed", [*SUBMITTED, LOSE, *aged], SWEEP, swept=True
        ),
        Scenario(
            "sweep abandons a task that was claimed",
            [*died, *aged],
            SWEEP,
            {"a": (DIES, a_result())},
            swept=True,
        ),
        Scenario("sweep finds nothing", SUBMITTED, SWEEP),
    ]
