"""Every way in which one AWS call can fail, as data.

A call is up to two requests on the wire, since the SDK repeats what may be repeated. A kind says
what happens to each of them; what comes after its last word passes.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from typing import Final


class Fate(enum.Enum):
    """What becomes of one request."""

    #: It is sent, and its answer comes back.
    PASSES = enum.auto()
    #: No connection was made.
    REFUSED = enum.auto()
    #: The service says no: access denied.
    DENIED = enum.auto()
    #: The service says no: too many requests.
    THROTTLED = enum.auto()
    #: The service says no: it has reached a limit of what it can keep.
    FULL = enum.auto()
    #: The service says no: the receipt is of a message that is not hidden any more.
    STALE = enum.auto()
    #: It is never applied, and no answer comes.
    TIMES_OUT = enum.auto()
    #: It is applied, and the connection breaks before the answer.
    LOSES_REPLY = enum.auto()
    #: It is applied, and the answer is an internal error.
    ANSWERED_500 = enum.auto()
    #: No answer comes; it is applied some time after the operation has been answered.
    ARRIVES_LATE = enum.auto()
    #: Of a batch of messages, every second one is not taken.
    TAKES_SOME = enum.auto()
    #: The process dies before it is sent.
    DIES_BEFORE = enum.auto()
    #: The process dies when it has been applied.
    DIES_AFTER = enum.auto()


#: A request of these is applied sooner or later: to a read that makes no difference.
APPLYING: Final = frozenset(
    {Fate.LOSES_REPLY, Fate.ANSWERED_500, Fate.ARRIVES_LATE, Fate.DIES_AFTER}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One way for a call to fail: what happens to each of its requests in turn."""

    name: str
    fates: tuple[Fate, ...]
    #: Only calls of this service, or of this operation; None for all.
    service: str | None = None
    operation: str | None = None

    @property
    def is_mended(self) -> bool:
        """Whether the SDK's own second request passes: the caller need not notice."""
        return len(self.fates) == 1 and self.fates[0] in _REPEATED

    def concerns(self, service: str, operation: str, *, reads: bool) -> bool:
        """Whether the kind makes a difference to such a call."""
        return (
            self.service in (None, service)
            and self.operation in (None, operation)
            and not (reads and (APPLYING.intersection(self.fates) or Fate.FULL in self.fates))
        )


#: After these the SDK sends a second request.
_REPEATED: Final = frozenset(
    {
        Fate.REFUSED,
        Fate.THROTTLED,
        Fate.TIMES_OUT,
        Fate.LOSES_REPLY,
        Fate.ANSWERED_500,
        Fate.ARRIVES_LATE,
    }
)


def _kinds() -> Iterator[Kind]:
    for name, fate in (
        ("refused", Fate.REFUSED),
        ("throttled", Fate.THROTTLED),
        ("timed out", Fate.TIMES_OUT),
        ("reply lost", Fate.LOSES_REPLY),
        ("answered 500 though applied", Fate.ANSWERED_500),
        ("arrives late", Fate.ARRIVES_LATE),
    ):
        yield Kind(f"{name}, once", (fate,))
        yield Kind(f"{name}, every request", (fate, fate))
    for name, fate in (("reply lost", Fate.LOSES_REPLY), ("arrives late", Fate.ARRIVES_LATE)):
        yield Kind(f"{name}, then refused", (fate, Fate.REFUSED))
    yield Kind("access denied", (Fate.DENIED,))
    yield Kind("database full", (Fate.FULL,), service="dynamodb")
    yield Kind("reply lost, then database full", (Fate.LOSES_REPLY, Fate.FULL), service="dynamodb")
    yield Kind("stale receipt", (Fate.STALE,), operation="ChangeMessageVisibility")
    yield Kind("takes every second", (Fate.TAKES_SOME,), operation="SendMessageBatch")
    yield Kind("process dies before", (Fate.DIES_BEFORE,))
    yield Kind("process dies after", (Fate.DIES_AFTER,))


KINDS: Final = tuple(_kinds())
