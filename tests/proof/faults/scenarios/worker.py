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
        Scenario(name="execute", prepare=SUBMITTED, operation=DELIVERY),
        Scenario(
            name="execute a large circuit with a large result",
            prepare=SUBMITTED_LARGE,
            behaviours={"a": (LARGE_RESULT,)},
            operation=DELIVERY,
        ),
        Scenario(
            name="execute, permanent error",
            prepare=SUBMITTED,
            behaviours={"a": (PERMANENT,)},
            operation=DELIVERY,
        ),
        Scenario(
            name="execute, transient error",
            prepare=SUBMITTED,
            behaviours={"a": (TRANSIENT, a_result())},
            operation=DELIVERY,
        ),
        Scenario(
            name="execute again after a transient error",
            prepare=[*SUBMITTED, DELIVERY],
            behaviours={"a": (TRANSIENT, a_result())},
            operation=DELIVERY,
        ),
        Scenario(
            name="execute, transient error on the last attempt",
            prepare=[*SUBMITTED, DELIVERY, DELIVERY],
            behaviours={"a": (TRANSIENT,)},
            operation=DELIVERY,
        ),
        Scenario(
            name="take over an expired lease",
            prepare=[*died, LEASE_ENDS],
            behaviours={"a": (DIES, a_result())},
            operation=DELIVERY,
        ),
        Scenario(
            name="attempts used up",
            prepare=[*died, LEASE_ENDS, DELIVERY, LEASE_ENDS, DELIVERY, LEASE_ENDS],
            behaviours={"a": (DIES,)},
            operation=DELIVERY,
        ),
        Scenario(
            name="a live lease of another",
            prepare=died,
            behaviours={"a": (DIES, a_result())},
            operation=DELIVERY,
        ),
        Scenario(
            name="overtaken by another that completes",
            prepare=SUBMITTED,
            behaviours={"a": (another_takes_over, a_result())},
            operation=DELIVERY,
        ),
        Scenario(
            name="overtaken by another that is at work",
            prepare=SUBMITTED,
            behaviours={"a": (another_starts, DIES, a_result())},
            operation=DELIVERY,
        ),
        Scenario(
            name="cancelled while it is executed",
            prepare=SUBMITTED,
            behaviours={"a": (owner_cancels,)},
            operation=DELIVERY,
        ),
        Scenario(
            name="the message vanishes while it is executed",
            prepare=SUBMITTED,
            behaviours={"a": (message_vanishes, a_result())},
            operation=DELIVERY,
            swept=True,
        ),
        Scenario(
            name="a task's message twice in a batch",
            prepare=[expect(key="key-1"), submit(), submit()],
            operation=DELIVERY,
        ),
        Scenario(
            name="a message of an ended task",
            prepare=[expect(key="key-1"), submit(), submit(), DELIVERY_OF_ONE],
            operation=DELIVERY,
        ),
        Scenario(
            name="a message without its task",
            prepare=[step("send", "none", missing)],
            operation=DELIVERY,
        ),
        Scenario(
            name="too little time left",
            prepare=SUBMITTED,
            operation=step(
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
            name=f"a batch with poison, {how}",
            prepare=three_with_poison("a"),
            behaviours=behaviours,
            operation=DELIVERY,
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
                name=f"submit {number} pieces{' with a key' if key else ''}",
                prepare=[expect(key=key, circuit=circuit)],
                operation=submit(),
                is_large=True,
            )
    in_pieces = [expect(circuit=CIRCUIT_OF_4), submit()]
    yield Scenario(
        name="execute pieces into pieces",
        prepare=in_pieces,
        behaviours={"a": (RESULT_OF_4, LARGE_RESULT)},
        operation=DELIVERY,
        is_large=True,
    )
    keyed = [expect(key="key-1", circuit=CIRCUIT_OF_4), submit()]
    yield Scenario(name="replay of pieces", prepare=keyed, operation=submit(), is_large=True)
    yield Scenario(
        name="a key used with other pieces",
        prepare=[*keyed, expect("b", key="key-1", circuit=CIRCUIT_OF_13)],
        operation=submit("b"),
        is_large=True,
    )
    yield Scenario(
        name="overtaken between its pieces and its settle",
        prepare=in_pieces,
        behaviours={"a": (_overtaken_before_its_settle, LARGE_RESULT)},
        operation=DELIVERY,
        is_large=True,
    )
    yield Scenario(
        name="pieces of an attempt that is overtaken",
        prepare=in_pieces,
        behaviours={"a": (_overtaken_with_pieces, RESULT_OF_4)},
        operation=DELIVERY,
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
