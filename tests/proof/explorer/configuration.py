"""What one exploration is about: who acts, and what may go wrong."""

from __future__ import annotations

import dataclasses

from tests.proof.explorer.values import Fault


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Who acts, and what may go wrong."""

    name: str
    #: Whether the submitters give an Idempotency-Key; they all give the same.
    keyed: bool = False
    #: The request bodies of the submitters, one each.
    submitters: tuple[str, ...] = ("A",)
    #: Whether circuits are in pieces, which are put before their task: looked up first with a key.
    pieces: bool = False
    #: How often each client repeats a keyed request that was not answered 202.
    client_retries: int = 0
    workers: int = 1
    #: Deliveries that one invocation may get at once.
    batch: int = 1
    #: How a batch with failures ends.
    partial_batch_responses: bool = False
    sweepers: int = 0
    #: Whether the task may get too old for the sweeper's patience.
    ages: bool = False
    #: How the stored task may be corrupt, once, at any time while it is open. `NEWER`: a newer
    #: version of the service has written it.
    corrupts: tuple[str, ...] = ()
    #: Who tries to cancel.
    cancellers: tuple[str, ...] = ()
    attempts_max: int = 2
    #: What an execution may end in.
    transient: bool = False
    permanent: bool = False
    #: How many faults may happen on one path, and which.
    faults: int = 0
    kinds: frozenset[Fault] = frozenset()
    #: Whether a delivery may become visible again while its worker is at work.
    visibility_ends: bool = True
    #: Receives until a message is dead-lettered; 0: never.
    max_receive_count: int = 0
    #: More messages than that make no difference.
    messages_max: int = 4
    #: A task's notes are counted so far.
    sweeps_max: int = 2
    #: Check that attempts are executed (property 9): true only without faults that kill or
    #: silence a worker, and if no lease ends while its claim's reply is under way.
    spends_no_attempt: bool = False
    #: Check that messages are no more than sends (property 10).
    counts_messages: bool = False
