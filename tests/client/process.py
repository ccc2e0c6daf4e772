"""Runs `qtasks` as a real process, as an installed script does."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.processes import started

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "client" / "src"

#: What the installed script does.
SCRIPT = "import sys; from quantum_tasks.cli import entry; sys.exit(entry())"
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


#: Submits a circuit five hundred times, each with other shots, under one key.
SUBMIT_FIVE_HUNDRED = """
import sys
from quantum_tasks import Client
bell = sys.stdin.read()
requests = [{"circuit": bell, "shots": n + 1, "tags": {"sweep": "1"}} for n in range(500)]
Client().submit_many(requests, key="sweep")
print("all", flush=True)
"""


def submit_five_hundred(url: str, circuit: str, moments: Sequence[Callable[[], None]]) -> int:
    """Kill a program that submits at each of these moments, and let one come to its end.

    Return how many were killed before they had submitted all.
    """
    kills = 0
    for wait in (*moments, None):
        with started(
            *(sys.executable, "-c", SUBMIT_FIVE_HUNDRED),
            env=environment(url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as program:
            assert program.stdin is not None
            program.stdin.write(circuit.encode())
            program.stdin.close()
            program.stdin = None
            if wait is not None:
                wait()
                program.kill()
            out, _ = program.communicate(timeout=2 * DEADLINE_SECONDS)
            kills += not out
            assert wait is not None or out == b"all\n"
    return kills
