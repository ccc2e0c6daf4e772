"""What is explored: a small suite for every test run, and a large one on demand."""

from __future__ import annotations

from typing import Final

from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.items import NEWER
from tests.proof.explorer.programs import IN_A_BATCH, OWNER_NAME, STRANGER
from tests.proof.explorer.values import Fault
from tests.support.corrupting import Corrupt

#: Everything that may happen to a call, and to the process that makes it.
CALLS: Final = frozenset(
    {Fault.REFUSED, Fault.LOST, Fault.RETRIED, Fault.LATE, Fault.CRASH, Fault.FULL}
)
#: And messages get lost. Only a sweeper can make up for that.
ALL: Final = CALLS | {Fault.LOSS}

SMALL: Final = (
    Configuration(
        name="no fault, two workers", workers=2, transient=True, permanent=True,
        counts_messages=True,
    ),
    Configuration(
        name="unaided, no key", faults=2, kinds=CALLS, transient=True, counts_messages=True,
    ),
    Configuration(
        name="unaided, no key, two workers", workers=2, faults=1, kinds=CALLS, transient=True,
    ),
    Configuration(
        name="unaided, one key, two submitters", keyed=True, submitters=("A", "A"),
        client_retries=1, faults=1, kinds=CALLS,
    ),
    Configuration(
        name="unaided, one key, two requests", keyed=True, submitters=("A", "B"),
        client_retries=1, faults=1, kinds=CALLS,
    ),
    Configuration(
        name="unaided, two batches and a single with one key", keyed=True,
        submitters=("A" + IN_A_BATCH, "A" + IN_A_BATCH, "A"), faults=1, kinds=CALLS,
    ),
    Configuration(
        name="unaided, a batch and a single, two requests", keyed=True,
        submitters=("A" + IN_A_BATCH, "B"), client_retries=1, faults=1, kinds=CALLS,
    ),
    Configuration(
        name="unaided, cancelled", faults=1, kinds=CALLS, cancellers=(OWNER_NAME, STRANGER),
    ),
    Configuration(
        name="unaided, batches of two, raising", batch=2, faults=2, kinds=CALLS,
    ),
    Configuration(
        name="unaided, batches of two, reporting", batch=2, faults=2, kinds=CALLS,
        partial_batch_responses=True,
    ),
    Configuration(
        name="no attempt is burned", workers=2, faults=1, kinds=frozenset({Fault.RETRIED}),
        transient=True, spends_no_attempt=True,
    ),
    Configuration(
        name="sweeper", sweepers=1, faults=1, kinds=ALL, visibility_ends=False,
        messages_max=2, sweeps_max=1,
    ),
    Configuration(
        name="sweeper, dead letters", sweepers=1, faults=0, transient=True,
        max_receive_count=2, messages_max=2, sweeps_max=1, ages=True,
    ),
    Configuration(
        name="two sweepers", sweepers=2, visibility_ends=False, messages_max=2, sweeps_max=1,
    ),
    Configuration(
        name="unaided, pieces, no key", pieces=True, faults=2, kinds=CALLS,
    ),
    Configuration(
        name="unaided, pieces, one key, two requests", pieces=True, keyed=True,
        submitters=("A", "B"), client_retries=1, faults=1, kinds=CALLS,
    ),
    Configuration(
        name="unaided, corrupt items", workers=2, faults=1, kinds=frozenset({Fault.RETRIED}),
        transient=True, corrupts=(Corrupt.CIRCUIT, Corrupt.ITEM),
    ),
    Configuration(
        name="sweeper, corrupt items", sweepers=1, ages=True, visibility_ends=False,
        corrupts=(*Corrupt, NEWER), messages_max=1, sweeps_max=1,
    ),
)  # fmt: skip

_LARGE: Final = (
    Configuration(
        name="unaided, no key, three faults", faults=3, kinds=CALLS, transient=True,
        permanent=True, counts_messages=True,
    ),
    Configuration(
        name="unaided, no key, two workers, two faults", workers=2, faults=2, kinds=CALLS,
    ),
    Configuration(
        name="unaided, no key, two workers, three attempts", workers=2, faults=1, kinds=CALLS,
        transient=True, attempts_max=3,
    ),
    Configuration(
        name="unaided, one key, two submitters, two workers", keyed=True, submitters=("A", "A"),
        workers=2, faults=1, kinds=CALLS,
    ),
    Configuration(
        name="unaided, one key, two submitters, two faults", keyed=True, submitters=("A", "A"),
        client_retries=1, faults=2, kinds=CALLS,
    ),
    Configuration(
        name="unaided, one key, two requests, two faults", keyed=True, submitters=("A", "B"),
        client_retries=1, faults=2, kinds=CALLS,
    ),
    Configuration(
        name="unaided, cancelled, two faults", faults=2, kinds=CALLS,
        cancellers=(OWNER_NAME, STRANGER),
    ),
    Configuration(
        name="unaided, batches of two, raising, three faults", batch=2, faults=3, kinds=CALLS,
    ),
    Configuration(
        name="unaided, batches of two, reporting, two workers", batch=2, workers=2, faults=1,
        kinds=CALLS, transient=True, partial_batch_responses=True,
    ),
    Configuration(
        name="no attempt is burned, two faults",
        workers=2,
        faults=2,
        kinds=frozenset({Fault.RETRIED}),
        transient=True,
        spends_no_attempt=True,
    ),
    Configuration(
        name="no attempt is burned, sweeper",
        workers=2,
        faults=1,
        kinds=frozenset({Fault.RETRIED}),
        transient=True,
        spends_no_attempt=True,
        sweepers=1,
        visibility_ends=False,
        messages_max=2,
        sweeps_max=1,
    ),
    Configuration(
        name="sweeper, dead letters, one fault", sweepers=1, faults=1, kinds=ALL,
        max_receive_count=2, messages_max=2, sweeps_max=1,
    ),
    Configuration(
        name="sweeper, one key, two submitters", sweepers=1, keyed=True, submitters=("A", "A"),
        faults=1, kinds=ALL, visibility_ends=False, messages_max=2, sweeps_max=1,
    ),
    Configuration(
        name="sweeper, cancelled", sweepers=1, faults=1, kinds=ALL, cancellers=(OWNER_NAME,),
        visibility_ends=False, messages_max=2, sweeps_max=1,
    ),
    Configuration(
        name="sweeper, two workers", sweepers=1, workers=2, faults=1, kinds=ALL,
        visibility_ends=False, messages_max=2, sweeps_max=1,
    ),
    Configuration(
        name="sweeper that abandons, two faults", sweepers=1, ages=True, faults=2, kinds=ALL,
        visibility_ends=False, messages_max=1, sweeps_max=1,
    ),
    Configuration(
        name="unaided, corrupt items, one fault", workers=2, faults=1, kinds=CALLS,
        corrupts=(Corrupt.CIRCUIT, Corrupt.ITEM),
    ),
    Configuration(
        name="unaided, corrupt items, one key", keyed=True, submitters=("A", "A"), client_retries=1,
        faults=1, kinds=frozenset({Fault.RETRIED, Fault.LATE, Fault.LOST}),
        cancellers=(OWNER_NAME, STRANGER), corrupts=(*Corrupt, NEWER), visibility_ends=False,
    ),
    Configuration(
        name="sweeper, pieces, one key, two submitters", pieces=True, sweepers=1, keyed=True,
        submitters=("A", "A"), faults=1, kinds=ALL, visibility_ends=False, messages_max=2,
        sweeps_max=1,
    ),
    Configuration(
        name="sweeper, corrupt items, one fault", sweepers=1, ages=True, faults=1, kinds=ALL,
        visibility_ends=False, corrupts=(Corrupt.ITEM, NEWER), messages_max=1, sweeps_max=1,
    ),
    Configuration(
        name="two sweepers, corrupt items", sweepers=2, ages=True, visibility_ends=False,
        corrupts=(*Corrupt, NEWER), messages_max=1, sweeps_max=1,
    ),
    Configuration(
        name="two sweepers, one fault", sweepers=2, faults=1, kinds=ALL, visibility_ends=False,
        messages_max=2, sweeps_max=2,
    ),
    Configuration(
        name="two sweepers that abandon", sweepers=2, ages=True, faults=1, kinds=ALL,
        visibility_ends=False, messages_max=1, sweeps_max=1,
    ),
)  # fmt: skip

#: Everything, the quick ones first.
FULL: Final = SMALL + _LARGE
