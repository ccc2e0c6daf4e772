"""A service for the client, the client for it, and no configuration of this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from quantum_tasks import Client
from tests.client.service import Service
from tests.client.serving import Running, serve
from tests.client.virtual import VirtualClock

# A machine that is busy fails no property: what these say of time, they say of a virtual clock.
settings.register_profile("client", deadline=None)
settings.load_profile("client")

#: Needs Qiskit, which is in the client's own environment: `test_environment.py` runs it there.
collect_ignore = [] if importlib.util.find_spec("qiskit") else ["with_qiskit"]


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no file or variable of this machine decide what a test does."""
    monkeypatch.setenv("QTASKS_CONFIG", str(tmp_path / "none.toml"))
    for name in ("QTASKS_URL", "QTASKS_PROFILE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def running() -> Iterator[Running]:
    """Run a service."""
    yield from serve(Service())


@pytest.fixture
def service(running: Running) -> Service:
    """Return the service that is running."""
    return running.service


@pytest.fixture
def running_url(running: Running) -> str:
    """Return the running service's address."""
    return running.url


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    """Return a client of the running service; it does not really sleep."""
    with Client(running.url, clock=VirtualClock()) as client:
        yield client


@pytest.fixture
def bell(tmp_path: Path) -> str:
    """Return a circuit's file."""
    file = tmp_path / "bell.qasm"
    file.write_text("OPENQASM 3.0;")
    return str(file)
