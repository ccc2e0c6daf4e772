"""What one of several processes does: a scenario at a time, in a world of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import time
from typing import Final

from tests.conftest import SAFE_ENVIRONMENT
from tests.proof.faults.explore import Explorer, Figures
from tests.proof.faults.scenarios import SCENARIOS
from tests.proof.faults.world import World, running_world

_worlds: Final[list[World]] = []
_until_exit: Final = contextlib.ExitStack()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A scenario, by its place, and the share of the pairs of faults to run."""

    number: int
    pairs: float
    seed: int


#: Nearly all that is made here is kept or gone at once, so that looking for cycles as often as
#: Python does takes a tenth of the time and finds nothing.
_COLLECTION: Final = (100_000, 50, 50)


def begin() -> None:
    """Make this process's world."""
    gc.set_threshold(*_COLLECTION)
    os.environ.update(SAFE_ENVIRONMENT)
    _worlds.append(_until_exit.enter_context(running_world()))


def run(job: Job) -> tuple[str, float, Figures]:
    """Return the scenario's name, how long it took, and what was found."""
    started = time.monotonic()
    scenario = SCENARIOS[job.number]
    figures = Explorer(_worlds[0], pairs=job.pairs, seed=job.seed).explore(scenario)
    return scenario.name, time.monotonic() - started, figures
