"""One operation of the service and what comes before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from infra.local.settings import MAX_RECEIVE_COUNT
from tests.proof.faults.recovery import Order
from tests.proof.faults.world import Behaviour, Step, World

Action = Callable[[World], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """One operation, and what comes before it."""

    name: str
    prepare: Sequence[Step]
    operation: Step
    behaviours: Mapping[str, Sequence[Behaviour]] = dataclasses.field(default_factory=dict)
    _: dataclasses.KW_ONLY
    partial_batches: bool = False
    max_receive_count: int = MAX_RECEIVE_COUNT
    #: There is much to recover.
    is_large: bool = False
    #: The sweeper may help from the start: the message was lost, or the task is too old.
    swept: bool = False

    def begin(self, world: World) -> None:
        """Bring the world to where the operation starts."""
        world.reset(max_receive_count=self.max_receive_count, partial_batches=self.partial_batches)
        world.behaviours = dict(self.behaviours)
        for step in self.prepare:
            violations = world.take(step, {})
            assert not violations, f"{self.name}, while preparing: {violations}"
        world.known.swept = self.swept

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders of recovery: one where they hardly differ or there is much of it."""
        return (Order.CLIENT,) if self.swept or self.is_large else tuple(Order)
