"""A run that finds nothing proves something only if it finds what is there to be found.

Each alteration takes one guard out of the service; the faults must show that it is needed. Some
need two faults, the others are seen with one.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Any, ClassVar, Final

import pytest
from msgspec import structs

from chalicelib.composition import Service
from chalicelib.domain import payloads, unreadable
from chalicelib.domain.ending import Ending
from chalicelib.domain.message import Acknowledge, Delivery, Disposition, TaskMessage
from chalicelib.domain.task import Task
from chalicelib.domain.transition import Condition, Transition
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.errors import Kept, StoreUnavailable, SubmissionUnavailable
from chalicelib.ports import KeptCircuit, PutOutcome, TaskQueue, TaskStore
from chalicelib.use_cases.execute import ExecuteTask
from chalicelib.use_cases.submit import Submission, SubmitTask, Submitted
from chalicelib.use_cases.submit_batch import Member, MemberResult, SubmitBatch
from chalicelib.use_cases.sweep import Remedy, SweepReport, SweepTasks
from chalicelib.use_cases.wait import WaitForEnd
from tests.proof.faults.explore import Explorer
from tests.proof.faults.scenarios import SCENARIOS
from tests.proof.faults.world import running_world
from tests.support.alike import convert_to


class _TakesBackWithAKey(SubmitTask, frozen=True):
    def _may_delete(self, outcome: PutOutcome, *, keyed: bool) -> bool:
        del keyed
        return super()._may_delete(outcome, keyed=False)


class _TakesBackWhatMayComeAgain(SubmitTask, frozen=True):
    def _may_delete(self, outcome: PutOutcome, *, keyed: bool) -> bool:
        del outcome
        return super()._may_delete(PutOutcome.CREATED, keyed=keyed)


class _CallsDoubtANo(SubmitTask, frozen=True):
    def _create(self, task: Task, kept: KeptCircuit | None, *, keyed: bool) -> PutOutcome:
        try:
            return super()._create(task, kept, keyed=keyed)
        except SubmissionUnavailable as exc:
            raise SubmissionUnavailable(str(exc), kept=Kept.NO, task_id=None) from exc


class _DoesNotSendOnReplay(SubmitTask, frozen=True):
    def _send_existing(self, task: Task, *, keyed: bool) -> Submitted:
        return Submitted(task=task, replayed=keyed)


class _PutsPiecesBeforeItLooks(SubmitTask, frozen=True):
    def __call__(self, submission: Submission) -> Submitted:
        task = self._new_task(submission)
        self._keep_circuit(task, payloads.circuit_to_text(task.request), keyed=True)
        return super().__call__(submission)


class _TellsOfALookThatFailed(WaitForEnd, frozen=True):
    def __call__(self, task: Task, *, seconds: int) -> Task:
        self.store.get_without_payloads(task.task_id)
        return super().__call__(task, seconds=seconds)


class _SharesTheBatchsKey(SubmitBatch, frozen=True):
    def _handle(self, member: Member, last_begin: datetime, unavailable: Event) -> MemberResult:
        assert isinstance(member, Submission)
        shared = structs.replace(member, batch_index=None)
        return super()._handle(shared, last_begin, unavailable)


class _SaysNoOfWhatDidNotBegin(SubmitBatch, frozen=True):
    def _handle(self, member: Member, last_begin: datetime, unavailable: Event) -> MemberResult:
        if unavailable.is_set():
            return SubmissionUnavailable("not begun", kept=Kept.NO, task_id=None)
        return super()._handle(member, last_begin, unavailable)


class _AcknowledgesUnsettled(ExecuteTask, frozen=True):
    def _settle(self, ending: Ending) -> Disposition:
        try:
            return super()._settle(ending)
        except StoreUnavailable:
            return Acknowledge("it was executed, after all")


class _DoesNotKnowItsOwnClaim(ExecuteTask, frozen=True):
    def _after_refused_claim(self, delivery: Delivery, token: str) -> Task | Ending | Disposition:
        return super()._after_refused_claim(delivery, f"not {token}")


class _RetriesBySending(ExecuteTask, frozen=True):
    queue: ClassVar[TaskQueue]

    def _settle(self, ending: Ending) -> Disposition:
        disposition = super()._settle(ending)
        if isinstance(disposition, Acknowledge):
            return disposition
        task_id, at = ending.transition.task_id, ending.transition.at
        queue = _RetriesBySending.queue
        queue.send(TaskMessage(task_id=task_id, correlation_id="c", enqueued_at=at))
        return Acknowledge("its successor is on its way")


class _SendsBeforeItsNote(SweepTasks, frozen=True):
    def _remedy_for(self, task: Task) -> Remedy:
        remedy = super()._remedy_for(task)
        if remedy.message is not None:
            earlier = remedy.message.enqueued_at - timedelta(seconds=1)
            self.queue.send_batch([structs.replace(remedy.message, enqueued_at=earlier)])
        return remedy


class _BeginsAllUnits(SweepTasks, frozen=True):
    def do_unit(self, task_ids: Sequence[str], *, seconds_left: Callable[[], float]) -> SweepReport:
        more = self.store.due(self.clock.now(), limit=9, implausible_after=self.clock.now())
        return super().do_unit(more or task_ids, seconds_left=seconds_left)


class _BreaksOffOverOneItem(SweepTasks, frozen=True):
    def _quarantine(self, stored: StoredTask) -> Remedy:
        raise TaskUnreadable(stored, applied=False)


class _GivesUpBlindly(SweepTasks, frozen=True):
    def _quarantine(self, stored: StoredTask) -> Remedy:
        now = self.clock.now()
        abandon = unreadable.abandon(stored, error_message="blindly", now=now)
        condition = structs.replace(abandon.condition, no_live_lease_at=None)
        self.store.apply_to_unreadable(structs.replace(abandon, condition=condition), stored)
        return Remedy(report=SweepReport(seen=1, unreadable=1, abandoned=1))


class _WithoutFence:
    """A store that asks less of a task before it changes it."""

    def __init__(self, store: TaskStore, weaken: Callable[[Condition], Condition]) -> None:
        self._store = store
        self._weaken = weaken

    def apply(self, transition: Transition) -> Task:
        weaker = self._weaken(transition.condition)
        return self._store.apply(structs.replace(transition, condition=weaker))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the store's
        return getattr(self._store, name)


def _instead_of(name: str, kind: type) -> Callable[[Service], Service]:
    """Have another kind of a use case under its name."""
    return lambda service: structs.replace(
        service, **{name: convert_to(kind, getattr(service, name))}
    )


_submit = functools.partial(_instead_of, "submit")
_execute = functools.partial(_instead_of, "execute")
_wait = functools.partial(_instead_of, "wait")
_sweep = functools.partial(_instead_of, "sweep")


def _submit_batch(kind: type[SubmitBatch]) -> Callable[[Service], Service]:
    return lambda service: structs.replace(
        service,
        submit_batch=convert_to(kind, structs.replace(service.submit_batch, submit=service.submit)),
    )


def _retry_by_sending(service: Service) -> Service:
    _RetriesBySending.queue = service.ports.queue
    return _execute(_RetriesBySending)(service)


def _weakened(**without: object) -> Callable[[Service], Service]:
    def alter(service: Service) -> Service:
        weaken: Any = lambda condition: structs.replace(condition, **without)  # noqa: E731
        store: Any = _WithoutFence(service.ports.store, weaken)
        execute = structs.replace(service.execute, store=store)
        return structs.replace(service, execute=execute)

    return alter


def _report_in_a_response(service: Service) -> Service:
    """Return failures though the mapping ignores them."""
    settings = structs.replace(service.settings, partial_batch_responses=True)
    return structs.replace(service, settings=settings)


@dataclasses.dataclass(frozen=True, slots=True)
class _Case:
    """A guard that is taken out."""

    alter: Callable[[Service], Service]
    #: The scenario that shows it.
    shown_by: str
    #: The promise that is broken.
    promise: str
    #: The faults that it takes.
    faults: Mapping[str, str]


CASES: Final = {
    "withdraws with a key": _Case(
        _submit(_TakesBackWithAKey),
        "submit with a key",
        "1",
        {
            "SendMessage 1": "refused, every request",
            "DeleteItem 1": "arrives late, every request",
        },
    ),
    "withdraws what may come again": _Case(
        _submit(_TakesBackWhatMayComeAgain),
        "submit",
        "6",
        {"PutItem 1": "arrives late, once", "SendMessage 1": "refused, every request"},
    ),
    "calls doubt a no": _Case(
        _submit(_CallsDoubtANo), "submit", "6", {"PutItem 1": "reply lost, every request"}
    ),
    "does not send on replay": _Case(
        _submit(_DoesNotSendOnReplay), "replay of a pending task that lost its message", "7", {}
    ),
    "puts pieces before it looks its key up": _Case(
        _submit(_PutsPiecesBeforeItLooks), "a key used with other pieces", "pieces", {}
    ),
    "tells of a look that failed": _Case(
        _wait(_TellsOfALookThatFailed),
        "wait for a pending task",
        "5",
        {"GetItem 1": "access denied"},
    ),
    "shares the batch's key": _Case(
        _submit_batch(_SharesTheBatchsKey), "submit a batch with a key", "2", {}
    ),
    "says no of what did not begin": _Case(
        _submit_batch(_SaysNoOfWhatDidNotBegin),
        "repeat a batch, the first task of which was not made",
        "6",
        {"PutItem 1": "access denied"},
    ),
    "acknowledges what is not settled": _Case(
        _execute(_AcknowledgesUnsettled), "execute", "7", {"UpdateItem 2": "access denied"}
    ),
    "does not know its own claim": _Case(
        _execute(_DoesNotKnowItsOwnClaim), "execute", "9", {"UpdateItem 1": "reply lost, once"}
    ),
    "retries by sending": _Case(_retry_by_sending, "execute, transient error", "10", {}),
    "sends before its note": _Case(
        _sweep(_SendsBeforeItsNote), "sweep a task never claimed", "10", {}
    ),
    "begins all units": _Case(
        _sweep(_BeginsAllUnits),
        "sweep three tasks in units of two",
        "10",
        {"SendMessageBatch 1": "refused, every request"},
    ),
    "settles without a fence": _Case(
        _weakened(attempt=None), "overtaken by another that is at work", "8", {}
    ),
    "claims under a live lease": _Case(
        _weakened(no_live_lease_at=None), "a live lease of another", "9", {}
    ),
    "breaks off over one item": _Case(
        _sweep(_BreaksOffOverOneItem), "sweep behind an item with an unknown event", "5", {}
    ),
    "abandons blindly": _Case(
        _sweep(_GivesUpBlindly), "sweep leaves alone what cannot be read and is leased", "8", {}
    ),
    "claims what a newer version wrote": _Case(
        _weakened(schema_version_max=None), "deliver next to an item with a newer schema", "12", {}
    ),
    "reports where it is ignored": _Case(
        _report_in_a_response, "a batch with poison, raising", "5", {}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_guard_that_is_missing_is_missed(name: str) -> None:
    """The faults find a violation of the promise that the guard keeps."""
    case = CASES[name]
    scenario = next(s for s in SCENARIOS if s.name == case.shown_by)
    with running_world(case.alter) as world:
        found = Explorer(world).explore_one(scenario, case.faults)
    broken = {violation.partition(":")[0] for violation in found.violations}
    assert case.promise in broken, found.violations[:10]
