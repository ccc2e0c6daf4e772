"""The clients of the service: what they ask, and whether what they are told is true."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from msgspec import structs

from chalicelib.composition import Service
from chalicelib.domain.task import TaskRequest, TaskStatus
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.entrypoints.http import problems
from chalicelib.errors import (
    IdempotencyConflict,
    Kept,
    ServiceUnavailable,
    StoreFull,
    SubmissionUnavailable,
    TaskAlreadyEnded,
    TaskNotFound,
)
from chalicelib.use_cases.submit import Submission
from chalicelib.use_cases.submit import Submitted as Accepted
from infra.audit.facts import TaskFacts
from tests.proof.faults.backend import SimulatedBackend
from tests.proof.faults.judge import TAG, Answer, Judge, Submitted, status_in

OWNER: Final = "local"
#: How the tags of a batch's members begin that keep their place and their request.
MEMBER: Final = "m"


class Clients:
    """All clients; a submission is known by its tag."""

    def __init__(
        self,
        backend: SimulatedBackend,
        judge: Judge,
        service: Callable[[], Service],
        other: Service,
    ) -> None:
        self._backend = backend
        self._judge = judge
        #: The process as it is now: one that died is replaced.
        self._service = service
        #: Another process, in which nothing ever fails.
        self._other = other

    def expect(self, tag: str, *, key: str | None = None, circuit: str = "h q;") -> None:
        """Make a client that is going to submit."""
        self._judge.known.submissions[tag] = Submitted(key=key, circuit=circuit)

    def submit(self, tag: str, *, service: Service | None = None) -> None:
        """Submit, and remember the answer."""
        submission = self._begin_submission(tag)
        self._judge.known.submissions[tag].answer = Answer.BROKEN_OFF
        outcome: Accepted | Exception
        try:
            outcome = (service or self._service()).submit(submission)
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            outcome = exc
        self._note_answer(tag, outcome)

    def expect_batch(self, *tags: str, key: str | None = None) -> None:
        """Make a client that is going to submit these together; some may be known already."""
        for index, tag in enumerate(tags):
            if tag not in self._judge.known.submissions:
                self.expect(tag, key=key)
                self._judge.known.submissions[tag].index = index if key is not None else None
            self._judge.known.submissions[tag].batch = tags

    def submit_batch(self, *tags: str) -> None:
        """Submit them in one call, and remember each member's answer."""
        members = [self._begin_submission(tag) for tag in tags]
        outcomes = self._service().submit_batch(members, context=lambda _: contextlib.nullcontext())
        for tag, outcome in zip(tags, outcomes, strict=True):
            self._note_answer(tag, outcome)
            if tag.startswith(MEMBER):
                conflict = self._judge.known.submissions[tag].answer is Answer.CONFLICT
                self._judge.demand(not conflict, f"2: {tag} was answered 422 and had not changed")

    def _begin_submission(self, tag: str) -> Submission:
        submitted = self._judge.known.submissions[tag]
        submitted.tries += 1
        if submitted.answer is not Answer.ACCEPTED:  # a batch that breaks off tells it nothing new
            submitted.answer = Answer.BROKEN_OFF
        return Submission(
            request=TaskRequest(circuit=submitted.circuit, shots=8, tags={TAG: tag}),
            owner=OWNER,
            correlation_id=f"correlation-of-{tag}",
            idempotency_key=submitted.key,
            batch_index=submitted.index,
        )

    def _note_answer(self, tag: str, outcome: Accepted | Exception) -> None:
        submitted = self._judge.known.submissions[tag]
        if isinstance(outcome, SubmissionUnavailable):
            submitted.answer = {
                Kept.NO: Answer.NOT_KEPT,
                Kept.YES: Answer.KEPT,
                Kept.UNKNOWN: Answer.UNKNOWN,
            }[outcome.kept]
            problem = problems.problem_for(outcome, correlation_id="")
            submitted.task_id = problem.task_id if isinstance(problem.task_id, str) else None
        elif isinstance(outcome, StoreFull):
            submitted.answer = Answer.FULL
        elif isinstance(outcome, IdempotencyConflict):
            submitted.answer = Answer.CONFLICT
        elif isinstance(outcome, Exception):
            self._judge.demand(False, f"5: submit ended with {outcome!r}")
        else:
            submitted.answer = Answer.ACCEPTED
            submitted.task_id = outcome.task.task_id
        self._judge.judge_answer(tag, self._backend.table.items)

    def get(self, tag: str) -> None:
        """Read a task by the id that its client was told."""
        submitted = self._judge.known.submissions[tag]
        try:
            self._service().get(submitted.task_id or "", owner=OWNER)
        except ServiceUnavailable:
            pass
        except TaskUnreadable as exc:
            self._judge.demand(exc.stored.task_id in self._judge.known.corrupt, f"1: {tag}: {exc}")
        except TaskNotFound:
            accepted = submitted.answer in (Answer.ACCEPTED, Answer.KEPT)
            self._judge.demand(not accepted, f"1: {tag} was {submitted.answer} and cannot be read")
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self._judge.demand(False, f"5: get ended with {exc!r}")

    def wait(self, tag: str) -> None:
        """Wait for a task's end as a request does that has just submitted it."""
        read = self._other.get(self._judge.known.submissions[tag].task_id or "", owner=OWNER)
        submitted = structs.replace(read, status=TaskStatus.PENDING)
        try:
            seen = self._service().wait(submitted, seconds=1)
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self._judge.demand(False, f"5: wait ended with {exc!r}")
        else:
            is_true = seen is submitted or seen.status.value == self.status_of(tag)
            self._judge.demand(is_true, f"1: {tag} was said to be {seen.status}")

    def cancel(self, tag: str, *, service: Service | None = None) -> None:
        """Cancel, and remember what was said."""
        submitted = self._judge.known.submissions[tag]
        submitted.cancel_asked, submitted.cancelled = True, None
        task_id = submitted.task_id or ""
        before = self.status_of(tag)
        try:
            (service or self._service()).cancel(task_id, owner=OWNER)
        except TaskUnreadable as exc:
            submitted.cancelled = False
            self._judge.demand(exc.stored.task_id in self._judge.known.corrupt, f"1: {tag}: {exc}")
        except TaskAlreadyEnded:
            submitted.cancelled = False
            self._judge.demand(self.status_of(tag) in ("completed", "failed"), "6: 409 of no end")
        except TaskNotFound:
            submitted.cancelled = False
            accepted = submitted.answer in (Answer.ACCEPTED, Answer.KEPT)
            self._judge.demand(not accepted, f"1: {tag} was {submitted.answer} and is not found")
        except ServiceUnavailable as exc:
            done = before != "cancelled" and self.status_of(tag) == "cancelled"
            self._judge.demand(exc.in_doubt or not done, "6: said not to be cancelled, and was")
        except StoreFull:
            done = before != "cancelled" and self.status_of(tag) == "cancelled"
            self._judge.demand(not done, "6: said to be full, and was cancelled")
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self._judge.demand(False, f"5: cancel ended with {exc!r}")
        else:
            submitted.cancelled = True
            self._judge.demand(
                self.status_of(tag) == "cancelled", "2: said to be cancelled, is not"
            )

    def check_health(self) -> None:
        """Ask for health, which always answers."""
        try:
            self._service().check_health()
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self._judge.demand(False, f"5: health ended with {exc!r}")

    def read_all(self) -> None:
        """Read every task as a client may: it must be whole."""
        for task in self._backend.table.tasks:
            if task.task_id in self._judge.known.corrupt:
                continue
            read = self._other.get(task.task_id, owner=OWNER)
            tag = read.request.tags[TAG]
            whole = (
                read.request.circuit == self._judge.known.submissions[tag].circuit
                and (read.result is not None) == (read.status is TaskStatus.COMPLETED)
                and read.status.value == task.status
            )
            self._judge.demand(whole, f"1: {tag} cannot be read as it was written")

    def status_of(self, tag: str) -> str | None:
        """Where a submission's task stands; None if there is none."""
        task_id = self._judge.known.submissions[tag].task_id
        item = self._backend.table.items.get(task_id or "")
        return None if item is None else status_in(item)

    def is_accepted(self, task: TaskFacts) -> bool:
        """Whether a client was told that it is accepted."""
        return any(
            s.task_id == task.task_id and s.answer is Answer.ACCEPTED
            for s in self._judge.known.submissions.values()
        )
