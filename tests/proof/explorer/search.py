"""Breadth-first search over all states, and from which of them the task can still finish."""

from __future__ import annotations

import dataclasses
import time
from array import array
from collections.abc import Sequence

from tests.proof.explorer.state import Label, State
from tests.proof.explorer.state_space import StateSpace
from tests.proof.explorer.values import Violation
from tests.proof.promises import STUCK, UNAIDED


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A violation and a shortest way to it."""

    violation: Violation
    trace: tuple[Label, ...]
    #: Distinct states when it was found.
    states: int

    def lines(self) -> list[str]:
        """Return it as text."""
        heading = f"{self.violation.name}: {self.violation.message} ({len(self.trace)} steps)"
        steps = [
            f"  {number:2}. {who}: {what}{f' — {how}' if how else ''}"
            for number, (who, what, how) in enumerate(self.trace, 1)
        ]
        return [heading, *steps]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """What a search has seen."""

    states: int
    edges: int
    seconds: float
    #: The whole space was seen; otherwise the bound on states ended it.
    complete: bool
    #: One of each kind, shortest first.
    found: Sequence[Found]


class _Graph:
    """The states that were met, and how each was met first."""

    def __init__(self, space: StateSpace) -> None:
        self.space = space
        start = space.initial()
        self.numbers: dict[State, int] = {start: 0}
        self.states: list[State] = [start]
        self.parents = array("l", [-1])
        self.labels: list[Label] = [Label("", "")]
        self.edges = 0
        #: The edges that count for liveness.
        self.sources = array("I")
        self.targets = array("I")
        self.found: dict[tuple[str, str], Found] = {}
        self.broken: set[str] = set()

    def expand(self, number: int) -> None:
        before = self.states[number]
        for label, after in self.space.steps(before):
            self.edges += 1
            if isinstance(after, Violation):
                self.add_violation(after, number, label)
                continue
            target = self.numbers.get(after)
            if target is None:
                target = self.numbers[after] = len(self.states)
                self.states.append(after)
                self.parents.append(number)
                self.labels.append(label)
            if self.space.is_help(before, label, after):
                self.sources.append(number)
                self.targets.append(target)

    def add_violation(self, violation: Violation, number: int, *last: Label) -> None:
        key = violation.name, violation.message
        if key not in self.found:
            trace = (*self._trace(number), *last)
            self.found[key] = Found(violation, trace, len(self.states))
            self.broken.add(violation.name)

    def _trace(self, number: int) -> list[Label]:
        trace = []
        while number > 0:
            trace.append(self.labels[number])
            number = self.parents[number]
        return trace[::-1]

    def check_liveness(self) -> None:
        """Look for states from which the task cannot finish any more (AG EF)."""
        settled = bytearray(map(self.space.is_settled, self.states))
        able = self._backwards(settled)
        for number, state in enumerate(self.states):
            if not able[number] and self.space.must_settle(state):
                aided = self.space.configuration.sweepers > 0
                message = "nothing can finish the task any more"
                self.add_violation(Violation(STUCK if aided else UNAIDED, message), number)
                return

    def _backwards(self, reached: bytearray) -> bytearray:
        """Extend a set of states by all from which it can be reached."""
        count = len(self.states)
        first = array("I", bytes(4 * (count + 1)))
        for target in self.targets:
            first[target + 1] += 1
        for number in range(count):
            first[number + 1] += first[number]
        place = array("I", first)
        sources = array("I", bytes(4 * len(self.sources)))
        for source, target in zip(self.sources, self.targets, strict=True):
            sources[place[target]] = source
            place[target] += 1
        todo = [number for number in range(count) if reached[number]]
        while todo:
            number = todo.pop()
            for source in sources[first[number] : first[number + 1]]:
                if not reached[source]:
                    reached[source] = 1
                    todo.append(source)
        return reached


def explore(
    space: StateSpace, *, states_max: int = 1_000_000, until: str | None = None
) -> Exploration:
    """Explore until all is seen, or a bound or a violation of one property is met.

    Liveness is judged only where the whole space was seen.
    """
    began = time.perf_counter()
    graph = _Graph(space)
    number = 0
    while number < len(graph.states) <= states_max and until not in graph.broken:
        graph.expand(number)
        number += 1
    complete = number == len(graph.states)
    if complete:
        graph.check_liveness()
    return Exploration(
        states=len(graph.states),
        edges=graph.edges,
        seconds=time.perf_counter() - began,
        complete=complete,
        found=sorted(graph.found.values(), key=lambda found: len(found.trace)),
    )
