"""Waiting for tasks: each is asked for exactly as often as the service wants."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from quantum_tasks.errors import QuantumTasksError
from quantum_tasks.protocol.answers import Reply
from quantum_tasks.protocol.calls import Call, Seen, get, preference
from quantum_tasks.protocol.requests import Request
from quantum_tasks.protocol.retrying import RetryPolicy
from quantum_tasks.values.task import WaitTimeout, ended

#: Tasks that are asked for in one go.
TOGETHER_MAX: Final = 32
#: Where the service does not say when to ask again: 1 s, doubling to a minute.
UNASKED_SECONDS: Final = 1.0
UNASKED_SECONDS_MAX: Final = 60.0
#: A timeout of zero would be an error of the transport's.
_TIMEOUT_SECONDS_MIN: Final = 0.001


@dataclasses.dataclass(slots=True, order=True)
class _Turn:
    """When to ask for a task again."""

    at: float
    index: int
    seen: Seen = dataclasses.field(compare=False)
    #: Until when; None: however long it takes.
    deadline: float | None = dataclasses.field(compare=False)
    #: How long to wait where the service does not say.
    unasked: float = dataclasses.field(default=UNASKED_SECONDS, compare=False)
    #: Whether the next request is the first, which may be sent at once, since it waits itself.
    is_first: bool = dataclasses.field(default=False, compare=False)
    #: Whether requests wait for the task's end.
    waits: bool = dataclasses.field(default=False, compare=False)
    #: Tries in a row that failed, and why the last one did.
    failures: int = dataclasses.field(default=0, compare=False)
    error: QuantumTasksError | None = dataclasses.field(default=None, compare=False)

    def call(self) -> Call[Seen]:
        return get(self.seen.data.id, self.seen)

    def request(self, now: float) -> Request:
        request = self.call().request
        remaining = None if self.deadline is None else self.deadline - now
        if self.waits:
            headers = {**request.headers, **preference(remaining)}
            request = dataclasses.replace(request, headers=headers)
        if remaining is None:
            return request
        return dataclasses.replace(request, timeout_seconds=max(_TIMEOUT_SECONDS_MIN, remaining))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is new of a task."""

    index: int
    seen: Seen
    #: It needs no more waiting: it has ended, or `error` says why it cannot be waited for.
    is_last: bool = False
    error: QuantumTasksError | None = None


class Watch:
    """Tasks that are waited for. A client sleeps for `pause`, sends `due` and `take`s the replies.

    A task that had ended when the wait began is read once if it was not seen whole; such a read has
    no deadline. One task alone is asked for at once and by requests that wait for its end: many of
    them would hold each other up.
    """

    def __init__(
        self, many: Mapping[int, Seen], *, now: float, timeout: float | None, policy: RetryPolicy
    ) -> None:
        self._policy = policy
        self._many = many
        self._deadline = None if timeout is None else now + timeout
        self._turns: list[_Turn] = []
        self._due: list[_Turn] = []

    def start(self, now: float) -> Iterator[Change]:
        """Give the tasks that need no wait."""
        for index, seen in self._many.items():
            turn = _Turn(at=now, index=index, seen=seen, deadline=self._deadline)
            if seen.data.ended:
                turn.deadline = None
            elif len(self._many) == 1:
                turn.waits = turn.is_first = True
            yield from self._next(turn, now)

    @property
    def is_over(self) -> bool:
        """Whether all tasks have ended, or cannot be waited for."""
        return not self._turns

    def pause(self, now: float) -> float:
        """Return the seconds until a task wants to be asked for, or until the deadline."""
        first = self._turns[0]
        return max(0.0, min(first.at, first.at if first.deadline is None else first.deadline) - now)

    def due(self, now: float) -> tuple[Request, ...]:
        """Return the requests to send now, and take no longer for them than until the deadline.

        Raises:
            WaitTimeout: the time is over; it names one of the tasks that go on.
        """
        first = self._turns[0]
        if first.deadline is not None and first.at > first.deadline:
            raise self._timeout(first) from first.error
        self._due = []
        while self._turns and self._turns[0].at <= now and len(self._due) < TOGETHER_MAX:
            self._due.append(heapq.heappop(self._turns))
        return tuple(turn.request(now) for turn in self._due)

    def take(self, replies: Sequence[Reply], now: float) -> Iterator[Change]:
        """Read the replies to the requests that were due; give what is new."""
        for turn, reply in zip(self._due, replies, strict=True):
            yield from self._take(turn, reply, now)

    def _take(self, turn: _Turn, reply: Reply, now: float) -> Iterator[Change]:
        try:
            seen = turn.call().read(reply, now)
        except QuantumTasksError as exc:
            turn.failures, turn.error = turn.failures + 1, exc
            delay = self._policy.delay_seconds(exc, turn.failures)
            if delay is None:
                yield Change(index=turn.index, seen=turn.seen, is_last=True, error=exc)
            else:
                self._put_back(turn, now + delay)
            return
        is_new = seen.data != turn.seen.data
        turn.seen, turn.failures, turn.error = seen, 0, None
        yield from self._next(turn, now, is_new=is_new)

    def _next(self, turn: _Turn, now: float, *, is_new: bool = False) -> Iterator[Change]:
        """Give a task that has ended; put another back for its next turn."""
        seen = turn.seen
        try:
            has_ended = ended(seen.data)
        except QuantumTasksError as exc:
            yield Change(index=turn.index, seen=seen, is_last=True, error=exc)
            return
        if has_ended and seen.is_whole:
            yield Change(index=turn.index, seen=seen, is_last=True)
            return
        if has_ended or turn.is_first:
            turn.is_first = False
            self._put_back(turn, now)
        elif seen.ask_at is not None:
            self._put_back(turn, max(now, seen.ask_at))
        else:
            self._put_back(turn, now + turn.unasked)
            turn.unasked = min(UNASKED_SECONDS_MAX, turn.unasked * 2)
        if is_new:
            yield Change(index=turn.index, seen=seen)

    def _put_back(self, turn: _Turn, at: float) -> None:
        turn.at = at
        heapq.heappush(self._turns, turn)

    def _timeout(self, turn: _Turn) -> WaitTimeout:
        data = turn.seen.data
        if len(self._turns) == 1:
            message = f"the task is still {data.status}; the wait for it ran out of time"
        else:
            message = f"{len(self._turns)} tasks have not ended; the wait for them ran out of time"
        return WaitTimeout(message, task=data)
