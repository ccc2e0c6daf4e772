"""`make benchmark`: what a task costs, and what the service adds to the bare calls."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks import costs, drain, pool
from tests.support.backends import emulator


def main() -> None:
    """Run on an emulator of its own."""
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000, help="tasks in each round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each kind, alternating")
    arguments = parser.parse_args()
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - a dummy
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )
    pool.report(arguments.rounds)
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory)
        with emulator(data_dir) as backend, drain.environment(backend.environment):
            costs.report(backend)
            drain.report(
                backend,
                data_dir / "worker.log",
                tasks=arguments.tasks,
                rounds=arguments.rounds,
            )


if __name__ == "__main__":
    main()
