"""Tasks, lists and findings as text."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from quantum_tasks.cli import histogram
from quantum_tasks.cli.progress import duration, stamp
from quantum_tasks.cli.terminal import colored, printable
from quantum_tasks.values import Finding, HistoryEntry, Validation
from quantum_tasks.views import TaskView


def show_task(task: TaskView) -> None:
    """Write all of a task but its circuit, whose size stands for it."""
    data = task.data
    lines = {
        "task": task.id,
        "status": colored(printable(task.status), task.status, sys.stdout),
        "submitted": stamp(data.submitted_at),
        "shots": str(data.shots),
        "tags": tags(task),
        "circuit": f"{len(data.circuit or ''):,} characters",
        "queued": _milliseconds(data.usage.queued_ms),
        "executed": _milliseconds(data.usage.execution_ms),
        "error": printable(data.error_message or ""),
        "correlation id": data.correlation_id or "",
    }
    for name, text in lines.items():
        if text:
            print(f"{name + ':':16}{text}")
    print("history:")
    for entry in task.history:
        print(f"  {change_line(entry)}")
    if data.result is not None:
        print("counts:")
        histogram.show(data.result, top=None)


def show_list(tasks: Iterable[TaskView]) -> None:
    """Write one line for each task, as it comes."""
    for task in tasks:
        status = colored(f"{printable(task.status):10}", task.status, sys.stdout)
        print(f"{task.id}  {status}  {stamp(task.submitted_at)}  {tags(task)}".rstrip())


def show_validation(validation: Validation, name: str) -> None:
    """Write findings as compilers do, so that editors find the place."""
    for finding in validation.findings:
        print(finding_line(finding, name))
    if validation.valid:
        qubits = "" if validation.qubits is None else f", {validation.qubits} qubits"
        print(f"{name}: valid{qubits}")


def finding_line(finding: Finding, name: str) -> str:
    """Return `bad.qasm:4:7: error: …`; a place that is not known is left out."""
    place = name
    for number in (finding.line, finding.column):
        if number is None:
            break
        place += f":{number}"
    return f"{place}: {printable(finding.severity)}: {printable(finding.message)}"


def change_line(entry: HistoryEntry) -> str:
    """Return one transition as a line."""
    status = colored(f"{printable(entry.status):10}", entry.status, sys.stdout)
    attempt = f"  attempt {entry.attempt}" if entry.attempt else ""
    notes = f"  {printable(entry.notes)}" if entry.notes else ""
    return f"{stamp(entry.transitioned_at)}  {status}{attempt}{notes}".rstrip()


def tags(task: TaskView) -> str:
    """Return a task's tags as they are given on the command line."""
    return printable(" ".join(f"{name}={value}" for name, value in task.tags.items()))


def timestamp(at: datetime) -> str:
    """Return a time as the service writes it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _milliseconds(value: int | None) -> str:
    return "" if value is None else duration(value / 1000)
