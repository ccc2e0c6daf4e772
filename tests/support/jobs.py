"""What children of this process are given to do."""

from __future__ import annotations

import pytest

from chalicelib.executors.children import child_process
from chalicelib.executors.children.jobs import Answer, Job, Started, line_of


def recorded_jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Return a list to which every job is added as it is sent to a child."""
    jobs: list[Job] = []

    def seen(message: Job | Started | Answer) -> bytes:
        if isinstance(message, Job):
            jobs.append(message)
        return line_of(message)

    monkeypatch.setattr(child_process, "line_of", seen)
    return jobs
