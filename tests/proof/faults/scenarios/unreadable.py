"""Items that cannot be read, next to others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.proof.faults.scenarios.scenario import Scenario
from tests.proof.faults.scenarios.steps import (
    BECOMES_DUE,
    DELIVERY,
    DIES,
    LOSE,
    SUBMITTED,
    SWEEP,
    cancel,
    expect,
    get,
    step,
    submit,
    wait,
)
from tests.proof.faults.world import Step
from tests.support.corrupting import KINDS
from tests.support.in_memory import a_result

#: One of each sort of `corrupting`: what can be claimed, what no condition holds for, and so on.
_CORRUPT: Final = (
    "a circuit's item that is gone",
    "an unknown event",
    "an unknown status",
    "a newer schema",
    "due at no time, sorted before all",
)


def _make_corrupt(kind: str) -> Step:
    return step(
        f"make_corrupt a: {kind}", "none", lambda world: world.make_corrupt("a", KINDS[kind])
    )


def unreadable_items() -> Iterator[Scenario]:
    """One task's item is corrupt; nothing of it may touch another."""
    two = [*SUBMITTED, expect("b"), submit("b")]
    for kind in _CORRUPT:
        corrupt = _make_corrupt(kind)
        yield Scenario(
            f"sweep behind an item with {kind}",
            [*two, LOSE, corrupt, BECOMES_DUE],
            SWEEP,
            swept=True,
            max_receive_count=8,
        )
        yield Scenario(
            f"deliver next to an item with {kind}",
            [*two, corrupt],
            DELIVERY,
            max_receive_count=8,
            is_large=True,
        )
        yield Scenario(
            f"cancel an item with {kind}",
            [*SUBMITTED, corrupt],
            cancel(),
            max_receive_count=8,
            is_large=True,
        )
    unknown = _make_corrupt("an unknown event")
    yield Scenario(
        "get a task that cannot be read", [*SUBMITTED, unknown], get(), max_receive_count=8
    )
    yield Scenario(
        "sweep abandons a task that cannot be read",
        [*SUBMITTED, LOSE, unknown, wait(6 * 86_400)],
        SWEEP,
        swept=True,
    )
    yield Scenario(
        "sweep leaves alone what cannot be read and is leased",
        [*SUBMITTED, DELIVERY, _make_corrupt(_CORRUPT[-1])],
        SWEEP,
        {"a": (DIES, a_result())},
    )
