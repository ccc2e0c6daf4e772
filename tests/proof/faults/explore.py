"""Runs every scenario under every fault, and under every second fault on the way back to rest.

Recovery from a state of the world depends on that state alone, so where two faults lead to the
same state, what follows is run once and counted for both.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.proof.faults.kinds import KINDS, Kind
from tests.proof.faults.recovery import REST, Order, finish, next_step, sweeper_first
from tests.proof.faults.scenarios.scenario import Scenario
from tests.proof.faults.wire import CallName
from tests.proof.faults.world import Saved, Step, World

#: A scenario that is not at rest by then never will be.
_STEPS_MAX: Final = 80

Plan = Mapping[CallName, Kind]
_Key = tuple[bytes | bool | int, ...]


@dataclasses.dataclass(slots=True)
class Figures:
    """What was run."""

    #: Scenarios with one fault, and with two: different ways for things to go wrong.
    singles: int = 0
    pairs: int = 0
    #: Steps that were run for them; far fewer than they have, since equal states are merged.
    steps: int = 0
    #: The calls that were found, by operation of the service.
    calls: int = 0
    violations: list[str] = dataclasses.field(default_factory=list)
    #: How many of the violations came with one fault, and with two.
    violations_of_singles: int = 0

    def lines(self) -> tuple[str, str]:
        """Say what a person wants to know."""
        of_singles = self.violations_of_singles
        of_pairs = len(self.violations) - of_singles
        return (
            f"scenarios with one fault: {self.singles:,} (violations: {of_singles})",
            f"scenarios with two faults: {self.pairs:,} (violations: {of_pairs})",
        )

    def add(self, other: Figures) -> None:
        """Add another's."""
        self.singles += other.singles
        self.pairs += other.pairs
        self.steps += other.steps
        self.calls += other.calls
        self.violations += other.violations
        self.violations_of_singles += other.violations_of_singles


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """A world, how it came about, and what is still to happen to it."""

    saved: Saved
    order: Order
    faults_left: int
    trace: tuple[str, ...]
    #: With two faults, what is on its way arrives at once or when all is at rest; with one, at any
    #: moment between two steps.
    arrives_any_time: bool = True
    #: A fault struck in the step before.
    is_fresh: bool = True


class Explorer:
    """Explores scenarios in one world."""

    def __init__(
        self, world: World, *, every: int = 1, first: int = 0, pairs: float = 0, seed: int = 0
    ) -> None:
        """Take which single faults are tried, and the share of their pairs.

        Every so many of the operation's faults, from the first one's place on.
        """
        self._world = world
        self._chosen = slice(first % every, None, every)
        #: Of the first faults that get a second one, and of the second ones.
        self._share = math.sqrt(pairs)
        self._random = random.Random(seed)  # noqa: S311 - a sample, not a secret
        self._only_one_fault = True
        #: How many ways lead to rest from each place of this scenario.
        self._known: dict[_Key, int] = {}
        self.figures = Figures()

    def explore(self, scenario: Scenario) -> Figures:
        """Run a scenario under every fault."""
        self.figures = Figures()
        self._known = {}
        scenario.begin(self._world)
        start = _Place(self._world.save(), Order.CLIENT, 0, (scenario.name,))
        calls, after = self._run(start, scenario.operation, {})
        self.figures.calls = len(calls)
        self._recover_in(scenario.orders, after)
        for call, kind in [*faults_of(calls)][self._chosen]:
            self._operate(start, scenario, {call: kind})
        return self.figures

    def explore_one(self, scenario: Scenario, faults: Mapping[str, str]) -> Figures:
        """Run a scenario under these faults of its operation until something breaks.

        They are given by the names of calls and of kinds.
        """
        self.figures = Figures()
        self._known = {}
        kinds = {kind.name: kind for kind in KINDS}
        scenario.begin(self._world)
        place = _Place(self._world.save(), Order.CLIENT, 0, (scenario.name,))
        plan = {CallName.parse(call): kinds[kind] for call, kind in faults.items()}
        _, after = self._run(place, scenario.operation, plan)
        for order in scenario.orders:
            if not self.figures.violations:
                self._recover_in([order], after)
        return self.figures

    def _operate(self, start: _Place, scenario: Scenario, plan: Plan) -> None:
        """Run the operation under one fault, alone and with a second one."""
        self._only_one_fault = True
        calls, after = self._run(start, scenario.operation, plan)
        self.figures.singles += self._recover_in(scenario.orders, after)
        if self._random.random() >= self._share:
            return
        self._only_one_fault = False
        after = dataclasses.replace(after, faults_left=1, arrives_any_time=False)
        self.figures.pairs += self._recover_in(scenario.orders, after)
        # Calls that come only after the first fault, and those that come anyway.
        (first,) = plan
        for second, kind in self._sample(faults_of(calls[calls.index(first) + 1 :])):
            _, after = self._run(start, scenario.operation, {**plan, second: kind})
            after = dataclasses.replace(after, arrives_any_time=False)
            self.figures.pairs += self._recover_in(scenario.orders, after)

    def _recover_in(self, orders: Sequence[Order], place: _Place) -> int:
        return sum(
            self._recover(
                dataclasses.replace(
                    place,
                    saved=place.saved.with_duplicates(
                        (1 + place.arrives_any_time) * (order is Order.DUPLICATES)
                    ),
                    order=order,
                    trace=(*place.trace, f"[{order}]"),
                )
            )
            for order in orders
        )

    def _recover(self, place: _Place) -> int:
        """Let things come to rest, in every way that is left; return how many there were."""
        ways = 0
        visited: list[tuple[_Key, int]] = []
        for _ in range(_STEPS_MAX):
            self._world.load(place.saved)
            key = self._key(place)
            if key in self._known:
                ways += self._known[key]
                break
            visited.append((key, ways))
            step = next_step(self._world, place.order)
            if place.arrives_any_time or place.is_fresh or step in (REST, None):
                for number in range(len(place.saved.held)):
                    ways += self._recover(self._arrived(place, number))
            if step is None:
                self._finish(place)
                ways += place.faults_left == 0
                break
            calls, after = self._run(place, step, {})
            if place.faults_left:
                ways += self._fail(place, step, calls)
            place = dataclasses.replace(after, is_fresh=False)
        else:
            self._report(place.trace, ["1: it does not come to rest"])
        for key, before in visited:
            self._known[key] = ways - before
        return ways

    def _key(self, place: _Place) -> _Key:
        """Tell apart places from which things can go differently. The world is at the place."""
        return (
            hashlib.blake2b(place.saved.key.encode(), digest_size=16).digest(),
            sweeper_first(self._world, place.order),
            place.arrives_any_time,
            bool(place.saved.held) and place.is_fresh,
            place.faults_left,
        )

    def _fail(self, place: _Place, step: Step, calls: Sequence[CallName]) -> int:
        """Let each call of a step of the recovery fail in every way."""
        ways = 0
        for call, kind in self._sample(faults_of(calls)):
            _, after = self._run(place, step, {call: kind})
            ways += self._recover(
                dataclasses.replace(after, faults_left=place.faults_left - 1, is_fresh=True)
            )
        return ways

    def _arrived(self, place: _Place, number: int) -> _Place:
        self._world.load(place.saved)
        call = self._world.wire.held[number].call
        violations = self._world.let_arrive(number)
        trace = (*place.trace, f"[{call} arrives now]")
        self._report(trace, violations)
        return dataclasses.replace(place, saved=self._world.save(), trace=trace)

    def _run(self, place: _Place, step: Step, plan: Plan) -> tuple[list[CallName], _Place]:
        self._world.load(place.saved)
        self.figures.steps += 1
        violations = self._world.take(step, plan)
        calls = list(self._world.wire.calls)
        struck = [f"{call}: {kind.name}" for call, kind in self._world.wire.struck]
        trace = (*place.trace, f"{step.name} ({', '.join(struck)})" if struck else step.name)
        self._report(trace, violations)
        return calls, dataclasses.replace(place, saved=self._world.save(), trace=trace)

    def _finish(self, place: _Place) -> None:
        self._world.load(place.saved)
        self._report(place.trace, finish(self._world))

    def _sample(self, faults: Iterator[tuple[CallName, Kind]]) -> Iterator[tuple[CallName, Kind]]:
        for fault in faults:
            if self._random.random() < self._share:
                yield fault

    def _report(self, trace: Sequence[str], violations: Sequence[str]) -> None:
        self.figures.violations_of_singles += len(violations) * self._only_one_fault
        for violation in violations:
            self.figures.violations.append(f"{violation}\n    {' > '.join(trace)}")


def faults_of(calls: Sequence[CallName]) -> Iterator[tuple[CallName, Kind]]:
    """Yield every way in which each of these calls can fail."""
    for call in calls:
        for kind in KINDS:
            if kind.concerns(call.service, call.operation, reads=call.reads):
                yield call, kind
