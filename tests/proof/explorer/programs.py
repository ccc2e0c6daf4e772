"""What each actor runs, and how it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from chalicelib.composition import Service
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import TaskStatus
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.entrypoints.worker import BatchFailed
from chalicelib.errors import (
    IdempotencyConflict,
    Kept,
    ServiceUnavailable,
    StoreFull,
    SubmissionUnavailable,
    TaskAlreadyEnded,
    TaskNotFound,
)
from chalicelib.use_cases.submit import Submission, keyed_task_id
from tests.proof.explorer.code import UNKEYED_TASK_ID, Code
from tests.proof.explorer.items import NOW
from tests.proof.explorer.values import Actor, Answer, Ended, Program, Violation
from tests.proof.promises import ISOLATED, OWNER, TRUTH
from tests.support.in_memory import a_request

#: Whose task it is, and who is a stranger.
OWNER_NAME: Final = "owner"
STRANGER: Final = "stranger"

#: At the end of a body: it is submitted as a member of a batch, with the key as its own.
IN_A_BATCH: Final = " in a batch"

_KEY: Final = "key"
_CORRELATION_ID: Final = "correlation"
_INVOCATION_MS: Final = 60_000
_KEPT: Final = {
    Kept.NO: Answer.NOT_KEPT,
    Kept.YES: Answer.KEPT,
    Kept.UNKNOWN: Answer.UNKNOWN,
}


def circuit_of(body: str) -> str:
    """Return the circuit that a submitter of this body asks for."""
    return body.removesuffix(IN_A_BATCH)


def run(program: Program, service: Service, code: Code, *, keyed: bool) -> Ended:
    """Run a program to its end. Its ports may stop it by a `BaseException`."""
    return _RUN[program.actor](program, service, code, keyed)


def task_id(*, keyed: bool) -> str:
    """Return the id of the one task."""
    return keyed_task_id(OWNER_NAME, _KEY) if keyed else UNKEYED_TASK_ID


def _submit(program: Program, service: Service, code: Code, keyed: bool) -> Ended:  # noqa: FBT001 - one signature for the table below
    submission = Submission(
        request=a_request(circuit_of(program.body)),
        owner=OWNER_NAME,
        correlation_id=_CORRELATION_ID,
        idempotency_key=_KEY if keyed else None,
    )
    try:
        if program.body.endswith(IN_A_BATCH):
            _submit_in_a_batch(service, submission)
        else:
            service.submit(submission)
    except SubmissionUnavailable as exc:
        return Ended(answer=_KEPT[exc.kept])
    except IdempotencyConflict:
        return Ended(answer=Answer.CONFLICT)
    except StoreFull:
        return Ended(answer=Answer.FULL)
    except TaskUnreadable:
        return Ended(answer=Answer.UNREADABLE)
    return Ended(answer=Answer.ACCEPTED)


def _submit_in_a_batch(service: Service, submission: Submission) -> None:
    """Submit as the one member of a batch: it must be as if it were alone."""
    (outcome,) = service.submit_batch([submission], context=_nothing)
    if isinstance(outcome, Exception):
        raise outcome


def _nothing(index: int) -> AbstractContextManager[None]:
    return contextlib.nullcontext()


class _Invocation:
    """Lambda's context: there is always time enough."""

    aws_request_id = "explored"

    def get_remaining_time_in_millis(self) -> int:
        return _INVOCATION_MS


def _work(program: Program, service: Service, code: Code, keyed: bool) -> Ended:  # noqa: FBT001
    body = TaskMessage(
        task_id=task_id(keyed=keyed), correlation_id=_CORRELATION_ID, enqueued_at=NOW
    ).to_json()
    records: list[dict[str, Any]] = [
        {
            "messageId": f"message-{place}",
            "receiptHandle": str(place),
            "body": body,
            "attributes": {"ApproximateReceiveCount": str(receive_count)},
        }
        for place, (_, receive_count) in enumerate(program.deliveries)
    ]
    try:
        answer = code.handle_batch(service, {"Records": records}, _Invocation())
    except BatchFailed:
        return Ended(deletes=(False,) * len(records))
    failed: set[str] = set()
    if answer is not None and code.mapping_reports_failures:
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return Ended(deletes=tuple(record["messageId"] not in failed for record in records))


def _sweep(program: Program, service: Service, code: Code, keyed: bool) -> Ended:  # noqa: FBT001
    try:
        service.sweep(seconds_left=lambda: _INVOCATION_MS / 1000)
    except (ServiceUnavailable, StoreFull):
        return Ended()
    except TaskUnreadable:
        return Ended(violation=Violation(ISOLATED, "a run of the sweeper broke off over one item"))
    return Ended()


def _cancel(program: Program, service: Service, code: Code, keyed: bool) -> Ended:  # noqa: FBT001
    try:
        task = service.cancel(task_id(keyed=keyed), owner=program.owner)
    except ServiceUnavailable as exc:
        untouched = not exc.in_doubt and program.owner == OWNER_NAME
        return Ended(answer=Answer.NOT_CANCELLED if untouched else None)
    except (TaskAlreadyEnded, TaskNotFound, TaskUnreadable, StoreFull):
        return Ended()
    if task.status != TaskStatus.CANCELLED:
        return Ended(violation=Violation(TRUTH, "a cancel was answered 200 for another status"))
    if program.owner != OWNER_NAME:
        return Ended(violation=Violation(OWNER, "a stranger was shown the task"))
    return Ended()


_RUN: Final[dict[Actor, Callable[[Program, Service, Code, bool], Ended]]] = {
    Actor.SUBMITTER: _submit,
    Actor.WORKER: _work,
    Actor.SWEEPER: _sweep,
    Actor.CANCELLER: _cancel,
}
