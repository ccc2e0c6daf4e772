"""Submitting many tasks in one call: each is a submission of its own, with its own answer.

A batch adds no rule to the protocol. It bounds how many members are under way at the same time, and
how long members are begun, so that one answer comes in time and says the truth about each of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import msgspec

from chalicelib.errors import InvalidRequest, Kept, ServiceUnavailable, SubmissionUnavailable
from chalicelib.ports import Clock, Observer
from chalicelib.threads import map_in_threads
from chalicelib.use_cases.submit import Submission, SubmitTask, Submitted, keyed_task_id

Member = Submission | InvalidRequest
#: What became of one member.
MemberResult = Submitted | Exception
#: Returns what surrounds the submission of one member, given its index: its log context.
BatchContext = Callable[[int], AbstractContextManager[None]]


class SubmitBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Submits the members of a batch."""

    submit: SubmitTask
    clock: Clock
    observer: Observer
    #: Submissions under way at the same time; as many connections are kept open.
    members_at_once: int
    #: No member begins after this. What then is under way takes three calls at most: the timeout
    #: of the API's function covers both.
    begin_seconds_max: float

    def __call__(self, members: Sequence[Member], *, context: BatchContext) -> list[MemberResult]:
        """Submit each member, and return what became of it, in the order given. Never raises.

        Once a call has found database or queue unavailable, no other member begins: those answer
        without a call, so that a batch through an outage takes no longer than a single task.
        """
        last_begin = self.clock.now() + timedelta(seconds=self.begin_seconds_max)
        unavailable = threading.Event()

        def handle(index: int) -> MemberResult:
            with context(index):
                return self._handle(members[index], last_begin, unavailable)

        return map_in_threads(handle, range(len(members)), width=self.members_at_once)

    def _handle(
        self, member: Member, last_begin: datetime, unavailable: threading.Event
    ) -> MemberResult:
        if isinstance(member, InvalidRequest):
            return member
        if unavailable.is_set() or self.clock.now() > last_begin:
            return _not_begun(member)
        try:
            return self.submit(member)
        except ServiceUnavailable as exc:
            unavailable.set()
            return exc
        except Exception as exc:  # noqa: BLE001 - the member boundary: its neighbours go on
            return exc


def _not_begun(member: Submission) -> SubmissionUnavailable:
    """Say the truth about a member for which no call was made."""
    key = member.idempotency_key
    if key is None:
        message = "the service is too busy or unavailable; the task was not begun, submit it again"
        return SubmissionUnavailable(message, kept=Kept.NO, task_id=None)
    message = (
        "the service is too busy or unavailable; an earlier request with this key may have made "
        "the task, repeat the request to find out"
    )
    task_id = keyed_task_id(member.owner, key, member.batch_index)
    return SubmissionUnavailable(message, kept=Kept.UNKNOWN, task_id=task_id)
