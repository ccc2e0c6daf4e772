"""What a task costs and what a function imports is known exactly, and the pages say so."""

from __future__ import annotations

import subprocess
import sys

from infra.local.settings import ROOT


def test_calls_units_log_bytes_and_imports_are_as_counted_and_as_the_pages_say() -> None:
    """One call, unit, byte or import more is found, and a page that was not made again."""
    counted = subprocess.run(
        [sys.executable, "-m", "benchmarks", "check"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert (counted.returncode, counted.stdout) == (0, ""), counted.stdout + counted.stderr
