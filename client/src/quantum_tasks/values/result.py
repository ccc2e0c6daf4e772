"""A task's result: counts, and which bits are whose."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping

from quantum_tasks.errors import BadAnswer


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A classical register of a circuit."""

    name: str
    #: Bits, at least 1.
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one of a list of inputs gave."""

    counts: Mapping[str, int]
    seed: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How often each outcome was measured.

    A key of `counts` has Qiskit's order: the last declared register leftmost, in each register the
    highest index leftmost, and one space between registers. With `bit[1] a; bit[2] b;` the key
    `"01 1"` means b[1] = 0, b[0] = 1 and a[0] = 1. (Braket puts index 0 leftmost.)

    A list of inputs has `points`, and no counts of its own: `point(i)` is the result of one.
    """

    counts: Mapping[str, int]
    #: In the order of declaration; None in results of services that do not say it.
    registers: tuple[Register, ...] | None = None
    shots: int
    #: What the outcomes were drawn with; the same seed, request and executor give the same counts.
    seed: int | None = None
    executor: str | None = None
    executor_version: str | None = None
    points: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        """Refuse counts that do not fit their own description, rather than show wrong bits."""
        every = [point.counts for point in self.points] or [self.counts]
        if any(not counts or sum(counts.values()) != self.shots for counts in every):
            raise BadAnswer("the answer's counts do not add up to its shots")
        if not self.registers:
            object.__setattr__(self, "registers", None)
            return
        widths = [register.size for register in reversed(self.registers)]
        for key in itertools.chain.from_iterable(every):
            if [len(bits) for bits in key.split(" ")] != widths:
                message = (
                    f"the answer's counts have the key {key!r}, which the registers do not fit"
                )
                raise BadAnswer(message)

    def point(self, number: int) -> Result:
        """Return the result for one of a list of inputs, by its place in the list.

        Raises:
            IndexError: there is no such point.
        """
        point = self.points[number]
        return dataclasses.replace(self, counts=point.counts, seed=point.seed, points=())

    def for_register(self, name: str) -> Result:
        """Return the result of one register alone, the others summed over.

        Raises:
            KeyError: there is no such register; the message names those that there are.
        """
        registers = self.registers or ()
        names = [register.name for register in registers]
        if name not in names:
            raise KeyError(f"no register {name!r}; there are: {', '.join(names) or 'none named'}")
        if self.points:
            parts = [self.point(number).for_register(name) for number in range(len(self.points))]
            points = tuple(Point(counts=part.counts, seed=part.seed) for part in parts)
            return dataclasses.replace(self, points=points, registers=parts[0].registers)
        place = names.index(name)
        counts: dict[str, int] = {}
        for key, count in self.counts.items():
            bits = key.split(" ")[-1 - place]
            counts[bits] = counts.get(bits, 0) + count
        return dataclasses.replace(
            self, counts=dict(sorted(counts.items())), registers=(registers[place],)
        )

    def top(self, n: int) -> list[tuple[str, int]]:
        """Return the n most frequent outcomes with their counts; ties in the order of keys."""
        return sorted(self.counts.items(), key=lambda entry: (-entry[1], entry[0]))[:n]

    def probabilities(self) -> dict[str, float]:
        """Return each outcome's share of the shots."""
        return {key: count / self.shots for key, count in self.counts.items()}

    @property
    def most_likely(self) -> str:
        """The most frequent outcome, of equal ones the first in the order of keys."""
        return self.top(1)[0][0]
