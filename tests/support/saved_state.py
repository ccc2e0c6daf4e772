"""What an emulator has on disk while it runs."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from infra.local.emulator.saved_state import DATABASE


def saved_text(directory: Path) -> str:
    """Return every row that an emulator has saved in its directory, one a line."""
    path = directory / DATABASE
    if not path.exists():
        return ""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            rows = database.execute("SELECT key, value FROM state ORDER BY place").fetchall()
        except sqlite3.OperationalError:  # the emulator is just making its table
            return ""
    return "\n".join(f"{key} {value}" for key, value in rows)
