"""What the service does, one operation per scenario: its calls are found by running it.

`prepare` brings the world to where the operation starts, without faults.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from chalicelib.domain.task import TaskResult
from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from infra.local.settings import MAX_RECEIVE_COUNT
from tests.proof.faults.recovery import Order
from tests.proof.faults.wire import ProcessDied
from tests.proof.faults.world import INVOCATION_SECONDS, Behaviour, Step, World
from tests.support.in_memory import a_result
from tests.support.spoiling import KINDS

_NOISE: Final = random.Random(1)  # noqa: S311 - what does not compress, not a secret
#: Too large for its task's item, even when compressed.
LARGE_CIRCUIT: Final = base64.b64encode(_NOISE.randbytes(3000)).decode()
LARGE_RESULT: Final = TaskResult(
    counts={f"{_NOISE.getrandbits(64):064b}": 1 for _ in range(300)},
    shots=300,
    executor="t",
    executor_version="1",
    seed=1,
)
#: In four pieces, and in thirteen, of the world's small size.
CIRCUIT_OF_4: Final = base64.b64encode(_NOISE.randbytes(14_000)).decode()
CIRCUIT_OF_13: Final = base64.b64encode(_NOISE.randbytes(50_000)).decode()
RESULT_OF_4: Final = dataclasses.replace(
    LARGE_RESULT,
    counts={f"{_NOISE.getrandbits(64):064b}": 1 for _ in range(1_100)},
    shots=1_100,
)
_PERMANENT: Final = PermanentExecutionError("the circuit is wrong")
_TRANSIENT: Final = TransientExecutionError("the machine is busy")
_DIES: Final = ProcessDied()

Action = Callable[[World], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One operation, and what comes before it."""

    name: str
    prepare: Sequence[Step]
    operation: Step
    behaviours: Mapping[str, Sequence[Behaviour]] = dataclasses.field(default_factory=dict)
    partial_batches: bool = False
    max_receive_count: int = MAX_RECEIVE_COUNT
    #: There is much to recover.
    is_large: bool = False
    #: The sweeper may help from the start: the message was lost, or the task is too old.
    swept: bool = False

    def begin(self, world: World) -> None:
        """Bring the world to where the operation starts."""
        world.reset(max_receive_count=self.max_receive_count, partial_batches=self.partial_batches)
        world.behaviours = dict(self.behaviours)
        for step in self.prepare:
            violations = world.take(step, {})
            assert not violations, f"{self.name}, while preparing: {violations}"
        world.known.swept = self.swept

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders of recovery: one where they hardly differ or there is much of it."""
        return (Order.CLIENT,) if self.swept or self.is_large else tuple(Order)


def _step(name: str, role: str, run: Action) -> Step:
    return Step(name=name, role=role, run=run)


def _expect(tag: str = "a", *, key: str | None = None, circuit: str = "h q;") -> Step:
    return _step("expect", "none", lambda world: world.expect(tag, key=key, circuit=circuit))


def _submit(tag: str = "a") -> Step:
    return _step(f"submit {tag}", "client", lambda world: world.submit(tag))


def _cancel(tag: str = "a") -> Step:
    return _step(f"cancel {tag}", "client", lambda world: world.cancel(tag))


def _get(tag: str = "a") -> Step:
    return _step(f"get {tag}", "client", lambda world: world.get(tag))


def _wait(seconds: float) -> Step:
    return _step(f"wait {seconds:g} s", "none", lambda world: world.clock.advance(seconds))


def _deliver_now(world: World) -> None:
    world.backend.show_all_messages()
    world.deliver()


#: A delivery of whatever there is, as if it had become visible.
_DELIVERY: Final = _step("deliver", "worker", _deliver_now)
_DELIVERY_OF_ONE: Final = _step(
    "deliver one", "worker", lambda world: world.deliver(messages_max=1)
)
_SWEEP: Final = _step("sweep", "sweeper", lambda world: world.sweep())
_LOSE: Final = _step("lose messages", "none", lambda world: world.backend.lose_messages())
_SUBMITTED: Final = (_expect(), _submit())
_SUBMITTED_LARGE: Final = (_expect(circuit=LARGE_CIRCUIT), _submit())
#: Longer than an invocation and its margin.
_LEASE_ENDS: Final = _wait(12)
_BECOMES_DUE: Final = _wait(61)


def _another_takes_over(world: World) -> TaskResult:
    """Be so slow that the lease ends and another worker completes the task."""
    world.clock.advance(12)
    world.backend.show_all_messages()
    world.deliver(service=world.other)
    return a_result()


def _another_starts(world: World) -> TaskResult:
    """Be so slow that the lease ends and another worker claims the task, and is at work."""
    world.clock.advance(12)
    world.backend.show_all_messages()
    with contextlib.suppress(ProcessDied):  # only the other one's: it leaves its lease behind
        world.deliver(service=world.other)
    return a_result()


def _owner_cancels(world: World) -> TaskResult:
    """Be cancelled in the middle of the work."""
    world.cancel("a", service=world.other)
    return a_result()


def _message_vanishes(world: World) -> TaskResult:
    """Lose the message in the middle of the work: it was deleted, or has expired."""
    world.backend.lose_messages()
    return a_result()


def _three_with_poison(tag: str) -> tuple[Step, ...]:
    garbage = _step("garbage", "none", lambda world: world.send_garbage("not a message"))
    return (
        _expect(tag), _submit(tag),
        garbage,
        _expect(f"{tag}2"), _submit(f"{tag}2"),
    )  # fmt: skip


def _missing(world: World) -> None:
    world.send_garbage(
        '{"v":1,"task_id":"00000000-0000-4000-8000-00000000dead","correlation_id":"c",'
        '"enqueued_at":"2026-01-01T00:00:00+00:00"}'
    )


def _submissions() -> list[Scenario]:
    key = "key-1"
    return [
        Scenario(name="submit", prepare=[_expect()], operation=_submit()),
        Scenario(name="submit with a key", prepare=[_expect(key=key)], operation=_submit()),
        Scenario(
            name="submit a large circuit",
            prepare=[_expect(circuit=LARGE_CIRCUIT)],
            operation=_submit(),
        ),
        Scenario(
            name="submit a large circuit with a key",
            prepare=[_expect(key=key, circuit=LARGE_CIRCUIT)],
            operation=_submit(),
        ),
        Scenario(
            name="replay of a pending task",
            prepare=[_expect(key=key), _submit()],
            operation=_submit(),
        ),
        Scenario(
            name="replay of a pending task that lost its message",
            prepare=[_expect(key=key), _submit(), _LOSE],
            operation=_submit(),
        ),
        Scenario(
            name="replay of an ended task",
            prepare=[_expect(key=key), _submit(), _DELIVERY],
            operation=_submit(),
        ),
        Scenario(
            name="a key used with another request",
            prepare=[_expect(key=key), _submit(), _expect("b", key=key)],
            operation=_submit("b"),
        ),
    ]


def _batch(*tags: str) -> Step:
    return _step("submit a batch", "client", lambda world: world.submit_batch(*tags))


def _expect_batch(*tags: str, key: str | None = None) -> Step:
    return _step("expect a batch", "none", lambda world: world.expect_batch(*tags, key=key))


def _batches_of_submissions() -> list[Scenario]:
    """A batch adds no rule: each member is a submission, and is judged as one."""
    three = ("m1", "m2", "m3")
    return [
        Scenario(
            name="submit a batch",
            prepare=[_expect_batch(*three)],
            operation=_batch(*three),
            is_large=True,
        ),
        Scenario(
            name="submit a batch with a key",
            prepare=[_expect_batch(*three, key="key-1")],
            operation=_batch(*three),
            is_large=True,
        ),
        Scenario(
            name="repeat a batch of which one task was made",
            prepare=[_expect_batch("m1", "m2", key="key-1"), _submit("m1")],
            operation=_batch("m1", "m2"),
            is_large=True,
        ),
        Scenario(
            name="repeat a batch, the first task of which was not made",
            prepare=[_expect_batch("m1", "m2", key="key-1"), _submit("m2")],
            operation=_batch("m1", "m2"),
            is_large=True,
        ),
        Scenario(
            name="a batch with a member that was submitted alone",
            prepare=[
                _expect("m1", key="own"),
                _submit("m1"),
                _expect_batch("m1", "m2", key="key-1"),
            ],
            operation=_batch("m1", "m2"),
            is_large=True,
        ),
    ]


def _readings() -> list[Scenario]:
    return [
        Scenario(name="get a pending task", prepare=_SUBMITTED, operation=_get()),
        Scenario(
            name="get a large circuit and its large result",
            prepare=[*_SUBMITTED_LARGE, _DELIVERY],
            behaviours={"a": (LARGE_RESULT,)},
            operation=_get(),
        ),
        Scenario(
            name="health",
            prepare=_SUBMITTED,
            operation=_step("health", "client", lambda world: world.check_health()),
        ),
    ]


def _cancellations() -> list[Scenario]:
    return [
        Scenario(name="cancel a pending task", prepare=_SUBMITTED, operation=_cancel()),
        Scenario(name="cancel a large pending task", prepare=_SUBMITTED_LARGE, operation=_cancel()),
        Scenario(
            name="cancel a task at work",
            prepare=[*_SUBMITTED, _DELIVERY],
            behaviours={"a": (_DIES, a_result())},
            operation=_cancel(),
        ),
        Scenario(
            name="cancel a completed task", prepare=[*_SUBMITTED, _DELIVERY], operation=_cancel()
        ),
        Scenario(name="cancel twice", prepare=[*_SUBMITTED, _cancel()], operation=_cancel()),
    ]


def _deliveries() -> list[Scenario]:
    died = [*_SUBMITTED, _DELIVERY]
    return [
        Scenario(name="execute", prepare=_SUBMITTED, operation=_DELIVERY),
        Scenario(
            name="execute a large circuit with a large result",
            prepare=_SUBMITTED_LARGE,
            behaviours={"a": (LARGE_RESULT,)},
            operation=_DELIVERY,
        ),
        Scenario(
            name="execute, permanent error",
            prepare=_SUBMITTED,
            behaviours={"a": (_PERMANENT,)},
            operation=_DELIVERY,
        ),
        Scenario(
            name="execute, transient error",
            prepare=_SUBMITTED,
            behaviours={"a": (_TRANSIENT, a_result())},
            operation=_DELIVERY,
        ),
        Scenario(
            name="execute again after a transient error",
            prepare=[*_SUBMITTED, _DELIVERY],
            behaviours={"a": (_TRANSIENT, a_result())},
            operation=_DELIVERY,
        ),
        Scenario(
            name="execute, transient error on the last attempt",
            prepare=[*_SUBMITTED, _DELIVERY, _DELIVERY],
            behaviours={"a": (_TRANSIENT,)},
            operation=_DELIVERY,
        ),
        Scenario(
            name="take over an expired lease",
            prepare=[*died, _LEASE_ENDS],
            behaviours={"a": (_DIES, a_result())},
            operation=_DELIVERY,
        ),
        Scenario(
            name="attempts used up",
            prepare=[*died, _LEASE_ENDS, _DELIVERY, _LEASE_ENDS, _DELIVERY, _LEASE_ENDS],
            behaviours={"a": (_DIES,)},
            operation=_DELIVERY,
        ),
        Scenario(
            name="a live lease of another",
            prepare=died,
            behaviours={"a": (_DIES, a_result())},
            operation=_DELIVERY,
        ),
        Scenario(
            name="overtaken by another that completes",
            prepare=_SUBMITTED,
            behaviours={"a": (_another_takes_over, a_result())},
            operation=_DELIVERY,
        ),
        Scenario(
            name="overtaken by another that is at work",
            prepare=_SUBMITTED,
            behaviours={"a": (_another_starts, _DIES, a_result())},
            operation=_DELIVERY,
        ),
        Scenario(
            name="cancelled while it is executed",
            prepare=_SUBMITTED,
            behaviours={"a": (_owner_cancels,)},
            operation=_DELIVERY,
        ),
        Scenario(
            name="the message vanishes while it is executed",
            prepare=_SUBMITTED,
            behaviours={"a": (_message_vanishes, a_result())},
            operation=_DELIVERY,
            swept=True,
        ),
        Scenario(
            name="a task's message twice in a batch",
            prepare=[_expect(key="key-1"), _submit(), _submit()],
            operation=_DELIVERY,
        ),
        Scenario(
            name="a message of an ended task",
            prepare=[_expect(key="key-1"), _submit(), _submit(), _DELIVERY_OF_ONE],
            operation=_DELIVERY,
        ),
        Scenario(
            name="a message without its task",
            prepare=[_step("send", "none", _missing)],
            operation=_DELIVERY,
        ),
        Scenario(
            name="too little time left",
            prepare=_SUBMITTED,
            operation=_step(
                "deliver late",
                "worker",
                lambda world: world.deliver(seconds=INVOCATION_SECONDS / 5),
            ),
        ),
    ]


def _batches() -> list[Scenario]:
    behaviours = {"a": (a_result(),), "a2": (_TRANSIENT, a_result())}
    return [
        Scenario(
            name=f"a batch with poison, {how}",
            prepare=_three_with_poison("a"),
            behaviours=behaviours,
            operation=_DELIVERY,
            partial_batches=partial,
            max_receive_count=8,
            is_large=True,
        )
        for how, partial in (("raising", False), ("reporting", True))
    ]


def _sweeps() -> list[Scenario]:
    died = [*_SUBMITTED, _DELIVERY, _LOSE]
    two = [*_SUBMITTED, _expect("b"), _submit("b"), _LOSE]
    aged = [_wait(6 * 86_400)]
    return [
        Scenario(
            name="sweep a task never claimed",
            prepare=[*_SUBMITTED, _LOSE, _BECOMES_DUE],
            operation=_SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep a task whose message waits",
            prepare=[*_SUBMITTED, _BECOMES_DUE],
            operation=_SWEEP,
        ),
        Scenario(
            name="sweep two tasks",
            prepare=[*two, _BECOMES_DUE],
            operation=_SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep three tasks in units of two",
            prepare=[*two[:-1], _expect("c"), _submit("c"), _LOSE, _BECOMES_DUE],
            operation=_SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep an expired lease",
            prepare=[*died, _BECOMES_DUE],
            behaviours={"a": (_DIES, a_result())},
            operation=_SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep a released task",
            prepare=[*died, _BECOMES_DUE],
            behaviours={"a": (_TRANSIENT, a_result())},
            operation=_SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep a second time",
            prepare=[*_SUBMITTED, _LOSE, _BECOMES_DUE, _SWEEP, _LOSE, _BECOMES_DUE],
            operation=_SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep postpones a live lease",
            prepare=[*_SUBMITTED, _BECOMES_DUE, _DELIVERY],
            behaviours={"a": (_DIES, a_result())},
            operation=_SWEEP,
        ),
        Scenario(
            name="sweep gives up a task never claimed",
            prepare=[*_SUBMITTED, _LOSE, *aged],
            operation=_SWEEP,
            swept=True,
        ),
        Scenario(
            name="sweep gives up a task that was claimed",
            prepare=[*died, *aged],
            behaviours={"a": (_DIES, a_result())},
            operation=_SWEEP,
            swept=True,
        ),
        Scenario(name="sweep finds nothing", prepare=_SUBMITTED, operation=_SWEEP),
    ]


def _pieces() -> Iterator[Scenario]:
    """Writers of four and thirteen pieces; one is the large circuit of the others."""
    for number, circuit in ((4, CIRCUIT_OF_4), (13, CIRCUIT_OF_13)):
        for key in (None, "key-1"):
            yield Scenario(
                name=f"submit {number} pieces{' with a key' if key else ''}",
                prepare=[_expect(key=key, circuit=circuit)],
                operation=_submit(),
                is_large=True,
            )
    in_pieces = [_expect(circuit=CIRCUIT_OF_4), _submit()]
    yield Scenario(
        name="execute pieces into pieces",
        prepare=in_pieces,
        behaviours={"a": (RESULT_OF_4, LARGE_RESULT)},
        operation=_DELIVERY,
        is_large=True,
    )
    keyed = [_expect(key="key-1", circuit=CIRCUIT_OF_4), _submit()]
    yield Scenario(name="replay of pieces", prepare=keyed, operation=_submit(), is_large=True)
    yield Scenario(
        name="a key used with other pieces",
        prepare=[*keyed, _expect("b", key="key-1", circuit=CIRCUIT_OF_13)],
        operation=_submit("b"),
        is_large=True,
    )
    yield Scenario(
        name="overtaken between its pieces and its settle",
        prepare=in_pieces,
        behaviours={"a": (_overtaken_before_its_settle, LARGE_RESULT)},
        operation=_DELIVERY,
        is_large=True,
    )
    yield Scenario(
        name="pieces of an attempt that is overtaken",
        prepare=in_pieces,
        behaviours={"a": (_overtaken_with_pieces, RESULT_OF_4)},
        operation=_DELIVERY,
        is_large=True,
    )


def _overtaken_before_its_settle(world: World) -> TaskResult:
    """Put all pieces, and be overtaken before the settle that refers to them."""
    world.wire.before_next("UpdateItem", lambda: _another_takes_over(world))
    return RESULT_OF_4


def _overtaken_with_pieces(world: World) -> TaskResult:
    """Be overtaken, and then put pieces all the same."""
    _another_takes_over(world)
    return RESULT_OF_4


#: One of each sort of `spoiling`: what can be claimed, what no condition holds for, and so on.
_SPOILT: Final = (
    "a circuit's item that is gone",
    "an unknown event",
    "an unknown status",
    "a newer schema",
    "due at no time, sorted before all",
)


def _spoil(kind: str) -> Step:
    return _step(f"spoil a: {kind}", "none", lambda world: world.spoil("a", KINDS[kind]))


def _unreadable() -> Iterator[Scenario]:
    """One task's item is spoilt; nothing of it may touch another."""
    two = [*_SUBMITTED, _expect("b"), _submit("b")]
    for kind in _SPOILT:
        spoilt = _spoil(kind)
        yield Scenario(
            name=f"sweep behind an item with {kind}",
            prepare=[*two, _LOSE, spoilt, _BECOMES_DUE],
            operation=_SWEEP,
            swept=True,
            max_receive_count=8,
        )
        yield Scenario(
            name=f"deliver next to an item with {kind}",
            prepare=[*two, spoilt],
            operation=_DELIVERY,
            max_receive_count=8,
            is_large=True,
        )
        yield Scenario(
            name=f"cancel an item with {kind}",
            prepare=[*_SUBMITTED, spoilt],
            operation=_cancel(),
            max_receive_count=8,
            is_large=True,
        )
    unknown = _spoil("an unknown event")
    yield Scenario(
        name="get a task that cannot be read",
        prepare=[*_SUBMITTED, unknown],
        operation=_get(),
        max_receive_count=8,
    )
    yield Scenario(
        name="sweep gives up a task that cannot be read",
        prepare=[*_SUBMITTED, _LOSE, unknown, _wait(6 * 86_400)],
        operation=_SWEEP,
        swept=True,
    )
    yield Scenario(
        name="sweep leaves alone what cannot be read and is leased",
        prepare=[*_SUBMITTED, _DELIVERY, _spoil(_SPOILT[-1])],
        behaviours={"a": (_DIES, a_result())},
        operation=_SWEEP,
    )


SCENARIOS: Final = (
    *_submissions(),
    *_batches_of_submissions(),
    *_readings(),
    *_cancellations(),
    *_deliveries(),
    *_batches(),
    *_sweeps(),
    *_unreadable(),
    *_pieces(),
)
