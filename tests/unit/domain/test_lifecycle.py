"""The state machine, as a table: every status meets every event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.lifecycle import RefusedClaim, explain_refused_claim
from chalicelib.domain.task import Lease, Task, TaskEvent, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.errors import TaskAlreadyEnded
from tests.support.in_memory import T0, a_result, a_task

LATER = T0 + timedelta(seconds=100)
ATTEMPTS_MAX = 3
LIVE = Lease(holder="mine", expires_at=LATER + timedelta(seconds=1))
EXPIRED = Lease(holder="mine", expires_at=LATER)


NEW = Lease(holder="new", expires_at=LATER + timedelta(seconds=10))

#: What a worker or client could try on a task, as its current attempt's holder.
DECISIONS: dict[str, Callable[[Task], Transition]] = {
    "claim": lambda task: lifecycle.claim_if_available(
        task.task_id, lease=NEW, now=LATER, attempts_max=ATTEMPTS_MAX
    ),
    "complete": lambda task: lifecycle.complete_if_current_attempt(
        task.task_id, attempt=task.attempt, result=a_result(), now=LATER
    ),
    "fail": lambda task: lifecycle.fail_if_current_attempt(
        task.task_id, attempt=task.attempt, error_message="no", now=LATER
    ),
    "release": lambda task: lifecycle.release_if_current_attempt(
        task.task_id, attempt=task.attempt, token="mine", notes="why", now=LATER
    ),
    "abandon": lambda task: lifecycle.abandon_if_unchanged(task, error_message="no", now=LATER),
    "cancel": lambda task: lifecycle.cancel_if_open(task.task_id, owner=task.owner, now=LATER),
    "sweep": lambda task: lifecycle.note_sweep_if_unchanged(
        task, notes="why", due_at=LATER, now=LATER
    ),
    "postpone": lambda task: lifecycle.postpone_if_unchanged(task, due_at=LATER, now=LATER),
}


def _processing(lease: Lease | None, *, attempt: int = 1) -> Task:
    claim = lifecycle.claim_if_available(
        a_task().task_id, lease=lease or EXPIRED, now=T0, attempts_max=ATTEMPTS_MAX
    )
    claimed = lifecycle.after(a_task(), claim)
    return structs.replace(claimed, lease=lease, attempt=attempt)


def _ended(event: str) -> Task:
    task = _processing(LIVE)
    return lifecycle.after(task, DECISIONS[event](task))


STATES: dict[str, Callable[[], Task]] = {
    "pending": a_task,
    "processing, live lease": lambda: _processing(LIVE),
    "processing, expired lease": lambda: _processing(EXPIRED),
    "processing, released": lambda: _processing(None),
    "processing, attempts used up": lambda: _processing(EXPIRED, attempt=ATTEMPTS_MAX),
    "completed": lambda: _ended("complete"),
    "failed": lambda: _ended("fail"),
    "cancelled": lambda: _ended("cancel"),
}

#: What each state lets happen. What is not here is refused.
ALLOWED = {
    "pending": {"claim", "abandon", "cancel", "sweep", "postpone"},
    "processing, live lease": {"complete", "fail", "release", "cancel", "postpone"},
    "processing, expired lease": {
        "claim", "complete", "fail", "release", "abandon", "cancel", "sweep", "postpone",
    },
    "processing, released": {
        "claim", "complete", "fail", "abandon", "cancel", "sweep", "postpone",
    },
    "processing, attempts used up": {
        "complete", "fail", "release", "abandon", "cancel", "sweep", "postpone",
    },
    "completed": set(),
    "failed": set(),
    "cancelled": set(),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", DECISIONS)
def test_each_status_takes_just_the_events_that_the_table_allows(state: str, event: str) -> None:
    """A transition's condition holds in a state if and only if the table says so."""
    task = STATES[state]()
    try:
        takes = DECISIONS[event](task).condition.holds_for(task)
    except TaskAlreadyEnded:
        takes = False
    assert takes == (event in ALLOWED[state])


@pytest.mark.parametrize("ended", ["completed", "failed", "cancelled"])
@pytest.mark.parametrize("read", ["pending", "processing, expired lease"])
@pytest.mark.parametrize("event", DECISIONS)
def test_nothing_that_was_decided_before_a_task_ended_is_applied_after(
    ended: str, read: str, event: str
) -> None:
    """Terminal states never change, whatever an actor had read before."""
    transition = DECISIONS[event](STATES[read]())
    assert not transition.condition.holds_for(STATES[ended]())


@pytest.mark.parametrize("event", ["complete", "fail", "release"])
def test_an_attempt_that_was_taken_over_is_fenced_out(event: str) -> None:
    """The writes of attempt 1 do not apply once attempt 2 has begun."""
    first = _processing(EXPIRED)
    second = lifecycle.after(first, DECISIONS["claim"](first))
    assert second.attempt == 2
    assert not DECISIONS[event](first).condition.holds_for(second)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("complete", TaskStatus.COMPLETED),
        ("fail", TaskStatus.FAILED),
        ("abandon", TaskStatus.FAILED),
        ("cancel", TaskStatus.CANCELLED),
    ],
)
def test_ending_a_task_clears_its_lease_and_takes_it_off_the_sweepers_list(
    event: str, status: TaskStatus
) -> None:
    """Every way to end sets the time, and leaves neither lease nor due time."""
    task = _processing(EXPIRED)
    ended = lifecycle.after(task, DECISIONS[event](task))
    assert (ended.status, ended.completed_at) == (status, LATER)
    assert ended.lease is None
    assert ended.due_at is None
    assert ended.history[-1].status is status
    assert ended.error_message == ("no" if status is TaskStatus.FAILED else None)


@pytest.mark.parametrize(
    ("event", "note"),
    [
        ("complete", None),
        ("fail", "no"),
        ("abandon", "no"),
        ("cancel", "cancelled by its owner"),
        ("release", "why"),
        ("sweep", "why"),
    ],
)
def test_the_history_says_why_and_when(event: str, note: str | None) -> None:
    """In the words of the error, of the release, or of the sweeper."""
    task = _processing(EXPIRED)
    entry = lifecycle.after(task, DECISIONS[event](task)).history[-1]
    assert (entry.notes, entry.transitioned_at, entry.attempt) == (note, LATER, 1)


@pytest.mark.parametrize(
    ("event", "changed", "is_refused"),
    [
        ("abandon", "attempt", True),
        ("abandon", "sweeps", False),
        ("sweep", "attempt", True),
        ("sweep", "sweeps", True),
        ("postpone", "attempt", True),
        ("postpone", "sweeps", True),
    ],
)
def test_what_is_decided_on_a_task_as_it_was_read_is_refused_once_it_has_changed(
    event: str,
    changed: str,
    is_refused: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Another attempt, or another sweeper's note; a task that is too old may have been swept."""
    task = _processing(EXPIRED)
    condition = DECISIONS[event](task).condition
    assert condition.holds_for(task)
    since = structs.replace(task, **{changed: getattr(task, changed) + 1})
    assert condition.holds_for(since) is not is_refused


@pytest.mark.parametrize("read", ["completed", "failed", "cancelled"])
@pytest.mark.parametrize("event", ["abandon", "sweep", "postpone"])
def test_nothing_is_decided_on_a_task_that_has_ended(read: str, event: str) -> None:
    """The error says how it has."""
    with pytest.raises(TaskAlreadyEnded) as caught:
        DECISIONS[event](STATES[read]())
    assert str(caught.value) == f"the task is {read} and takes no more transitions"


def test_a_sweep_counts_itself_and_keeps_the_expired_lease() -> None:
    """The note pins the count that was read, so two sweepers cannot both send."""
    task = _processing(EXPIRED)
    note = DECISIONS["sweep"](task)
    swept = lifecycle.after(task, note)
    assert (swept.sweeps, swept.lease, swept.due_at) == (1, EXPIRED, LATER)
    assert not note.condition.holds_for(swept)


def test_the_history_tells_which_attempt_and_why_it_was_claimed_again() -> None:
    """Attempts are counted from the entries; a takeover and a retry say what they are."""
    task = _processing(EXPIRED)
    task = lifecycle.after(task, DECISIONS["claim"](task))
    task = lifecycle.after(task, structs.replace(DECISIONS["release"](task), notes="late"))
    task = lifecycle.after(task, DECISIONS["claim"](task))
    assert [(e.event, e.attempt) for e in task.history] == [
        (TaskEvent.SUBMIT, 0),
        (TaskEvent.CLAIM, 1),
        (TaskEvent.CLAIM, 2),
        (TaskEvent.RELEASE, 2),
        (TaskEvent.CLAIM, 3),
    ]
    assert task.history[1].notes is None
    assert task.history[2].notes == "attempt 2: took over, the lease of attempt 1 had expired"
    assert task.history[4].notes == "attempt 3: retry after attempt 2 was released"


def test_started_at_is_when_the_first_attempt_began() -> None:
    """A takeover does not move it."""
    task = _processing(EXPIRED)
    assert lifecycle.after(task, DECISIONS["claim"](task)).started_at == T0


@pytest.mark.parametrize(
    ("state", "token", "why"),
    [
        (None, "x", RefusedClaim.MISSING),
        ("completed", "mine", RefusedClaim.ENDED),
        ("failed", "x", RefusedClaim.ENDED),
        ("cancelled", "x", RefusedClaim.ENDED),
        ("processing, live lease", "mine", RefusedClaim.MINE),
        ("processing, expired lease", "mine", RefusedClaim.MINE),
        ("processing, live lease", "x", RefusedClaim.LEASED),
        ("processing, attempts used up", "x", RefusedClaim.EXHAUSTED),
        ("processing, expired lease", "x", RefusedClaim.RACED),
        ("processing, released", "x", RefusedClaim.RACED),
        ("pending", "x", RefusedClaim.RACED),
    ],
)
def test_one_read_decides_why_a_claim_was_refused(
    state: str | None, token: str, why: RefusedClaim
) -> None:
    """Its own success, another's lease, the end, and a race are told apart."""
    task = None if state is None else STATES[state]()
    assert explain_refused_claim(task, token=token, now=LATER, attempts_max=ATTEMPTS_MAX) is why
