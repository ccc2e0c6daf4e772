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
    wait_for_end,
)
from tests.proof.faults.world import Step
from tests.support.in_memory import a_result


def submissions() -> list[Scenario]:
    """Give each way of submitting a task by itself."""
    key = "key-1"
    return [
        Scenario("submit", [expect()], submit()),
        Scenario("submit with a key", [expect(key=key)], submit()),
        Scenario("submit a large circuit", [expect(circuit=LARGE_CIRCUIT)], submit()),
        Scenario(
            "submit a large circuit with a key", [expect(key=key, circuit=LARGE_CIRCUIT)], submit()
        ),
        Scenario("replay of a pending task", [expect(key=key), submit()], submit()),
        Scenario(
            "replay of a pending task that lost its message",
            [expect(key=key), submit(), LOSE],
            submit(),
        ),
        Scenario("replay of an ended task", [expect(key=key), submit(), DELIVERY], submit()),
        Scenario(
            "a key used with another request",
            [expect(key=key), submit(), expect("b", key=key)],
            submit("b"),
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
        Scenario("submit a batch", [expect_batch(*three)], batch(*three), is_large=True),
        Scenario(
            "submit a batch with a key",
            [expect_batch(*three, key="key-1")],
            batch(*three),
            is_large=True,
        ),
        Scenario(
            "repeat a batch of which one task was made",
            [expect_batch("m1", "m2", key="key-1"), submit("m1")],
            batch("m1", "m2"),
            is_large=True,
        ),
        Scenario(
            "repeat a batch, the first task of which was not made",
            [expect_batch("m1", "m2", key="key-1"), submit("m2")],
            batch("m1", "m2"),
            is_large=True,
        ),
        Scenario(
            "a batch with a member that was submitted alone",
            [
                expect("m1", key="own"),
                submit("m1"),
                expect_batch("m1", "m2", key="key-1"),
            ],
            batch("m1", "m2"),
            is_large=True,
        ),
    ]


def readings() -> list[Scenario]:
    """Give the calls that change nothing."""
    return [
        Scenario("get a pending task", SUBMITTED, get()),
        Scenario(
            "get a large circuit and its large result",
            [*SUBMITTED_LARGE, DELIVERY],
            get(),
            {"a": (LARGE_RESULT,)},
        ),
        Scenario(
            "health",
            SUBMITTED,
            step("health", "client", lambda world: world.clients.check_health()),
        ),
    ]


def waits() -> list[Scenario]:
    """Give each way in which a request waits for a task's end."""
    return [
        Scenario("wait for a pending task", SUBMITTED, wait_for_end()),
        Scenario("wait for a task that has ended", [*SUBMITTED, DELIVERY], wait_for_end()),
    ]


def cancellations() -> list[Scenario]:
    """Give a cancel of a task in each state."""
    return [
        Scenario("cancel a pending task", SUBMITTED, cancel()),
        Scenario("cancel a large pending task", SUBMITTED_LARGE, cancel()),
        Scenario(
            "cancel a task at work", [*SUBMITTED, DELIVERY], cancel(), {"a": (DIES, a_result())}
        ),
        Scenario("cancel a completed task", [*SUBMITTED, DELIVERY], cancel()),
        Scenario("cancel twice", [*SUBMITTED, cancel()], cancel()),
    ]
