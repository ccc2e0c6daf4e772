"""Stages for the acceptance tests; each test gets its own and leaves nothing running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.local_stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give a stage that is not running yet, and stop it in the end, also after a failure."""
    yield from _stage(tmp_path / "data")


@pytest.fixture
def other_stage(tmp_path: Path) -> Iterator[Stage]:
    """Give another one."""
    yield from _stage(tmp_path / "other-data")


def _stage(data_dir: Path) -> Iterator[Stage]:
    stage = Stage(data_dir)
    try:
        yield stage
    finally:
        stage.close()
