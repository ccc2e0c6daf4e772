"""A service that lives at random: any order, any duplicate, any fault, and it keeps its promises.

Unlike in `tests/proof/faults`, where one or two faults meet every call, here there are many of
them, and clients, workers and sweepers act when they like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from tests.proof.faults.kinds import KINDS, Kind
from tests.proof.faults.recovery import Order, finish, next_step
from tests.proof.faults.wire import CallName, ProcessDied
from tests.proof.faults.world import Behaviour, Step, World, running_world
from tests.support.in_memory import a_result

#: Nothing is at rest by then: there is a loop.
STEPS_TO_REST_MAX: Final = 300
#: So high that no message becomes a dead letter, however many faults there are.
RECEIVES_MAX: Final = 1000

TAGS: Final = ["a", "b", "c"]
OUTCOMES: Final[list[Behaviour]] = [
    a_result(),
    PermanentExecutionError("wrong"),
    TransientExecutionError("busy"),
    ProcessDied(),
]
CALLS: Final = [
    CallName(service, operation, number)
    for service, operation in (
        ("dynamodb", "PutItem"),
        ("dynamodb", "UpdateItem"),
        ("dynamodb", "DeleteItem"),
        ("dynamodb", "GetItem"),
        ("dynamodb", "Query"),
        ("sqs", "SendMessage"),
        ("sqs", "ChangeMessageVisibility"),
        ("sqs", "DeleteMessageBatch"),
    )
    for number in (1, 2)
]

tags = st.sampled_from(TAGS)
faults = st.none() | st.tuples(st.sampled_from(CALLS), st.sampled_from(KINDS)).filter(
    lambda fault: fault[1].concerns(fault[0].service, fault[0].operation, reads=fault[0].reads)
)

Fault = tuple[CallName, Kind] | None


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One world for all examples; each begins again in it."""
    with running_world() as running:
        yield running


class Service(RuleBasedStateMachine):
    """Lets things happen, and judges every write and answer."""

    world: ClassVar[World]

    @initialize(partial=st.booleans())
    def begin(self, partial: bool) -> None:  # noqa: FBT001 - drawn
        """Begin with three clients that have not submitted; one of them has a key."""
        self.world.reset(max_receive_count=RECEIVES_MAX, partial_batches=partial)
        # The sweeper runs when it likes, so that promise 7 is not to be asked about.
        self.world.known.swept = True
        for tag in TAGS:
            self.world.clients.expect(tag, key="key" if tag == "a" else None)

    @rule(tag=tags, fault=faults)
    def submit(self, tag: str, fault: Fault) -> None:
        """Submit; with a key as often as one likes."""
        submitted = self.world.known.submissions[tag]
        if submitted.tries == 0 or submitted.key is not None:
            self.take("client", fault, lambda world: world.clients.submit(tag))

    @rule(tag=tags, fault=faults)
    def cancel(self, tag: str, fault: Fault) -> None:
        """Cancel what there may be."""
        if self.world.known.submissions[tag].task_id:
            self.take("client", fault, lambda world: world.clients.cancel(tag))

    @rule(outcome=st.sampled_from(OUTCOMES), most=st.sampled_from([1, 10]), fault=faults)
    def deliver(self, outcome: Behaviour, most: int, fault: Fault) -> None:
        """Deliver what is visible."""
        self.world.behaviours = dict.fromkeys(TAGS, (outcome,))
        self.take("worker", fault, lambda world: world.platform.deliver(messages_max=most))

    @rule(fault=faults)
    def sweep(self, fault: Fault) -> None:
        """Sweep whatever is due."""
        self.take("sweeper", fault, lambda world: world.platform.sweep())

    @rule()
    def duplicate(self) -> None:
        """Make every message visible, also what is received."""
        self.world.backend.show_all_messages()

    @rule()
    def lose(self) -> None:
        """Lose every message."""
        self.world.backend.lose_messages()

    @rule(seconds=st.sampled_from([1, 5, 12, 61, 3600]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.world.clock.advance(seconds)
        self.world.forget_stale_requests()

    @precondition(lambda self: bool(self.world.wire.held))
    @rule(number=st.integers(0, 20))
    def arrive(self, number: int) -> None:
        """Let a request arrive that was on its way."""
        assert not self.world.let_arrive(number % len(self.world.wire.held))

    def take(self, role: str, fault: Fault, run: Callable[[World], None]) -> None:
        """Take one step and demand that all holds after it."""
        plan = {} if fault is None else {fault[0]: fault[1]}
        step = Step(name=role, role=role, run=run)
        violations = self.world.take(step, plan)
        assert not violations, violations

    def teardown(self) -> None:
        """Come to rest, with no more faults, and judge the end."""
        self.world.behaviours = {}
        for _ in range(STEPS_TO_REST_MAX):
            step = next_step(self.world, Order.CLIENT)
            if step is None:
                break
            violations = self.world.take(step, {})
            assert not violations, violations
        else:
            pytest.fail("it does not come to rest")
        violations = finish(self.world)
        assert not violations, violations


def test_a_service_at_random_keeps_its_promises(world: World) -> None:
    """No write and no answer breaks a promise, and in the end every task has ended."""
    Service.world = world
    run_state_machine_as_test(Service)
    assert world.known.submissions
