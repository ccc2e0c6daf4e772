"""A stand-in for a quantum computer: deterministic counts, and failures when asked for.

The seed is the request's or comes from circuit and shots alone, so the same request always has the
same counts, whichever attempt makes them. Its registers and their bits are those of the circuit, as
the simulator's are; the numbers mean nothing.
"""

from __future__ import annotations

import collections
import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from chalicelib.domain.task import Register, TaskRequest, TaskResult
from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from chalicelib.executors.bit_strings import in_registers
from chalicelib.executors.openqasm.registers import registers_of
from chalicelib.executors.points import result_of, seeds_of
from chalicelib.settings import Settings

NAME: Final = "mock"
VERSION: Final = "2.0.0"
#: Of a text that declares no bits. The tests of load and protocol submit any text.
_ONE_BIT: Final = (Register(name="c", size=1),)


class MockExecutor:
    """Draws counts instead of running anything (`Executor`)."""

    def __init__(
        self,
        settings: Settings,
        *,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take its durations and failure rates; `chance` returns a number in [0, 1)."""
        self._seconds_min = settings.mock_execution_seconds
        self._seconds_max = max(settings.mock_execution_seconds_max, self._seconds_min)
        self._permanent_rate = settings.mock_permanent_failure_rate
        self._transient_rate = settings.mock_transient_failure_rate
        self._chance = chance
        self._sleep = sleep

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        seconds = self._seconds_min + self._chance() * (self._seconds_max - self._seconds_min)
        if seconds > 0:
            self._sleep(min(seconds, time_limit_seconds))
        if seconds > time_limit_seconds:
            message = f"the execution did not finish within {time_limit_seconds:g} s"
            raise TransientExecutionError(message)
        draw = self._chance()
        if draw < self._permanent_rate:
            message = "the mock executor was set to fail this circuit"
            raise PermanentExecutionError(message)
        if draw < self._permanent_rate + self._transient_rate:
            message = "the mock executor was set to fail this attempt"
            raise TransientExecutionError(message)
        return _draw_counts(request)


def _draw_counts(request: TaskRequest) -> TaskResult:
    registers = registers_of(request.circuit) or _ONE_BIT
    seeds = seeds_of(request)
    return result_of(
        request,
        [_draw_point(request, registers, seed) for seed in seeds],
        seeds=seeds,
        executor=NAME,
        executor_version=VERSION,
        registers=registers,
    )


def _draw_point(
    request: TaskRequest, registers: Sequence[Register], seed: int
) -> Mapping[str, int]:
    width = sum(register.size for register in registers)
    # The circuit is a part of what the numbers come from: with one seed, circuits still differ.
    start = f"{seed}\n{request.shots}\n{request.circuit}"
    generator = random.Random(start)  # noqa: S311 - a simulation, not a secret
    # A few outcomes with weights of their own look like a circuit's; noise would not.
    outcomes = sorted({generator.getrandbits(width) for _ in range(2 ** min(width, 3))})
    weights = [generator.random() for _ in outcomes]
    drawn = _draw(generator, weights, request.shots)
    return {
        in_registers(f"{outcomes[place]:0{width}b}", registers): drawn[place]
        for place in sorted(drawn)
    }


def _draw(generator: random.Random, weights: Sequence[float], shots: int) -> Mapping[int, int]:
    """Return how often each place of the weights was drawn.

    A byte a shot, each byte standing for one place: one choice after another takes most of the time
    that a task takes.
    """
    shares = [256 * end / sum(weights) for end in itertools.accumulate(weights)]
    ends = [0, *map(round, shares)]
    places = b"".join(
        bytes([place]) * (end - start)
        for place, (start, end) in enumerate(itertools.pairwise(ends))
    )
    return collections.Counter(generator.randbytes(shots).translate(places))
