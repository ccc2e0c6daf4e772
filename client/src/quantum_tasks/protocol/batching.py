"""Submitting many tasks in few requests, each member under a key of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from quantum_tasks.contract import BATCH_MEMBERS_MAX
from quantum_tasks.errors import QuantumTasksError
from quantum_tasks.protocol.calls import Call, Seen, submit_batch
from quantum_tasks.protocol.requests import encoded, submission_of
from quantum_tasks.protocol.retrying import RetryPolicy

#: Of a request's body as API Gateway hands it on: a JSON string inside JSON, at most 6 MB in all.
BYTES_MAX: Final = 5_500_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One submission of many."""

    #: Its place among all of them, whatever requests they are sent in.
    index: int
    #: Its body, with its own key.
    document: dict[str, Any]
    #: Bytes in a request's body, as API Gateway counts them.
    size: int


def member_key(key: str, index: int) -> str:
    """Return a member's key: it comes from key and place alone, so splitting changes nothing."""
    return f"{key}[{index}]"


def members(many: Iterable[Mapping[str, Any]], *, key: str) -> tuple[Member, ...]:
    """Give each submission its place and key.

    Raises:
        InvalidRequest: a mapping has a name that `submit` does not take, or no circuit.
        UnsupportedCircuit: a circuit cannot be written as OpenQASM.
    """
    made = []
    for index, given in enumerate(many):
        document = submission_of(given, place=f"requests[{index}]")
        document["idempotency_key"] = member_key(key, index)
        size = len(encoded(encoded(document).decode()))
        made.append(Member(index=index, document=document, size=size))
    return tuple(made)


def chunks(many: Sequence[Member]) -> Iterator[tuple[Member, ...]]:
    """Split by number and by bytes. One that is too large goes alone: the service refuses it."""
    chunk: list[Member] = []
    for member in many:
        full = len(chunk) == BATCH_MEMBERS_MAX
        if chunk and (full or sum(m.size + 1 for m in chunk) + member.size > BYTES_MAX):
            yield tuple(chunk)
            chunk = []
        chunk.append(member)
    if chunk:
        yield tuple(chunk)


class Sending:
    """Many submissions on their way: which to send next, and what became of the others.

    Each index is in `seen`, in `errors`, or still to be sent.
    """

    def __init__(self, many: Sequence[Member], *, policy: RetryPolicy) -> None:
        self.seen: dict[int, Seen] = {}
        self.errors: dict[int, QuantumTasksError] = {}
        self._policy = policy
        self._left = list(chunks(many))
        self._tries = 0

    def call(self) -> Call[Sequence[Seen | QuantumTasksError]] | None:
        """Return the next request, or None when all is done."""
        return submit_batch([member.document for member in self._left[0]]) if self._left else None

    def take(self, answers: Sequence[Seen | QuantumTasksError]) -> float:
        """Note what became of the members that were sent.

        Those that were refused for now are sent again, after the seconds that this returns.
        """
        self._tries += 1
        again, pause = [], 0.0
        for member, answer in zip(self._left[0], answers, strict=True):
            if isinstance(answer, Seen):
                self.seen[member.index] = answer
                continue
            delay = self._policy.delay_seconds(answer, self._tries)
            if delay is None:
                self.errors[member.index] = answer
            else:
                again.append(member)
                pause = max(pause, delay)
        if again:
            self._left[0] = tuple(again)
        else:
            self._left.pop(0)
            self._tries = 0
        return pause

    def fail(self, error: QuantumTasksError) -> None:
        """Give a request's error to its members and to those that are not sent any more.

        Raises:
            QuantumTasksError: this very error, if no task was accepted before.
        """
        if not self.seen:
            raise error
        for chunk in self._left:
            self.errors.update((member.index, error) for member in chunk)
        self._left.clear()
