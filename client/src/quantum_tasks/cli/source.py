"""Reads what a command is given: a circuit's file, and times."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from quantum_tasks.cli.exits import UsageError

#: More than the service takes; a larger file is a mistake, and not read.
FILE_BYTES_MAX: Final = 16_000_000

_AGO: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_circuit(file: str) -> str:
    """Return a file's text; `-` is standard input."""
    name = shown(file)
    try:
        if file == "-":
            data = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(FILE_BYTES_MAX + 1)
    except OSError as exc:
        raise UsageError(f"{name} cannot be read: {exc.strerror or exc}") from exc
    if len(data) > FILE_BYTES_MAX:
        raise UsageError(f"{name} is longer than {FILE_BYTES_MAX:,} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise UsageError(f"{name} is not UTF-8 (byte {exc.start:,})") from exc


def shown(file: str) -> str:
    """Return a file's name as messages have it."""
    return "<stdin>" if file == "-" else file


def read_time(text: str | None) -> str | None:
    """Return a time as the API takes it: as given, or so long ago."""
    if text is None:
        return None
    if match := _AGO.fullmatch(text):
        ago = timedelta(**{_UNITS[match.group(2)]: int(match.group(1))})
        try:
            return (datetime.now(UTC) - ago).isoformat().replace("+00:00", "Z")
        except OverflowError:
            raise UsageError(f"{text} ago is before the year 1") from None
    try:
        aware = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        message = f"a time must be RFC 3339 with its zone, or like 30m, 2h, 7d; not {text!r}"
        raise UsageError(message)
    return text
