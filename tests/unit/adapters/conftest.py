"""What is logged, and table and queue in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.logged import Lines, logged_lines
from tools.backends import Backend, moto_backend


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return a function that gives every line logged so far, parsed."""
    with logged_lines() as logged:
        yield logged


@pytest.fixture(scope="module")
def moto() -> Iterator[Backend]:
    """Make table and queues once for a module."""
    with moto_backend() as backend:
        yield backend


@pytest.fixture
def backend(moto: Backend) -> Iterator[Backend]:
    """Return a backend whose table is empty, and leave it so."""
    yield moto
    moto.empty_table()
