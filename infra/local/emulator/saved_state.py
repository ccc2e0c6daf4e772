"""The emulator's state on disk: of one instant, and only what changed since is written again.

MiniStack saves on SIGTERM only and file by file, so a kill loses everything since the last stop and
can leave the queue's state older than the table's. Here every item, every message and the rest of
each service is a row of one SQLite database. What changed goes in as one transaction, so the next
process sees one complete instant: the new one or the one before.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import filelock

DATABASE: Final = "state.sqlite3"

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS state (
    place INTEGER PRIMARY KEY,  -- in the order in which the keys came, which a change keeps
    key TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL
)
"""
_PUT: Final = """
INSERT INTO state (key, value, checksum) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, checksum = excluded.checksum
"""


class StateDamaged(Exception):
    """The saved state cannot be read as it was written."""


class StateInUse(Exception):
    """Another emulator has this state."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is different now from what was saved before."""

    put: Mapping[str, str]
    deleted: Sequence[str] = ()
    #: Nothing else is there: what was saved before is forgotten.
    is_everything: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.put or self.deleted or self.is_everything)


class SavedState:
    """One emulator's database. One process has it at a time."""

    def __init__(self, directory: Path) -> None:
        """Open the database, or make an empty one.

        Raises:
            StateInUse: another process has it.
            StateDamaged: it is no database.
        """
        self._path = directory / DATABASE
        directory.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as opened:
            try:
                opened.enter_context(filelock.FileLock(directory / "lock", timeout=0))
            except filelock.Timeout as exc:
                raise StateInUse(f"another emulator uses {directory}") from exc
            self._database = opened.enter_context(contextlib.closing(self._connect()))
            self._opened = opened.pop_all()

    def _connect(self) -> sqlite3.Connection:
        with self._damage_named():
            database = sqlite3.connect(self._path)
            try:
                # Readers do not block the writer. FULL: what is committed is on disk.
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                database.execute(_TABLE)
            except sqlite3.DatabaseError:
                database.close()
                raise
        return database

    def read(self) -> Mapping[str, str]:
        """Return everything, in the order in which it came.

        Raises:
            StateDamaged: something is not as it was written. It is refused and not passed
                over: what starts without it would soon save its absence.
        """
        state: dict[str, str] = {}
        with self._damage_named():
            for key, value, checksum in self._database.execute(
                "SELECT key, value, checksum FROM state ORDER BY place"
            ):
                if _checksum(value) != checksum:
                    raise StateDamaged(f"{self._path}: {key} is not what was written")
                state[key] = value
        return state

    def write(self, changes: Changes) -> None:
        """Save all of it or, whatever fails, nothing of it."""
        with self._database:
            if changes.is_everything:
                self._database.execute("DELETE FROM state")
            self._database.executemany(
                "DELETE FROM state WHERE key = ?", ((key,) for key in changes.deleted)
            )
            self._database.executemany(
                _PUT, ((key, value, _checksum(value)) for key, value in changes.put.items())
            )

    def close(self) -> None:
        """Let go of it."""
        self._opened.close()

    @contextlib.contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as exc:
            raise StateDamaged(f"{self._path} cannot be read: {exc}") from exc


def _checksum(value: str) -> int:
    return zlib.crc32(value.encode())
