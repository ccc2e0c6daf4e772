"""Runs every scenario under every fault, and prints how many there were and what they broke."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final

from tests.proof.faults.explore import Figures
from tests.proof.faults.parallel import Job, begin, run
from tests.proof.faults.scenarios import SCENARIOS

_SPAWN: Final = multiprocessing.get_context("spawn")
_SHOWN_MAX: Final = 20
#: What the names of operations that take long have in them.
_LONG: Final = ("pieces", "batch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; return 1 if anything does not hold."""
    options = _parse(arguments)
    chosen = [n for n, s in enumerate(SCENARIOS) if options.only in s.name]
    # The longest first, so that no process ends with one alone.
    chosen.sort(key=lambda n: not any(word in SCENARIOS[n].name for word in _LONG))
    started = time.monotonic()
    total = Figures()
    share = 1.0 if options.full else options.pairs
    jobs = [Job(number=n, pairs=share, seed=options.seed) for n in chosen]
    with ProcessPoolExecutor(options.jobs, _SPAWN, initializer=begin) as pool:
        for done in as_completed([pool.submit(run, job) for job in jobs]):
            name, seconds, figures = done.result()
            total.add(figures)
            print(
                f"{name:55} {figures.calls:3} calls {figures.singles:7,} with one fault "
                f"{figures.pairs:11,} with two {figures.steps:8,} steps {seconds:6.1f} s "
                f"{len(figures.violations)} violations",
                flush=True,
            )
    for violation in total.violations[:_SHOWN_MAX]:
        print(f"VIOLATION {violation}")
    if len(total.violations) > _SHOWN_MAX:
        print(f"… and {len(total.violations) - _SHOWN_MAX:,} more")
    print(
        f"{len(chosen)} operations, {total.calls} calls found by running them, "
        f"{total.steps:,} steps, {time.monotonic() - started:.0f} s"
    )
    for line in total.lines():
        print(line)
    return 1 if total.violations else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proof.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every pair of faults (minutes)")
    parser.add_argument("--pairs", type=float, default=0.001, help="share of the pairs to run")
    parser.add_argument("--seed", type=int, default=0, help="which share of the pairs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--only", default="", help="only operations with this in their names")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
