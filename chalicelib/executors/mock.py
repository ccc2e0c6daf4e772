"""A stand-in for a quantum computer: deterministic counts, and failures when asked for.

The seed comes from circuit and shots alone, so the same request always has the same counts,
whichever attempt makes them.
"""

from __future__ import annotations

import collections
import hashlib
import random
import re
import time
from collections.abc import Callable
from typing import Final

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from chalicelib.settings import Settings

NAME: Final = "mock"
VERSION: Final = "1.0.0"
#: The widest bit string; a real device has fewer.
_WIDTH_MAX: Final = 64

# OpenQASM 3 `bit[2] c;` and OpenQASM 2 `creg c[2];`; a lone `bit c;` is one bit.
_BIT_REGISTER: Final = re.compile(
    r"\bbit\s*(?:\[\s*(?P<v3>\d{1,6})\s*\])?\s+\w+"
    r"|\bcreg\s+\w+\s*\[\s*(?P<v2>\d{1,6})\s*\]"
)
_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_IS_OPENQASM: Final = re.compile(r"\s*OPENQASM\s+\d+(?:\.\d+)?\s*;")


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


def measured_bits(circuit: str) -> int:
    """Return how many classical bits an OpenQASM circuit declares; 1 for any other text."""
    code = _COMMENT.sub(" ", circuit)
    if not _IS_OPENQASM.match(code):
        return 1
    width = sum(int(m["v3"] or m["v2"] or 1) for m in _BIT_REGISTER.finditer(code))
    return max(1, min(_WIDTH_MAX, width))


def _draw_counts(request: TaskRequest) -> TaskResult:
    digest = hashlib.sha256(f"{request.shots}\n{request.circuit}".encode()).digest()
    seed = int.from_bytes(digest[:4])
    generator = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    width = measured_bits(request.circuit)
    # A few outcomes with weights of their own look like a circuit's; noise would not.
    outcomes = sorted({generator.getrandbits(width) for _ in range(2 ** min(width, 3))})
    weights = [generator.random() for _ in outcomes]
    drawn = collections.Counter(generator.choices(outcomes, weights, k=request.shots))
    return TaskResult(
        counts={f"{outcome:0{width}b}": drawn[outcome] for outcome in sorted(drawn)},
        shots=request.shots,
        executor=NAME,
        executor_version=VERSION,
        seed=seed,
    )
