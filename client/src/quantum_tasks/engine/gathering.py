"""Waiting for many tasks at once, each asked for exactly as often as the service wants."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Mapping
from typing import Final

from quantum_tasks.engine import calls
from quantum_tasks.engine.answers import checked
from quantum_tasks.engine.effects import Emit, Outcome, Program, Sleep, now, send_all
from quantum_tasks.engine.looking import Glance, Seen, see
from quantum_tasks.engine.retrying import RetryPolicy, in_time
from quantum_tasks.engine.waiting import UNASKED_SECONDS, UNASKED_SECONDS_MAX, ended
from quantum_tasks.errors import QuantumTasksError, WaitTimeout

#: Tasks that are asked for in one go.
TOGETHER_MAX: Final = 32


@dataclasses.dataclass(slots=True, order=True)
class _Turn:
    """When to ask for a task again."""

    at: float
    index: int
    seen: Seen = dataclasses.field(compare=False)
    #: How long to wait where the service does not say.
    unasked: float = dataclasses.field(default=UNASKED_SECONDS, compare=False)
    #: Tries in a row that failed.
    failures: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A task that needs no more waiting: it ended, or `error` says why it cannot be waited for."""

    index: int
    seen: Seen
    error: QuantumTasksError | None = None


def gather(
    many: Mapping[int, Seen], *, timeout: float | None, policy: RetryPolicy
) -> Program[None]:
    """Emit each task, as `Gathered`, when it has ended.

    Raises:
        WaitTimeout: the time is over; it names one of the tasks that go on.
    """
    start = yield from now()
    deadline = None if timeout is None else start + timeout
    turns: list[_Turn] = []
    for index, seen in many.items():
        yield from _next(_Turn(at=start, index=index, seen=seen), turns)
    while turns:
        yield from _pause(turns, deadline)
        at = yield from now()
        due: list[_Turn] = []
        while turns and turns[0].at <= at and len(due) < TOGETHER_MAX:
            due.append(heapq.heappop(turns))
        requests = []
        for turn in due:
            request = calls.get_task(turn.seen.data.id, etag=turn.seen.etag)
            requests.append((yield from in_time(request, deadline)))
        outcomes = yield from send_all(tuple(requests))
        for turn, outcome in zip(due, outcomes, strict=True):
            yield from _take(turn, outcome, turns, policy)


def _pause(turns: list[_Turn], deadline: float | None) -> Program[None]:
    first = turns[0]
    until = first.at if deadline is None else min(first.at, deadline)
    yield Sleep(max(0.0, until - (yield from now())))
    if deadline is not None and first.at > deadline:
        message = f"{len(turns)} tasks have not ended; the wait for them ran out of time"
        raise WaitTimeout(message, task=first.seen.data)


def _take(turn: _Turn, outcome: Outcome, turns: list[_Turn], policy: RetryPolicy) -> Program[None]:
    """Take one answer: the task is emitted, or has another turn."""
    try:
        seen = yield from see(Glance.of(checked(outcome)), turn.seen)
    except QuantumTasksError as exc:
        exc.task_id = turn.seen.data.id
        turn.failures += 1
        delay = policy.delay_seconds(exc, turn.failures)
        if delay is None:
            yield Emit(Gathered(index=turn.index, seen=turn.seen, error=exc))
            return
        turn.at = (yield from now()) + delay
        heapq.heappush(turns, turn)
        return
    turn.seen, turn.failures = seen, 0
    yield from _next(turn, turns)


def _next(turn: _Turn, turns: list[_Turn]) -> Program[None]:
    """Emit a task that has ended; put another back for its next turn."""
    try:
        if ended(turn.seen.data):
            yield Emit(Gathered(index=turn.index, seen=turn.seen))
            return
    except QuantumTasksError as exc:
        yield Emit(Gathered(index=turn.index, seen=turn.seen, error=exc))
        return
    if turn.seen.ask_at is None:
        turn.at = (yield from now()) + turn.unasked
        turn.unasked = min(UNASKED_SECONDS_MAX, turn.unasked * 2)
    else:
        turn.at = turn.seen.ask_at
    heapq.heappush(turns, turn)
