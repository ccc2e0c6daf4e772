"""One run of a program, along one path of its measurements; and all paths, for the distribution."""

from __future__ import annotations

import collections
from collections.abc import Callable

from tests.proof.oracle.quantum import State

#: Less probable outcomes are rounding.
_NOTHING = 1e-12
#: More paths than this are not followed: another program is taken.
PATHS_MAX = 400


class Run:
    """The state of one run. Measurements take the outcomes that they are told, then 0."""

    def __init__(self, qubits: int, told: list[int]) -> None:
        self.state = State(qubits)
        self.variables: dict[str, int] = {}
        self.bits: dict[str, list[int]] = {}
        self.probability = 1.0
        #: Outcomes taken where both were possible.
        self.taken: list[int] = []
        self._told = told

    def measure(self, qubit: int) -> int:
        """Measure a qubit."""
        one = self.state.probability(qubit)
        if min(one, 1 - one) < _NOTHING:
            outcome = int(one > 0.5)
        else:
            at = len(self.taken)
            outcome = self._told[at] if at < len(self._told) else 0
            self.taken.append(outcome)
        probability = one if outcome else 1 - one
        self.probability *= probability
        self.state.collapse(qubit, outcome, probability)
        return outcome

    def reset(self, qubit: int) -> None:
        """Make a qubit 0."""
        if self.measure(qubit):
            self.state.apply([((), (0, 1, 1, 0), qubit)])

    def register(self, name: str) -> int:
        """Return a register as an unsigned integer."""
        return sum(bit << at for at, bit in enumerate(self.bits[name]))


def distribution(qubits: int, program: Callable[[Run], str]) -> dict[str, float] | None:
    """Return how probable each key is, by all paths; None if these are too many."""
    found: dict[str, float] = collections.defaultdict(float)
    paths, told = 0, list[int]()
    while True:
        run = Run(qubits, told)
        key = program(run)
        found[key] += run.probability
        paths += 1
        if paths > PATHS_MAX:
            return None
        # The next path: the last 0 that was taken becomes a 1.
        told = run.taken
        while told and told[-1] == 1:
            told.pop()
        if not told:
            return dict(found)
        told[-1] = 1
