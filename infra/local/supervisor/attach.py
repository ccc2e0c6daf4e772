"""``make api`` and ``make worker``: one more process at a backend that runs already."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping

from infra.local.settings import HOST, Settings
from infra.local.supervisor.environment import NotRunningError, load_backend, part_environment
from infra.local.supervisor.pid_files import held_lock, is_part, kill, wait_until
from infra.local.supervisor.process import Part, free_name
from infra.local.supervisor.stop import STOP_SECONDS_MAX
from infra.local.supervisor.terminal import Terminal
from infra.local.supervisor.watch import StartError, is_free

TICK_SECONDS = 0.1


def attach(kind: str, settings: Settings, terminal: Terminal, user: Mapping[str, str]) -> int:
    """Run one part in the foreground until it ends; Ctrl-C ends it."""
    variables = load_backend(settings)
    with held_lock(settings.run_dir / "supervisor.lock") as is_unattended:
        if is_unattended:
            raise NotRunningError(f"nothing runs with DATA_DIR={settings.data_dir}: make run")
    if kind == "api" and not is_free(settings.port):
        raise StartError(f"port {settings.port} is taken; choose another one: make api PORT=8001")
    environment = part_environment(variables, user) | {"PORT": str(settings.port)}
    part = _start_under_free_name(kind, settings, terminal, environment)
    if kind == "api":
        terminal.say(f"serving at http://{HOST}:{settings.port}", part.name)
    stopping = False

    def ask(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    while part.exit_code is None and not stopping:
        part.show_log()
        time.sleep(TICK_SECONDS)
    return _end(part, settings, terminal)


def _start_under_free_name(
    kind: str, settings: Settings, terminal: Terminal, environment: Mapping[str, str]
) -> Part:
    """Two that attach at the same time must not take the same number."""
    lock = settings.run_dir / "attach.lock"
    started: list[Part] = []

    def start() -> bool:
        with held_lock(lock) as is_ours:
            if is_ours:
                part = Part(free_name(kind, settings), settings, terminal, environment)
                part.start()
                started.append(part)
            return is_ours

    if not wait_until(start, 10):
        raise StartError(f"{lock} is held by somebody else")
    return started[0]


def _end(part: Part, settings: Settings, terminal: Terminal) -> int:
    """Let it finish what it does, then see that it is gone."""
    pid = part.pid
    if pid is not None:
        part.stop()
        rank = 0 if part.name.startswith("api") else 1
        if not wait_until(lambda: part.exit_code is not None, STOP_SECONDS_MAX[rank]):
            terminal.say("!!! did not stop in time; killed", part.name)
            if is_part(pid, part.name, settings.data_dir):
                kill(pid)
            wait_until(lambda: part.exit_code is not None, 5)
    part.show_log()
    part.forget()
    code = part.exit_code
    terminal.say("stopped" if code == 0 else f"!!! ended with exit code {code}", part.name)
    return 0 if code == 0 else 1
