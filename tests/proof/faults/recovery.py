"""What happens after an operation that failed, step by step, until all is at rest."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from tests.proof.faults.judge import Answer
from tests.proof.faults.world import Step, World

#: A client tries again so often at most.
_TRIES_MAX: Final = 4


class Order(enum.StrEnum):
    """What comes first after the operation that failed."""

    CLIENT = "the client tries again first"
    SWEEPER = "the sweeper comes before the client"
    DUPLICATES = "messages come at once and twice"


def sweeper_first(world: World, order: Order) -> bool:
    """Whether the order still decides anything here: a client waits for the sweeper.

    A client that has nothing to do now has nothing to do any more: only it changes what it knows.
    """
    waits = order is Order.SWEEPER and not world.known.swept
    return waits and _client_step(world) is not None


def next_step(world: World, order: Order) -> Step | None:
    """Decide what happens next on the way back to rest; None when all is at rest.

    First nothing but clients and messages: an accepted task finishes so (7). Then the sweeper.
    """
    known = world.known
    client = _client_step(world)
    has_messages = bool(world.backend.queues.messages)
    if not known.swept:
        if client is not None and order is not Order.SWEEPER:
            return client
        if has_messages:
            return DELIVER
        return REST
    if has_messages:
        return DELIVER
    if world.open_tasks():
        return SWEEP
    return client


def _client_step(world: World) -> Step | None:
    for tag, submitted in world.known.submissions.items():
        if submitted.cancel_asked and submitted.cancelled is None and submitted.task_id:
            return _of_client(
                f"cancel {tag} again", lambda world, tag: world.clients.cancel(tag), tag
            )
        if submitted.tries in range(1, _TRIES_MAX):
            if submitted.batch and submitted.key is not None:
                if submitted.answer in (*_TRIED_AGAIN_WITH_KEY, Answer.NOT_KEPT):
                    return _of_client("submit the batch again", _submit_batch, tag)
                continue
            keyed = submitted.key is not None
            if keyed and submitted.answer in _TRIED_AGAIN_WITH_KEY:
                return _of_client(
                    f"submit {tag} again", lambda world, tag: world.clients.submit(tag), tag
                )
            if not keyed and submitted.answer is Answer.NOT_KEPT:
                return _of_client(f"submit {tag} again", _submit_again, tag)
    return None


def _of_client(name: str, action: Callable[[World, str], None], tag: str) -> Step:
    return Step(name=name, role="client", run=lambda world: action(world, tag))


_TRIED_AGAIN_WITH_KEY: Final = (Answer.UNKNOWN, Answer.KEPT, Answer.BROKEN_OFF, Answer.FULL)


def _submit_batch(world: World, tag: str) -> None:
    """Repeat the batch whole: what was accepted is found again."""
    world.clients.submit_batch(*world.known.submissions[tag].batch)


def _submit_again(world: World, tag: str) -> None:
    world.known.submissions[tag].tries = _TRIES_MAX
    fresh = f"{tag}'"
    if tag.count("'") < _TRIES_MAX:
        world.clients.expect(fresh, circuit=world.known.submissions[tag].circuit)
        world.clients.submit(fresh)


def _deliver(world: World) -> None:
    known = world.known
    if known.duplicates:
        known.duplicates -= 1
        world.backend.show_all_messages()
    hidden = min(world.hidden_seconds(message) for message in world.backend.queues.messages)
    world.clock.advance(hidden + 0.01)
    world.platform.deliver()


def _rest(world: World) -> None:
    world.known.swept = True
    dead = {message.body for message in world.backend.queues.dead_letters}
    for task in world.open_tasks():
        if world.clients.is_accepted(task) and not any(task.task_id in body for body in dead):
            world.judge.demand(False, f"7: {task.task_id} is {task.status}, without any message")


def _sweep(world: World) -> None:
    now = world.clock.now()
    due = min(task.due_at for task in world.open_tasks() if task.due_at is not None)
    world.clock.advance(max(0.0, (due - now) / timedelta(seconds=1)) + 0.01)
    world.platform.sweep()


DELIVER: Final = Step(name="deliver", role="worker", run=_deliver)
REST: Final = Step(name="rest", role="none", run=_rest)
SWEEP: Final = Step(name="sweep", role="sweeper", run=_sweep)


def finish(world: World) -> list[str]:
    """Judge a world at rest: everything that was promised has come about."""
    judge = world.judge
    found = world.backend.table.items
    judge.demand(not world.open_tasks(), "1: a task is left open")
    for tag, submitted in world.known.submissions.items():
        if submitted.answer in (Answer.ACCEPTED, Answer.KEPT):
            judge.demand(submitted.task_id in found, f"1: {tag} is gone")
        if submitted.cancelled:
            judge.demand(world.clients.status_of(tag) == "cancelled", f"2: {tag} is not cancelled")
    for message in world.backend.queues.dead_letters:
        poison = message.body.startswith("not a message") or any(
            task_id in message.body for task_id in world.known.corrupt
        )
        judge.demand(poison, f"5: a healthy message is a dead letter: {message.body}")
        judge.demand(
            message.receive_count == world.max_receive_count,
            f"5: a dead letter after {message.receive_count} receives",
        )
    world.clients.read_all()
    return judge.violations
