"""The calls of the API: each one's request, and what its answer is read as."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from quantum_tasks.errors import BadAnswer, QuantumTasksError
from quantum_tasks.protocol.answers import (
    NOT_MODIFIED,
    Reply,
    Response,
    checked,
    problem_error,
    problem_from,
    retry_after,
)
from quantum_tasks.protocol.requests import Query, Request, task_path
from quantum_tasks.values.reading import read
from quantum_tasks.values.service import Health, Validation
from quantum_tasks.values.task import Page, TaskData

T = TypeVar("T")

_ACCEPTED: Final = 202
_UNAVAILABLE: Final = 503


@dataclasses.dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """What to send, and how to read what comes back."""

    request: Request
    #: Takes the reply and the clock's time when it came. A refusal is a `QuantumTasksError`.
    read: Callable[[Reply, float], T]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A task as it was seen last, and what the next request for it needs."""

    data: TaskData
    #: Whether this is all that the service says of a task. A submission's answer and a list have
    #: neither result nor history.
    is_whole: bool = False
    etag: str | None = None
    #: The clock's time before which the service does not want to be asked again.
    ask_at: float | None = None


#: How long a request waits for its task's end, if the service lets it (RFC 7240); services that do
#: not know it answer at once.
WAIT_SECONDS: Final = 2


def preference(seconds: float | None) -> dict[str, str]:
    """Return the header that asks for a wait, if so many seconds are enough for one."""
    wait = WAIT_SECONDS if seconds is None else min(WAIT_SECONDS, int(seconds))
    return {"Prefer": f"wait={wait}"} if wait > 0 else {}


def submit(body: dict[str, Any], key: str, *, wait: float | None = 0) -> Call[Seen]:
    """Submit a task. All tries have the same key, so the service keeps one task.

    For up to `wait` seconds (None: as long as may be) the answer may wait for the task's end.
    """
    request = Request.post("/tasks", body, Idempotency_Key=key, **preference(wait))

    def read_task(reply: Reply, at: float) -> Seen:
        try:
            return _with_body(_seen(checked(reply), at), body)
        except QuantumTasksError as exc:
            exc.key = key
            kept = _kept_task(exc, body, at)
            if kept is None:
                raise
            return kept

    return Call(request, read_task)


def submit_batch(members: Sequence[dict[str, Any]]) -> Call[Sequence[Seen | QuantumTasksError]]:
    """Submit many tasks, each body with its own key inside; read what became of each, in order."""
    request = Request.post("/batches", {"tasks": members})

    def read_members(reply: Reply, at: float) -> Sequence[Seen | QuantumTasksError]:
        response = checked(reply)
        entries = read(_BatchAnswer, response.document()).tasks
        if [entry.index for entry in entries] != list(range(len(members))):
            message = f"the answer does not have one entry for each of the {len(members)} members"
            raise BadAnswer(message)
        wait = retry_after(response.headers)
        return tuple(e.read(m, wait, at) for e, m in zip(entries, members, strict=True))

    return Call(request, read_members)


def get(task_id: str, before: Seen | None = None) -> Call[Seen]:
    """Read a task, unless it is still as it was seen before."""
    tag = before.etag if before is not None and before.is_whole else None
    headers = {} if tag is None else {"If-None-Match": tag}
    request = Request(method="GET", path=task_path(task_id), headers=headers)
    return _about(task_id, request, before)


def cancel(task_id: str) -> Call[Seen]:
    """Cancel a task. Cancelling twice is no error, so it may be repeated."""
    return _about(task_id, Request(method="POST", path=f"{task_path(task_id)}/cancel"))


def list_tasks(query: Query, cursor: str | None = None) -> Call[Page]:
    """Read one page of a list: the first, or the one at a cursor."""
    at_cursor = () if cursor is None else (("cursor", cursor),)
    request = Request(method="GET", path="/tasks", query=query + at_cursor)
    return Call(request, lambda reply, _: read(Page, checked(reply).document()))


def next_cursor(page: Page, cursor: str | None) -> str | None:
    """Return where a list goes on; an empty page is not its end, a missing cursor is.

    Raises:
        BadAnswer: it is the cursor of this very page, which would never end.
    """
    if page.next_cursor is not None and page.next_cursor == cursor:
        raise BadAnswer("the list does not go on: the service gives the same cursor again")
    return page.next_cursor


def validate(body: dict[str, Any]) -> Call[Validation]:
    """Have a circuit checked without executing it."""
    request = Request.post("/validations", body)
    return Call(request, lambda reply, _: read(Validation, checked(reply).document()))


def health() -> Call[Health]:
    """Ask whether the service can be used. A 503 that says that it cannot is an answer."""

    def read_health(reply: Reply, at: float) -> Health:
        del at
        response = checked(reply, accepted=frozenset({_UNAVAILABLE}))
        if response.status == _UNAVAILABLE:
            unreachable = problem_error(response)
            if unreachable.type or b"database_status" not in response.body:
                raise unreachable
        return read(Health, response.document())

    return Call(Request(method="GET", path="/health"), read_health)


def _about(task_id: str, request: Request, before: Seen | None = None) -> Call[Seen]:
    """Return a call whose answer is a whole task, and whose errors name it."""

    def read_task(reply: Reply, at: float) -> Seen:
        try:
            return _seen(checked(reply), at, before, is_whole=True)
        except QuantumTasksError as exc:
            exc.task_id = exc.task_id or task_id
            raise

    return Call(request, read_task)


def _seen(
    response: Response, at: float, before: Seen | None = None, *, is_whole: bool = False
) -> Seen:
    """Read a task; an unchanged one changes only when to ask again.

    Raises:
        BadAnswer: it says unchanged, and nothing was known.
    """
    wait = retry_after(response.headers)
    ask_at = None if wait is None else at + wait
    if response.status == NOT_MODIFIED:
        if before is None or before.etag is None:
            message = "the answer says that the task is unchanged, though nothing was known of it"
            raise BadAnswer(message)
        return dataclasses.replace(before, is_whole=True, ask_at=ask_at)
    document = response.document()
    if isinstance(document.get("task"), dict):  # of a submission that waited for its task's end
        document, is_whole = document["task"], True
    if response.headers.get("idempotent-replayed") == "true":
        document["replayed"] = True
    etag = response.headers.get("etag")
    return Seen(data=read(TaskData, document), is_whole=is_whole, etag=etag, ask_at=ask_at)


def _with_body(seen: Seen, body: dict[str, Any]) -> Seen:
    """Return a task with shots and tags as they were submitted: the answer has none of them."""
    if seen.is_whole:
        return seen
    data = dataclasses.replace(seen.data, shots=body.get("shots"), tags=body.get("tags", {}))
    return dataclasses.replace(seen, data=data)


def _kept_task(error: QuantumTasksError, body: dict[str, Any], at: float) -> Seen | None:
    """Return the task that a refusal says was kept: it will be executed, so it is not repeated."""
    if error.kept != "yes" or error.task_id is None:
        return None
    answer = {"task_id": error.task_id, "status": "pending", "correlation_id": error.correlation_id}
    data = dataclasses.replace(read(TaskData, body | answer), circuit=None, document=answer)
    return Seen(data=data, ask_at=None if error.retry_after is None else at + error.retry_after)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _MemberAnswer:
    """What became of one member of a batch."""

    index: int
    status: int
    task: TaskData | None = None
    problem: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def read(self, body: dict[str, Any], wait: float | None, at: float) -> Seen | QuantumTasksError:
        """Return its task, or why there is none."""
        if self.status == _ACCEPTED:
            if self.task is None:
                raise BadAnswer("the answer has a member that is accepted and has no task")
            return _with_body(Seen(data=self.task), body)
        error = problem_from(self.problem, status=self.status)
        error.key = body["idempotency_key"]
        kept = _kept_task(error, body, at)
        error.retry_after = wait
        return error if kept is None else kept


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _BatchAnswer:
    tasks: tuple[_MemberAnswer, ...] = ()
