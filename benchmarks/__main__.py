"""`make benchmark`: every figure with its goal, spread and profile; the pages that are counted.

`make benchmark ARGS=pages` counts and writes the pages only, which takes seconds;
`make benchmark ARGS=check` holds what is counted against them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks import batch_load, cold_start, drain, http_load, pages, pool
from benchmarks.check import check
from benchmarks.drain import environment
from benchmarks.figures import Figure, missed, table
from benchmarks.machine import describe
from infra.local.settings import ROOT
from infra.package.packaging import make_package
from infra.stage import read_configuration, stage_spec
from tools.backends import emulator

RESULTS: Final = Path(__file__).with_name("results.json")
#: Of a fifth of `--many` each: 52,000 submissions, for the goal holds up to 50,000.
_BLOCKS: Final = 13
#: By part: a process that hangs is ended.
_PROCESS_SECONDS_MAX: Final = 600.0
_DUMMIES: Final = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def main() -> int:
    """Measure, print and write; the exit code does not depend on goals."""
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["all", "pages", "check"], default="all")
    parser.add_argument("--tasks", type=int, default=1000, help="tasks in each round of the drain")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the drain")
    parser.add_argument(
        "--many", type=int, default=20_000, help="tasks for memory; a fifth is a block"
    )
    arguments = parser.parse_args()
    os.environ.update(_DUMMIES)
    if arguments.part == "check":
        return check()
    pages.write()
    if arguments.part == "pages":
        return 0
    about = describe()
    started = time.monotonic()
    figures = pages.figures()
    with tempfile.TemporaryDirectory() as directory:
        for name, part in _parts(Path(directory), arguments).items():
            print(f"measuring: {name} ({time.monotonic() - started:.0f} s)", flush=True)
            figures += part()
    about["minutes"] = round((time.monotonic() - started) / 60, 1)
    rows = [figure.as_json() for figure in figures]
    RESULTS.write_text(json.dumps({"machine": about, "figures": rows}, indent=1) + "\n")
    print(
        f"\n{json.dumps(about)}\n\n{table(figures)}\n\n{missed(figures) or 'every goal is reached'}"
    )
    return 0


def _parts(directory: Path, arguments: Any) -> dict[str, Callable[[], list[Figure]]]:  # noqa: ANN401
    return {
        "handlers": lambda: _in_a_process(directory, "handlers", "15"),
        "memory": lambda: _in_a_process(directory, "memory", str(arguments.many)),
        "pool": lambda: pool.measure(arguments.rounds),
        "drain": lambda: _drains(directory, arguments.tasks, arguments.rounds),
        "HTTP": lambda: http_load.measure(
            directory / "stage", posts=1000, block=arguments.many // 5, blocks=_BLOCKS
        ),
        "batches": lambda: batch_load.measure(directory / "batches", rounds=9),
        "cold start": lambda: cold_start.measure(_package(directory), rounds=101),
    }


def _in_a_process(directory: Path, module: str, argument: str) -> list[Figure]:
    target = directory / f"{module}.json"
    subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", str(target), argument],
        cwd=ROOT,
        check=True,
        timeout=_PROCESS_SECONDS_MAX,
    )
    return [Figure.from_json(fields) for fields in json.loads(target.read_text())]


def _drains(directory: Path, tasks: int, rounds: int) -> list[Figure]:
    data_dir = directory / "drain"
    data_dir.mkdir()
    mock = {"STAGE": "local", "EXECUTOR": "mock"}
    with emulator(data_dir) as backend, environment({**backend.environment, **mock}):
        log = data_dir / "worker.log"
        figures = drain.measure(backend, log, tasks=tasks, rounds=rounds)
        return figures + pool.measure_drain(backend, log, tasks=tasks, rounds=rounds)


def _package(directory: Path) -> Path:
    spec = stage_spec(read_configuration(ROOT), "prod")
    return make_package(ROOT, spec, directory / "package", for_this_machine=True).archive


if __name__ == "__main__":
    sys.exit(main())
