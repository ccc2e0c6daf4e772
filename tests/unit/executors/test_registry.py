"""What the settings' executor is built with: what a child is told of its limits."""

from __future__ import annotations

import pytest

from chalicelib.executors.pool import ProcessPool
from chalicelib.executors.registry import build_executor
from chalicelib.settings import Settings
from tests.support.circuits import BELL
from tests.support.fakes import RecordingObserver
from tests.support.in_memory import a_request
from tests.support.jobs import recorded_jobs


def test_an_execution_has_the_limits_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processor time in seconds, memory in bytes, and the largest state that is simulated."""
    jobs = recorded_jobs(monkeypatch)
    settings = Settings(
        execution_processor_seconds_max=7,
        execution_memory_mb_max=300,
        execution_amplitudes_max=1 << 20,
    )
    executor = build_executor(settings, RecordingObserver())
    assert isinstance(executor, ProcessPool)
    result = executor.execute(a_request(BELL, shots=10), time_limit_seconds=60)
    executor.close()
    (job,) = jobs
    assert (job.processor_seconds_max, job.memory_bytes_max) == (7, 300 * 1024 * 1024)
    assert 0 < job.time_limit_seconds <= 60
    assert (result.shots, result.executor) == (10, "prism-q")
