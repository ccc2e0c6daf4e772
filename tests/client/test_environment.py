"""The client in an environment of its own: the lowest urllib3 that it takes, and Qiskit.

The other tests have the highest. Nothing of the service is in that environment.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.client.serving import Running
from tests.client.simulating import simulating_service
from tools.environment import make_environment

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-client"
PYTHON = ENVIRONMENT / "bin" / "python"
#: What another urllib3 can break, requests and answers, whole and spoiled; and what uses Qiskit.
SUITES = (
    "tests/client/test_client.py",
    "tests/client/test_faults.py",
    "tests/client/with_qiskit",
)


@pytest.fixture(scope="module")
def python() -> Path:
    """Make the environment, unless it is there."""
    make_environment(ENVIRONMENT, ROOT / "requirements-client.lock")
    return PYTHON


@pytest.fixture
def simulating() -> Iterator[Running]:
    """Run a service whose results are the real simulator's."""
    yield from simulating_service()


def run(python: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the environment."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "client" / "src"), **variables}
    return subprocess.run(
        [str(python), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_the_client_works_with_the_lowest_urllib3_and_with_qiskit(
    python: Path, simulating: Running, figures: Callable[[str], None]
) -> None:
    """What they can break is tested there, and no test is skipped."""
    versions = run(
        python, "-c", "import qiskit, urllib3; print(urllib3.__version__, qiskit.__version__)"
    )
    project = (ROOT / "client" / "pyproject.toml").read_text()
    lowest = re.search(r'"urllib3>=([0-9.]+),', project)
    assert lowest is not None
    assert versions.stdout.split()[0] == lowest.group(1)
    done = run(
        python,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES),
        QTASKS_TEST_URL=simulating.url,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    summary = done.stdout.splitlines()[-1]
    assert "skipped" not in summary
    figures(f"client with urllib3 and Qiskit {versions.stdout.strip()}: {summary}")


def test_nothing_of_the_service_is_in_that_environment(python: Path) -> None:
    """So the client needs nothing of it."""
    done = run(python, "-c", "import msgspec", PYTHONPATH="")
    assert "No module named 'msgspec'" in done.stderr
