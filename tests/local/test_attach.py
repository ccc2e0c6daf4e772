"""Processes that attach to a running stage: each has its name, and none survives a stop."""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from infra.local.settings import Settings
from infra.local.supervisor import attach, process
from infra.local.supervisor.environment import forget_backend, save_backend
from infra.local.supervisor.pid_files import held_lock
from infra.local.supervisor.terminal import Terminal

AT_ONCE = 8


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data directory in which a supervisor seems to run."""
    settings = Settings.from_environment({"DATA_DIR": str(tmp_path)})
    settings.run_dir.mkdir(parents=True)
    return settings


def test_processes_that_attach_at_once_have_names_of_their_own(settings: Settings) -> None:
    """With one name for two, a stop would find one of them only."""
    together = Barrier(AT_ONCE)

    def take(_number: int) -> list[str]:
        together.wait()
        return [process.take_name("worker", settings) for _ in range(20)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = [name for taken in pool.map(take, range(AT_ONCE)) for name in taken]
    assert sorted(names) == sorted(f"worker-{n}" for n in range(1, AT_ONCE * 20 + 1))
    assert process.take_name("api", settings) == "api"
    assert process.take_name("api", settings) == "api-2"


def test_a_process_that_starts_while_the_stage_stops_ends_by_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor looked for processes before this one had its pid file."""
    sleeper = (sys.executable, "tests.local.sleeper")
    monkeypatch.setitem(process.COMMANDS, "worker", sleeper)
    start = process.Process.start

    def start_late(self: process.Process) -> None:
        forget_backend(settings)
        start(self)

    monkeypatch.setattr(process.Process, "start", start_late)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    save_backend(settings, {})
    with held_lock(settings.run_dir / "supervisor.lock"), ThreadPoolExecutor() as pool:
        ending = pool.submit(partial(attach.attach, "worker", settings, Terminal(), {}))
        assert ending.result(timeout=60) in {0, 1}
    assert list(settings.run_dir.glob("*.pid")) == []
