"""What may become of a call: how it goes well, each way that it can fail, and what that leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from chalicelib.domain.task import TaskEvent
from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.items import Item
from tests.proof.explorer.state import DELETED, Ghost, Place, State, in_flight, moved_in_place
from tests.proof.explorer.universe import (
    CREATED,
    CREATED_AFTER_DOUBT,
    DONE,
    NOT_TAKEN,
    PERMANENT,
    STORE_FULL,
    TRANSIENT,
    Universe,
    unavailable,
)
from tests.proof.explorer.values import (
    SENDS,
    WRITES,
    Actor,
    Call,
    Fault,
    Operation,
    Reply,
    Violation,
)
from tests.proof.promises import ACCEPTED, AMPLIFIED, ATTEMPT, BURNED, TRUTH

#: Instead of a reply: the SDK makes a second attempt; the process is dead.
AGAIN: Final = Reply("again")
DEAD: Final = Reply("dead")

_MAY_BE_FULL: Final = frozenset({Operation.CREATE, Operation.APPLY, Operation.APPLY_TO_UNREADABLE})

#: How it went, the state that it leaves, and what the caller gets.
Outcome = tuple[str, State | Violation, Reply]


class Effects:
    """The effects of calls in one configuration."""

    def __init__(self, configuration: Configuration, universe: Universe) -> None:
        self.configuration = configuration
        self.universe = universe
        self._items: list[Item] = universe.items.all
        #: Whether there ever were more messages than make a difference.
        self.overflowed = False

    def outcomes(
        self, state: State, place: Place, call: Call, *, retrying: bool
    ) -> Iterator[Outcome]:
        """Yield everything that may become of an actor's call, the good outcome first."""
        if call.operation is Operation.EXECUTE:
            yield from self._executions(state, call)
            return
        done, reply = self._performed(state, place, call, retrying=retrying)
        how = reply.text if call.operation not in SENDS else "sent"
        yield how, done, reply
        if not state.faults or isinstance(done, Violation):
            return
        kinds = self.configuration.kinds
        failed = state._replace(faults=state.faults - 1)
        done = done._replace(faults=state.faults - 1)
        if Fault.REFUSED in kinds:
            yield "REFUSED", failed, unavailable(call, in_doubt=retrying)
            if call.operation is Operation.SEND_BATCH:
                yield "the queue does not take this entry", failed, NOT_TAKEN
        if Fault.CRASH in kinds:
            yield "the process DIES before it", failed, DEAD
            if done is not failed:
                yield f"{how}, then the process DIES", done, DEAD
        if Fault.LOST in kinds:
            yield f"{how}, but the reply is LOST", done, unavailable(call, in_doubt=True)
        if call.operation in WRITES:
            yield from self._write_outcomes(failed, done, call, retrying=retrying)

    def _write_outcomes(
        self, failed: State, done: State, call: Call, *, retrying: bool
    ) -> Iterator[Outcome]:
        kinds = self.configuration.kinds
        repeats = Fault.RETRIED in kinds and not retrying
        if repeats:
            yield "applied or not, the reply is LOST; the SDK tries AGAIN", done, AGAIN
        if Fault.LATE in kinds:
            late = tuple(sorted((*failed.late, call.number)))
            waiting = failed._replace(late=late, ghost=self._counted(failed.ghost, call, retrying))
            yield "TIMES OUT, still on its way", waiting, unavailable(call, in_doubt=True)
            if repeats:
                yield "TIMES OUT, still on its way; the SDK tries AGAIN", waiting, AGAIN
        if Fault.FULL in kinds and call.operation in _MAY_BE_FULL:
            yield "FULL", failed, STORE_FULL

    def _executions(self, state: State, call: Call) -> Iterator[Outcome]:
        bit = 1 << call.attempt
        ghost = state.ghost
        if ghost.denied:
            yield "", Violation(TRUTH, "executed after a client was told kept=no"), DONE
            return
        if ghost.executed & bit:
            yield "", Violation(ATTEMPT, f"attempt {call.attempt} is executed twice"), DONE
            return
        done = state._replace(ghost=ghost._replace(executed=ghost.executed | bit))
        yield "success", done, self.universe.result(call.attempt)
        if self.configuration.permanent:
            yield "permanent error", done, PERMANENT
        if self.configuration.transient:
            yield "transient error", done, TRANSIENT
        if state.faults and Fault.CRASH in self.configuration.kinds:
            yield "the process DIES in it", done._replace(faults=state.faults - 1), DEAD

    def _performed(
        self, state: State, place: Place, call: Call, *, retrying: bool
    ) -> tuple[State | Violation, Reply]:
        if call.operation is Operation.ACKNOWLEDGE:
            return self._acknowledged(state, place, call), DONE
        if call.operation in SENDS:
            ghost = self._counted(state.ghost, call, retrying)
            if ghost.notes < 0:
                return Violation(AMPLIFIED, "the sweeper sends more often than it notes"), DONE
            return self.sent(state._replace(ghost=ghost), call), DONE
        after, reply = self.stored(state, call)
        return after, CREATED_AFTER_DOUBT if retrying and reply is CREATED else reply

    def _acknowledged(self, state: State, place: Place, call: Call) -> State:
        node, retrying, rest = state.actors[place[0]][place[1]]
        left = tuple(
            DELETED if number in call.deliveries else count for number, count in enumerate(rest)
        )
        return moved_in_place(state, place, (node, retrying, left))

    def stored(self, state: State, call: Call) -> tuple[State | Violation, Reply]:
        """Do a call of the store, and check what it does."""
        number, reply, applied, violation = self.universe.perform(state.item, call)
        if violation is not None:
            return violation, reply
        if not applied:
            return state, reply
        if call.transition is not None:
            before = self._items[state.item]
            checked = self._check_transition(state.ghost, before, call.transition.event)
            if isinstance(checked, Violation):
                return checked, reply
            if checked is not state.ghost:
                state = state._replace(ghost=checked)
        if number == state.item:
            return state, reply
        forbidden = self._check_existence(state, number)
        return forbidden or state._replace(item=number), reply

    def _check_existence(self, state: State, after: int) -> Violation | None:
        if after == 0 and state.ghost.promised == 2:
            return Violation(ACCEPTED, "a task that a client was told is accepted was deleted")
        if after == 0 and state.ghost.promised:
            return Violation(TRUTH, "a task that a client was told is kept was deleted")
        if state.item == 0 and state.ghost.denied:
            return Violation(TRUTH, "a task was stored after a client was told kept=no")
        return None

    def _check_transition(self, ghost: Ghost, before: Item, event: TaskEvent) -> Ghost | Violation:
        spent = event in {TaskEvent.CLAIM, TaskEvent.ABANDON} and before.attempt > 0
        executed = ghost.executed & (1 << before.attempt)
        if spent and self.configuration.spends_no_attempt and not executed:
            return Violation(BURNED, f"attempt {before.attempt} was not executed")
        if event is TaskEvent.CANCEL and ghost.uncancelled:
            return Violation(TRUTH, "the task is cancelled though its owner was told it was not")
        if event is not TaskEvent.SWEEP:
            return ghost
        assert before.task is not None
        if before.task.sweeps >= self.configuration.sweeps_max:
            due = 0  # further notes are not told apart
        elif ghost.due == 0:
            return Violation(AMPLIFIED, "two notes of the sweeper for one time due")
        else:
            due = ghost.due - 1
        notes = min(ghost.notes + 1, self.configuration.sweepers)
        return ghost._replace(due=due, notes=notes)

    def _counted(self, ghost: Ghost, call: Call, retrying: bool) -> Ghost:  # noqa: FBT001 - a private matter
        """Count a send of the sweeper: once, however often the SDK repeats it."""
        if call.operation is Operation.SEND_BATCH and not retrying:
            return ghost._replace(notes=ghost.notes - 1)
        return ghost

    def sent(self, state: State, call: Call) -> State | Violation:
        """Put a message into the queue."""
        ghost = state.ghost
        if self.configuration.counts_messages:
            if call.actor is not Actor.WORKER:
                ghost = ghost._replace(sent=ghost.sent + 1)
            if len(state.messages) + in_flight(state) >= ghost.sent:
                return Violation(AMPLIFIED, f"{ghost.sent + 1} messages after {ghost.sent} sends")
        if len(state.messages) >= self.configuration.messages_max:
            self.overflowed = True
            return state._replace(ghost=ghost)
        return state._replace(messages=(0, *state.messages), ghost=ghost)

    def returned(self, state: State, receive_count: int) -> State:
        """Make a delivery's message visible again, or dead-letter it."""
        most = self.configuration.max_receive_count
        if receive_count < 0 or (most and receive_count >= most):
            return state
        return state._replace(messages=tuple(sorted((*state.messages, receive_count))))
