"""Running a use case again and again: it gets the replies that it got before, then it is stopped.

A use case has no state but what its ports have told it, so its program and those replies say how
far it has come. Running it again up to its next call is the price of exploring the code itself
and not a copy of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.composition import Ports, Service
from chalicelib.domain.listing import IndexPage, Position, Summaries, TaskFilter
from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import Lease, Task, TaskEvent, TaskRequest, TaskResult
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import PINNED, StoredTask, TaskUnreadable
from chalicelib.errors import TaskServiceError
from chalicelib.ports import KeptCircuit, PutOutcome
from chalicelib.settings import Settings
from tests.proof.explorer.code import Code
from tests.proof.explorer.items import (
    LONG_AGO,
    NO_HOLDER,
    NOW,
    canonical_lease,
    canonical_time,
    token_number,
    token_text,
)
from tests.proof.explorer.programs import run
from tests.proof.explorer.values import (
    Actor,
    Call,
    Ended,
    ExplorerError,
    Node,
    Operation,
    Program,
    Reply,
)
from tests.support.fakes import TrustingValidator

#: What each actor may read of a task. Anything else is an error: the explorer takes tasks that
#: differ in nothing else for the same.
_SEEN: Final[Mapping[Actor, frozenset[str]]] = {
    Actor.SUBMITTER: frozenset(
        {"task_id", "owner", "request_fingerprint", "status", "correlation_id"}
    ),
    Actor.WORKER: frozenset({"task_id", "request", "status", "attempt", "lease"}),
    Actor.SWEEPER: frozenset(
        {
            *("task_id", "status", "attempt", "lease", "due_at", "sweeps"),
            *("submitted_at", "correlation_id", "owner"),
        }
    ),
    Actor.CANCELLER: frozenset({"task_id", "owner", "status"}),
}
#: All fields of a transition but the constant ones, and its result, which its seed stands for.
_TOLD_APART_BY: Final = tuple(
    field.name
    for field in dataclasses.fields(Transition)
    if field.name not in {"task_id", "at", "result"}
)
_ANOTHER_HOLDER: Final = token_text(-1)


class Paused(BaseException):
    """The code has come to a call that has no answer yet."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.text)
        self.call = call


class TaskView:
    """What one actor may see of a task."""

    def __init__(self, seen: Mapping[str, object]) -> None:
        self.__dict__.update(seen)

    def __getattr__(self, name: str) -> object:
        """Refuse what is not in view."""
        message = f"the code reads a task's {name}: add it to _SEEN, so that states show it"
        raise ExplorerError(message)


def view(task: Task, call: Call) -> TaskView:
    """Return the task as the caller may see it; of tokens it can tell only its own."""
    seen: dict[str, Any] = {name: getattr(task, name) for name in _SEEN[call.actor]}
    lease = seen.get("lease")
    if lease is not None:
        mine = call.actor is Actor.WORKER and lease.holder == token_text(call.token)
        seen["lease"] = dataclasses.replace(lease, holder=lease.holder if mine else _ANOTHER_HOLDER)
    return TaskView(seen)


def view_unread(seen: StoredTask, call: Call) -> StoredTask:
    """Return what the caller may see of an item that cannot be read; of tokens only its own."""
    lease = canonical_lease(seen.lease)
    if lease is not None and lease.holder != token_text(call.token):
        lease = dataclasses.replace(lease, holder=_ANOTHER_HOLDER)
    submitted_at = seen.submitted_at
    return dataclasses.replace(
        seen,
        lease=lease,
        due_at=canonical_time(seen.due_at),
        submitted_at=None if submitted_at is None else LONG_AGO if submitted_at < NOW else NOW,
    )


def view_text(task: Task, call: Call) -> str:
    """Return what tells two views apart."""
    return repr(sorted(view(task, call).__dict__.items(), key=lambda entry: entry[0]))


class Calls:
    """All calls that were met, each once."""

    def __init__(self) -> None:
        self._by_key: dict[object, Call] = {}
        self.all: list[Call] = []

    def get(self, key: object, actor: Actor, operation: Operation, **fields: Any) -> Call:  # noqa: ANN401
        """Return the call with this key, made of the fields if it is new."""
        call = self._by_key.get((actor, operation, key))
        if call is None:
            call = Call(number=len(self.all), actor=actor, operation=operation, **fields)
            self._by_key[actor, operation, key] = call
            self.all.append(call)
        return call


class Script:
    """All ports in one: it answers from the past of a node and stops at the first new call."""

    def __init__(self, code: Code, settings: Settings, calls: Calls, *, pieces: bool) -> None:
        self._code = code
        self._calls = calls
        self._program = Program(Actor.SUBMITTER)
        self._past: Sequence[tuple[Call, Reply]] = ()
        self._next = 0
        self._tokens: list[int] = []
        self._token = NO_HOLDER
        self._attempt = 0
        #: Why deliveries were acknowledged or given back, in any run so far.
        self.reasons: set[str] = set()
        ports = Ports(
            validator=TrustingValidator(),
            store=self,
            queue=self,
            executor=self,
            clock=self,
            observer=self,
        )
        self.service: Service = code.build(settings, ports, self._new_token, pieces=pieces)

    def run(self, program: Program, past: tuple[tuple[Call, Reply], ...], *, keyed: bool) -> Node:
        """Run a program to the first call that its past does not answer, or to its end."""
        self._program, self._past, self._next = program, past, 0
        self._tokens = [token for token, _ in program.deliveries]
        self._token, self._attempt = NO_HOLDER, 0
        call: Call | None = None
        ended: Ended | None = None
        try:
            ended = run(program, self.service, self._code, keyed=keyed)
        except Paused as paused:
            call = paused.call
        if self._next != len(past):
            raise ExplorerError(f"{program} made fewer calls than before: it is not repeatable")
        return Node(program, past, call, ended)

    # --- the store ---

    def keep_circuit(self, task_id: str, circuit: str) -> KeptCircuit:
        """See `TaskStore`. Nothing refers to the pieces yet, so they are no part of a state."""
        kept: KeptCircuit = self._answer(
            Operation.KEEP,
            circuit,
            text=f"puts the pieces of {circuit}",
            on_store=lambda store: store.keep_circuit(task_id, circuit),
        )
        return kept

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """See `TaskStore`."""
        outcome: PutOutcome = self._answer(
            Operation.CREATE,
            task.request.circuit,
            text=f"puts the task {task.request.circuit}",
            on_store=lambda store: store.create_if_absent(task),
        )
        return outcome

    def get(self, task_id: str) -> Task | None:
        """See `TaskStore`."""
        task: Task | None = self._answer(
            Operation.GET, None, text="reads", on_store=lambda store: store.get(task_id)
        )
        return task

    def get_without_payloads(self, task_id: str) -> Task | None:
        """See `TaskStore`."""
        task: Task | None = self._answer(
            Operation.LOOK,
            None,
            text="looks",
            on_store=lambda store: store.get_without_payloads(task_id),
        )
        return task

    def apply_unread(self, transition: Transition, seen: StoredTask) -> None:
        """See `TaskStore`."""
        plain = self._code.weaken(_plain(transition))
        pinned = tuple(getattr(seen, name) for name in PINNED)
        self._answer(
            Operation.APPLY_UNREAD,
            (pinned, *(getattr(plain, name) for name in _TOLD_APART_BY)),
            text=f"writes {plain.event} unread, {seen.status} and attempt {seen.attempt} as seen",
            on_store=lambda store: store.apply_unread(plain, seen),
            transition=plain,
        )

    def apply(self, transition: Transition) -> Task:
        """See `TaskStore`."""
        plain = self._code.weaken(_plain(transition))
        seed = None if plain.result is None else plain.result.seed
        key = (seed, *(getattr(plain, name) for name in _TOLD_APART_BY))
        task: Task = self._answer(
            Operation.APPLY,
            key,
            text=_transition_text(plain, self._attempt),
            on_store=lambda store: store.apply(plain),
            transition=plain,
        )
        return task

    def delete_if_pending(self, task_id: str) -> None:
        """See `TaskStore`."""
        self._answer(
            Operation.DELETE,
            None,
            text="deletes it if pending",
            on_store=lambda store: store.delete_if_pending(task_id),
        )

    def due(self, before: datetime, *, limit: int, implausible_after: datetime) -> Sequence[str]:
        """See `TaskStore`."""
        later = implausible_after
        ids: Sequence[str] = self._answer(
            Operation.DUE,
            None,
            text="lists what is due",
            on_store=lambda store: tuple(store.due(before, limit=limit, implausible_after=later)),
        )
        return ids

    # --- the queue ---

    def send(self, message: TaskMessage) -> str:
        """See `TaskQueue`."""
        message_id: str = self._answer(Operation.SEND, None, text="sends its message")
        return message_id

    def send_batch(self, messages: Sequence[TaskMessage]) -> Sequence[str | None]:
        """See `TaskQueue`. There is one task, so there is one message."""
        (_,) = messages
        message_id: str | None = self._answer(
            Operation.SEND_BATCH, None, text="sends its message in a batch"
        )
        return [message_id]

    def hide(self, receipt_handle: str, *, visibility_timeout_seconds: int) -> None:
        """See `TaskQueue`."""
        self._answer(Operation.HIDE, None, text="hides the message")

    def acknowledge(self, receipt_handles: Sequence[str]) -> None:
        """See `TaskQueue`."""
        if receipt_handles:
            deliveries = tuple(int(handle) for handle in receipt_handles)
            text = f"deletes the messages {deliveries} of its batch"
            self._answer(Operation.ACKNOWLEDGE, deliveries, text=text, deliveries=deliveries)

    def tasks_of(
        self,
        owner: str,
        *,
        task_filter: TaskFilter,
        after: Position | None,
        limit: int,
        begin_by: datetime,
    ) -> IndexPage:
        """See `TaskStore`. No program lists: reading changes nothing."""
        raise NotImplementedError

    def get_summaries(self, owner: str, task_ids: Sequence[str]) -> Summaries:
        """See `TaskStore`."""
        raise NotImplementedError

    def ping(self) -> None:
        """See `TaskStore` and `TaskQueue`."""

    # --- executor and clock ---

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        result: TaskResult = self._answer(
            Operation.EXECUTE, None, text=f"executes attempt {self._attempt}"
        )
        return result

    def now(self) -> datetime:
        """See `Clock`: time does not pass; what its passing would change, the world changes."""
        return NOW

    # --- the observer ---

    def transitioned(self, task: Task) -> None:
        """See `Observer`."""

    def replayed(self, task: Task) -> None:
        """See `Observer`."""

    def removed(self, task: Task) -> None:
        """See `Observer`."""

    def published(self, message: TaskMessage, *, message_id: str) -> None:
        """See `Observer`."""

    def consumed(self, delivery: Delivery) -> None:
        """See `Observer`."""

    def acknowledged(self, delivery: Delivery, *, reason: str) -> None:
        """See `Observer`."""
        self.reasons.add(f"done: {reason}")

    def given_back(self, delivery: Delivery, *, reason: str, delay_seconds: int | None) -> None:
        """See `Observer`."""
        self.reasons.add(f"given back: {reason}")

    def unreadable(self, error: TaskUnreadable) -> None:
        """See `Observer`."""

    def unknown_task(self, delivery: Delivery) -> None:
        """See `Observer`."""

    def problem(self, operation: str, error: Exception, *, task_ids: Iterable[str] = ()) -> None:
        """See `Observer`. An error that is not the service's own is a bug."""
        if not isinstance(error, TaskServiceError):
            raise ExplorerError(f"unexpected while trying to {operation}: {error!r}") from error

    # --- the machinery ---

    def _new_token(self) -> str:
        self._token = self._tokens.pop(0)
        return token_text(self._token)

    def _answer(self, operation: Operation, key: object, *, text: str, **fields: Any) -> Any:  # noqa: ANN401
        actor = self._program.actor
        bearing = (self._token, self._attempt, self._program.owner)
        call = self._calls.get(
            (key, bearing),
            actor,
            operation,
            text=text,
            token=self._token,
            attempt=self._attempt,
            owner=self._program.owner,
            **fields,
        )
        if self._next == len(self._past):
            raise Paused(call)
        before, reply = self._past[self._next]
        self._next += 1
        if before is not call:
            raise ExplorerError(f"{self._program} did {call.text} where it did {before.text}")
        if reply.error is not None:
            error = reply.error()
            if isinstance(error, TaskUnreadable):
                self._attempt = int(error.seen.attempt or 0)
            raise error
        if actor is Actor.WORKER and isinstance(reply.value, TaskView):
            self._attempt = reply.value.__dict__["attempt"]
        return reply.value


def _plain(transition: Transition) -> Transition:
    """Return it without what states do not tell apart."""
    return dataclasses.replace(
        transition,
        notes=None if transition.notes is None else "why",
        error_message=None if transition.error_message is None else "failed",
        lease=canonical_lease(transition.lease),
        due_at=canonical_time(transition.due_at),
    )


def _transition_text(transition: Transition, attempt: int) -> str:
    event = transition.event
    if event is TaskEvent.CLAIM:
        assert isinstance(transition.lease, Lease)
        return f"claims with token {token_number(transition.lease.holder)}"
    if event in {TaskEvent.COMPLETE, TaskEvent.FAIL, TaskEvent.RELEASE}:
        return f"{event}s attempt {attempt}"
    return f"writes {event}, as read: {', '.join(sorted(transition.condition.statuses))}"
