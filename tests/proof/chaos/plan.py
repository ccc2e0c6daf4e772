"""What is done to a running stage and when: drawn from a seed before anything starts. Pure.

The seed decides moments, kinds and payloads. What meets what is up to the machine, so a run with
the same seed is alike, not the same.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Final


class Target(enum.StrEnum):
    """What a disturbance hits."""

    #: A poller; its sandbox dies with it.
    WORKER = "worker"
    #: Only the process that holds the function, in the middle of an invocation or between two.
    SANDBOX = "sandbox"
    #: A child process of a function, which executes a circuit; of the attached simulator.
    CHILD = "child"
    API = "api"
    SWEEPER = "sweeper"
    #: It is paused, never killed: its snapshots may lose the last seconds, which no AWS does.
    EMULATOR = "emulator"
    #: What one of the API processes has between itself and its queue.
    QUEUE_REFUSED = "queue refused"
    QUEUE_REPLIES_LOST = "queue's replies lost"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A SIGKILL."""

    at_seconds: float
    target: Target
    #: Whether one that is executing something is preferred; most are idle at any moment.
    mid_execution: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A SIGSTOP, and the SIGCONT after it; of the queue: an outage."""

    at_seconds: float
    target: Target
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All disturbances of a run, each kind in the order of time."""

    kills: tuple[Kill, ...]
    emulator_pauses: tuple[Pause, ...]
    worker_pauses: tuple[Pause, ...]
    child_pauses: tuple[Pause, ...]
    queue_outages: tuple[Pause, ...]


#: How often each is killed, of so many kills.
_DECK: Final = (
    *[Target.WORKER] * 4,
    *[Target.SANDBOX] * 2,
    *[Target.CHILD] * 2,
    *[Target.API] * 2,
    Target.SWEEPER,
)
_MID_EXECUTION_RATE: Final = 0.7
_SECONDS_PER_KILL: Final = 6.0
_KILLS_MIN: Final = len(_DECK)
_SECONDS_PER_EMULATOR_PAUSE: Final = 30.0
_EMULATOR_PAUSES_MIN: Final = 2
_EMULATOR_PAUSE_SECONDS: Final = (1.0, 5.0)
_SECONDS_PER_WORKER_PAUSE: Final = 30.0
#: Longer than a lease (the function's timeout of 10 s and a margin): it wakes up and is not the
#: holder any more, so what it then writes must be refused.
_WORKER_PAUSE_SECONDS: Final = (12.0, 16.0)
_SECONDS_PER_CHILD_PAUSE: Final = 15.0
#: Longer than the wall of an execution (8 s): the worker kills it before it can go on.
_CHILD_PAUSE_SECONDS: Final = (9.0, 11.0)
_SECONDS_PER_QUEUE_OUTAGE: Final = 20.0
_QUEUE_OUTAGES_MIN: Final = 2
_QUEUE_OUTAGE_SECONDS: Final = (2.0, 5.0)


def make_plan(seed: int, seconds: float) -> Plan:
    """Spread the disturbances over a run of so many seconds: one at random in each equal part."""
    rng = random.Random(f"plan {seed}")  # noqa: S311 - it must be repeatable, not secret
    kills = max(_KILLS_MIN, round(seconds / _SECONDS_PER_KILL))
    targets = _dealt(rng)
    emulator_pauses = max(_EMULATOR_PAUSES_MIN, round(seconds / _SECONDS_PER_EMULATOR_PAUSE))
    worker_pauses = max(1, round(seconds / _SECONDS_PER_WORKER_PAUSE))
    child_pauses = max(1, round(seconds / _SECONDS_PER_CHILD_PAUSE))
    queue_outages = max(_QUEUE_OUTAGES_MIN, round(seconds / _SECONDS_PER_QUEUE_OUTAGE))
    return Plan(
        kills=tuple(
            Kill(
                at_seconds=rng.uniform(begin, end),
                target=next(targets),
                mid_execution=rng.random() < _MID_EXECUTION_RATE,
            )
            for begin, end in _parts(seconds, kills)
        ),
        emulator_pauses=_pauses(
            rng, [Target.EMULATOR], _EMULATOR_PAUSE_SECONDS, _parts(seconds, emulator_pauses)
        ),
        worker_pauses=_pauses(
            rng, [Target.WORKER], _WORKER_PAUSE_SECONDS, _parts(seconds, worker_pauses)
        ),
        child_pauses=_pauses(
            rng, [Target.CHILD], _CHILD_PAUSE_SECONDS, _parts(seconds, child_pauses)
        ),
        queue_outages=_pauses(
            rng,
            [Target.QUEUE_REFUSED, Target.QUEUE_REPLIES_LOST],
            _QUEUE_OUTAGE_SECONDS,
            _parts(seconds, queue_outages),
        ),
    )


def _dealt(rng: random.Random) -> Iterator[Target]:
    """Deal the deck again and again, so that no kind is left out for long."""
    while True:
        yield from rng.sample(_DECK, len(_DECK))


def _parts(seconds: float, count: int) -> list[tuple[float, float]]:
    return [(seconds * n / count, seconds * (n + 1) / count) for n in range(count)]


def _pauses(
    rng: random.Random,
    targets: Sequence[Target],
    bounds: tuple[float, float],
    parts: Sequence[tuple[float, float]],
) -> tuple[Pause, ...]:
    """Place a pause in each part, none beyond its end; several targets take turns."""
    pauses = []
    for (begin, end), target in zip(parts, itertools.cycle(targets), strict=False):
        seconds = rng.uniform(*bounds)
        at = rng.uniform(begin, max(begin, end - seconds))
        pauses.append(Pause(at_seconds=at, target=target, seconds=seconds))
    return tuple(pauses)
