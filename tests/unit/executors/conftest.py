"""Children in memory instead of processes."""

from __future__ import annotations

import pytest

from chalicelib.executors.children import pool as pool_module
from tests.support.fakes import RecordingObserver
from tests.unit.executors.fake_children import Children


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    """Give what the pools start."""
    children = Children()
    monkeypatch.setattr(pool_module, "ChildProcess", children)
    return children


@pytest.fixture
def observer() -> RecordingObserver:
    """Give what is told of faults."""
    return RecordingObserver()
