"""What the service is held to, by the numbers of docs/protocol.md, in explorer and faults."""

from __future__ import annotations

from typing import Final

ACCEPTED: Final = "1 accepted"
TERMINAL: Final = "2 terminal"
HISTORY: Final = "3 history"
ATTEMPT: Final = "4 attempt"
TRUTH: Final = "6 truth"
UNAIDED: Final = "7 unaided"
FENCE: Final = "8 fence"
BURNED: Final = "9 burned"
AMPLIFIED: Final = "10 amplified"
ISOLATED: Final = "11 isolated"
NEWER_KEPT: Final = "12 newer"
STUCK: Final = "stuck"
OWNER: Final = "owner"

#: That the others hold in runs with faults, and that no fault ends in an error of another kind.
RECOVERED: Final = "5 recovered"
#: What is kept beyond the promises: of large circuits, and of fairness between owners.
PIECES: Final = "pieces"
GROUP: Final = "group"

#: What each says, in short; docs/protocol.md has the whole sentences.
PROMISES: Final = {
    ACCEPTED: "a task answered 202 is there, is the client's own, and stays",
    TERMINAL: "a task that has ended never changes; its one result is its last attempt's",
    HISTORY: "the history grows by one entry per transition, along a path of the state machine",
    ATTEMPT: "attempts go up one by one to the maximum; one claim holds each, and runs it once",
    RECOVERED: "after any one failed call or dead process the others hold again",
    TRUTH: "a 503 never lies about what was kept or cancelled; after a no the task is never "
    "executed",
    UNAIDED: "without sweeper, loss or dead-lettering an accepted task can always still finish, "
    "and no client has to do anything for it",
    FENCE: "settles and releases are the current attempt's; a leased task is not ended or swept; "
    "abandoning has its reason",
    BURNED: "no attempt is used up without an execution; a live lease is respected",
    AMPLIFIED: "notes ≤ times due, sends by the sweeper ≤ notes, messages ≤ sends",
    ISOLATED: "whatever an item holds, no run of the sweeper and no batch breaks off over it",
    NEWER_KEPT: "of a task that a newer version wrote nothing is changed but when it is due",
    STUCK: "workers and sweeper can finish a stored task from every state (AG EF ended), without "
    "a client, another fault or abandoning",
    OWNER: "only its owner cancels a task",
    PIECES: "no piece of a circuit is put where its task is there already",
    GROUP: "each message is of its owner's group, whichever part sends it",
}

#: How a complaint begins that names what was broken: by its number, or else its name.
NUMBERS: Final = frozenset(promise.partition(" ")[0] for promise in PROMISES)
