"""One world for a module, and what its scenarios add up to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proof.faults.explore import Figures
from tests.proof.faults.world import World, running_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The service as it is, on a simulated backend."""
    with running_world() as running:
        yield running


@pytest.fixture(scope="module")
def total() -> Figures:
    """Where the scenarios of a module are counted."""
    return Figures()
