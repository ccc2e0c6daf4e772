"""Shows how a task is doing while it is waited for: on standard error, never on standard output."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Final

from quantum_tasks.cli.terminal import LiveLine, colored, printable
from quantum_tasks.cli.text import change_line, duration
from quantum_tasks.protocol.views import TaskView

#: How often the live line is written over.
TICK_SECONDS: Final = 0.2


class Progress:
    """A live line on a terminal, one line per change elsewhere. It is the client's clock as well.

    A client sleeps by its clock; this one writes the line over while it does.
    """

    monotonic = staticmethod(time.monotonic)

    def __init__(self, *, each_change: bool = True) -> None:
        self._line = LiveLine()
        self._each_change = each_change
        self._task: TaskView | None = None
        self._text = ""

    def sleep(self, seconds: float) -> None:
        """Sleep, and keep the line's times going."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._tick()
            time.sleep(min(left, TICK_SECONDS) if self._line.live else left)

    def change(self, task: TaskView) -> None:
        """Show a task that has changed."""
        self._task = task
        if self._line.live:
            self._tick()
        elif self._each_change and (text := _newest(task)) != self._text:
            print(text, file=sys.stderr, flush=True)
            self._text = text

    def end(self) -> None:
        """Take the live line away, before something else is written."""
        self._line.clear()

    def _tick(self) -> None:
        if self._task is not None:
            self._line.show(live_text(self._task, datetime.now(UTC)))


def live_text(task: TaskView, now: datetime) -> str:
    """Return one line of less than 80 columns: status, how long it queued and ran, attempt."""
    data = task.data
    parts = [f"{task.id[:8]}…", printable(task.status)]
    if data.submitted_at is not None:
        queued = (data.started_at or data.completed_at or now) - data.submitted_at
        parts.append(f"queued {duration(queued.total_seconds())}")
    if data.started_at is not None:
        ran = (data.completed_at or now) - data.started_at
        parts.append(f"running {duration(ran.total_seconds())}")
    if data.attempt:
        parts.append(f"attempt {data.attempt}")
    return "  ".join(parts)


def _newest(task: TaskView) -> str:
    if task.history:
        return change_line(task.history[-1], sys.stderr)
    return f"{task.id}  {colored(printable(task.status), task.status, sys.stderr)}"
