"""What a state of the world is made of. It is numbers and tuples, quick to make and to compare."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.proof.explorer.values import Actor, Violation

#: Instead of a node, for actors that run nothing: may begin again; has finished.
IDLE: Final = -1
GONE: Final = -2
#: Instead of a receive count: the delivery's message is visible again; it was deleted.
STALE: Final = -1
DELETED: Final = -2

#: How far an actor has come: its node, whether the SDK repeats the call, and what its role adds.
#: A submitter adds how often its client has repeated the request, and which request it is; a
#: worker the receive count of each of its deliveries.
Progress = tuple[int, int, tuple[int, ...]]
#: Which actor.
Place = tuple[Actor, int]


class Ghost(NamedTuple):
    """What the properties need to remember; no actor sees it."""

    #: 2: some client was told 202; 1: some client was told that its task is kept.
    promised: int = 0
    #: A client was told that nothing was kept.
    denied: bool = False
    #: Its owner was told that the task was not cancelled.
    uncancelled: bool = False
    #: A bit for each attempt that was executed.
    executed: int = 0
    #: Times that the task came due, less notes.
    due: int = 0
    #: Notes, less the sweeper's sends.
    notes: int = 0
    #: Messages sent by submitters and sweepers, if they are counted.
    sent: int = 0


class State(NamedTuple):
    """Everything. Equal states are the same situation."""

    #: The stored task.
    item: int
    #: Receive counts of the messages in the queue, sorted.
    messages: tuple[int, ...]
    #: Of each role (`Actor`), sorted: two in the same situation are interchangeable.
    actors: tuple[tuple[Progress, ...], ...]
    #: Calls that timed out and may be applied yet.
    late: tuple[int, ...]
    #: Faults that may still happen.
    faults: int
    ghost: Ghost


class Label(NamedTuple):
    """What a step was, for traces."""

    who: str
    what: str
    how: str = ""


Step = tuple[Label, State | Violation]


def moved(state: State, place: Place, progress: Progress) -> State:
    """Change an actor. Others of its role may change their places by it."""
    actor, number = place
    role = list(state.actors[actor])
    role[number] = progress
    role.sort()
    actors = (*state.actors[:actor], tuple(role), *state.actors[actor + 1 :])
    return state._replace(actors=actors)


def moved_in_place(state: State, place: Place, progress: Progress) -> State:
    """Change an actor whose place is needed again in the same step."""
    actor, number = place
    role = state.actors[actor]
    changed = (*role[:number], progress, *role[number + 1 :])
    actors = (*state.actors[:actor], changed, *state.actors[actor + 1 :])
    return state._replace(actors=actors)


def in_flight(state: State) -> int:
    """Count the messages that workers have and the queue would give back."""
    return sum(
        count >= 0 for _, _, deliveries in state.actors[Actor.WORKER] for count in deliveries
    )
