"""Each guard, the service without it, and the property that breaks then.

A guard that could be taken out unnoticed is either not needed, or the properties have a hole.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from chalicelib.domain.task import TaskEvent
from tests.proof.explorer import variations as v
from tests.proof.explorer.code import Code
from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.items import NEWER
from tests.proof.explorer.programs import OWNER_NAME, STRANGER
from tests.proof.explorer.suites import CALLS
from tests.proof.explorer.values import Fault
from tests.proof.promises import (
    ACCEPTED,
    AMPLIFIED,
    ATTEMPT,
    BURNED,
    FENCE,
    HISTORY,
    ISOLATED,
    NEWER_KEPT,
    OWNER,
    STUCK,
    TERMINAL,
    TRUTH,
    UNAIDED,
)
from tests.support.spoilt_tasks import Spoilt


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """The service without one guard."""

    name: str
    #: What is taken out, and the place that states it.
    removes: str
    code: Code
    configuration: Configuration
    #: The property that must be found violated.
    breaks: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Redundant:
    """A guard without which nothing breaks, and why it is kept all the same."""

    name: str
    code: Code
    #: Where nothing was found without it.
    configuration: Configuration
    kept_for: str


def _quiet(name: str, **changes: object) -> Configuration:
    return dataclasses.replace(Configuration(name=name), **changes)  # type: ignore[arg-type]


#: Two workers and duplicate deliveries, and nothing fails.
DUPLICATES: Final = _quiet("duplicates", workers=2, transient=True, permanent=True)
SERIAL: Final = _quiet("one worker", transient=True)
CANCELLED: Final = _quiet("cancelled", cancellers=(OWNER_NAME,), transient=True, permanent=True)
INTRUDED: Final = _quiet("a stranger cancels", cancellers=(OWNER_NAME, STRANGER))
RETRYING: Final = _quiet(
    "SDK retries", workers=2, faults=1, kinds=frozenset({Fault.RETRIED}), transient=True,
    spends_no_attempt=True,
)  # fmt: skip
LATE: Final = _quiet(
    "late calls", faults=2, kinds=frozenset({Fault.LATE, Fault.RETRIED}), transient=True
)
FAILING: Final = _quiet("calls fail", faults=2, kinds=CALLS)
CRASHING: Final = _quiet(
    "crashes", workers=2, faults=1, kinds=frozenset({Fault.CRASH, Fault.REFUSED}), transient=True
)
KILLED: Final = _quiet("a crash", faults=1, kinds=frozenset({Fault.CRASH}), transient=True)
KEYED: Final = _quiet(
    "one key", keyed=True, submitters=("A", "A"), client_retries=1, faults=1, kinds=CALLS
)
TWO_REQUESTS: Final = _quiet("one key, two requests", keyed=True, submitters=("A", "B"))
COUNTED: Final = _quiet("messages are counted", transient=True, counts_messages=True)
REPORTING: Final = _quiet("failures are reported", transient=True, partial_batch_responses=True)
SWEPT: Final = _quiet("sweeper", sweepers=1, transient=True, visibility_ends=False, messages_max=1)
SWEPT_TWICE: Final = _quiet("two sweepers", sweepers=2, visibility_ends=False, messages_max=1)
SWEPT_CANCELLED: Final = _quiet(
    "sweeper, cancelled", sweepers=1, visibility_ends=False, cancellers=(OWNER_NAME,),
    messages_max=1,
)  # fmt: skip
AGED: Final = dataclasses.replace(SWEPT, name="sweeper that gives up", ages=True)
LOSING: Final = _quiet(
    "messages get lost", sweepers=1, faults=1, kinds=frozenset({Fault.LOSS, Fault.CRASH}),
    visibility_ends=False, messages_max=1, sweeps_max=1,
)  # fmt: skip

#: The stored task may be spoilt, in every way.
SPOILT: Final = _quiet(
    "spoilt items", sweepers=1, ages=True, visibility_ends=False,
    spoils=(Spoilt.ITEM, Spoilt.STATUS), messages_max=1, sweeps_max=1, transient=True,
)  # fmt: skip
SPOILT_UNAIDED: Final = _quiet(
    "spoilt items, unaided", workers=2, faults=1, kinds=frozenset({Fault.CRASH}),
    spoils=(Spoilt.CIRCUIT, Spoilt.ITEM),
)  # fmt: skip
SPOILT_QUIETLY: Final = _quiet(
    "spoilt items, no fault", visibility_ends=False, spoils=(Spoilt.CIRCUIT, Spoilt.ITEM),
    spends_no_attempt=True,
)  # fmt: skip
OUTDATED: Final = _quiet(
    "a newer version", sweepers=1, ages=True, visibility_ends=False, cancellers=(OWNER_NAME,),
    spoils=(NEWER,), messages_max=1, sweeps_max=1, transient=True, permanent=True,
)  # fmt: skip


def _weak(event: TaskEvent, *clauses: str) -> Code:
    return Code(weaken=v.without(event, *clauses))


E: Final = TaskEvent

MUTANTS: Final = (
    # --- the clauses of each write's condition
    Mutant(
        name="claim, any status", removes="claim: status is open",
        code=_weak(E.CLAIM, "statuses"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="claim, live lease", removes="claim: the lease is over",
        code=_weak(E.CLAIM, "no_live_lease_at"), configuration=DUPLICATES, breaks=BURNED,
    ),
    Mutant(
        name="claim, no maximum", removes="claim: attempts are left",
        code=_weak(E.CLAIM, "attempt_below"), configuration=CRASHING, breaks=ATTEMPT,
    ),
    Mutant(
        name="claim, no increment", removes="claim: the attempt goes up by one",
        code=Code(store=v.UncountingStore), configuration=SERIAL, breaks=ATTEMPT,
    ),
    Mutant(
        name="claim, upsert", removes="every write: the task exists",
        code=Code(store=v.UpsertingStore), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="token per process", removes="claim: a token of its own",
        code=Code(token_per_claim=False), configuration=DUPLICATES, breaks=ATTEMPT,
    ),
    Mutant(
        name="complete, any status", removes="complete: status is processing",
        code=_weak(E.COMPLETE, "statuses"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="complete, no fence", removes="complete: the attempt is mine",
        code=_weak(E.COMPLETE, "attempt"), configuration=DUPLICATES, breaks=FENCE,
    ),
    Mutant(
        name="fail, any status", removes="fail: status is processing",
        code=_weak(E.FAIL, "statuses"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="fail, no fence", removes="fail: the attempt is mine",
        code=_weak(E.FAIL, "attempt"), configuration=DUPLICATES, breaks=FENCE,
    ),
    Mutant(
        name="release, any status", removes="release: status is processing, the lease is mine",
        code=_weak(E.RELEASE, "statuses", "lease_holder"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="release, no fence", removes="release: the attempt is mine",
        code=_weak(E.RELEASE, "attempt"), configuration=LATE, breaks=FENCE,
    ),
    Mutant(
        name="release, no token", removes="release: the lease is mine",
        code=_weak(E.RELEASE, "lease_holder"), configuration=RETRYING, breaks=FENCE,
    ),
    Mutant(
        name="give up, any status", removes="give up: status is as read",
        code=_weak(E.GIVE_UP, "statuses"), configuration=AGED, breaks=TERMINAL,
    ),
    Mutant(
        name="give up, unpinned", removes="give up: attempt as read and no live lease",
        code=_weak(E.GIVE_UP, "attempt", "no_live_lease_at"), configuration=AGED, breaks=FENCE,
    ),
    Mutant(
        name="cancel, any status", removes="cancel: status is open",
        code=_weak(E.CANCEL, "statuses"), configuration=CANCELLED, breaks=TERMINAL,
    ),
    Mutant(
        name="cancel, any owner", removes="cancel: the task is the caller's",
        code=_weak(E.CANCEL, "owner"), configuration=INTRUDED, breaks=OWNER,
    ),
    Mutant(
        name="note, any status", removes="note: status is as read",
        code=_weak(E.SWEEP, "statuses"), configuration=SWEPT, breaks=TERMINAL,
    ),
    Mutant(
        name="note, unpinned", removes="note: attempt as read and no live lease",
        code=_weak(E.SWEEP, "attempt", "no_live_lease_at"), configuration=SWEPT, breaks=FENCE,
    ),
    Mutant(
        name="note, any count", removes="note: sweeps are as read",
        code=_weak(E.SWEEP, "sweeps"), configuration=SWEPT_TWICE, breaks=AMPLIFIED,
    ),
    Mutant(
        name="postpone, any status", removes="postpone: status is as read",
        code=_weak(E.POSTPONE, "statuses"), configuration=SWEPT, breaks=TERMINAL,
    ),
    Mutant(
        name="postpone, any count", removes="postpone: sweeps are as read",
        code=_weak(E.POSTPONE, "sweeps"), configuration=SWEPT_TWICE, breaks=AMPLIFIED,
    ),
    Mutant(
        name="delete, any status", removes="delete: status is pending",
        code=Code(store=v.DeletingStore), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="put, unconditional", removes="put: no such task exists",
        code=Code(store=v.OverwritingStore), configuration=KEYED, breaks=HISTORY,
    ),
    # --- submitting
    Mutant(
        name="send before put", removes="the message is sent after the put",
        code=Code(submit=v.SendsFirst), configuration=SERIAL, breaks=UNAIDED,
    ),
    Mutant(
        name="take back with a key", removes="compensation only without a key",
        code=Code(submit=v.TakesBackKeyed), configuration=KEYED, breaks=ACCEPTED,
    ),
    Mutant(
        name="take back in doubt", removes="no compensation after an attempt in doubt",
        code=Code(submit=v.TakesBackInDoubt), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="deny with a key", removes="a refused put with a key says unknown",
        code=Code(submit=v.DeniesKeyed), configuration=KEYED, breaks=TRUTH,
    ),
    Mutant(
        name="deny in doubt", removes="a put in doubt says unknown",
        code=Code(submit=v.DeniesInDoubt), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="delete in doubt", removes="a put in doubt is not deleted",
        code=Code(submit=v.DeletesInDoubt), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="replay silently", removes="a replay of a pending task sends again",
        code=Code(submit=v.ReplaysSilently), configuration=KEYED, breaks=UNAIDED,
    ),
    Mutant(
        name="accept unread", removes="a refused delete is followed by a read (202)",
        code=Code(submit=v.TakesTheRefusedDeleteForAccepted), configuration=FAILING,
        breaks=ACCEPTED,
    ),
    Mutant(
        name="deny unread", removes="a refused delete is followed by a read (no)",
        code=Code(submit=v.TakesTheRefusedDeleteForItsOwn), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="confirm in doubt", removes="a delete in doubt says unknown",
        code=Code(submit=v.ConfirmsInDoubt), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="deny undeleted", removes="a refused delete says yes",
        code=Code(submit=v.DeniesUndeleted), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="any request", removes="a replay is the same request (fingerprint)",
        code=Code(submit=v.IgnoresTheRequest), configuration=TWO_REQUESTS, breaks=ACCEPTED,
    ),
    Mutant(
        name="replay unread", removes="a refused put is followed by a read",
        code=Code(submit=v.ReplaysUnread), configuration=TWO_REQUESTS, breaks=ACCEPTED,
    ),
    Mutant(
        name="accept unsent", removes="202 only after the send",
        code=Code(submit=v.AcceptsUnsent), configuration=FAILING, breaks=UNAIDED,
    ),
    # --- executing
    Mutant(
        name="forget the claim", removes="its own claim is known by its token",
        code=Code(execute=v.ForgetsItsClaim), configuration=RETRYING, breaks=BURNED,
    ),
    Mutant(
        name="claim unread", removes="a refused claim is followed by a read",
        code=Code(execute=v.ClaimsBlindly), configuration=RETRYING, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge leased", removes="a live lease fails the delivery",
        code=Code(execute=v.AcknowledgesLeased), configuration=CRASHING, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge raced", removes="a task that changed fails the delivery",
        code=Code(execute=v.AcknowledgesRaced), configuration=CRASHING, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge unreachable", removes="nothing is acknowledged without the store",
        code=Code(execute=v.AcknowledgesUnreachable), configuration=CRASHING, breaks=UNAIDED,
    ),
    Mutant(
        name="never give up", removes="used up attempts end the task",
        code=Code(execute=v.NeverGivesUp), configuration=CRASHING, breaks=UNAIDED,
    ),
    Mutant(
        name="settle unread", removes="a refused settle or release is followed by a read",
        code=Code(execute=v.SettlesBlindly), configuration=RETRYING, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge first", removes="a delivery is acknowledged after its settle",
        code=Code(handle_batch=v.acknowledging_first), configuration=SERIAL, breaks=UNAIDED,
    ),
    Mutant(
        name="never fail a batch", removes="a batch with failures ends as failed",
        code=Code(handle_batch=v.never_failing), configuration=SERIAL, breaks=UNAIDED,
    ),
    Mutant(
        name="report to the deaf", removes="failures are returned only to a mapping that reads it",
        code=Code(mapping_reports_failures=False), configuration=REPORTING, breaks=UNAIDED,
    ),
    Mutant(
        name="send again", removes="retry by visibility, not by another message",
        code=Code(handle_batch=v.sending_again), configuration=COUNTED, breaks=AMPLIFIED,
    ),
    Mutant(
        name="delete and send again", removes="retry by visibility, not by another message",
        code=Code(handle_batch=v.deleting_and_sending_again), configuration=KILLED,
        breaks=UNAIDED,
    ),
    # --- cancelling
    Mutant(
        name="cancel unread", removes="a refused cancel is followed by a read",
        code=Code(cancel=v.CancelsBlindly), configuration=CANCELLED, breaks=TRUTH,
    ),
    Mutant(
        name="deny the cancel unread", removes="a refused cancel that cannot be read is in doubt",
        code=Code(cancel=v.DeniesUnread),
        configuration=dataclasses.replace(CANCELLED, name="cancels fail", faults=2, kinds=CALLS),
        breaks=TRUTH,
    ),
    Mutant(
        name="cancel for any caller", removes="a refused cancel shows the owner only",
        code=Code(cancel=v.CancelsForAnyCaller), configuration=INTRUDED, breaks=OWNER,
    ),
    # --- sweeping
    Mutant(
        name="no sweeper", removes="the sweeper",
        code=Code(sweeps=False), configuration=LOSING, breaks=STUCK,
    ),
    Mutant(
        name="send before note", removes="the sweeper notes before it sends",
        code=Code(sweep=v.SweepsBlindly), configuration=SWEPT, breaks=AMPLIFIED,
    ),
    Mutant(
        name="send though refused", removes="a refused note sends nothing",
        code=Code(sweep=v.SweepsThoughRefused), configuration=SWEPT_TWICE, breaks=AMPLIFIED,
    ),
    Mutant(
        name="sweep the undue", removes="due_at is read from the task, not from the index",
        code=Code(sweep=v.SweepsTheUndue), configuration=SWEPT_TWICE, breaks=AMPLIFIED,
    ),
    # --- what cannot be read
    *(
        Mutant(
            name=f"{event.replace('_', ' ')}, any schema",
            removes=f"{event.replace('_', ' ')}: the schema is known",
            code=_weak(event, "schema_version_max"), configuration=OUTDATED, breaks=NEWER_KEPT,
        )
        for event in (E.CLAIM, E.COMPLETE, E.FAIL, E.RELEASE, E.GIVE_UP, E.CANCEL, E.SWEEP)
    ),
    Mutant(
        name="break off", removes="one item ends no run of the sweeper",
        code=Code(sweep=v.BreaksOff), configuration=SPOILT, breaks=ISOLATED,
    ),
    Mutant(
        name="spare the unreadable", removes="an attempt fails at once what it cannot read",
        code=Code(execute=v.SparesTheUnreadable), configuration=SPOILT_QUIETLY, breaks=BURNED,
    ),
    Mutant(
        name="spare the exhausted", removes="used up attempts end what cannot be read too",
        code=Code(execute=v.SparesTheExhausted), configuration=SPOILT_UNAIDED, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge the unreadable", removes="what is held by another is given back",
        code=Code(execute=v.AcknowledgesUnreadable), configuration=SPOILT_UNAIDED,
        breaks=UNAIDED,
    ),
    Mutant(
        name="unread, any status", removes="unread: status and due_at are as seen",
        code=Code(store=v.PinsNoStatus), configuration=SPOILT, breaks=TERMINAL,
    ),
    Mutant(
        name="unread, unpinned", removes="unread: attempt as seen and no live lease",
        code=Code(store=v.PinsNoAttempt), configuration=SPOILT, breaks=FENCE,
    ),
    Mutant(
        name="give up soon", removes="the sweeper gives up for age only",
        code=Code(sweep=v.GivesUpImpatiently), configuration=SWEPT, breaks=FENCE,
    ),
)  # fmt: skip

#: Stale decisions of sweepers and workers, by interleaving and by late arrival.
STALE: Final = _quiet(
    "stale decisions", sweepers=2, ages=True, faults=1,
    kinds=frozenset({Fault.LATE}), visibility_ends=False,
    messages_max=1, sweeps_max=1,
)  # fmt: skip

REDUNDANT: Final = (
    Redundant(
        name="release, any status", code=_weak(E.RELEASE, "statuses"),
        configuration=dataclasses.replace(CANCELLED, faults=2, kinds=CALLS),
        kept_for="an ended task has no lease, so the token says it; without both it breaks",
    ),
    Redundant(
        name="give up, any attempt", code=_weak(E.GIVE_UP, "attempt"), configuration=STALE,
        kept_for="a lease that is over says it, as far as clocks agree; without both it breaks",
    ),
    Redundant(
        name="give up, live lease", code=_weak(E.GIVE_UP, "no_live_lease_at"), configuration=STALE,
        kept_for="a lease once over never lives again, so the attempt says it; "
        "without both it breaks",
    ),
    Redundant(
        name="note, any attempt", code=_weak(E.SWEEP, "attempt"), configuration=STALE,
        kept_for="its words are about the attempt that was read; without both it breaks",
    ),
    Redundant(
        name="note, live lease", code=_weak(E.SWEEP, "no_live_lease_at"), configuration=STALE,
        kept_for="a lease once over never lives again, so the attempt says it; "
        "without both it breaks",
    ),
    Redundant(
        name="postpone, any attempt", code=_weak(E.POSTPONE, "attempt"), configuration=STALE,
        kept_for="the sweeper would look too early, find a live lease and postpone once more",
    ),
    Redundant(
        name="postpone, any schema", code=_weak(E.POSTPONE, "schema_version_max"),
        configuration=OUTDATED,
        kept_for="it moves only due_at, which means the same in every schema",
    ),
    *(
        Redundant(
            name=f"unread, {what} alone", code=Code(store=store), configuration=SPOILT,
            kept_for=f"{other} says it; without both it breaks",
        )
        for what, store, other in (
            ("any status", v.PinsAnyStatus, "an ended task is never due, so due_at"),
            ("any time", v.PinsAnyTime, "two put it aside one after the other; status"),
            ("any attempt", v.PinsAnyAttempt, "the lease"),
            ("live lease", v.PinsAnyLease, "the attempt"),
        )
    ),
)  # fmt: skip
