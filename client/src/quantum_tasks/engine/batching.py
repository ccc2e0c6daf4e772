"""Submitting many tasks in few requests, each member under a key of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from quantum_tasks.engine import calls
from quantum_tasks.engine.answers import problem_from, retry_after
from quantum_tasks.engine.effects import Program, Response, Sleep
from quantum_tasks.engine.looking import Glance, Seen, see
from quantum_tasks.engine.retrying import RetryPolicy, exchange
from quantum_tasks.engine.submitting import kept_task
from quantum_tasks.errors import BadAnswer, QuantumTasksError
from quantum_tasks.reading import Document
from quantum_tasks.values import TaskData

MEMBERS_MAX: Final = 100
#: Of a request's body as API Gateway hands it on: a JSON string inside JSON, at most 6 MB in all.
BYTES_MAX: Final = 5_500_000

_ACCEPTED: Final = 202


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One submission of many."""

    #: Its place among all of them, whatever requests they are sent in.
    index: int
    key: str
    document: Mapping[str, Any]
    #: Bytes in a request's body, as API Gateway counts them.
    size: int


@dataclasses.dataclass(slots=True)
class Submitted:
    """What became of many submissions: every index is in one of the two."""

    seen: dict[int, Seen] = dataclasses.field(default_factory=dict)
    errors: dict[int, QuantumTasksError] = dataclasses.field(default_factory=dict)


def member_key(key: str, index: int) -> str:
    """Return a member's key: it comes from key and place alone, so splitting changes nothing."""
    return f"{key}[{index}]"


def members(documents: Sequence[Mapping[str, Any]], *, key: str) -> tuple[Member, ...]:
    """Give each submission its place and key."""
    made = []
    for index, document in enumerate(documents):
        own = {**document, "idempotency_key": member_key(key, index)}
        size = len(calls.encoded(calls.encoded(own).decode()))
        made.append(Member(index=index, key=own["idempotency_key"], document=own, size=size))
    return tuple(made)


def chunks(many: Sequence[Member]) -> Iterator[tuple[Member, ...]]:
    """Split by number and by bytes. One that is too large goes alone: the service refuses it."""
    chunk: list[Member] = []
    for member in many:
        full = len(chunk) == MEMBERS_MAX
        if chunk and (full or sum(m.size + 1 for m in chunk) + member.size > BYTES_MAX):
            yield tuple(chunk)
            chunk = []
        chunk.append(member)
    if chunk:
        yield tuple(chunk)


def submit_many(many: Sequence[Member], *, policy: RetryPolicy) -> Program[Submitted]:
    """Submit all. What a member is refused for is kept as its error.

    Raises:
        QuantumTasksError: a whole request failed before any task was accepted. After that its
            members have this error, and later requests are not sent.
    """
    done = Submitted()
    failure: QuantumTasksError | None = None
    for chunk in chunks(many):
        if failure is None:
            try:
                yield from _submit_chunk(chunk, done, policy=policy)
                continue
            except QuantumTasksError as exc:
                if not done.seen:
                    raise
                failure = exc
        for member in chunk:
            if member.index not in done.seen:
                done.errors.setdefault(member.index, failure)
    return done


def _submit_chunk(
    chunk: tuple[Member, ...], done: Submitted, *, policy: RetryPolicy
) -> Program[None]:
    """Submit some, and those again that were refused for now."""
    tries = 0
    while chunk:
        tries += 1
        answer = yield from exchange(
            calls.post_batch([m.document for m in chunk]), read=_read, policy=policy
        )
        delay = 0.0
        again = []
        for member, entry in zip(chunk, _entries(answer, len(chunk)), strict=True):
            error = yield from _settle(member, entry, done)
            if error is None:
                continue
            error.retry_after = retry_after(answer.headers)
            wait = policy.delay_seconds(error, tries)
            if wait is None:
                done.errors[member.index] = error
            else:
                again.append(member)
                delay = max(delay, wait)
        chunk = tuple(again)
        if chunk:
            yield Sleep(delay)


def _settle(member: Member, entry: Document, done: Submitted) -> Program[QuantumTasksError | None]:
    """Keep a member's task, or return why there is none."""
    status = entry.integer("status")
    if status == _ACCEPTED:
        task = entry.document_or_none("task")
        if task is None:
            message = "the answer has a member that is accepted and has no task"
            raise BadAnswer(message)
        done.seen[member.index] = yield from see(Glance(data=TaskData.read(task)))
        return None
    error = problem_from(entry.document_or_none("problem") or Document({}), status=status)
    error.key = member.key
    kept = kept_task(error, member.document)
    if kept is None:
        return error
    done.seen[member.index] = yield from see(Glance(data=kept))
    return None


def _read(response: Response) -> Response:
    response.document()
    return response


def _entries(answer: Response, expected: int) -> tuple[Document, ...]:
    entries = answer.document().documents("tasks")
    if [entry.integer("index") for entry in entries] != list(range(expected)):
        message = f"the answer does not have one entry for each of the {expected} members"
        raise BadAnswer(message)
    return entries
