"""Stages for the acceptance tests; each test gets its own and leaves nothing running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give a stage that is not running yet, and stop it in the end, also after a failure."""
    stage = Stage(tmp_path / "data")
    try:
        yield stage
    finally:
        stage.close()
