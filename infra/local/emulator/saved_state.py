"""The emulator's state on disk: whole, of one instant, or not there at all.

MiniStack saves on SIGTERM only and file by file, so a kill loses everything since the last stop and
can leave the queue's state older than the table's. Here a snapshot is a directory of its own; the
symbolic link ``current`` is swung to it once every byte is on disk, which is atomic, so whoever
starts next sees one complete snapshot: the new one or the one before.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import filelock

#: What one service's state is written as; MiniStack's own format, so that its loader reads it.
Encode = Callable[[str, object], str]

MANIFEST = "manifest"


#: A save that takes longer hangs, most likely on a lock that another thread held when its process
#: was forked.
SAVING_SECONDS_MAX = 30.0


class DamagedSnapshotError(Exception):
    """The saved state cannot be read as it was written."""


def write_snapshot(
    directory: Path, states: Mapping[str, Callable[[], object]], encode: Encode
) -> Path:
    """Write every service's state to a new directory and make it the current one.

    Any failure leaves the old one. A service that has nothing to say (``None``) is left out, as
    MiniStack does. Call it with ``sole_access``.
    """
    number = 1 + max((snapshot_number(path) for path in _snapshots(directory)), default=0)
    target = directory / f"snapshot-{number}"
    target.mkdir()
    sums: dict[str, str] = {}
    for service, state_of in states.items():
        state = state_of()
        if state is None:
            continue
        text = encode(service, state).encode()
        _write_durably(target / f"{service}.json", text)
        sums[f"{service}.json"] = hashlib.sha256(text).hexdigest()
    _write_durably(target / MANIFEST, json.dumps(sums, indent=1).encode())
    _sync(target)
    link = directory / "current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    link.replace(directory / "current")
    _sync(directory)
    remove_all_but(directory, target)
    return target


@contextlib.contextmanager
def sole_access(directory: Path) -> Iterator[None]:
    """Keep every other process away from the snapshots; whoever holds this and dies lets go of it.

    It makes a starting emulator wait for the last save of one that was killed: the save is a
    process of its own and goes on, and must neither lose its directory nor swing the link after the
    newcomer has read it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(directory / "lock", timeout=SAVING_SECONDS_MAX, poll_interval=0.02)
    with lock:
        yield


def current_snapshot(directory: Path) -> Path | None:
    """The snapshot to load, proved to be as it was written; ``None`` when nothing was ever saved.

    A damaged one is refused, not skipped: starting empty would overwrite it two seconds later.
    """
    link = directory / "current"
    if not link.is_symlink():
        return None
    snapshot = link.resolve()
    try:
        sums = json.loads((snapshot / MANIFEST).read_bytes())
        for name, expected in sums.items():
            if hashlib.sha256((snapshot / name).read_bytes()).hexdigest() != expected:
                message = f"{snapshot / name} is not what was written"
                raise DamagedSnapshotError(message)
    except (OSError, ValueError) as error:
        message = f"{snapshot} cannot be read: {error}"
        raise DamagedSnapshotError(message) from error
    return snapshot


def remove_all_but(directory: Path, kept: Path | None) -> None:
    """Remove what is not current: older snapshots, and ones whose writer died."""
    for path in _snapshots(directory):
        if kept is None or path.name != kept.name:
            shutil.rmtree(path, ignore_errors=True)


def snapshot_number(path: Path) -> int:
    """The place of a snapshot in the order in which they were begun."""
    return int(path.name.partition("-")[2])


def _snapshots(directory: Path) -> Iterator[Path]:
    return (path for path in directory.glob("snapshot-*") if path.name.partition("-")[2].isdigit())


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    """Make the names in a directory survive a power cut, as fsync does for a file's content."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
