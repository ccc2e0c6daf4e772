"""The steps of scenarios, what executions do, and circuits and results of each size."""

from __future__ import annotations

import base64
import contextlib
import random
from typing import Final

from msgspec import structs

from chalicelib.domain.task import TaskResult
from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from tests.proof.faults.scenarios.scenario import Action
from tests.proof.faults.wire import ProcessDied
from tests.proof.faults.world import Step, World
from tests.support.in_memory import a_result

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
RESULT_OF_4: Final = structs.replace(
    LARGE_RESULT,
    counts={f"{_NOISE.getrandbits(64):064b}": 1 for _ in range(1_100)},
    shots=1_100,
)
PERMANENT: Final = PermanentExecutionError("the circuit is wrong")
TRANSIENT: Final = TransientExecutionError("the machine is busy")
DIES: Final = ProcessDied()


def step(name: str, role: str, run: Action) -> Step:
    """Name an operation of one process."""
    return Step(name=name, role=role, run=run)


def expect(tag: str = "a", *, key: str | None = None, circuit: str = "h q;") -> Step:
    """Make a client that is going to submit."""
    return step("expect", "none", lambda world: world.clients.expect(tag, key=key, circuit=circuit))


def submit(tag: str = "a") -> Step:
    """Submit, or submit again."""
    return step(f"submit {tag}", "client", lambda world: world.clients.submit(tag))


def cancel(tag: str = "a") -> Step:
    """Cancel a task."""
    return step(f"cancel {tag}", "client", lambda world: world.clients.cancel(tag))


def get(tag: str = "a") -> Step:
    """Read a task."""
    return step(f"get {tag}", "client", lambda world: world.clients.get(tag))


def wait_for_end(tag: str = "a") -> Step:
    """Wait for a task's end within a request."""
    return step(f"wait for {tag}", "client", lambda world: world.clients.wait(tag))


def wait(seconds: float) -> Step:
    """Let time pass."""
    return step(f"wait {seconds:g} s", "none", lambda world: world.clock.advance(seconds))


def _deliver_now(world: World) -> None:
    world.backend.show_all_messages()
    world.platform.deliver()


#: A delivery of whatever there is, as if it had become visible.
DELIVERY: Final = step("deliver", "worker", _deliver_now)
DELIVERY_OF_ONE: Final = step(
    "deliver one", "worker", lambda world: world.platform.deliver(messages_max=1)
)
SWEEP: Final = step("sweep", "sweeper", lambda world: world.platform.sweep())
LOSE: Final = step("lose messages", "none", lambda world: world.backend.lose_messages())
SUBMITTED: Final = (expect(), submit())
SUBMITTED_LARGE: Final = (expect(circuit=LARGE_CIRCUIT), submit())
#: Longer than an invocation and its margin.
LEASE_ENDS: Final = wait(12)
BECOMES_DUE: Final = wait(61)


def another_takes_over(world: World) -> TaskResult:
    """Be so slow that the lease ends and another worker completes the task."""
    world.clock.advance(12)
    world.backend.show_all_messages()
    world.platform.deliver(service=world.other)
    return a_result()


def another_starts(world: World) -> TaskResult:
    """Be so slow that the lease ends and another worker claims the task, and is at work."""
    world.clock.advance(12)
    world.backend.show_all_messages()
    with contextlib.suppress(ProcessDied):  # only the other one's: it leaves its lease behind
        world.platform.deliver(service=world.other)
    return a_result()


def owner_cancels(world: World) -> TaskResult:
    """Be cancelled in the middle of the work."""
    world.clients.cancel("a", service=world.other)
    return a_result()


def message_vanishes(world: World) -> TaskResult:
    """Lose the message in the middle of the work: it was deleted, or has expired."""
    world.backend.lose_messages()
    return a_result()


def three_with_poison(tag: str) -> tuple[Step, ...]:
    """Put two tasks and a message that is none of the service's into the queue."""
    garbage = step("garbage", "none", lambda world: world.send_garbage("not a message"))
    return (
        expect(tag), submit(tag),
        garbage,
        expect(f"{tag}2"), submit(f"{tag}2"),
    )  # fmt: skip


def missing(world: World) -> None:
    """Send a message whose task does not exist."""
    world.send_garbage(
        '{"v":1,"task_id":"00000000-0000-4000-8000-00000000dead","correlation_id":"c",'
        '"enqueued_at":"2026-01-01T00:00:00+00:00"}'
    )
