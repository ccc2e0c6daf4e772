"""Running a use case again and again: it gets the replies that it got before, then it is stopped.

A use case has no state but what its ports have told it, so its program and those replies say how
far it has come. Running it again up to its next call is the price of exploring the code itself
and not a copy of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chalicelib.composition import Ports, Service
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Task, TaskRequest, TaskResult
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import PINNED, StoredTask, TaskUnreadable
from chalicelib.ports import IndexPage, KeptCircuit, PutOutcome, Summaries
from chalicelib.settings import Settings
from tests.proof.explorer.code import Code
from tests.proof.explorer.items import NO_HOLDER, NOW, token_text
from tests.proof.explorer.observer import ReasonsObserver
from tests.proof.explorer.programs import run
from tests.proof.explorer.values import (
    Actor,
    Call,
    Calls,
    Ended,
    ExplorerError,
    Node,
    Operation,
    Program,
    Reply,
)
from tests.proof.explorer.views import (
    TOLD_APART_BY,
    TaskView,
    canonical_transition,
    transition_text,
)
from tests.support.fakes import TrustingValidator


class Paused(BaseException):
    """The code has come to a call that has no answer yet."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.text)
        self.call = call


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
        self._observer = ReasonsObserver()
        ports = Ports(
            validator=TrustingValidator(),
            store=self,
            queue=self,
            executor=self,
            clock=self,
            observer=self._observer,
        )
        self.service: Service = code.build(settings, ports, self._new_token, pieces=pieces)

    @property
    def reasons(self) -> set[str]:
        """Why deliveries were acknowledged or redelivered, in any run so far."""
        return self._observer.reasons

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

    def apply_to_unreadable(self, transition: Transition, stored: StoredTask) -> None:
        """See `TaskStore`."""
        plain = self._code.weaken(canonical_transition(transition))
        pinned = tuple(getattr(stored, name) for name in PINNED)
        self._answer(
            Operation.APPLY_TO_UNREADABLE,
            (pinned, *(getattr(plain, name) for name in TOLD_APART_BY)),
            text=f"writes {plain.event} unread, {stored.status} and attempt {stored.attempt}",
            on_store=lambda store: store.apply_to_unreadable(plain, stored),
            transition=plain,
        )

    def apply(self, transition: Transition) -> Task:
        """See `TaskStore`."""
        plain = self._code.weaken(canonical_transition(transition))
        seed = None if plain.result is None else plain.result.seed
        key = (seed, *(getattr(plain, name) for name in TOLD_APART_BY))
        task: Task = self._answer(
            Operation.APPLY,
            key,
            text=transition_text(plain, self._attempt),
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

    def redeliver(self, receipt_handle: str, *, visibility_timeout_seconds: int) -> None:
        """See `TaskQueue`."""
        self._answer(Operation.REDELIVER, None, text="redelivers the message")

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
        start_deadline: datetime,
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

    def sleep(self, seconds: float) -> None:
        """See `Clock`: nothing that is explored waits."""
        raise AssertionError(seconds)

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
                self._attempt = int(error.stored.attempt or 0)
            raise error
        if actor is Actor.WORKER and isinstance(reply.value, TaskView):
            self._attempt = reply.value.__dict__["attempt"]
        return reply.value
