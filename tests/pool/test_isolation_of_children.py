"""A circuit's process reaches nothing of the function that started it, nor anything else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from infra.local.settings import ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is Linux's")
def test_an_executor_reads_no_credentials_and_opens_no_way_out() -> None:
    """Neither the function's environment nor its memory, no socket, program, process or tracing."""
    function = subprocess.run(
        [sys.executable, "-m", "tests.pool.intruder"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    got = json.loads(function.stdout)
    assert len(got) == 7
    assert [way for way, led in got.items() if led] == []
