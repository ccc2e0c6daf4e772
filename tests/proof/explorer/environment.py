"""The steps that no actor takes: time passes, messages are lost, late calls arrive or never do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from chalicelib.domain.task import TaskEvent
from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.effects import Effects
from tests.proof.explorer.items import NO_HOLDER, Item
from tests.proof.explorer.state import Label, State, Step
from tests.proof.explorer.universe import Universe
from tests.proof.explorer.values import SENDS, Actor, Fault, Node, Operation

ENVIRONMENT: Final = "environment"
OLD_AGE: Final = "old age"
MISHAP: Final = "mishap"


class Environment:
    """What happens around the actors in one configuration."""

    def __init__(self, configuration: Configuration, universe: Universe, effects: Effects) -> None:
        self.configuration = configuration
        self.universe = universe
        self.effects = effects
        self._items: list[Item] = universe.items.all
        self._nodes: list[Node] = universe.nodes

    def steps(self, state: State) -> Iterator[Step]:
        """Yield every step from here that is none of an actor."""
        yield from self._time_passes(state)
        yield from self._network(state)

    def _time_passes(self, state: State) -> Iterator[Step]:
        item, items = self._items[state.item], self.universe.items
        if not item.open:
            return
        if item.leased and not self._is_claim_under_way(state, item.token):
            after = state._replace(item=items.lease_expired(state.item))
            yield Label(ENVIRONMENT, "the lease runs out"), after
        for how in self.configuration.corrupts if item.corrupt is None else ():
            after = state._replace(item=items.corrupt(state.item, how))
            yield Label(MISHAP, f"the item is corrupt: {how}"), after
        if not state.actors[Actor.SWEEPER]:
            return
        if not item.due:
            ghost = state.ghost._replace(due=1)
            after = state._replace(item=items.became_due(state.item), ghost=ghost)
            yield Label(ENVIRONMENT, "the task comes due"), after
        if self.configuration.ages and not item.aged:
            after = state._replace(item=items.aged(state.item))
            yield Label(OLD_AGE, "the task gets too old"), after

    def _is_claim_under_way(self, state: State, token: int) -> bool:
        """Whether a worker has claimed and does not know it yet, if that is to be excluded."""
        if not self.configuration.spends_no_attempt:
            return False
        calls = [self._nodes[node].call for node, _, _ in state.actors[Actor.WORKER] if node >= 0]
        return any(
            call is not None
            and call.token == token
            and (
                call.operation in {Operation.GET, Operation.LOOK, Operation.EXECUTE}
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
                yield Label(ENVIRONMENT, "a message is LOST"), after
        for number, late in enumerate(state.late):
            call = self.universe.calls[late]
            waiting = state.late[:number] + state.late[number + 1 :]
            without = state._replace(late=waiting)
            label = Label("network", call.text, "never arrives")
            yield label, self.disowned(without)
            if call.operation in SENDS:
                arrived = self.effects.sent(without, call)
            else:
                arrived, reply = self.effects.stored(without, call)
                label = label._replace(how=reply.text)
            if isinstance(arrived, State):
                arrived = self.disowned(arrived)
            yield label._replace(what=f"{call.text}, LATE"), arrived

    def tokens_in_use(self, state: State) -> set[int]:
        """Return the tokens that a worker has, or a call that is on its way."""
        used = {self.universe.calls[number].token for number in state.late}
        for node, _, _ in state.actors[Actor.WORKER]:
            if node >= 0:
                used.update(token for token, _ in self._nodes[node].program.deliveries)
        return used

    def disowned(self, state: State) -> State:
        """Forget whose lease it is once no actor has its token any more."""
        token = self._items[state.item].token
        if token == NO_HOLDER or token in self.tokens_in_use(state):
            return state
        return state._replace(item=self.universe.items.disowned(state.item))
