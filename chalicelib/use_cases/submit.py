"""Submitting a task: one conditional put, one send, and the truth when either fails.

The order matters: a task is stored before its message is sent, so that no worker ever sees a
message without its task, and a crash between the two leaves something the sweeper can find.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from chalicelib.domain import lifecycle, payloads
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Task, TaskRequest, TaskStatus
from chalicelib.errors import (
    ConditionFailed,
    IdempotencyConflict,
    Kept,
    QueueUnavailable,
    StoreFull,
    StoreUnavailable,
    SubmissionUnavailable,
)
from chalicelib.ports import Clock, KeptCircuit, Observer, PutOutcome, TaskQueue, TaskStore

#: Makes the ids of keyed tasks differ from every other use of UUIDv5.
_KEYED_TASK_IDS: Final = uuid.UUID("6f1b3c8e-52a4-4c0e-9d0b-7d5b7a3f9e21")

_RETRY_WITH_KEY: Final = "repeat the request with the same Idempotency-Key to find out"
_KEPT_WITHOUT_MESSAGE: Final = (
    "the queue did not answer; the task is stored and will be executed, do not repeat it"
)
_NEITHER_ANSWERED: Final = "neither queue nor database answered; look for the task by its id"


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One submission by one client."""

    request: TaskRequest
    owner: str
    correlation_id: str
    #: The client's own token for "this is the same request"; None if it gave none.
    idempotency_key: str | None = None
    #: The place in a batch whose key that is; None if it is the submission's own.
    batch_index: int | None = None


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a submission."""

    task: Task
    #: The task existed before this request.
    replayed: bool


def keyed_task_id(owner: str, idempotency_key: str, batch_index: int | None = None) -> str:
    """Derive a task's id from owner and key, so that the conditional put is the duplicate check.

    A batch's key gives each of its members an id of its own, which no single key gives.
    """
    name: list[str | int] = [owner, idempotency_key]
    if batch_index is not None:
        name.append(batch_index)
    return str(uuid.uuid5(_KEYED_TASK_IDS, json.dumps(name)))


class SubmitTask(msgspec.Struct, frozen=True, kw_only=True):
    """Stores a task and sends its message."""

    store: TaskStore
    queue: TaskQueue
    clock: Clock
    observer: Observer
    sweep_grace_seconds: float
    new_task_id: Callable[[], str]
    #: Circuits of more may take several pieces: a keyed one is looked up before they are put.
    large_characters: int = payloads.LARGE_CHARACTERS

    def __call__(self, submission: Submission) -> Submitted:
        """Submit, so that a task answered here is executed whatever happens next.

        Raises:
            PayloadTooLarge: the circuit is too large to store or to return.
            IdempotencyConflict: the key was used with another request.
            SubmissionUnavailable: database or queue failed; it says whether the task was kept.
            TaskUnreadable: the key's task is there and cannot be read.
        """
        text = payloads.circuit_to_text(submission.request)
        what = "circuit" if submission.request.inputs is None else "circuit with its inputs"
        payloads.check_encoded_size(what, text, payloads.CIRCUIT_ENCODED_BYTES_MAX)
        task = self._new_task(submission)
        keyed = submission.idempotency_key is not None
        kept: KeptCircuit | None = None
        if len(text) > self.large_characters:
            existing = self._look_up(task) if keyed else None
            if existing is not None:
                return self._answer_existing(existing, task, keyed=keyed)
            kept = self._keep_circuit(task, text, keyed=keyed)
            # The sweeper's grace begins now that the pieces are put.
            task = lifecycle.submitted_at(
                task, self.clock.now(), sweep_grace_seconds=self.sweep_grace_seconds
            )
        outcome = self._create(task, kept, keyed=keyed)
        if outcome is not PutOutcome.EXISTED:
            self.observer.transitioned(task)
            return self._send_new(task, may_delete=self._may_delete(outcome, keyed=keyed))
        return self._resolve_existing(task, keyed=keyed)

    def _new_task(self, submission: Submission) -> Task:
        key = submission.idempotency_key
        return lifecycle.submit(
            submission.request,
            task_id=self.new_task_id()
            if key is None
            else keyed_task_id(submission.owner, key, submission.batch_index),
            owner=submission.owner,
            correlation_id=submission.correlation_id,
            now=self.clock.now(),
            sweep_grace_seconds=self.sweep_grace_seconds,
        )

    def _keep_circuit(self, task: Task, text: str, *, keyed: bool) -> KeptCircuit:
        with self._put_unavailable(task, keyed=keyed):
            return self.store.keep_circuit(task.task_id, text)

    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        with self._put_unavailable(task, keyed=keyed):
            return self.store.create_if_absent(task, kept)

    @contextlib.contextmanager
    def _put_unavailable(self, task: Task, *, keyed: bool) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable as exc:
            self.observer.problem("create the task", exc, task_ids=[task.task_id])
            if keyed:
                # An earlier or concurrent request with this key may have stored it.
                message = f"the database did not take the task now; {_RETRY_WITH_KEY}"
                raise _unavailable(message, Kept.UNKNOWN, task) from exc
            if exc.in_doubt:
                # Nothing is deleted: a late put would come back after the delete.
                message = "the database did not answer; look for the task by its id"
                raise _unavailable(message, Kept.UNKNOWN, task) from exc
            message = "the database did not take the task; submit it again later"
            raise _unavailable(message, Kept.NO, task) from exc

    def _resolve_existing(self, task: Task, *, keyed: bool) -> Submitted:
        """Decide by one read what the existing item is: this task, its replay, or another."""
        existing = self._look_up(task)
        if existing is None:
            message = "a task with this id was there and is gone; submit it again"
            raise _unavailable(message, Kept.UNKNOWN, task)
        return self._answer_existing(existing, task, keyed=keyed)

    def _look_up(self, task: Task) -> Task | None:
        try:
            return self.store.get_without_payloads(task.task_id)
        except StoreUnavailable as exc:
            self.observer.problem("read the task", exc, task_ids=[task.task_id])
            message = "a task with this id may exist, but the database did not give it back"
            raise _unavailable(message, Kept.UNKNOWN, task) from exc

    def _answer_existing(self, existing: Task, task: Task, *, keyed: bool) -> Submitted:
        if existing.request_fingerprint != task.request_fingerprint:
            raise IdempotencyConflict
        if keyed:
            self.observer.replayed(existing)
        if existing.status is TaskStatus.PENDING:
            # Its message may never have been sent. A second one is harmless.
            return self._send_existing(existing, keyed=keyed)
        return Submitted(task=existing, replayed=keyed)

    def _send_existing(self, task: Task, *, keyed: bool) -> Submitted:
        try:
            self._send(task)
        except QueueUnavailable as exc:
            self.observer.problem("send the message", exc, task_ids=[task.task_id])
            raise _unavailable(_KEPT_WITHOUT_MESSAGE, Kept.YES, task) from exc
        return Submitted(task=task, replayed=keyed)

    def _may_delete(self, outcome: PutOutcome, *, keyed: bool) -> bool:
        """Whether the task may be withdrawn if its message cannot be sent.

        Not with a key: a concurrent retry may have been told that it is accepted. Not after a put
        in doubt: the late attempt may store the task again after the delete.
        """
        return not keyed and outcome is PutOutcome.CREATED

    def _send_new(self, task: Task, *, may_delete: bool) -> Submitted:
        try:
            self._send(task)
        except QueueUnavailable as exc:
            self.observer.problem("send the message", exc, task_ids=[task.task_id])
            if not may_delete:
                raise _unavailable(_KEPT_WITHOUT_MESSAGE, Kept.YES, task) from exc
            return self._withdraw(task, exc)
        return Submitted(task=task, replayed=False)

    def _send(self, task: Task) -> None:
        message = TaskMessage.about(task, enqueued_at=self.clock.now())
        self.observer.published(message, message_id=self.queue.send(message))

    def _withdraw(self, task: Task, cause: QueueUnavailable) -> Submitted:
        """Delete a task whose message could not be sent, so that a retry does not make two.

        Without a key, a client that retries through a queue outage would otherwise leave one
        task per try, and all of them would run.
        """
        not_kept = "the queue did not take the task and nothing was kept; submit it again later"
        try:
            self.store.delete_if_pending(task.task_id)
        except ConditionFailed:
            existing = self._read_after_refused_delete(task, cause)
            if existing is not None:
                # A worker has it: the message arrived though its reply was lost.
                return Submitted(task=existing, replayed=False)
            # It was this very delete, applied before its reply was lost.
            self.observer.removed(task)
            raise _unavailable(not_kept, Kept.NO, task) from cause
        except (StoreUnavailable, StoreFull) as exc:
            self.observer.problem("withdraw the task", exc, task_ids=[task.task_id])
            if isinstance(exc, StoreUnavailable) and exc.in_doubt:
                raise _unavailable(_NEITHER_ANSWERED, Kept.UNKNOWN, task) from exc
            raise _unavailable(_KEPT_WITHOUT_MESSAGE, Kept.YES, task) from exc
        self.observer.removed(task)
        raise _unavailable(not_kept, Kept.NO, task) from cause

    def _read_after_refused_delete(self, task: Task, cause: QueueUnavailable) -> Task | None:
        try:
            return self.store.get_without_payloads(task.task_id)
        except StoreUnavailable as exc:
            self.observer.problem("read the task", exc, task_ids=[task.task_id])
            raise _unavailable(_NEITHER_ANSWERED, Kept.UNKNOWN, task) from cause


def _unavailable(message: str, kept: Kept, task: Task) -> SubmissionUnavailable:
    return SubmissionUnavailable(
        message, kept=kept, task_id=None if kept is Kept.NO else task.task_id
    )
