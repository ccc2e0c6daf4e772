"""A cold start: the built package's import, which builds the service, against two boto3 clients.

Both are processes of their own on the interpreter that the environment was made from, with nothing
on their path but the package, or boto3, and without the hooks (`.pth`) of what else is installed
for it. Processor time counts until the process is ready: a function's process is never ended the
way in which an interpreter takes itself apart, and the service would gain from it, for its
collector passes over what the start made.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Goal, ratios
from benchmarks.stubbed import ENVIRONMENT
from infra.local.settings import ROOT
from infra.package.dependencies import pinned
from infra.package.workspace import SIMULATOR_LOCK

_GOAL: Final = Goal(0.80)
#: An API that starts as fast with the simulator in its package as without, but for noise.
_GOAL_SIMULATOR: Final = Goal(1.05)
_TWO_CLIENTS: Final = "import boto3; boto3.client('dynamodb'); boto3.client('sqs')"
#: Nothing is taken apart.
_END: Final = "import os; os._exit(0)"


def measure(package: Path, rounds: int) -> list[Figure]:
    """Start each kind of process in turn, in a random order within a round."""
    with tempfile.TemporaryDirectory() as directory:
        whole, lean = Path(directory, "whole"), Path(directory, "lean")
        with zipfile.ZipFile(package) as archive:
            archive.extractall(whole)
        shutil.copytree(whole, lean)
        names = _simulator_names()
        removed = [path for path in lean.iterdir() if path.name.lower().startswith(names)]
        if not removed:
            message = f"the package holds nothing named {' or '.join(names)}…"
            raise RuntimeError(message)
        for path in removed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        kinds = {
            "package": ("import app", _function(whole)),
            "without the simulator": ("import app", _function(lean)),
            "two boto3 clients": (_TWO_CLIENTS, _bare()),
        }
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for number in range(rounds + 1):
            for kind in random.sample(sorted(kinds), len(kinds)):
                milliseconds = _milliseconds(*kinds[kind])
                if number:  # the first fills the file cache
                    times[kind].append(milliseconds)
    parts = {f"{kind} ms": statistics.median(taken) for kind, taken in times.items()}
    return [
        _figure("cold start", _GOAL, times, "two boto3 clients", parts),
        _figure(
            "cold start with the simulator in the package",
            _GOAL_SIMULATOR,
            times,
            "without the simulator",
            {"entries of the simulator": len(removed)},
        ),
    ]


def _simulator_names() -> tuple[str, ...]:
    """Return how the names begin of what the package holds for the simulator alone."""
    return tuple(pin.name.lower().replace("-", "_") for pin in pinned(ROOT / SIMULATOR_LOCK))


def _figure(
    name: str,
    goal: Goal,
    times: Mapping[str, list[float]],
    against: str,
    parts: Mapping[str, float],
) -> Figure:
    return Figure(
        name=name,
        goal=goal,
        samples=ratios(times["package"], times[against]),
        meaning=f"CPU of the built package's import against {against}",
        parts=parts,
    )


def _function(directory: Path) -> dict[str, str]:
    return {
        **_clean(),
        **ENVIRONMENT,
        "AWS_LAMBDA_FUNCTION_NAME": "quantum-tasks",
        "STAGE": "prod",
        "PYTHONPATH": str(directory),
    }


def _bare() -> dict[str, str]:
    return {**_clean(), **ENVIRONMENT, "PYTHONPATH": sysconfig.get_paths()["purelib"]}


def _clean() -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}


def _interpreter() -> str:
    """Return the interpreter behind the environment, which sees none of its packages."""
    return str(getattr(sys, "_base_executable", sys.executable))


def _milliseconds(code: str, environment: Mapping[str, str]) -> float:
    process = subprocess.Popen(
        [_interpreter(), "-S", "-c", f"{code}; {_END}"],
        env=dict(environment),
        cwd=environment["PYTHONPATH"],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"a cold start failed: {code}")
    return (usage.ru_utime + usage.ru_stime) * 1000
