"""Process ids on disk: written whole, believed only when the process is really this project's.

`run/<process>.pid` holds the number and nothing else, so that `kill $(cat …)` works. A number
may belong to another process by now, so each command line here ends in the process's name and the
data directory, and that is checked before anything is signalled.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import filelock
import psutil

#: Who stops when: what produces work first, what others need last.
STOP_ORDER = ("api", "worker", "sweeper", "emulator")


def write_atomically(path: Path, text: str) -> None:
    """Replace a file so that no reader ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def read_pid(path: Path) -> int | None:
    """Read a process id, if there is a sane one."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid = int(path.read_text())
        return pid if pid > 1 else None
    return None


def command_line(pid: int) -> str | None:
    """Give a living process's command line, its arguments joined by blanks; a zombie has none."""
    try:
        return " ".join(psutil.Process(pid).cmdline()) or None
    except psutil.Error:
        return None


def is_our_process(pid: int, name: str, data_dir: Path) -> bool:
    """Whether a process id is this process of the local stage."""
    return (command_line(pid) or "").endswith(f" {name} {data_dir}")


def living_processes(data_dir: Path) -> dict[str, int]:
    """Find the processes that run, by name, in the order in which they are to be stopped.

    It only reads: a supervisor that starts a process again is writing its file at this moment.
    """
    found: dict[str, int] = {}
    for path in _pid_files(data_dir):
        pid = read_pid(path)
        if pid is not None and is_our_process(pid, path.stem, data_dir):
            found[path.stem] = pid
    return dict(sorted(found.items(), key=lambda item: (stop_rank(item[0]), item[0])))


def remove_stale_pid_files(data_dir: Path) -> None:
    """Remove the files of processes that do not run. The caller must have made sure of that."""
    living = living_processes(data_dir)
    for path in list(_pid_files(data_dir)):
        if path.stem not in living:
            path.unlink(missing_ok=True)


def _pid_files(data_dir: Path) -> Iterator[Path]:
    return (path for path in (data_dir / "run").glob("*.pid") if path.stem != "supervisor")


def stop_rank(name: str) -> int:
    """Give a process's place in the order of stopping."""
    return STOP_ORDER.index(name.partition("-")[0])


def ask_to_stop(pid: int) -> None:
    """Send SIGTERM, and wake a process that is paused: it could not hear it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)


def kill(pid: int) -> None:
    """Send SIGKILL."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def held_lock(path: Path) -> Iterator[bool]:
    """Hold a lock file, or yield `False` if another has it. The kernel lets go when we die."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = filelock.FileLock(path).acquire(blocking=False)
    except filelock.Timeout:
        yield False
    else:
        with held:
            yield True
