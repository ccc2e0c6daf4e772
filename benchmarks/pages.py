"""What is counted, and the pages that are made of it: the same wherever they are made."""

from __future__ import annotations

import dataclasses
import json
import logging
import warnings
from pathlib import Path
from typing import Any, Final

from benchmarks import counts, imports
from benchmarks.cost import COUNTS
from benchmarks.drain import environment
from benchmarks.figures import BASELINE, Figure, Goal
from benchmarks.stubbed import ENVIRONMENT
from infra.local.settings import ROOT
from tools.backends import moto_backend

DOCS: Final = ROOT / "docs"
#: The log bytes of a small task when the goals were set.
_LOG_BYTES_BEFORE: Final = {"submit": 1_759, "execute": 3_065, "poll": 347}
_SMALL_TASK_WRITE_UNITS: Final = 6


def count() -> dict[str, Any]:
    """Count everything again."""
    return {
        "tasks": count_tasks(),
        "imports": {name: imports.count(name) for name in imports.FUNCTIONS},
    }


def count_tasks() -> dict[str, dict[str, Any]]:
    """Count the steps of a task of each circuit, on moto."""
    logging.getLogger("moto").setLevel(logging.ERROR)  # which stacks it makes in part
    with (
        warnings.catch_warnings(action="ignore"),
        moto_backend() as backend,
        environment({**_settings(), **backend.environment}),
    ):
        counted = {
            name: counts.count(backend, circuit) for name, circuit in counts.CIRCUITS.items()
        }
    return {
        circuit: {name: _as_json(step) for name, step in steps.items()}
        for circuit, steps in counted.items()
    }


def _settings() -> dict[str, str]:
    return {
        name: ENVIRONMENT[name] for name in ("STAGE", "LOG_LEVEL", "EXECUTOR", "AWS_DEFAULT_REGION")
    } | {
        "EXECUTION_CONCURRENCY": "1",  # moto is not safe under threads
        "SLOW_CALL_MS": "60000",  # a slow call would be a longer line
    }


def _as_json(step: counts.Step) -> dict[str, Any]:
    lines = [list(line) for line in step.log_lines]
    return {**dataclasses.asdict(step), "calls": list(step.calls), "log_lines": lines}


def rendered() -> dict[Path, str]:
    """Return the pages as they are to be, from the counts that are kept."""
    from benchmarks import cost_page, scale  # noqa: PLC0415 - the counts come first

    return {
        DOCS / "cost.md": cost_page.page(),
        **{DOCS / name: text for name, text in scale.pages().items()},
    }


def write() -> None:
    """Count, keep the counts, and write every page."""
    COUNTS.write_text(json.dumps(count(), indent=1) + "\n")
    for path, text in rendered().items():
        path.write_text(text)


def figures() -> list[Figure]:
    """Return the rows that are counted, of a small task."""
    steps = json.loads(COUNTS.read_text())["tasks"]["Bell"]
    units = sum(step["write_units"] for step in steps.values())
    log_bytes = {name: step["log_bytes"] for name, step in steps.items()}
    return [
        Figure(
            name="write units of a small task",
            goal=Goal(_SMALL_TASK_WRITE_UNITS),
            samples=(units,),
            meaning="counted",
        ),
        *(
            Figure(
                name=f"log bytes, {name}",
                goal=Goal(_LOG_BYTES_BEFORE[name] // 2),
                samples=(log_bytes[name],),
                meaning=f"counted; before: {_LOG_BYTES_BEFORE[name]:,}",
                parts={BASELINE: steps[name]["log_bytes_baseline"]},
                profile=tuple(f"{size:>6} {line}" for line, size in steps[name]["log_lines"]),
            )
            for name in log_bytes
        ),
    ]
