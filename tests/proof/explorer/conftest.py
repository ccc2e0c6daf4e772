"""What the explorer's tests add up to, printed at the end of a run."""

from __future__ import annotations

import pytest

from tests.proof.explorer.report import Figures

_FIGURES = pytest.StashKey[Figures]()


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> Figures:
    """Return the figures of this run, to be added to."""
    return pytestconfig.stash.setdefault(_FIGURES, Figures())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them, if any of the explorer's tests ran."""
    figures = terminalreporter.config.stash.get(_FIGURES, None)
    if figures is not None:
        terminalreporter.section("protocol explorer")
        for line in figures.lines():
            terminalreporter.write_line(line)
