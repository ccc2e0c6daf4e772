"""What the terminal can do: width, colours, a line that is written over."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final, TextIO

from quantum_tasks.contract import STATUSES

_COLORS: Final = {name: status.color for name, status in STATUSES.items()} | {
    "bar": "36",
    "dim": "2",
}


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a person reads it, on something that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int:
    """Return how many columns a stream's terminal has."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return shutil.get_terminal_size().columns


def colored(text: str, kind: str, stream: TextIO) -> str:
    """Color a text for a terminal, unless the user does not want it (https://no-color.org)."""
    code = _COLORS.get(kind)
    if code is None or os.environ.get("NO_COLOR") or not is_terminal(stream):
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def printable(text: str) -> str:
    """Return a service's text so that it cannot move the cursor or start a new line."""
    return "".join(c if c.isprintable() else " " for c in text)


class LiveLine:
    """One line of standard error that is written over; elsewhere than on a terminal, nothing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self.live = is_terminal(self._stream)
        self._shown = False

    def show(self, text: str) -> None:
        """Write the line over; it is cut at the terminal's width, so that it stays one line."""
        if self.live:
            self._shown = True  # before it is: Ctrl-C may come in between
            self._stream.write(f"\r\x1b[K{text[: width(self._stream) - 1]}")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False
