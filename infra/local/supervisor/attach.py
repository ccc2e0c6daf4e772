"""`make api` and `make worker`: one more process at a backend that runs already."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping

from infra.local.settings import HOST, Settings
from infra.local.supervisor.environment import (
    NotRunning,
    is_described,
    load_backend,
    process_environment,
)
from infra.local.supervisor.pid_files import held_lock, stop_rank
from infra.local.supervisor.process import Process, take_name
from infra.local.supervisor.stop import STOP_SECONDS_MAX, stop_group
from infra.local.supervisor.supervisor import StartFailed, is_free
from infra.local.supervisor.terminal import Terminal
from infra.waiting import comes_true

TICK_SECONDS = 0.1


def attach(kind: str, settings: Settings, terminal: Terminal, user: Mapping[str, str]) -> int:
    """Run one process in the foreground until it ends; Ctrl-C ends it."""
    variables = load_backend(settings)
    with held_lock(settings.run_dir / "supervisor.lock") as is_unattended:
        if is_unattended:
            raise NotRunning(f"nothing runs with DATA_DIR={settings.data_dir}: make run")
    if kind == "api" and not is_free(settings.port):
        raise StartFailed(f"port {settings.port} is taken; choose another one: make api PORT=8001")
    environment = process_environment(variables, user) | {"PORT": str(settings.port)}
    process = Process(take_name(kind, settings), settings, terminal, environment)
    process.start()
    if kind == "api":
        terminal.say(f"serving at http://{HOST}:{settings.port}", process.name)
    stopping = False

    def ask(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    # A stop that began before the pid file was written did not see this process.
    stopping = stopping or not is_described(settings)
    while process.exit_code is None and not stopping:
        process.show_log()
        time.sleep(TICK_SECONDS)
    return _end(process, settings, terminal)


def _end(process: Process, settings: Settings, terminal: Terminal) -> int:
    """Let it finish what it does, then see that it is gone."""
    if process.pid is not None:
        stop_group(
            {process.name: process.pid},
            settings,
            terminal,
            seconds_max=STOP_SECONDS_MAX[stop_rank(process.name)],
            while_waiting=process.show_log,
        )
        comes_true(lambda: process.exit_code is not None, seconds_max=5)
    process.show_log()
    process.forget()
    code = process.exit_code
    terminal.say("stopped" if code == 0 else f"!!! ended with exit code {code}", process.name)
    return 0 if code == 0 else 1
