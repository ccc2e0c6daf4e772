"""What clients ask: submissions, batches of them, reads and cancels."""

from __future__ import annotations

from tests.proof.faults.scenarios.scenario import Scenario
from tests.proof.faults.scenarios.steps import (
    DELIVERY,
    DIES,
    LARGE_CIRCUIT,
    LARGE_RESULT,
    LOSE,
    SUBMITTED,
    SUBMITTED_LARGE,
    cancel,
    expect,
    get,
    step,
    submit,
)
from tests.proof.faults.world import Step
from tests.support.in_memory import a_result


def submissions() -> list[Scenario]:
    """Give each way of submitting a task by itself."""
    key = "key-1"
    return [
        Scenario(name="submit", prepare=[expect()], operation=submit()),
        Scenario(name="submit with a key", prepare=[expect(key=key)], operation=submit()),
        Scenario(
            name="submit a large circuit",
            prepare=[expect(circuit=LARGE_CIRCUIT)],
            operation=submit(),
        ),
        Scenario(
            name="submit a large circuit with a key",
            prepare=[expect(key=key, circuit=LARGE_CIRCUIT)],
            operation=submit(),
        ),
        Scenario(
            name="replay of a pending task",
            prepare=[expect(key=key), submit()],
            operation=submit(),
        ),
        Scenario(
            name="replay of a pending task that lost its message",
            prepare=[expect(key=key), submit(), LOSE],
            operation=submit(),
        ),
        Scenario(
            name="replay of an ended task",
            prepare=[expect(key=key), submit(), DELIVERY],
            operation=submit(),
        ),
        Scenario(
            name="a key used with another request",
            prepare=[expect(key=key), submit(), expect("b", key=key)],
            operation=submit("b"),
        ),
    ]


def batch(*tags: str) -> Step:
    """Submit several in one call."""
    return step("submit a batch", "client", lambda world: world.clients.submit_batch(*tags))


def expect_batch(*tags: str, key: str | None = None) -> Step:
    """Make a client that is going to submit these together."""
    return step("expect a batch", "none", lambda world: world.clients.expect_batch(*tags, key=key))


def batches_of_submissions() -> list[Scenario]:
    """A batch adds no rule: each member is a submission, and is judged as one."""
    three = ("m1", "m2", "m3")
    return [
        Scenario(
            name="submit a batch",
            prepare=[expect_batch(*three)],
            operation=batch(*three),
            is_large=True,
        ),
        Scenario(
            name="submit a batch with a key",
            prepare=[expect_batch(*three, key="key-1")],
            operation=batch(*three),
            is_large=True,
        ),
        Scenario(
            name="repeat a batch of which one task was made",
            prepare=[expect_batch("m1", "m2", key="key-1"), submit("m1")],
            operation=batch("m1", "m2"),
            is_large=True,
        ),
        Scenario(
            name="repeat a batch, the first task of which was not made",
            prepare=[expect_batch("m1", "m2", key="key-1"), submit("m2")],
            operation=batch("m1", "m2"),
            is_large=True,
        ),
        Scenario(
            name="a batch with a member that was submitted alone",
            prepare=[
                expect("m1", key="own"),
                submit("m1"),
                expect_batch("m1", "m2", key="key-1"),
            ],
            operation=batch("m1", "m2"),
            is_large=True,
        ),
    ]


def readings() -> list[Scenario]:
    """Give the calls that change nothing."""
    return [
        Scenario(name="get a pending task", prepare=SUBMITTED, operation=get()),
        Scenario(
            name="get a large circuit and its large result",
            prepare=[*SUBMITTED_LARGE, DELIVERY],
            behaviours={"a": (LARGE_RESULT,)},
            operation=get(),
        ),
        Scenario(
            name="health",
            prepare=SUBMITTED,
            operation=step("health", "client", lambda world: world.clients.check_health()),
        ),
    ]


def cancellations() -> list[Scenario]:
    """Give a cancel of a task in each state."""
    return [
        Scenario(name="cancel a pending task", prepare=SUBMITTED, operation=cancel()),
        Scenario(name="cancel a large pending task", prepare=SUBMITTED_LARGE, operation=cancel()),
        Scenario(
            name="cancel a task at work",
            prepare=[*SUBMITTED, DELIVERY],
            behaviours={"a": (DIES, a_result())},
            operation=cancel(),
        ),
        Scenario(
            name="cancel a completed task", prepare=[*SUBMITTED, DELIVERY], operation=cancel()
        ),
        Scenario(name="cancel twice", prepare=[*SUBMITTED, cancel()], operation=cancel()),
    ]
