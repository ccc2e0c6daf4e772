"""Schemathesis against the running service: does every answer stand in the description?

It runs as a program of its own, in an environment of its own, and follows the description's links
from answer to request. What it is not asked, and why, stands in `schemathesis.toml`.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[3]
PROGRAM: Final = ROOT / ".venv-fuzz" / "bin" / "schemathesis"
#: Which checks are not made, and why.
CONFIGURATION: Final = Path(__file__).with_name("schemathesis.toml")
PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
#: Of a run of 50 examples a call; it takes a minute on a machine at rest.
SECONDS_MAX: Final = 1_200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run of the program found."""

    #: Requests that were sent and judged.
    requests: int
    #: Phases that were run to their end.
    phases: frozenset[str]
    #: Titles of what stood outside the description, each with how often.
    failures: tuple[str, ...]
    #: All that was printed: each failure with the request that shows it.
    text: str


def without_signatures(document: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a stage that takes no signature."""
    components = {k: v for k, v in document["components"].items() if k != "securitySchemes"}
    paths = {
        path: {
            method: {k: v for k, v in operation.items() if k != "security"}
            for method, operation in item.items()
        }
        for path, item in document["paths"].items()
    }
    return {**document, "components": components, "paths": paths}


def run(
    document: dict[str, Any], *, port: int, examples: int, seed: int, directory: Path
) -> Outcome:
    """Ask the service at this port for what the document describes.

    Raises:
        ValueError: the program did not run to its end.
    """
    described, report = directory / "openapi.json", directory / "report.json"
    described.write_text(json.dumps(without_signatures(document)))
    report.unlink(missing_ok=True)
    command = [
        *(str(PROGRAM), "--config-file", str(CONFIGURATION)),
        *("run", str(described), "--url", f"http://127.0.0.1:{port}"),
        *("--phases", ",".join(PHASES), "--workers", "1"),
        *("--max-examples", str(examples), "--seed", str(seed), "--generation-database", "none"),
        *("--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off"),
        *("--report", "json", "--report-json-path", str(report)),
    ]
    ended = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    if not report.exists():
        raise ValueError(f"schemathesis made no report: {ended.stdout}{ended.stderr}")
    found = json.loads(report.read_text())
    failures = [f"{failure['title']}: {failure['count']}" for failure in found["failures"]]
    failures += [f"error: {error}" for error in found["errors"]]
    if not failures and ended.returncode != 0:
        failures.append(f"schemathesis ended with {ended.returncode}")
    return Outcome(
        requests=found["test_cases"]["generated"],
        phases=frozenset(name for name, p in found["phases"].items() if p["status"] == "success"),
        failures=tuple(failures),
        text=ended.stdout + ended.stderr,
    )
