"""The service's parts, each without one of its guards. `mutants` says what each is to show.

A class here overrides as little as it can. Should the method that it overrides get another name,
nothing is overridden any more, the mutant survives, and the suite says so.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.composition import Service
from chalicelib.domain import lifecycle
from chalicelib.domain.message import Delivery, TaskMessage
from chalicelib.domain.task import Task, TaskEvent, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.entrypoints import worker
from chalicelib.entrypoints.lambda_context import LambdaContext
from chalicelib.entrypoints.worker import BatchFailed
from chalicelib.errors import (
    ConditionFailed,
    Kept,
    QueueUnavailable,
    StoreUnavailable,
    SubmissionUnavailable,
)
from chalicelib.ports import KeptCircuit, PutOutcome
from chalicelib.use_cases.cancel import CancelTask
from chalicelib.use_cases.execute import Acknowledge, Disposition, ExecuteTask, Redeliver
from chalicelib.use_cases.read import GetTask
from chalicelib.use_cases.submit import Submission, SubmitTask, Submitted
from chalicelib.use_cases.sweep import SweepReport, SweepTasks
from tests.proof.explorer.programs import OWNER_NAME
from tests.support.in_memory import InMemoryTaskStore, a_request, a_task

#: In place of a condition's statuses: any will do.
ANY_STATUS = frozenset(TaskStatus)


@dataclasses.dataclass(frozen=True, slots=True)
class Without:
    """Takes clauses out of the conditions of some events' transitions."""

    events: frozenset[TaskEvent]
    clauses: frozenset[str]

    def __call__(self, transition: Transition) -> Transition:
        """Return the transition with a weaker condition."""
        if transition.event not in self.events:
            return transition
        changes: dict[str, Any] = dict.fromkeys(self.clauses)
        if "statuses" in changes:
            changes["statuses"] = ANY_STATUS
        condition = dataclasses.replace(transition.condition, **changes)
        return dataclasses.replace(transition, condition=condition)


def without(event: TaskEvent, *clauses: str) -> Without:
    """Return what takes these clauses out of one event's condition."""
    return Without(frozenset({event}), frozenset(clauses))


# --- the store ---


class OverwritingStore(InMemoryTaskStore):
    """Puts whatever is there."""

    def create_if_absent(self, task: Task, kept: KeptCircuit | None = None) -> PutOutcome:
        """Store the task."""
        self.tasks[task.task_id] = task
        return PutOutcome.CREATED


class DeletingStore(InMemoryTaskStore):
    """Deletes whatever the status."""

    def delete_if_pending(self, task_id: str) -> None:
        """Delete the task if it is there."""
        if self.tasks.pop(task_id, None) is None:
            raise ConditionFailed


class UncountingStore(InMemoryTaskStore):
    """Leaves the attempt as it is when a task is claimed again."""

    def apply(self, transition: Transition) -> Task:
        """Apply, but for the attempt."""
        before = self.tasks.get(transition.task_id)
        after = super().apply(transition)
        if before is not None and transition.event is TaskEvent.CLAIM:
            after = dataclasses.replace(after, attempt=before.attempt or 1)
            self.tasks[after.task_id] = after
        return after


class UpsertingStore(InMemoryTaskStore):
    """Makes the item that a transition does not find, as `UpdateItem` without a condition does."""

    def apply(self, transition: Transition) -> Task:
        """Apply, whether the task is there or not."""
        if transition.task_id not in self.tasks and transition.event is TaskEvent.CLAIM:
            task = a_task(transition.task_id, request=a_request("A"), owner=OWNER_NAME)
            self.tasks[task.task_id] = task
        return super().apply(transition)


class PinsNoStatus(InMemoryTaskStore):
    """Writes on an item that cannot be read though it has ended, or was put aside, meanwhile."""

    pinned = ("attempt",)


class PinsNoAttempt(InMemoryTaskStore):
    """Writes on an item that cannot be read though an attempt may be at work on it."""

    pinned = ("due_at", "status")

    def apply_unread(self, transition: Transition, seen: StoredTask) -> None:
        """Apply, whatever the lease."""
        _apply_to_leased(super(), transition, seen)


class PinsAnyStatus(InMemoryTaskStore):
    """Leaves out the status."""

    pinned = ("due_at", "attempt")


class PinsAnyTime(InMemoryTaskStore):
    """Leaves out when it is due."""

    pinned = ("status", "attempt")


class PinsAnyAttempt(InMemoryTaskStore):
    """Leaves out the attempt."""

    pinned = ("due_at", "status")


class PinsAnyLease(InMemoryTaskStore):
    """Leaves out the lease."""

    def apply_unread(self, transition: Transition, seen: StoredTask) -> None:
        """Apply, whatever the lease."""
        _apply_to_leased(super(), transition, seen)


def _apply_to_leased(store: Any, transition: Transition, seen: StoredTask) -> None:  # noqa: ANN401 - what `super()` is
    condition = dataclasses.replace(transition.condition, no_live_lease_at=None)
    store.apply_unread(dataclasses.replace(transition, condition=condition), seen)


# --- submitting ---


def _unavailable(task: Task, kept: Kept) -> SubmissionUnavailable:
    return SubmissionUnavailable("", kept=kept, task_id=task.task_id)


class SendsFirst(SubmitTask):
    """Sends the message before it stores the task."""

    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        try:
            self._send(task)
        except QueueUnavailable as exc:
            raise _unavailable(task, Kept.UNKNOWN) from exc
        return super()._create(task, kept, keyed=keyed)

    def _send_new(self, task: Task, *, may_delete: bool) -> Submitted:
        return Submitted(task=task, replayed=False)


class TakesBackKeyed(SubmitTask):
    """Takes a task back though other requests have its key."""

    def _may_delete(self, outcome: PutOutcome, *, keyed: bool) -> bool:
        return super()._may_delete(outcome, keyed=False)


class TakesBackInDoubt(SubmitTask):
    """Takes a task back though another put of it may be on its way."""

    def _may_delete(self, outcome: PutOutcome, *, keyed: bool) -> bool:
        return super()._may_delete(PutOutcome.CREATED, keyed=keyed)


class DeniesKeyed(SubmitTask):
    """Says that a refused put leaves nothing, though others have the key."""

    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        return super()._create(task, kept, keyed=False)


class DeniesInDoubt(SubmitTask):
    """Says that a put in doubt leaves nothing."""

    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        try:
            return super()._create(task, kept, keyed=keyed)
        except SubmissionUnavailable as exc:
            raise _unavailable(task, Kept.NO) from exc


class DeletesInDoubt(SubmitTask):
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


class ReplaysSilently(SubmitTask):
    """Answers a replay of a pending task without sending its message."""

    def _send_existing(self, task: Task, *, keyed: bool) -> Submitted:
        return Submitted(task=task, replayed=keyed)


class ReplaysUnread(SubmitTask):
    """Takes whatever has its id for the same request's task."""

    def _resolve_existing(self, task: Task, *, keyed: bool) -> Submitted:
        return Submitted(task=task, replayed=keyed)


class AcceptsUnsent(SubmitTask):
    """Answers 202 for a stored task though its message could not be sent."""

    def _send(self, task: Task) -> None:
        with contextlib.suppress(QueueUnavailable):
            super()._send(task)


class TakesTheRefusedDeleteForAccepted(SubmitTask):
    """Takes a refused delete for a worker's claim, without reading."""

    def _read_after_refused_delete(self, task: Task, cause: QueueUnavailable) -> Task | None:
        return task


class TakesTheRefusedDeleteForItsOwn(SubmitTask):
    """Takes a refused delete for its own earlier one, without reading."""

    def _read_after_refused_delete(self, task: Task, cause: QueueUnavailable) -> Task | None:
        return None


class ConfirmsInDoubt(SubmitTask):
    """Says that the task is kept though its delete is in doubt."""

    def _take_back(self, task: Task, cause: QueueUnavailable) -> Submitted:
        try:
            return super()._take_back(task, cause)
        except SubmissionUnavailable as exc:
            kept = Kept.YES if exc.kept is Kept.UNKNOWN else exc.kept
            raise _unavailable(task, kept) from exc


class DeniesUndeleted(SubmitTask):
    """Says that nothing is kept though its delete was refused."""

    def _take_back(self, task: Task, cause: QueueUnavailable) -> Submitted:
        try:
            return super()._take_back(task, cause)
        except SubmissionUnavailable as exc:
            kept = Kept.NO if exc.kept is Kept.YES else exc.kept
            raise _unavailable(task, kept) from exc


class IgnoresTheRequest(SubmitTask):
    """Gives all requests the same fingerprint."""

    def _new_task(self, submission: Submission) -> Task:
        return dataclasses.replace(super()._new_task(submission), request_fingerprint="same")


# --- executing ---


class ForgetsItsClaim(ExecuteTask):
    """Does not know its own token again."""

    def _resolve_refused_claim(self, delivery: Delivery, token: str) -> Disposition:
        return super()._resolve_refused_claim(delivery, "another")


class ClaimsBlindly(ExecuteTask):
    """Takes a refused claim for another worker's success, without reading."""

    def _resolve_refused_claim(self, delivery: Delivery, token: str) -> Disposition:
        return Acknowledge("a worker has it")


class AcknowledgesLeased(ExecuteTask):
    """Takes a live lease for an execution that is sure to end."""

    def _resolve_refused_claim(self, delivery: Delivery, token: str) -> Disposition:
        return _acknowledged_if(
            super()._resolve_refused_claim(delivery, token), "another attempt is at work"
        )


class AcknowledgesRaced(ExecuteTask):
    """Leaves a task alone that changed while it was refused."""

    def _resolve_refused_claim(self, delivery: Delivery, token: str) -> Disposition:
        return _acknowledged_if(
            super()._resolve_refused_claim(delivery, token), "the task changed meanwhile"
        )


class AcknowledgesUnreachable(ExecuteTask):
    """Is done with a delivery though the database did not answer."""

    def __call__(self, delivery: Delivery, *, seconds_left: Any) -> Disposition:  # noqa: ANN401
        """Handle one delivery."""
        return _acknowledged_if(
            super().__call__(delivery, seconds_left=seconds_left), "the database cannot be used"
        )


class NeverGivesUp(ExecuteTask):
    """Gives a delivery back though its task has no attempt left."""

    def _give_up(self, task: Task, now: datetime) -> Disposition:
        return Redeliver("no attempt is left", 1)


class SettlesBlindly(ExecuteTask):
    """Takes a refused settle or release for the task's end, without reading."""

    def _resolve_refused_settle(
        self, transition: Transition, otherwise: Redeliver | None
    ) -> Disposition:
        return Acknowledge("a worker has settled it")


class SparesTheUnreadable(ExecuteTask):
    """Gives back what it holds and cannot read."""

    def _resolve_unreadable(
        self, delivery: Delivery, error: TaskUnreadable, token: str
    ) -> Disposition:
        return super()._resolve_unreadable(delivery, error, "another")


class SparesTheExhausted(ExecuteTask):
    """Gives back what it cannot read though no attempt is left."""

    def _give_up_unread(self, seen: StoredTask, now: datetime) -> Disposition:
        return Redeliver("no attempt is left", 1)


class AcknowledgesUnreadable(ExecuteTask):
    """Is done with what it cannot read and does not hold."""

    def _leave_unreadable(self, seen: StoredTask, delay: int) -> Disposition:
        return Acknowledge("it cannot be read")


def _acknowledged_if(disposition: Disposition, reason: str) -> Disposition:
    given_back = isinstance(disposition, Redeliver) and disposition.reason == reason
    return Acknowledge(reason) if given_back else disposition


# --- ending a batch ---


def acknowledging_first(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Delete the messages, then handle them."""
    _acknowledge_all(service, event)
    return worker.handle_batch(service, event, context)


def never_failing(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Handle the messages, and answer that all is well."""
    with contextlib.suppress(BatchFailed):
        return worker.handle_batch(service, event, context)
    return None


def sending_again(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Send a new message for one that failed, then delete the old one."""
    try:
        return worker.handle_batch(service, event, context)
    except BatchFailed:
        _send_all(service, event)
        return None


def deleting_and_sending_again(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Delete a message that failed, then send a new one."""
    try:
        return worker.handle_batch(service, event, context)
    except BatchFailed:
        _acknowledge_all(service, event)
        _send_all(service, event)
        return None


def _acknowledge_all(service: Service, event: Mapping[str, Any]) -> None:
    handles = [record["receiptHandle"] for record in event["Records"]]
    try:
        service.ports.queue.acknowledge(handles)
    except QueueUnavailable as exc:
        raise BatchFailed from exc


def _send_all(service: Service, event: Mapping[str, Any]) -> None:
    try:
        for record in event["Records"]:
            service.ports.queue.send(TaskMessage.from_json(record["body"]))
    except QueueUnavailable as exc:
        raise BatchFailed from exc


# --- cancelling ---


class CancelsBlindly(CancelTask):
    """Takes a refused cancel for its own earlier success."""

    def _judge_refusal(self, task_id: str, owner: str) -> Task:
        return GetTask(store=self.store, observer=self.observer)(task_id, owner=owner)


class DeniesUnread(CancelTask):
    """Takes a refused cancel that cannot be read for none."""

    def _judge_refusal(self, task_id: str, owner: str) -> Task | StoredTask:
        try:
            return super()._judge_refusal(task_id, owner)
        except StoreUnavailable as exc:
            raise StoreUnavailable(in_doubt=False) from exc


class CancelsForAnyCaller(CancelTask):
    """Shows the task to any caller that tries to cancel it."""

    def _judge_refusal(self, task_id: str, owner: str) -> Task | StoredTask:
        return super()._judge_refusal(task_id, OWNER_NAME)


# --- sweeping ---


class SweepsBlindly(SweepTasks):
    """Sends the message, then notes it."""

    def _bring_back(self, task: Task, now: datetime) -> TaskMessage | None:
        self.queue.send_batch([TaskMessage.about(task, enqueued_at=now)])
        self._apply(
            lifecycle.note_sweep_if_unchanged(
                task,
                notes="sent",
                due_at=now + timedelta(seconds=self.policy.grace_seconds),
                now=now,
            )
        )
        return None


class SweepsThoughRefused(SweepTasks):
    """Sends the message though its note was refused."""

    def _bring_back(self, task: Task, now: datetime) -> TaskMessage | None:
        try:
            return super()._bring_back(task, now)
        except ConditionFailed:
            return TaskMessage.about(task, enqueued_at=now)


class SweepsTheUndue(SweepTasks):
    """Believes the index that a task is due."""

    def _sweep_one(self, task: Task, report: SweepReport) -> TaskMessage | None:
        now = self.clock.now()
        if (
            task.due_at is not None
            and task.due_at > now
            and not lifecycle.has_live_lease(task, now)
        ):
            return self._bring_back(task, now)
        return super()._sweep_one(task, report)


class GivesUpImpatiently(SweepTasks):
    """Gives a task up for having been swept before."""

    def _sweep_one(self, task: Task, report: SweepReport) -> TaskMessage | None:
        now = self.clock.now()
        if task.sweeps and not lifecycle.has_live_lease(task, now):
            self._apply(lifecycle.give_up_if_unchanged(task, error_message="swept", now=now))
            return None
        return super()._sweep_one(task, report)


class BreaksOff(SweepTasks):
    """Lets what one item holds end the run."""

    def _put_aside(self, seen: StoredTask, report: SweepReport) -> None:
        raise TaskUnreadable(seen)
