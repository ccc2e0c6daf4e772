"""Whether two samples may come from one distribution."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Final

#: How seldom two samples of one distribution may be farther apart than is allowed.
_FALSE_ALARM: Final = 1e-9
#: Six standard deviations of the difference of two frequencies near 1/2 (2 in a thousand million).
_MARGINAL_FACTOR: Final = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two samples, held against each other."""

    #: Half the sum of the differences of the frequencies, and its limit.
    distance: float
    distance_max: float
    #: The largest difference of the frequency of a 1 in a bit, or of two in a pair; its limit.
    marginal: float
    marginal_max: float
    #: Whether their bit strings have the same form.
    is_alike: bool = True

    @property
    def agrees(self) -> bool:
        """Whether no difference is larger than chance explains."""
        return (
            self.is_alike
            and self.distance <= self.distance_max
            and self.marginal <= self.marginal_max
        )


def compare(left: Mapping[str, int], right: Mapping[str, int]) -> Comparison:
    """Compare two counts; spaces in the keys must stand in the same places."""
    shots = (sum(left.values()), sum(right.values()))
    forms = {"".join("_" if c == " " else "b" for c in key) for key in (*left, *right)}
    p = {key: times / shots[0] for key, times in left.items()}
    q = {key: times / shots[1] for key, times in right.items()}
    keys = p.keys() | q.keys()
    inverse = 1 / shots[0] + 1 / shots[1]
    # The mean of |x| for x normal with variance v is sqrt(2 v / pi); v is at most p (1/n + 1/m).
    spread = sum(math.sqrt((p.get(key, 0) + q.get(key, 0)) / 2) for key in keys)
    noise = spread * math.sqrt(inverse / (2 * math.pi))
    # One shot changes the distance by 1/n at most, so McDiarmid's inequality bounds the rest.
    deviation = math.sqrt(-math.log(_FALSE_ALARM) * inverse / 2)
    return Comparison(
        distance=sum(abs(p.get(key, 0) - q.get(key, 0)) for key in keys) / 2,
        distance_max=noise + deviation,
        marginal=_largest_difference(_marginals(p), _marginals(q)),
        marginal_max=_MARGINAL_FACTOR * math.sqrt(inverse),
        is_alike=len(forms) == 1,
    )


def compare_exactly(expected: Mapping[str, float], counts: Mapping[str, int]) -> Comparison:
    """Compare counts with the distribution that they should have."""
    so_many = 10**12
    exact = {key: round(p * so_many) for key, p in expected.items() if p * so_many > 1}
    return compare(exact, counts)


def _marginals(frequencies: Mapping[str, float]) -> dict[tuple[int, ...], float]:
    """Return how often each bit is 1, and each pair of bits both."""
    sums: dict[tuple[int, ...], float] = {}
    for key, frequency in frequencies.items():
        ones = [at for at, bit in enumerate(key) if bit == "1"]
        for pair in itertools.chain(((one,) for one in ones), itertools.combinations(ones, 2)):
            sums[pair] = sums.get(pair, 0) + frequency
    return sums


def _largest_difference(
    left: Mapping[tuple[int, ...], float], right: Mapping[tuple[int, ...], float]
) -> float:
    keys = left.keys() | right.keys()
    return max((abs(left.get(key, 0) - right.get(key, 0)) for key in keys), default=0)
