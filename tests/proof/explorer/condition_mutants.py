"""The clauses of each write's condition: what breaks without one, and what needs two."""

from __future__ import annotations

import dataclasses
from typing import Final

from chalicelib.domain.task import TaskEvent
from tests.proof.explorer.code import Code
from tests.proof.explorer.mutant import Mutant, Redundant
from tests.proof.explorer.small_suites import (
    AGED,
    CANCELLED,
    CORRUPT,
    CRASHING,
    DUPLICATES,
    FAILING,
    INTRUDED,
    KEYED,
    LATE,
    OUTDATED,
    RETRYING,
    SERIAL,
    STALE,
    SWEPT,
    SWEPT_TWICE,
)
from tests.proof.explorer.suites import CALLS
from tests.proof.explorer.variations import store
from tests.proof.promises import AMPLIFIED, ATTEMPT, BURNED, FENCE, HISTORY, OWNER, TERMINAL, TRUTH


def weak(event: TaskEvent, *clauses: str) -> Code:
    """Return the code without these clauses of one event's condition."""
    return Code(weaken=store.without(event, *clauses))


E: Final = TaskEvent

#: The clauses of each write's condition.
OF_CONDITIONS: Final = (
    Mutant(
        name="claim, any status", removes="claim: status is open",
        code=weak(E.CLAIM, "statuses"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="claim, live lease", removes="claim: the lease is over",
        code=weak(E.CLAIM, "no_live_lease_at"), configuration=DUPLICATES, breaks=BURNED,
    ),
    Mutant(
        name="claim, no maximum", removes="claim: attempts are left",
        code=weak(E.CLAIM, "attempt_below"), configuration=CRASHING, breaks=ATTEMPT,
    ),
    Mutant(
        name="claim, no increment", removes="claim: the attempt goes up by one",
        code=Code(store=store.UncountingStore), configuration=SERIAL, breaks=ATTEMPT,
    ),
    Mutant(
        name="claim, upsert", removes="every write: the task exists",
        code=Code(store=store.UpsertingStore), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="token per process", removes="claim: a token of its own",
        code=Code(token_per_claim=False), configuration=DUPLICATES, breaks=ATTEMPT,
    ),
    Mutant(
        name="complete, any status", removes="complete: status is processing",
        code=weak(E.COMPLETE, "statuses"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="complete, no fence", removes="complete: the attempt is mine",
        code=weak(E.COMPLETE, "attempt"), configuration=DUPLICATES, breaks=FENCE,
    ),
    Mutant(
        name="fail, any status", removes="fail: status is processing",
        code=weak(E.FAIL, "statuses"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="fail, no fence", removes="fail: the attempt is mine",
        code=weak(E.FAIL, "attempt"), configuration=DUPLICATES, breaks=FENCE,
    ),
    Mutant(
        name="release, any status", removes="release: status is processing, the lease is mine",
        code=weak(E.RELEASE, "statuses", "lease_holder"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="release, no fence", removes="release: the attempt is mine",
        code=weak(E.RELEASE, "attempt"), configuration=LATE, breaks=FENCE,
    ),
    Mutant(
        name="release, no token", removes="release: the lease is mine",
        code=weak(E.RELEASE, "lease_holder"), configuration=RETRYING, breaks=FENCE,
    ),
    Mutant(
        name="abandon, any status", removes="abandon: status is as read",
        code=weak(E.ABANDON, "statuses"), configuration=AGED, breaks=TERMINAL,
    ),
    Mutant(
        name="abandon, unpinned", removes="abandon: attempt as read and no live lease",
        code=weak(E.ABANDON, "attempt", "no_live_lease_at"), configuration=AGED, breaks=FENCE,
    ),
    Mutant(
        name="cancel, any status", removes="cancel: status is open",
        code=weak(E.CANCEL, "statuses"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="cancel, any owner", removes="cancel: the task is the caller's",
        code=weak(E.CANCEL, "owner"), configuration=INTRUDED, breaks=OWNER,
    ),
    Mutant(
        name="note, any status", removes="note: status is as read",
        code=weak(E.SWEEP, "statuses"), configuration=SWEPT, breaks=TERMINAL,
    ),
    Mutant(
        name="note, unpinned", removes="note: attempt as read and no live lease",
        code=weak(E.SWEEP, "attempt", "no_live_lease_at"), configuration=SWEPT, breaks=FENCE,
    ),
    Mutant(
        name="note, any count", removes="note: sweeps are as read",
        code=weak(E.SWEEP, "sweeps"), configuration=SWEPT_TWICE, breaks=AMPLIFIED,
    ),
    Mutant(
        name="postpone, any status", removes="postpone: status is as read",
        code=weak(E.POSTPONE, "statuses"), configuration=SWEPT, breaks=TERMINAL,
    ),
    Mutant(
        name="postpone, any count", removes="postpone: sweeps are as read",
        code=weak(E.POSTPONE, "sweeps"), configuration=SWEPT_TWICE, breaks=AMPLIFIED,
    ),
    Mutant(
        name="delete, any status", removes="delete: status is pending",
        code=Code(store=store.DeletingStore), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="put, unconditional", removes="put: no such task exists",
        code=Code(store=store.OverwritingStore), configuration=KEYED, breaks=HISTORY,
    ),
)  # fmt: skip


REDUNDANT: Final = (
    Redundant(
        name="release, any status", code=weak(E.RELEASE, "statuses"),
        configuration=dataclasses.replace(CANCELLED, faults=2, kinds=CALLS),
        kept_for="an ended task has no lease, so the token says it; without both it breaks",
    ),
    Redundant(
        name="abandon, any attempt", code=weak(E.ABANDON, "attempt"), configuration=STALE,
        kept_for="a lease that is over says it, as far as clocks agree; without both it breaks",
    ),
    Redundant(
        name="abandon, live lease", code=weak(E.ABANDON, "no_live_lease_at"), configuration=STALE,
        kept_for="a lease once over never lives again, so the attempt says it; "
        "without both it breaks",
    ),
    Redundant(
        name="note, any attempt", code=weak(E.SWEEP, "attempt"), configuration=STALE,
        kept_for="its words are about the attempt that was read; without both it breaks",
    ),
    Redundant(
        name="note, live lease", code=weak(E.SWEEP, "no_live_lease_at"), configuration=STALE,
        kept_for="a lease once over never lives again, so the attempt says it; "
        "without both it breaks",
    ),
    Redundant(
        name="postpone, any attempt", code=weak(E.POSTPONE, "attempt"), configuration=STALE,
        kept_for="the sweeper would look too early, find a live lease and postpone once more",
    ),
    Redundant(
        name="postpone, any schema", code=weak(E.POSTPONE, "schema_version_max"),
        configuration=OUTDATED,
        kept_for="it moves only due_at, which means the same in every schema",
    ),
    *(
        Redundant(
            name=f"unread, {what} alone", code=Code(store=pins), configuration=CORRUPT,
            kept_for=f"{other} says it; without both it breaks",
        )
        for what, pins, other in (
            ("any status", store.PinsAnyStatus, "an ended task is never due, so due_at"),
            ("any time", store.PinsAnyTime, "two quarantine it one after the other; status"),
            ("any attempt", store.PinsAnyAttempt, "the lease"),
            ("live lease", store.PinsAnyLease, "the attempt"),
        )
    ),
)  # fmt: skip
