"""One world for a module, and the figures at its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.faults.explore import Figures
from tests.faults.world import World, running_world

_FIGURES: Final = pytest.StashKey[Figures]()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The service as it is, on a simulated backend."""
    with running_world() as running:
        yield running


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> Figures:
    """Where the scenarios of this session are counted."""
    return pytestconfig.stash.setdefault(_FIGURES, Figures())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many scenarios were run."""
    figures = config.stash.get(_FIGURES, None)
    if figures is not None:
        terminalreporter.section("faults at the wire")
        for line in figures.lines():
            terminalreporter.write_line(line)
