"""`make chaos`: real processes under load, killed and paused at random, and what came of it.

Exits with 1 if anything was lost, done twice, or said and not true.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra.local.supervisor.environment import process_environment, replace_environment
from tests.proof.chaos import report
from tests.proof.chaos.run import Scale, run

_SEED_MAX = 1_000_000


def main(arguments: Sequence[str]) -> int:
    """Run once, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="of load and disturbance")
    parser.add_argument("--seed", type=int, help="by default another one each time")
    parser.add_argument("--tasks", type=int, default=1000, help="spread over the time")
    options = parser.parse_args(arguments)
    replace_environment(process_environment({}, dict(os.environ)))
    seed = secrets.randbelow(_SEED_MAX) if options.seed is None else options.seed
    scale = Scale(seed=seed, seconds=options.minutes * 60, tasks=options.tasks)
    # Kept where something was found, or the run did not end: the logs say how it came to it.
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"chaos with seed {seed} in {directory}", flush=True)
    outcome = run(directory / "data", scale)
    print("\n".join(report.lines(outcome)))
    if outcome.violations:
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
