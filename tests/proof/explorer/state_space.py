"""The states of the world, and every step that can be taken from one.

A step is one call of one actor, with what became of it, or one event of the environment. What
an actor does between two calls is invisible to the others, so it belongs to the step before.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from chalicelib.domain.task import TaskStatus
from chalicelib.settings import Settings
from tests.proof.explorer.beginning import beginning
from tests.proof.explorer.code import REAL, Code
from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.effects import AGAIN, DEAD, Effects
from tests.proof.explorer.environment import ENVIRONMENT, MISHAP, OLD_AGE, Environment
from tests.proof.explorer.items import NEWER, Item
from tests.proof.explorer.properties import check_answer
from tests.proof.explorer.state import (
    DELETED,
    GONE,
    IDLE,
    STALE,
    Label,
    Place,
    Progress,
    State,
    Step,
    moved,
    moved_in_place,
)
from tests.proof.explorer.universe import DONE, Universe, unavailable
from tests.proof.explorer.values import (
    Actor,
    Answer,
    Call,
    Fault,
    Node,
    Operation,
    Program,
    Violation,
)
from tests.proof.promises import TRUTH
from tests.support.corrupting import Corrupt

#: So corrupt that without a message only the end of the sweeper's patience can end it.
_AGED_OUT: Final = frozenset({Corrupt.ITEM.value, Corrupt.STATUS.value})


class StateSpace:
    """The steps of one configuration of one code."""

    def __init__(self, configuration: Configuration, code: Code = REAL) -> None:
        self.configuration = configuration
        self._code = code
        self.universe = Universe(
            code,
            Settings(
                executor="mock",
                attempts_max=configuration.attempts_max,
                execution_concurrency=1,
                partial_batch_responses=configuration.partial_batch_responses,
            ),
            keyed=configuration.keyed,
            sweeps_max=configuration.sweeps_max,
            pieces=configuration.pieces,
        )
        self.effects = Effects(configuration, self.universe)
        self._environment = Environment(configuration, self.universe, self.effects)
        clients = [f"submitter of {body}" for body in configuration.submitters]
        self._no_help = frozenset({Actor.CANCELLER.name.lower(), OLD_AGE, MISHAP, *clients})
        self._sweeper = self.universe.root(Program(Actor.SWEEPER))
        self._items: list[Item] = self.universe.items.all
        self._nodes: list[Node] = self.universe.nodes

    def initial(self) -> State:
        """Return the state in which nothing has happened."""
        return beginning(self.configuration, self.universe, sweeps=self._code.sweeps)

    def is_settled(self, state: State) -> bool:
        """Whether the task has ended, or is rightly not there."""
        item = self._items[state.item]
        return item.terminal or (item.task is None and not state.ghost.promised)

    def must_settle(self, state: State) -> bool:
        """Whether something must still be able to end the task."""
        corrupt = self._items[state.item].corrupt
        if corrupt == NEWER or (corrupt == Corrupt.STATUS and not self.configuration.ages):
            return False
        return self.configuration.sweepers > 0 or state.ghost.promised == 2

    def is_help(self, before: State, label: Label, after: State) -> bool:
        """Whether a step counts as a way to finish: no person's doing, no fault, not abandoning.

        An item that cannot be read may have no other end than being abandoned.
        """
        if label.who == OLD_AGE:
            return self._items[before.item].corrupt in _AGED_OUT
        return before.faults == after.faults and label.who not in self._no_help

    def steps(self, state: State) -> Iterator[Step]:
        """Yield every step from here."""
        for actor in Actor:
            before: Progress | None = None
            for place, progress in enumerate(state.actors[actor]):
                if progress != before:
                    yield from self._step(state, (actor, place), progress)
                before = progress
        yield from self._environment.steps(state)

    def _step(self, state: State, place: Place, progress: Progress) -> Iterator[Step]:
        node, retrying, rest = progress
        actor = place[0]
        if node >= 0 and self._nodes[node].ended is not None:
            yield from self._delete_messages(state, place, progress)
        elif node < 0:
            if actor is Actor.SUBMITTER and node == IDLE:
                yield from self._repeat_request(state, place, rest)
            elif actor is Actor.WORKER:
                yield from self._receive(state, place)
            return
        elif self._is_waiting(state, actor, node):
            return
        else:
            call = self._nodes[node].call
            assert call is not None
            yield from self._call(state, place, progress, call, retrying=bool(retrying))
        if actor is Actor.WORKER and self.configuration.visibility_ends:
            yield from self._visibility_ends(state, place, progress)

    def _is_waiting(self, state: State, actor: Actor, node: int) -> bool:
        """Whether there is nothing yet to sweep or to cancel; to look would change nothing."""
        item = self._items[state.item]
        if actor is Actor.SWEEPER:
            return node == self._sweeper and not item.due
        beginning = actor is Actor.CANCELLER and not self._nodes[node].past
        return beginning and item.task is None

    def _call(
        self, state: State, place: Place, progress: Progress, call: Call, *, retrying: bool
    ) -> Iterator[Step]:
        who = self._who(place, progress)
        for how, after, reply in self.effects.outcomes(state, place, call, retrying=retrying):
            label = Label(who, call.text, how)
            if isinstance(after, Violation):
                yield label, after
            elif reply is DEAD:
                yield label, self._die(after, place)
            elif reply is AGAIN:
                node, _, rest = after.actors[place[0]][place[1]]
                yield label, moved(after, place, (node, 1, rest))
            else:
                node = self.universe.child(progress[0], reply)
                yield from self._arrive(after, place, node, label)

    def _arrive(self, state: State, place: Place, node: int, label: Label) -> Iterator[Step]:
        """Put an actor at the node that it has reached."""
        call, ended = self._nodes[node].call, self._nodes[node].ended
        rest = state.actors[place[0]][place[1]][2]
        if call is not None and call.operation is Operation.REDELIVER:
            # When a message comes back is left open anyway, so hiding changes nothing here; but
            # it may fail, and the worker goes on.
            yield from self._arrive(state, place, self.universe.child(node, DONE), label)
            if state.faults and Fault.REFUSED in self.configuration.kinds:
                failed = self.universe.child(node, unavailable(call, in_doubt=True))
                fewer = state._replace(faults=state.faults - 1)
                how = f"{label.how}; cannot redeliver the message"
                yield from self._arrive(fewer, place, failed, label._replace(how=how))
        elif ended is None:
            yield label, moved(state, place, (node, 0, rest))
        elif ended.violation is not None:
            yield label, ended.violation
        elif place[0] is Actor.SUBMITTER:
            assert ended.answer is not None
            yield self._endpoint(state, place, ended.answer, label)
        elif ended.answer is Answer.NOT_CANCELLED:
            yield self._not_cancelled(state, place, label)
        elif place[0] is Actor.WORKER and any(ended.deletes):
            yield label, moved(state, place, (node, 0, rest))
        else:
            yield label, self._die(state, place)

    def _die(self, state: State, place: Place) -> State:
        """End what an actor is doing, by its own end or by its death: they leave the same."""
        actor, number = place
        _, _, rest = state.actors[actor][number]
        if actor is Actor.SUBMITTER:
            return moved(state, place, (IDLE, 0, rest))
        if actor is Actor.SWEEPER:
            return moved(state, place, (self._sweeper, 0, ()))
        if actor is Actor.CANCELLER:
            return moved(state, place, (GONE, 0, ()))
        for receive_count in rest:
            state = self.effects.returned(state, receive_count)
        return self._environment.disowned(moved(state, place, (IDLE, 0, ())))

    def _who(self, place: Place, progress: Progress) -> str:
        actor, (node, _, rest) = place[0], progress
        if actor is Actor.WORKER and node >= 0:
            tokens = [str(token) for token, _ in self._nodes[node].program.deliveries]
            return f"worker {'+'.join(tokens)}"
        if actor is Actor.SUBMITTER:
            return f"submitter of {self.configuration.submitters[rest[1]]}"
        return actor.name.lower()

    def _receive(self, state: State, place: Place) -> Iterator[Step]:
        messages = state.messages
        for number, receive_count in enumerate(messages):
            if number and messages[number - 1] == receive_count:
                continue
            rest = messages[:number] + messages[number + 1 :]
            yield self._received(state, place, (receive_count,), rest)
            if self.configuration.batch > 1 and rest:
                yield self._received(state, place, (receive_count, rest[0]), rest[1:])

    def _received(
        self, state: State, place: Place, counts: tuple[int, ...], rest: tuple[int, ...]
    ) -> Step:
        counted = 1 if self.configuration.max_receive_count else 0
        used = self._environment.tokens_in_use(state) | {self._items[state.item].token}
        free = (token for token in itertools.count(1) if token not in used)
        deliveries = tuple(
            (next(free) if self._code.token_per_claim else 1, count + counted or 1)
            for count in counts
        )
        node = self.universe.root(Program(Actor.WORKER, deliveries=deliveries))
        carried = tuple(count + counted for count in counts)
        after = moved(state._replace(messages=rest), place, (node, 0, carried))
        tokens = "+".join(str(token) for token, _ in deliveries)
        text = f"receives {len(counts)} message(s), receive count {deliveries[0][1]}"
        return Label(f"worker {tokens}", text), after

    def _visibility_ends(self, state: State, place: Place, progress: Progress) -> Iterator[Step]:
        node, retrying, rest = progress
        for number, receive_count in enumerate(rest):
            if receive_count >= 0:
                stale = (*rest[:number], STALE, *rest[number + 1 :])
                after = moved(state, place, (node, retrying, stale))
                label = Label(ENVIRONMENT, f"visibility of {self._who(place, progress)} ends")
                yield label, self.effects.returned(after, receive_count)

    def _delete_messages(self, state: State, place: Place, progress: Progress) -> Iterator[Step]:
        """Let Lambda delete what a worker's answer says, and give back the rest."""
        node, _, rest = progress
        ended = self._nodes[node].ended
        assert ended is not None
        kept = tuple(
            DELETED if delete else count for count, delete in zip(rest, ended.deletes, strict=True)
        )
        who = self._who(place, progress)
        gone = self._die(moved_in_place(state, place, (node, 0, kept)), place)
        yield Label(who, "its messages are deleted"), gone
        if state.faults and {Fault.REFUSED, Fault.CRASH} & self.configuration.kinds:
            failed = self._die(state._replace(faults=state.faults - 1), place)
            yield Label(who, "its messages are deleted", "FAILS"), failed

    def _endpoint(self, state: State, place: Place, answer: Answer, label: Label) -> Step:
        """Tell a client its answer, which must be true, and stay true."""
        label = label._replace(how=f"{label.how} ⇒ {answer}")
        tries, number = state.actors[place[0]][place[1]][2]
        wrong = check_answer(
            answer,
            self.configuration.submitters[number],
            task=self._items[state.item].task,
            executed=state.ghost.executed != 0,
        )
        if wrong is not None:
            return label, wrong
        ghost = state.ghost
        if answer in {Answer.ACCEPTED, Answer.KEPT}:
            promised = 2 if answer is Answer.ACCEPTED else max(1, ghost.promised)
            ghost = ghost._replace(promised=promised)
        elif answer is Answer.NOT_KEPT:
            ghost = ghost._replace(denied=True)
        content = answer in {Answer.ACCEPTED, Answer.CONFLICT, Answer.UNREADABLE}
        progress = (GONE if content else IDLE, 0, (tries, number))
        return label, moved(state._replace(ghost=ghost), place, progress)

    def _not_cancelled(self, state: State, place: Place, label: Label) -> Step:
        label = label._replace(how=f"{label.how} ⇒ {Answer.NOT_CANCELLED}")
        task = self._items[state.item].task
        if task is not None and task.status is TaskStatus.CANCELLED:
            return label, Violation(TRUTH, "its owner is told that the task was not cancelled")
        ghost = state.ghost._replace(uncancelled=True)
        return label, self._die(state._replace(ghost=ghost), place)

    def _repeat_request(self, state: State, place: Place, rest: tuple[int, ...]) -> Iterator[Step]:
        tries, number = rest
        if tries < self.configuration.client_retries:
            body = self.configuration.submitters[number]
            root = self.universe.root(Program(Actor.SUBMITTER, body=body))
            after = moved(state, place, (root, 0, (tries + 1, number)))
            yield Label(f"submitter of {body}", "its client repeats the request"), after
