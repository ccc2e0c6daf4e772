"""Small configurations, in each of which the absence of a guard shows."""

from __future__ import annotations

import dataclasses
from typing import Final

from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.items import NEWER
from tests.proof.explorer.programs import OWNER_NAME, STRANGER
from tests.proof.explorer.suites import CALLS
from tests.proof.explorer.values import Fault
from tests.support.corrupting import Corrupt


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
AGED: Final = dataclasses.replace(SWEPT, name="sweeper that abandons", ages=True)
LOSING: Final = _quiet(
    "messages get lost", sweepers=1, faults=1, kinds=frozenset({Fault.LOSS, Fault.CRASH}),
    visibility_ends=False, messages_max=1, sweeps_max=1,
)  # fmt: skip

#: The stored task may be corrupt, in every way.
CORRUPT: Final = _quiet(
    "corrupt items", sweepers=1, ages=True, visibility_ends=False,
    corrupts=(Corrupt.ITEM, Corrupt.STATUS), messages_max=1, sweeps_max=1, transient=True,
)  # fmt: skip
CORRUPT_UNAIDED: Final = _quiet(
    "corrupt items, unaided", workers=2, faults=1, kinds=frozenset({Fault.CRASH}),
    corrupts=(Corrupt.CIRCUIT, Corrupt.ITEM),
)  # fmt: skip
CORRUPT_QUIETLY: Final = _quiet(
    "corrupt items, no fault", visibility_ends=False, corrupts=(Corrupt.CIRCUIT, Corrupt.ITEM),
    spends_no_attempt=True,
)  # fmt: skip
OUTDATED: Final = _quiet(
    "a newer version", sweepers=1, ages=True, visibility_ends=False, cancellers=(OWNER_NAME,),
    corrupts=(NEWER,), messages_max=1, sweeps_max=1, transient=True, permanent=True,
)  # fmt: skip


#: Stale decisions of sweepers and workers, by interleaving and by late arrival.
STALE: Final = _quiet(
    "stale decisions", sweepers=2, ages=True, faults=1,
    kinds=frozenset({Fault.LATE}), visibility_ends=False,
    messages_max=1, sweeps_max=1,
)  # fmt: skip
