"""What a worker finds in a delivery, small tasks and those in pieces."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.task import TaskResult
from tests.proof.faults.platform import INVOCATION_SECONDS
from tests.proof.faults.scenarios.scenario import Scenario
from tests.proof.faults.scenarios.steps import (
    CIRCUIT_OF_4,
    CIRCUIT_OF_13,
    DELIVERY,
    DELIVERY_OF_ONE,
    DIES,
    LARGE_RESULT,
    LEASE_ENDS,
    PERMANENT,
    RESULT_OF_4,
    SUBMITTED,
    SUBMITTED_LARGE,
    TRANSIENT,
    another_starts,
    another_takes_over,
    expect,
    message_vanishes,
    missing,
    owner_cancels,
    step,
    submit,
    three_with_poison,
)
from tests.proof.faults.world import World
from tests.support.in_memory import a_result


def deliveries() -> list[Scenario]:
    """Give each way that a delivery can go."""
    died = [*SUBMITTED, DELIVERY]
    return [
        Scenario("execute", SUBMITTED, DELIVERY),
        Scenario(
            "execute a large circuit with a large result",
            SUBMITTED_LARGE,
            DELIVERY,
            {"a": (LARGE_RESULT,)},
        ),
        Scenario("execute, permanent error", SUBMITTED, DELIVERY, {"a": (PERMANENT,)}),
        Scenario("execute, transient error", SUBMITTED, DELIVERY, {"a": (TRANSIENT, a_result())}),
        Scenario(
            "execute again after a transient error",
            [*SUBMITTED, DELIVERY],
            DELIVERY,
            {"a": (TRANSIENT, a_result())},
        ),
        Scenario(
            "execute, transient error on the last attempt",
            [*SUBMITTED, DELIVERY, DELIVERY],
            DELIVERY,
            {"a": (TRANSIENT,)},
        ),
        Scenario(
            "take over an expired lease", [*died, LEASE_ENDS], DELIVERY, {"a": (DIES, a_result())}
        ),
        Scenario(
            "attempts used up",
            [*died, LEASE_ENDS, DELIVERY, LEASE_ENDS, DELIVERY, LEASE_ENDS],
            DELIVERY,
            {"a": (DIES,)},
        ),
        Scenario("a live lease of another", died, DELIVERY, {"a": (DIES, a_result())}),
        Scenario(
            "overtaken by another that completes",
            SUBMITTED,
            DELIVERY,
            {"a": (another_takes_over, a_result())},
        ),
        Scenario(
            "overtaken by another that is at work",
            SUBMITTED,
            DELIVERY,
            {"a": (another_starts, DIES, a_result())},
        ),
        Scenario("cancelled while it is executed", SUBMITTED, DELIVERY, {"a": (owner_cancels,)}),
        Scenario(
            "the message vanishes while it is executed",
            SUBMITTED,
            DELIVERY,
            {"a": (message_vanishes, a_result())},
            swept=True,
        ),
        Scenario(
            "a task's message twice in a batch", [expect(key="key-1"), submit(), submit()], DELIVERY
        ),
        Scenario(
            "a message of an ended task",
            [expect(key="key-1"), submit(), submit(), DELIVERY_OF_ONE],
            DELIVERY,
        ),
        Scenario("a message without its task", [step("send", "none", missing)], DELIVERY),
        Scenario(
            "too little time left",
            SUBMITTED,
            step(
                "deliver late",
                "worker",
                lambda world: world.platform.deliver(seconds=INVOCATION_SECONDS / 5),
            ),
        ),
    ]


def batches() -> list[Scenario]:
    """Give a batch of which one message cannot be read."""
    behaviours = {"a": (a_result(),), "a2": (TRANSIENT, a_result())}
    return [
        Scenario(
            f"a batch with poison, {how}",
            three_with_poison("a"),
            DELIVERY,
            behaviours,
            partial_batches=partial,
            max_receive_count=8,
            is_large=True,
        )
        for how, partial in (("raising", False), ("reporting", True))
    ]


def pieces() -> Iterator[Scenario]:
    """Writers of four and thirteen pieces; one is the large circuit of the others."""
    for number, circuit in ((4, CIRCUIT_OF_4), (13, CIRCUIT_OF_13)):
        for key in (None, "key-1"):
            yield Scenario(
                f"submit {number} pieces{' with a key' if key else ''}",
                [expect(key=key, circuit=circuit)],
                submit(),
                is_large=True,
            )
    in_pieces = [expect(circuit=CIRCUIT_OF_4), submit()]
    yield Scenario(
        "execute pieces into pieces",
        in_pieces,
        DELIVERY,
        {"a": (RESULT_OF_4, LARGE_RESULT)},
        is_large=True,
    )
    keyed = [expect(key="key-1", circuit=CIRCUIT_OF_4), submit()]
    yield Scenario("replay of pieces", keyed, submit(), is_large=True)
    yield Scenario(
        "a key used with other pieces",
        [*keyed, expect("b", key="key-1", circuit=CIRCUIT_OF_13)],
        submit("b"),
        is_large=True,
    )
    yield Scenario(
        "overtaken between its pieces and its settle",
        in_pieces,
        DELIVERY,
        {"a": (_overtaken_before_its_settle, LARGE_RESULT)},
        is_large=True,
    )
    yield Scenario(
        "pieces of an attempt that is overtaken",
        in_pieces,
        DELIVERY,
        {"a": (_overtaken_with_pieces, RESULT_OF_4)},
        is_large=True,
    )


def _overtaken_before_its_settle(world: World) -> TaskResult:
    """Put all pieces, and be overtaken before the settle that refers to them."""
    world.wire.before_next("UpdateItem", lambda: another_takes_over(world))
    return RESULT_OF_4


def _overtaken_with_pieces(world: World) -> TaskResult:
    """Be overtaken, and then put pieces all the same."""
    another_takes_over(world)
    return RESULT_OF_4
