"""What is counted, and the pages that are made of it: the same wherever they are made."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from benchmarks import counts
from benchmarks.cost import COUNTS
from benchmarks.drain import environment
from benchmarks.figures import Figure, Goal
from benchmarks.stubbed import ENVIRONMENT
from infra.local.settings import ROOT
from tests.support.backends import moto_backend

DOCS: Final = ROOT / "docs"
#: The log bytes of a small task when the goals were set.
_LOG_BYTES_BEFORE: Final = {"submit": 1_759, "execute": 3_065, "poll": 347}
WRITE_UNITS: Final = 6
#: A function's name in AWS ends with what it is; the API's has no suffix.
_FUNCTIONS: Final = {"api": "quantum-tasks", "worker": "quantum-tasks-worker"}
#: Which installed packages a function imports when it starts. (`_distutils_hack` is the
#: environment's.)
_IMPORTS: Final = """
import json, pathlib, sys
import app
from chalicelib import composition
composition.get_service()
found = set()
for module in list(sys.modules.values()):
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    parts = pathlib.Path(origin or "").parts
    if "site-packages" in parts:
        found.add(parts[parts.index("site-packages") + 1].split(".")[0])
print(json.dumps(sorted(found - {"_distutils_hack"})))
"""


def count() -> dict[str, Any]:
    """Count everything again."""
    return {
        "tasks": _count_tasks(),
        "imports": {function: _imports(name) for function, name in _FUNCTIONS.items()},
    }


def _count_tasks() -> dict[str, dict[str, Any]]:
    """Count the steps of a task of each circuit, on moto."""
    logging.getLogger("moto").setLevel(logging.ERROR)  # which stacks it makes in part
    settings = {
        **{n: ENVIRONMENT[n] for n in ("STAGE", "LOG_LEVEL", "EXECUTOR", "AWS_DEFAULT_REGION")},
        "EXECUTION_CONCURRENCY": "1",  # moto is not safe under threads
        "SLOW_CALL_MS": "60000",  # a slow call would be a longer line
    }
    with (
        warnings.catch_warnings(action="ignore"),
        moto_backend() as backend,
        environment({**settings, **backend.environment}),
    ):
        counted = {
            name: counts.count(backend, circuit) for name, circuit in counts.CIRCUITS.items()
        }
    as_json: dict[str, dict[str, Any]] = json.loads(json.dumps(counted, default=dataclasses.asdict))
    return as_json


def _imports(function_name: str) -> list[str]:
    function = {
        "PATH": os.defpath,
        **ENVIRONMENT,
        "STAGE": "prod",
        "AWS_LAMBDA_FUNCTION_NAME": function_name,
    }
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS],
        cwd=ROOT,
        env=function,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def rendered() -> dict[Path, str]:
    """Return the pages as they are to be, from the counts that are kept."""
    from benchmarks import cost_page, scale  # noqa: PLC0415 - the counts come first

    return {DOCS / "cost.md": cost_page.page(), DOCS / "scale.md": scale.page()}


def write() -> None:
    """Count, keep the counts, and write every page."""
    COUNTS.write_text(json.dumps(count(), indent=1) + "\n")
    for path, text in rendered().items():
        path.write_text(text)


def figures() -> list[Figure]:
    """Return the rows that are counted, of a small task."""
    steps = json.loads(COUNTS.read_text())["tasks"]["Bell"]
    units = sum(step["write_units"] for step in steps.values())
    return [
        Figure(
            name="write units of a small task",
            goal=Goal(WRITE_UNITS),
            samples=(units,),
            meaning="counted",
        ),
        *(
            Figure(
                name=f"log bytes, {name}",
                goal=Goal(before // 2),
                samples=(steps[name]["log_bytes"],),
                meaning=f"counted; before: {before:,}",
                profile=tuple(f"{size:>6} {line}" for line, size in steps[name]["log_lines"]),
            )
            for name, before in _LOG_BYTES_BEFORE.items()
        ),
    ]
