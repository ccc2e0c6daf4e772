"""The states of the world, and every step that can be taken from one.

A step is one call of one actor, with what became of it, or one event of the environment. What
an actor does between two calls is invisible to the others, so it belongs to the step before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final, NamedTuple

from chalicelib.model import TaskEvent
from chalicelib.settings import Settings
from tests.explorer.code import REAL, Code
from tests.explorer.items import NOBODY, Item
from tests.explorer.properties import (
    ACCEPTED,
    AMPLIFIED,
    ATTEMPT,
    BURNED,
    TRUTH,
)
from tests.explorer.universe import (
    CREATED,
    CREATED_AFTER_DOUBT,
    DONE,
    PERMANENT,
    STORE_FULL,
    TRANSIENT,
    Universe,
    unavailable,
)
from tests.explorer.values import (
    WRITES,
    Actor,
    Answer,
    Call,
    Fault,
    Node,
    Operation,
    Program,
    Reply,
    Violation,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Who acts, and what may go wrong."""

    name: str
    #: Whether the submitters give an Idempotency-Key; they all give the same.
    keyed: bool = False
    #: The request bodies of the submitters, one each.
    submitters: tuple[str, ...] = ("A",)
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


class Ghost(NamedTuple):
    """What the properties need to remember; no actor sees it."""

    #: 2: some client was told 202; 1: some client was told that its task is kept.
    promised: int = 0
    #: A client was told that nothing was kept.
    denied: bool = False
    #: A bit for each attempt that was executed.
    executed: int = 0
    #: Times that the task came due, less notes.
    due: int = 0
    #: Notes, less the sweeper's sends.
    notes: int = 0
    #: Messages sent by submitters and sweepers, if they are counted.
    sent: int = 0


#: How far an actor has come: its node, whether the SDK repeats the call, and what its role adds.
Progress = tuple[int, int, tuple[int, ...]]
Place = tuple[Actor, int]


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

#: Nodes of actors that run nothing.
_IDLE: Final = -1
_GONE: Final = -2
#: Instead of receive counts: the delivery's message is visible again; it was acknowledged.
_STALE: Final = -1
_DELETED: Final = -2
#: Instead of a reply: the SDK makes a second attempt; the process is dead.
_AGAIN: Final = Reply("again")
_DEAD: Final = Reply("dead")

_ENVIRONMENT: Final = "environment"


class World:
    """The steps of one configuration of one code."""

    def __init__(self, configuration: Configuration, code: Code = REAL) -> None:
        self.configuration = configuration
        self._code = code
        self.universe = Universe(
            code,
            Settings(
                attempts_max=configuration.attempts_max,
                execution_concurrency=1,
                partial_batch_responses=configuration.partial_batch_responses,
            ),
            keyed=configuration.keyed,
            sweeps_max=configuration.sweeps_max,
        )
        self._sweeper = self.universe.root(Program(Actor.SWEEPER))
        self._items: list[Item] = self.universe.items.all
        self._nodes: list[Node] = self.universe.nodes
        #: Whether there ever were more messages than make a difference.
        self.overflowed = False

    def initial(self) -> State:
        """Return the state in which nothing has happened."""
        config, root = self.configuration, self.universe.root
        submitters = [
            (root(Program(Actor.SUBMITTER, body=body)), 0, (0, config.submitters.index(body)))
            for body in config.submitters
        ]
        sweepers = config.sweepers if self._code.sweeps else 0
        cancellers = [
            (root(Program(Actor.CANCELLER, owner=owner)), 0, ()) for owner in config.cancellers
        ]
        return State(
            item=0,
            messages=(),
            actors=(
                tuple(sorted(submitters)),
                ((_IDLE, 0, ()),) * config.workers,
                ((self._sweeper, 0, ()),) * sweepers,
                tuple(sorted(cancellers)),
            ),
            late=(),
            faults=config.faults,
            ghost=Ghost(),
        )

    def is_settled(self, state: State) -> bool:
        """Whether the task has ended, or is rightly not there."""
        item = self._items[state.item]
        return item.terminal or (item.task is None and not state.ghost.promised)

    def must_settle(self, state: State) -> bool:
        """Whether something must still be able to end the task."""
        return bool(state.actors[Actor.SWEEPER]) or state.ghost.promised == 2

    def steps(self, state: State) -> Iterator[Step]:
        """Yield every step from here."""
        for actor in Actor:
            before: Progress | None = None
            for place, progress in enumerate(state.actors[actor]):
                if progress != before:
                    yield from self._step(state, (actor, place), progress)
                before = progress
        yield from self._time_passes(state)
        yield from self._network(state)

    # --- one actor ---

    def _step(self, state: State, place: Place, progress: Progress) -> Iterator[Step]:
        node, retrying, rest = progress
        actor = place[0]
        if node >= 0 and self._nodes[node].ended is not None:
            yield from self._delete_messages(state, place, progress)
        elif node < 0:
            if actor is Actor.SUBMITTER and node == _IDLE:
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
        for how, after, reply in self._outcomes(state, place, call, retrying=retrying):
            label = Label(who, call.text, how)
            if isinstance(after, Violation):
                yield label, after
            elif reply is _DEAD:
                yield label, self._die(after, place)
            elif reply is _AGAIN:
                node, _, rest = after.actors[place[0]][place[1]]
                yield label, self._moved(after, place, (node, 1, rest))
            else:
                node = self.universe.child(progress[0], reply)
                yield from self._arrive(after, place, node, label)

    def _arrive(self, state: State, place: Place, node: int, label: Label) -> Iterator[Step]:
        """Put an actor at the node that it has reached."""
        call, ended = self._nodes[node].call, self._nodes[node].ended
        rest = state.actors[place[0]][place[1]][2]
        if call is not None and call.operation is Operation.HIDE:
            # When a message comes back is left open anyway, so hiding changes nothing here; but
            # it may fail, and the worker goes on.
            yield from self._arrive(state, place, self.universe.child(node, DONE), label)
            if state.faults and Fault.REFUSED in self.configuration.kinds:
                failed = self.universe.child(node, unavailable(call, in_doubt=True))
                fewer = state._replace(faults=state.faults - 1)
                how = f"{label.how}; cannot hide the message"
                yield from self._arrive(fewer, place, failed, label._replace(how=how))
        elif ended is None:
            yield label, self._moved(state, place, (node, 0, rest))
        elif ended.violation is not None:
            yield label, ended.violation
        elif place[0] is Actor.SUBMITTER:
            assert ended.answer is not None
            yield self._answered(state, place, ended.answer, label)
        elif place[0] is Actor.WORKER and any(ended.deletes):
            yield label, self._moved(state, place, (node, 0, rest))
        else:
            yield label, self._die(state, place)

    def _moved(self, state: State, place: Place, progress: Progress) -> State:
        actor, number = place
        role = list(state.actors[actor])
        role[number] = progress
        role.sort()
        actors = (*state.actors[:actor], tuple(role), *state.actors[actor + 1 :])
        return state._replace(actors=actors)

    def _die(self, state: State, place: Place) -> State:
        """End what an actor is doing, by its own end or by its death: they leave the same."""
        actor, number = place
        _, _, rest = state.actors[actor][number]
        if actor is Actor.SUBMITTER:
            return self._moved(state, place, (_IDLE, 0, rest))
        if actor is Actor.SWEEPER:
            return self._moved(state, place, (self._sweeper, 0, ()))
        if actor is Actor.CANCELLER:
            return self._moved(state, place, (_GONE, 0, ()))
        for receive_count in rest:
            state = self._returned(state, receive_count)
        return self._disowned(self._moved(state, place, (_IDLE, 0, ())))

    def _who(self, place: Place, progress: Progress) -> str:
        actor, (node, _, rest) = place[0], progress
        if actor is Actor.WORKER and node >= 0:
            tokens = [str(token) for token, _ in self._nodes[node].program.deliveries]
            return f"worker {'+'.join(tokens)}"
        if actor is Actor.SUBMITTER:
            return f"submitter of {self.configuration.submitters[rest[1]]}"
        return actor.name.lower()

    # --- what may become of a call ---

    def _outcomes(
        self, state: State, place: Place, call: Call, *, retrying: bool
    ) -> Iterator[tuple[str, State | Violation, Reply]]:
        if call.operation is Operation.EXECUTE:
            yield from self._executions(state, call)
            return
        done, reply = self._performed(state, place, call, retrying=retrying)
        how = reply.text if call.operation is not Operation.SEND else "sent"
        yield how, done, reply
        if not state.faults or isinstance(done, Violation):
            return
        kinds = self.configuration.kinds
        failed = state._replace(faults=state.faults - 1)
        done = done._replace(faults=state.faults - 1)
        if Fault.REFUSED in kinds:
            yield "REFUSED", failed, unavailable(call, in_doubt=retrying)
        if Fault.CRASH in kinds:
            yield "the process DIES before it", failed, _DEAD
            if done is not failed:
                yield f"{how}, then the process DIES", done, _DEAD
        if Fault.LOST in kinds:
            yield f"{how}, but the reply is LOST", done, unavailable(call, in_doubt=True)
        if call.operation in WRITES:
            yield from self._write_outcomes(failed, done, call, retrying=retrying)

    def _write_outcomes(
        self, failed: State, done: State, call: Call, *, retrying: bool
    ) -> Iterator[tuple[str, State, Reply]]:
        kinds = self.configuration.kinds
        repeats = Fault.RETRIED in kinds and not retrying
        if repeats:
            yield "applied or not, the reply is LOST; the SDK tries AGAIN", done, _AGAIN
        if Fault.LATE in kinds:
            late = tuple(sorted((*failed.late, call.number)))
            waiting = failed._replace(late=late, ghost=self._counted(failed.ghost, call, retrying))
            yield "TIMES OUT, still on its way", waiting, unavailable(call, in_doubt=True)
            if repeats:
                yield "TIMES OUT, still on its way; the SDK tries AGAIN", waiting, _AGAIN
        if Fault.FULL in kinds and call.operation in {Operation.CREATE, Operation.APPLY}:
            yield "FULL", failed, STORE_FULL

    def _executions(
        self, state: State, call: Call
    ) -> Iterator[tuple[str, State | Violation, Reply]]:
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
            yield "the process DIES in it", done._replace(faults=state.faults - 1), _DEAD

    def _performed(
        self, state: State, place: Place, call: Call, *, retrying: bool
    ) -> tuple[State | Violation, Reply]:
        if call.operation is Operation.ACKNOWLEDGE:
            return self._acknowledged(state, place, call), DONE
        if call.operation is Operation.SEND:
            ghost = self._counted(state.ghost, call, retrying)
            if ghost.notes < 0:
                return Violation(AMPLIFIED, "the sweeper sends more often than it notes"), DONE
            return self._sent(state._replace(ghost=ghost), call), DONE
        after, reply = self._stored(state, call)
        return after, CREATED_AFTER_DOUBT if retrying and reply is CREATED else reply

    # --- the store ---

    def _stored(self, state: State, call: Call) -> tuple[State | Violation, Reply]:
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
        spent = event in {TaskEvent.CLAIM, TaskEvent.GIVE_UP} and before.attempt > 0
        executed = ghost.executed & (1 << before.attempt)
        if spent and self.configuration.spends_no_attempt and not executed:
            return Violation(BURNED, f"nobody executed attempt {before.attempt}")
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

    # --- the queue ---

    def _counted(self, ghost: Ghost, call: Call, retrying: bool) -> Ghost:  # noqa: FBT001 - a private matter
        """Count a send of the sweeper: once, however often the SDK repeats it."""
        if call.operation is Operation.SEND and call.actor is Actor.SWEEPER and not retrying:
            return ghost._replace(notes=ghost.notes - 1)
        return ghost

    def _sent(self, state: State, call: Call) -> State | Violation:
        """Put a message into the queue."""
        ghost = state.ghost
        if self.configuration.counts_messages:
            if call.actor is not Actor.WORKER:
                ghost = ghost._replace(sent=ghost.sent + 1)
            if len(state.messages) + _in_flight(state) >= ghost.sent:
                return Violation(AMPLIFIED, f"{ghost.sent + 1} messages after {ghost.sent} sends")
        if len(state.messages) >= self.configuration.messages_max:
            self.overflowed = True
            return state._replace(ghost=ghost)
        return state._replace(messages=(0, *state.messages), ghost=ghost)

    def _returned(self, state: State, receive_count: int) -> State:
        """Make a delivery's message visible again, or dead-letter it."""
        most = self.configuration.max_receive_count
        if receive_count < 0 or (most and receive_count >= most):
            return state
        return state._replace(messages=tuple(sorted((*state.messages, receive_count))))

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
        used = self._tokens_in_use(state) | {self._items[state.item].token}
        free = (token for token in range(1, 100) if token not in used)
        deliveries = tuple(
            (next(free) if self._code.token_per_claim else 1, count + counted or 1)
            for count in counts
        )
        node = self.universe.root(Program(Actor.WORKER, deliveries=deliveries))
        carried = tuple(count + counted for count in counts)
        after = self._moved(state._replace(messages=rest), place, (node, 0, carried))
        tokens = "+".join(str(token) for token, _ in deliveries)
        text = f"receives {len(counts)} message(s), receive count {deliveries[0][1]}"
        return Label(f"worker {tokens}", text), after

    def _visibility_ends(self, state: State, place: Place, progress: Progress) -> Iterator[Step]:
        node, retrying, rest = progress
        for number, receive_count in enumerate(rest):
            if receive_count >= 0:
                stale = (*rest[:number], _STALE, *rest[number + 1 :])
                after = self._moved(state, place, (node, retrying, stale))
                label = Label(_ENVIRONMENT, f"visibility of {self._who(place, progress)} ends")
                yield label, self._returned(after, receive_count)

    def _delete_messages(self, state: State, place: Place, progress: Progress) -> Iterator[Step]:
        """Let Lambda delete what a worker's answer says, and give back the rest."""
        node, _, rest = progress
        ended = self._nodes[node].ended
        assert ended is not None
        kept = tuple(
            _DELETED if delete else count for count, delete in zip(rest, ended.deletes, strict=True)
        )
        who = self._who(place, progress)
        gone = self._die(self._moved_to(state, place, (node, 0, kept)), place)
        yield Label(who, "its messages are deleted"), gone
        if state.faults and {Fault.REFUSED, Fault.CRASH} & self.configuration.kinds:
            failed = self._die(state._replace(faults=state.faults - 1), place)
            yield Label(who, "its messages are deleted", "FAILS"), failed

    def _acknowledged(self, state: State, place: Place, call: Call) -> State:
        node, retrying, rest = state.actors[place[0]][place[1]]
        left = tuple(
            _DELETED if number in call.deliveries else count for number, count in enumerate(rest)
        )
        return self._moved_to(state, place, (node, retrying, left))

    def _moved_to(self, state: State, place: Place, progress: Progress) -> State:
        """Change an actor in its place: the place is needed again in the same step."""
        actor, number = place
        role = state.actors[actor]
        changed = (*role[:number], progress, *role[number + 1 :])
        actors = (*state.actors[:actor], changed, *state.actors[actor + 1 :])
        return state._replace(actors=actors)

    # --- clients ---

    def _answered(self, state: State, place: Place, answer: Answer, label: Label) -> Step:
        """Tell a client its answer, which must be true, and stay true."""
        label = label._replace(how=f"{label.how} ⇒ {answer}")
        tries, number = state.actors[place[0]][place[1]][2]
        wrong = self._check_answer(state, answer, self.configuration.submitters[number])
        if wrong is not None:
            return label, wrong
        ghost = state.ghost
        if answer in {Answer.ACCEPTED, Answer.KEPT}:
            promised = 2 if answer is Answer.ACCEPTED else max(1, ghost.promised)
            ghost = ghost._replace(promised=promised)
        elif answer is Answer.NOT_KEPT:
            ghost = ghost._replace(denied=True)
        content = answer in {Answer.ACCEPTED, Answer.CONFLICT}
        progress = (_GONE if content else _IDLE, 0, (tries, number))
        return label, self._moved(state._replace(ghost=ghost), place, progress)

    def _check_answer(self, state: State, answer: Answer, body: str) -> Violation | None:
        task = self._items[state.item].task
        mine = task is not None and task.request.circuit == body
        if answer is Answer.ACCEPTED and not mine:
            found = "is not there" if task is None else "is another request's"
            return Violation(ACCEPTED, f"a client is told 202 for a task that {found}")
        if answer is Answer.CONFLICT and (task is None or mine):
            return Violation(TRUTH, "a client is told 422 though its key has no other request")
        if answer is Answer.KEPT and task is None:
            return Violation(TRUTH, "a client is told kept=yes for a task that is not there")
        if answer is Answer.NOT_KEPT and (task is not None or state.ghost.executed):
            return Violation(TRUTH, "a client is told kept=no for a task that is there")
        return None

    def _repeat_request(self, state: State, place: Place, rest: tuple[int, ...]) -> Iterator[Step]:
        tries, number = rest
        if tries < self.configuration.client_retries:
            body = self.configuration.submitters[number]
            root = self.universe.root(Program(Actor.SUBMITTER, body=body))
            after = self._moved(state, place, (root, 0, (tries + 1, number)))
            yield Label(f"submitter of {body}", "its client repeats the request"), after

    # --- the environment ---

    def _time_passes(self, state: State) -> Iterator[Step]:
        item, items = self._items[state.item], self.universe.items
        if not item.open:
            return
        if item.leased and not self._is_claim_under_way(state, item.token):
            after = state._replace(item=items.lease_expired(state.item))
            yield Label(_ENVIRONMENT, "the lease runs out"), after
        if not state.actors[Actor.SWEEPER]:
            return
        if not item.due:
            ghost = state.ghost._replace(due=1)
            after = state._replace(item=items.became_due(state.item), ghost=ghost)
            yield Label(_ENVIRONMENT, "the task comes due"), after
        if self.configuration.ages and not item.aged:
            after = state._replace(item=items.aged(state.item))
            yield Label(_ENVIRONMENT, "the task gets too old"), after

    def _is_claim_under_way(self, state: State, token: int) -> bool:
        """Whether a worker has claimed and does not know it yet, if that is to be excluded."""
        if not self.configuration.spends_no_attempt:
            return False
        calls = [self._nodes[node].call for node, _, _ in state.actors[Actor.WORKER] if node >= 0]
        return any(
            call is not None
            and call.token == token
            and (
                call.operation in {Operation.GET, Operation.EXECUTE}
                or (call.transition is not None and call.transition.event is TaskEvent.CLAIM)
            )
            for call in calls
        )

    def _network(self, state: State) -> Iterator[Step]:
        """Lose messages; let calls arrive that had timed out, or never arrive."""
        if state.faults and Fault.LOSS in self.configuration.kinds:
            for number in range(len(state.messages)):
                left = state.messages[:number] + state.messages[number + 1 :]
                after = state._replace(messages=left, faults=state.faults - 1)
                yield Label(_ENVIRONMENT, "a message is LOST"), after
        for number, late in enumerate(state.late):
            call = self.universe.calls[late]
            waiting = state.late[:number] + state.late[number + 1 :]
            without = state._replace(late=waiting)
            label = Label("network", call.text, "never arrives")
            yield label, self._disowned(without)
            if call.operation is Operation.SEND:
                arrived = self._sent(without, call)
            else:
                arrived, reply = self._stored(without, call)
                label = label._replace(how=reply.text)
            if isinstance(arrived, State):
                arrived = self._disowned(arrived)
            yield label._replace(what=f"{call.text}, LATE"), arrived

    def _tokens_in_use(self, state: State) -> set[int]:
        used = {self.universe.calls[number].token for number in state.late}
        for node, _, _ in state.actors[Actor.WORKER]:
            if node >= 0:
                used.update(token for token, _ in self._nodes[node].program.deliveries)
        return used

    def _disowned(self, state: State) -> State:
        """Forget whose lease it is once nobody has its token any more."""
        token = self._items[state.item].token
        if token == NOBODY or token in self._tokens_in_use(state):
            return state
        return state._replace(item=self.universe.items.disowned(state.item))


def _in_flight(state: State) -> int:
    """Count the messages that workers have and the queue would give back."""
    return sum(
        count >= 0 for _, _, deliveries in state.actors[Actor.WORKER] for count in deliveries
    )
