"""Stopping the processes of a data directory in order, by their pid files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from infra.local.settings import FUNCTION_TIMEOUT_SECONDS, Settings
from infra.local.supervisor.environment import forget_backend
from infra.local.supervisor.pid_files import (
    ask_to_stop,
    held_lock,
    is_our_process,
    kill,
    living_processes,
    read_pid,
    remove_stale_pid_files,
    stop_rank,
)
from infra.local.supervisor.terminal import Terminal
from infra.waiting import comes_true

#: What a process may take to end, by its place in the order: the API drains for up to 10 s, worker
#: and sweeper finish an invocation, the emulator saves.
STOP_SECONDS_MAX = (12.0, FUNCTION_TIMEOUT_SECONDS + 5, FUNCTION_TIMEOUT_SECONDS + 5, 30.0)
#: All of them one after another, and some.
SUPERVISOR_STOP_SECONDS_MAX = sum(STOP_SECONDS_MAX) + 5


def stop_processes(
    settings: Settings, terminal: Terminal, while_waiting: Callable[[], None] = lambda: None
) -> int:
    """Stop what runs, kind after kind, and say how many there were."""
    processes = living_processes(settings.data_dir)
    for rank, seconds in enumerate(STOP_SECONDS_MAX):
        group = {name: pid for name, pid in processes.items() if stop_rank(name) == rank}
        stop_group(group, settings, terminal, seconds_max=seconds, while_waiting=while_waiting)
        for name in group:
            (settings.run_dir / f"{name}.pid").unlink(missing_ok=True)
    remove_stale_pid_files(settings.data_dir)
    return len(processes)


def stop_group(
    group: Mapping[str, int],
    settings: Settings,
    terminal: Terminal,
    *,
    seconds_max: float,
    while_waiting: Callable[[], None],
) -> None:
    """Ask processes to end, by name and number, and kill those that do not in time."""
    for pid in group.values():
        ask_to_stop(pid)

    def living() -> dict[str, int]:
        return {n: p for n, p in group.items() if is_our_process(p, n, settings.data_dir)}

    def has_ended() -> bool:
        while_waiting()
        return not living()

    if not comes_true(has_ended, seconds_max=seconds_max):
        for name, pid in living().items():
            terminal.say(f"!!! did not stop within {seconds_max:.0f} s; killed", name)
            kill(pid)
        comes_true(has_ended, seconds_max=5)


def stop_everything(settings: Settings, terminal: Terminal) -> int:
    """`make stop`: the supervisor stops its processes; without one, the pid files lead to them."""
    pid_file = settings.run_dir / "supervisor.pid"
    if not settings.run_dir.exists():
        terminal.say("nothing runs")
        return 0
    found = 0
    lock = settings.run_dir / "supervisor.lock"

    def has_ended() -> bool:
        with held_lock(lock) as is_ours:
            return is_ours

    if not has_ended() and (pid := read_pid(pid_file)) is not None:
        # The lock is held, so the process that wrote this number is alive.
        found = 1
        terminal.say(f"stopping process {pid} and its processes")
        ask_to_stop(pid)
        if not comes_true(has_ended, seconds_max=SUPERVISOR_STOP_SECONDS_MAX):
            terminal.say("!!! did not stop in time; killed", "supervisor")
            kill(pid)
    forget_backend(settings)
    found += stop_processes(settings, terminal)
    pid_file.unlink(missing_ok=True)
    terminal.say("stopped" if found else "nothing runs")
    return 0
