"""The terminal: every process's log as short, prefixed lines. The files keep everything."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

#: What is shown after the message, under which short name, and up to how many characters.
KEYS = (
    ("task_id", "task", 8),
    ("status", "status", 20),
    ("attempt", "attempt", 6),
    ("duration_ms", "ms", 10),
    ("reason", "reason", 100),
    ("correlation_id", "correlation", 8),
)
QUIET_LEVELS = frozenset({"DEBUG", "TRACE"})
LINE_CHARACTERS_MAX = 300
NAME_WIDTH = 10


class Terminal:
    """Prints lines whole; that they are no longer read is no reason to fail."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def say(self, text: str, name: str = "local") -> None:
        """Print one message of a process, or of the supervisor."""
        for line in text.splitlines() or [""]:
            self.plain(f"{name:<{NAME_WIDTH}} | {printable(line)}")

    def plain(self, text: str) -> None:
        """Print something to be copied, without a prefix."""
        with contextlib.suppress(OSError, ValueError):  # gone, or closed
            self._stream.write(text + "\n")
            self._stream.flush()


def printable(line: str) -> str:
    """Write what is no visible character as its escape.

    A client's text may be in a line, and a terminal obeys control characters.
    """
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


class LogTail:
    """What is appended to a log file from now on."""

    def __init__(self, path: Path) -> None:
        """Begin at the file's present end."""
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._partial = b""

    def lines(self) -> Iterator[str]:
        """Give the complete lines that came since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        self._offset += len(data)
        *complete, self._partial = (self._partial + data).split(b"\n")
        for line in complete:
            yield line.decode(errors="replace")


def rendered(line: str) -> str | None:
    """Shorten a log line for the terminal; `None` for what only the file is for."""
    if not line.startswith("{"):
        return line[:LINE_CHARACTERS_MAX] if line.strip() else None
    try:
        entry = json.loads(line)
    except ValueError:
        return line[:LINE_CHARACTERS_MAX]
    level = str(entry.get("level", "INFO"))
    if "_aws" in entry or level in QUIET_LEVELS:  # a metric in EMF, or detail
        return None
    if level == "INFO" and "operation" in entry and "duration_ms" in entry:
        return None  # a call to the database or the queue
    if level == "INFO" and entry.get("seen") == 0:
        return None  # a sweep that found nothing
    shown = [str(entry.get("message", ""))]
    for key, short, width in KEYS:
        if entry.get(key) not in {None, ""}:
            shown.append(f"{short}={str(entry[key])[:width]}")
    prefix = "" if level == "INFO" else f"{level} "
    return (prefix + " ".join(shown))[:LINE_CHARACTERS_MAX]
