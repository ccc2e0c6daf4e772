"""Runs `qtasks` as a real process, as an installed script does."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "client" / "src"

#: What the installed script does.
SCRIPT = "import sys; from quantum_tasks.cli import main; sys.exit(main())"
COMMAND = [sys.executable, "-c", SCRIPT]

DEADLINE_SECONDS = 60


def environment(url: str, **more: str) -> dict[str, str]:
    """Return the environment of a process that finds the service."""
    return {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "QTASKS_URL": url,
        "PYTHONIOENCODING": "utf-8",
        "TERM": "xterm",
        **more,
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str


def qtasks(url: str, *arguments: str, given: str = "", **more: str) -> Ended:
    """Run `qtasks` without a terminal."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(url, **more),
        input=given.encode(),
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    return Ended(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())
