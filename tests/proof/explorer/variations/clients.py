"""Submitting and cancelling without one of their guards."""

from __future__ import annotations

import contextlib

from msgspec import structs

from chalicelib.domain.task import Task
from chalicelib.domain.unreadable import StoredTask
from chalicelib.errors import (
    ConditionFailed,
    Kept,
    QueueUnavailable,
    StoreUnavailable,
    SubmissionUnavailable,
)
from chalicelib.ports import KeptCircuit, PutOutcome
from chalicelib.use_cases.cancel import CancelTask
from chalicelib.use_cases.read import GetTask
from chalicelib.use_cases.submit import Submission, SubmitTask, Submitted
from tests.proof.explorer.programs import OWNER_NAME


def _unavailable(task: Task, kept: Kept) -> SubmissionUnavailable:
    return SubmissionUnavailable("", kept=kept, task_id=task.task_id)


class SendsFirst(SubmitTask, frozen=True):
    """Sends the message before it stores the task."""

    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        try:
            self._send(task)
        except QueueUnavailable as exc:
            raise _unavailable(task, Kept.UNKNOWN) from exc
        return super()._create(task, kept, keyed=keyed)

    def _send_new(self, task: Task, *, may_delete: bool) -> Submitted:
        return Submitted(task=task, replayed=False)


class TakesBackKeyed(SubmitTask, frozen=True):
    """Takes a task back though other requests have its key."""

    def _may_delete(self, outcome: PutOutcome, *, keyed: bool) -> bool:
        return super()._may_delete(outcome, keyed=False)


class TakesBackInDoubt(SubmitTask, frozen=True):
    """Takes a task back though another put of it may be on its way."""

    def _may_delete(self, outcome: PutOutcome, *, keyed: bool) -> bool:
        return super()._may_delete(PutOutcome.CREATED, keyed=keyed)


class DeniesKeyed(SubmitTask, frozen=True):
    """Says that a refused put leaves nothing, though others have the key."""

    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        return super()._create(task, kept, keyed=False)


class DeniesInDoubt(SubmitTask, frozen=True):
    """Says that a put in doubt leaves nothing."""

    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        try:
            return super()._create(task, kept, keyed=keyed)
        except SubmissionUnavailable as exc:
            raise _unavailable(task, Kept.NO) from exc


class DeletesInDoubt(SubmitTask, frozen=True):
    """Deletes what a put in doubt may have left, and says that nothing is there."""

    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        try:
            return super()._create(task, kept, keyed=keyed)
        except SubmissionUnavailable as exc:
            try:
                self.store.delete_if_pending(task.task_id)
            except StoreUnavailable:
                raise exc from None
            except ConditionFailed:
                pass
            raise _unavailable(task, Kept.NO) from exc


class ReplaysSilently(SubmitTask, frozen=True):
    """Answers a replay of a pending task without sending its message."""

    def _send_existing(self, task: Task, *, keyed: bool) -> Submitted:
        return Submitted(task=task, replayed=keyed)


class ReplaysUnread(SubmitTask, frozen=True):
    """Takes whatever has its id for the same request's task."""

    def _resolve_existing(self, task: Task, *, keyed: bool) -> Submitted:
        return Submitted(task=task, replayed=keyed)


class AcceptsUnsent(SubmitTask, frozen=True):
    """Answers 202 for a stored task though its message could not be sent."""

    def _send(self, task: Task) -> None:
        with contextlib.suppress(QueueUnavailable):
            super()._send(task)


class TakesTheRefusedDeleteForAccepted(SubmitTask, frozen=True):
    """Takes a refused delete for a worker's claim, without reading."""

    def _read_after_refused_delete(self, task: Task, cause: QueueUnavailable) -> Task | None:
        return task


class TakesTheRefusedDeleteForItsOwn(SubmitTask, frozen=True):
    """Takes a refused delete for its own earlier one, without reading."""

    def _read_after_refused_delete(self, task: Task, cause: QueueUnavailable) -> Task | None:
        return None


class ConfirmsInDoubt(SubmitTask, frozen=True):
    """Says that the task is kept though its delete is in doubt."""

    def _withdraw(self, task: Task, cause: QueueUnavailable) -> Submitted:
        try:
            return super()._withdraw(task, cause)
        except SubmissionUnavailable as exc:
            kept = Kept.YES if exc.kept is Kept.UNKNOWN else exc.kept
            raise _unavailable(task, kept) from exc


class DeniesUndeleted(SubmitTask, frozen=True):
    """Says that nothing is kept though its delete was refused."""

    def _withdraw(self, task: Task, cause: QueueUnavailable) -> Submitted:
        try:
            return super()._withdraw(task, cause)
        except SubmissionUnavailable as exc:
            kept = Kept.NO if exc.kept is Kept.YES else exc.kept
            raise _unavailable(task, kept) from exc


class IgnoresTheRequest(SubmitTask, frozen=True):
    """Gives all requests the same fingerprint."""

    def _new_task(self, submission: Submission) -> Task:
        return structs.replace(super()._new_task(submission), request_fingerprint="same")


class CancelsBlindly(CancelTask, frozen=True):
    """Takes a refused cancel for its own earlier success."""

    def _judge_refusal(self, task_id: str, owner: str) -> Task:
        return GetTask(store=self.store, observer=self.observer)(task_id, owner=owner)


class DeniesUnread(CancelTask, frozen=True):
    """Takes a refused cancel that cannot be read for none."""

    def _judge_refusal(self, task_id: str, owner: str) -> Task | StoredTask:
        try:
            return super()._judge_refusal(task_id, owner)
        except StoreUnavailable as exc:
            raise StoreUnavailable(in_doubt=False) from exc


class CancelsForAnyCaller(CancelTask, frozen=True):
    """Shows the task to any caller that tries to cancel it."""

    def _judge_refusal(self, task_id: str, owner: str) -> Task | StoredTask:
        return super()._judge_refusal(task_id, OWNER_NAME)
