"""Tasks, lists, findings and counts as lines of text."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, TextIO

from quantum_tasks.cli.terminal import colored, is_terminal, printable, width
from quantum_tasks.protocol.views import TaskView
from quantum_tasks.values.result import Result
from quantum_tasks.values.service import Validation
from quantum_tasks.values.task import HistoryEntry

#: More outcomes than this are not drawn unless they are asked for.
ROWS_MAX: Final = 32

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def task_lines(task: TaskView) -> Iterator[str]:
    """Give all of a task but its circuit, whose size stands for it."""
    data = task.data
    named = {
        "task": task.id,
        "status": colored(printable(task.status), task.status, sys.stdout),
        "submitted": stamp(data.submitted_at),
        "shots": str(data.shots),
        "tags": _tags(task),
        "circuit": f"{len(data.circuit or ''):,} characters",
        "queued": _milliseconds(data.usage.queued_ms),
        "executed": _milliseconds(data.usage.execution_ms),
        "error": printable(data.error_message or ""),
        "correlation id": data.correlation_id or "",
    }
    yield from (f"{name + ':':16}{text}" for name, text in named.items() if text)
    yield "history:"
    yield from (f"  {change_line(entry, sys.stdout)}" for entry in task.history)
    if data.result is not None:
        yield "counts:"
        yield from counts_lines(data.result, top=None)


def list_line(task: TaskView) -> str:
    """Return a task as one line of a list."""
    status = colored(f"{printable(task.status):10}", task.status, sys.stdout)
    return f"{task.id}  {status}  {stamp(task.submitted_at)}  {_tags(task)}".rstrip()


def validation_lines(validation: Validation, name: str) -> Iterator[str]:
    """Give findings as compilers write them: `bad.qasm:4:7: error: …`; editors find the place."""
    for found in validation.findings:
        known = itertools.takewhile(lambda number: number is not None, (found.line, found.column))
        place = ":".join([name, *map(str, known)])
        yield f"{place}: {printable(found.severity)}: {printable(found.message)}"
    if validation.valid:
        qubits = "" if validation.qubits is None else f", {validation.qubits} qubits"
        yield f"{name}: valid{qubits}"


def change_line(entry: HistoryEntry, stream: TextIO) -> str:
    """Return one transition as a line."""
    status = colored(f"{printable(entry.status):10}", entry.status, stream)
    attempt = f"  attempt {entry.attempt}" if entry.attempt else ""
    notes = f"  {printable(entry.notes)}" if entry.notes else ""
    return f"{stamp(entry.transitioned_at)}  {status}{attempt}{notes}".rstrip()


def stamp(at: datetime | None) -> str:
    """Return a time for a person: UTC, to the millisecond."""
    if at is None:
        return "-"
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """Return a duration for a person; clocks may differ, so it is never below zero."""
    seconds = max(0.0, seconds)
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _tags(task: TaskView) -> str:
    """Return a task's tags as they are given on the command line."""
    return printable(" ".join(f"{name}={value}" for name, value in task.tags.items()))


def _milliseconds(value: int | None) -> str:
    return "" if value is None else duration(value / 1000)


def counts_lines(result: Result, *, top: int | None) -> Iterator[str]:
    """Give a result's counts as lines for standard output.

    On a terminal the most frequent outcomes as bars in the order of keys; elsewhere all of them.
    """
    for number in range(len(result.points)):
        yield colored(f"inputs[{number}]", "dim", sys.stdout)
        yield from counts_lines(result.point(number), top=top)
    if result.points:
        return
    if not is_terminal(sys.stdout):
        rows = list(result.counts.items()) if top is None else result.top(top)
        yield from (f"{key}\t{count}" for key, count in rows)
        return
    chosen = result.top(ROWS_MAX if top is None else top)
    if top is None:
        chosen.sort()
    yield from _bars(chosen, shots=result.shots, columns=width(sys.stdout))
    if left := len(result.counts) - len(chosen):
        shots = result.shots - sum(count for _, count in chosen)
        yield colored(f"and {left:,} more outcomes, {shots:,} shots", "dim", sys.stdout)


def _bars(rows: list[tuple[str, int]], *, shots: int, columns: int) -> Iterator[str]:
    """Give a line for each outcome; the longest bar reaches the last column."""
    key_width = max((len(key) for key, _ in rows), default=0)
    largest = max((count for _, count in rows), default=0)
    count_width = len(f"{largest:,}")
    room = max(8, columns - key_width - count_width - 12)
    for key, count in rows:
        whole, part = divmod(room * 8 * count // largest, 8)
        bar = colored((_EIGHTHS[8] * whole + _EIGHTHS[part]).rstrip(), "bar", sys.stdout)
        yield f"{key:>{key_width}}  {count:>{count_width},}  {count / shots:6.1%}  {bar}"
