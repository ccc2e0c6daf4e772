"""Each guard, the service without it, and the property that breaks then.

A guard that could be taken out unnoticed is either not needed, or the properties have a hole.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from tests.proof.explorer.code import Code
from tests.proof.explorer.condition_mutants import OF_CONDITIONS, E, weak
from tests.proof.explorer.mutant import Mutant
from tests.proof.explorer.small_suites import (
    CANCELLED,
    CORRUPT,
    CORRUPT_QUIETLY,
    CORRUPT_UNAIDED,
    COUNTED,
    CRASHING,
    FAILING,
    INTRUDED,
    KEYED,
    KILLED,
    LOSING,
    OUTDATED,
    REPORTING,
    RETRYING,
    SERIAL,
    SWEPT,
    SWEPT_TWICE,
    TWO_REQUESTS,
)
from tests.proof.explorer.suites import CALLS
from tests.proof.explorer.variations import clients, store, sweeper, worker
from tests.proof.promises import (
    ACCEPTED,
    AMPLIFIED,
    BURNED,
    FENCE,
    ISOLATED,
    NEWER_KEPT,
    OWNER,
    STUCK,
    TERMINAL,
    TRUTH,
    UNAIDED,
)

MUTANTS: Final = (
    *OF_CONDITIONS,
    # --- submitting
    Mutant(
        name="send before put", removes="the message is sent after the put",
        code=Code(submit=clients.SendsFirst), configuration=SERIAL, breaks=UNAIDED,
    ),
    Mutant(
        name="withdraw with a key", removes="compensation only without a key",
        code=Code(submit=clients.TakesBackKeyed), configuration=KEYED, breaks=ACCEPTED,
    ),
    Mutant(
        name="withdraw in doubt", removes="no compensation after an attempt in doubt",
        code=Code(submit=clients.TakesBackInDoubt), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="deny with a key", removes="a refused put with a key says unknown",
        code=Code(submit=clients.DeniesKeyed), configuration=KEYED, breaks=TRUTH,
    ),
    Mutant(
        name="deny in doubt", removes="a put in doubt says unknown",
        code=Code(submit=clients.DeniesInDoubt), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="delete in doubt", removes="a put in doubt is not deleted",
        code=Code(submit=clients.DeletesInDoubt), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="replay silently", removes="a replay of a pending task sends again",
        code=Code(submit=clients.ReplaysSilently), configuration=KEYED, breaks=UNAIDED,
    ),
    Mutant(
        name="accept unread", removes="a refused delete is followed by a read (202)",
        code=Code(submit=clients.TakesTheRefusedDeleteForAccepted), configuration=FAILING,
        breaks=ACCEPTED,
    ),
    Mutant(
        name="deny unread", removes="a refused delete is followed by a read (no)",
        code=Code(submit=clients.TakesTheRefusedDeleteForItsOwn), configuration=FAILING,
        breaks=TRUTH,
    ),
    Mutant(
        name="confirm in doubt", removes="a delete in doubt says unknown",
        code=Code(submit=clients.ConfirmsInDoubt), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="deny undeleted", removes="a refused delete says yes",
        code=Code(submit=clients.DeniesUndeleted), configuration=FAILING, breaks=TRUTH,
    ),
    Mutant(
        name="any request", removes="a replay is the same request (fingerprint)",
        code=Code(submit=clients.IgnoresTheRequest), configuration=TWO_REQUESTS, breaks=ACCEPTED,
    ),
    Mutant(
        name="replay unread", removes="a refused put is followed by a read",
        code=Code(submit=clients.ReplaysUnread), configuration=TWO_REQUESTS, breaks=ACCEPTED,
    ),
    Mutant(
        name="accept unsent", removes="202 only after the send",
        code=Code(submit=clients.AcceptsUnsent), configuration=FAILING, breaks=UNAIDED,
    ),
    # --- executing
    Mutant(
        name="forget the claim", removes="its own claim is known by its token",
        code=Code(execute=worker.ForgetsItsClaim), configuration=RETRYING, breaks=BURNED,
    ),
    Mutant(
        name="claim unread", removes="a refused claim is followed by a read",
        code=Code(execute=worker.ClaimsBlindly), configuration=RETRYING, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge leased", removes="a live lease fails the delivery",
        code=Code(execute=worker.AcknowledgesLeased), configuration=CRASHING, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge raced", removes="a task that changed fails the delivery",
        code=Code(execute=worker.AcknowledgesRaced), configuration=CRASHING, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge unreachable", removes="nothing is acknowledged without the store",
        code=Code(execute=worker.AcknowledgesUnreachable), configuration=CRASHING, breaks=UNAIDED,
    ),
    Mutant(
        name="never abandon", removes="used up attempts end the task",
        code=Code(execute=worker.NeverGivesUp), configuration=CRASHING, breaks=UNAIDED,
    ),
    Mutant(
        name="settle unread", removes="a refused settle or release is followed by a read",
        code=Code(execute=worker.SettlesBlindly), configuration=RETRYING, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge first", removes="a delivery is acknowledged after its settle",
        code=Code(handle_batch=worker.acknowledging_first), configuration=SERIAL, breaks=UNAIDED,
    ),
    Mutant(
        name="never fail a batch", removes="a batch with failures ends as failed",
        code=Code(handle_batch=worker.never_failing), configuration=SERIAL, breaks=UNAIDED,
    ),
    Mutant(
        name="report to the deaf", removes="failures are returned only to a mapping that reads it",
        code=Code(mapping_reports_failures=False), configuration=REPORTING, breaks=UNAIDED,
    ),
    Mutant(
        name="send again", removes="retry by visibility, not by another message",
        code=Code(handle_batch=worker.sending_again), configuration=COUNTED, breaks=AMPLIFIED,
    ),
    Mutant(
        name="delete and send again", removes="retry by visibility, not by another message",
        code=Code(handle_batch=worker.deleting_and_sending_again), configuration=KILLED,
        breaks=UNAIDED,
    ),
    # --- cancelling
    Mutant(
        name="cancel unread", removes="a refused cancel is followed by a read",
        code=Code(cancel=clients.CancelsBlindly), configuration=CANCELLED, breaks=TRUTH,
    ),
    Mutant(
        name="deny the cancel unread", removes="a refused cancel that cannot be read is in doubt",
        code=Code(cancel=clients.DeniesUnread),
        configuration=dataclasses.replace(CANCELLED, name="cancels fail", faults=2, kinds=CALLS),
        breaks=TRUTH,
    ),
    Mutant(
        name="cancel for any caller", removes="a refused cancel shows the owner only",
        code=Code(cancel=clients.CancelsForAnyCaller), configuration=INTRUDED, breaks=OWNER,
    ),
    # --- sweeping
    Mutant(
        name="no sweeper", removes="the sweeper",
        code=Code(sweeps=False), configuration=LOSING, breaks=STUCK,
    ),
    Mutant(
        name="send before note", removes="the sweeper notes before it sends",
        code=Code(sweep=sweeper.SweepsBlindly), configuration=SWEPT, breaks=AMPLIFIED,
    ),
    Mutant(
        name="send though refused", removes="a refused note sends nothing",
        code=Code(sweep=sweeper.SweepsThoughRefused), configuration=SWEPT_TWICE, breaks=AMPLIFIED,
    ),
    Mutant(
        name="sweep the undue", removes="due_at is read from the task, not from the index",
        code=Code(sweep=sweeper.SweepsTheUndue), configuration=SWEPT_TWICE, breaks=AMPLIFIED,
    ),
    # --- what cannot be read
    *(
        Mutant(
            name=f"{event.name.lower()}, any schema",
            removes=f"{event.name.lower()}: the schema is known",
            code=weak(event, "schema_version_max"), configuration=OUTDATED, breaks=NEWER_KEPT,
        )
        for event in (E.CLAIM, E.COMPLETE, E.FAIL, E.RELEASE, E.ABANDON, E.CANCEL, E.SWEEP)
    ),
    Mutant(
        name="break off", removes="one item ends no run of the sweeper",
        code=Code(sweep=sweeper.BreaksOff), configuration=CORRUPT, breaks=ISOLATED,
    ),
    Mutant(
        name="spare the unreadable", removes="an attempt fails at once what it cannot read",
        code=Code(execute=worker.SparesTheUnreadable), configuration=CORRUPT_QUIETLY, breaks=BURNED,
    ),
    Mutant(
        name="spare the exhausted", removes="used up attempts end what cannot be read too",
        code=Code(execute=worker.SparesTheExhausted), configuration=CORRUPT_UNAIDED, breaks=UNAIDED,
    ),
    Mutant(
        name="acknowledge the unreadable", removes="what is held by another is redelivered",
        code=Code(execute=worker.AcknowledgesUnreadable), configuration=CORRUPT_UNAIDED,
        breaks=UNAIDED,
    ),
    Mutant(
        name="unread, any status", removes="unread: status and due_at are as seen",
        code=Code(store=store.PinsNoStatus), configuration=CORRUPT, breaks=TERMINAL,
    ),
    Mutant(
        name="unread, unpinned", removes="unread: attempt as seen and no live lease",
        code=Code(store=store.PinsNoAttempt), configuration=CORRUPT, breaks=FENCE,
    ),
    Mutant(
        name="abandon soon", removes="the sweeper abandons for age only",
        code=Code(sweep=sweeper.GivesUpImpatiently), configuration=SWEPT, breaks=FENCE,
    ),
)  # fmt: skip
