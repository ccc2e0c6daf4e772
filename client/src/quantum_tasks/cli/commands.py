"""The commands that talk to the service."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from quantum_tasks.cli import exits, histogram, parser, source, tables
from quantum_tasks.cli.context import Context, UsageError
from quantum_tasks.cli.progress import Progress
from quantum_tasks.client import Client, Task
from quantum_tasks.engine.waiting import ended, result_of
from quantum_tasks.requests import new_key
from quantum_tasks.result import Result
from quantum_tasks.values import HistoryEntry


def run(arguments: Namespace, context: Context) -> int:
    """Run the command that the arguments name, and return its exit code."""
    progress = Progress(each_change=arguments.command != "watch")
    with Client(**parser.options(arguments), clock=progress) as client:
        try:
            return _COMMANDS[arguments.command](Call(arguments, context, client, progress))
        finally:
            progress.end()


class Call:
    """One command with all that it works on."""

    def __init__(
        self, arguments: Namespace, context: Context, client: Client, progress: Progress
    ) -> None:
        self.arguments = arguments
        self.context = context
        self.client = client
        self.progress = progress
        self.json: bool = getattr(arguments, "json", False)

    def get(self) -> Task:
        """Read the task that the arguments name; from now on it is what goes on."""
        self.context.task_id = self.arguments.task_id
        return self.client.get(self.arguments.task_id)

    def submit(self) -> Task:
        """Submit the file that the arguments name."""
        circuit = source.read_circuit(self.arguments.file)
        key = self.context.key = self.arguments.key or new_key()
        task = self.client.submit(
            circuit,
            shots=self.arguments.shots,
            seed=self.arguments.seed,
            tags=dict(self.arguments.tag),
            key=key,
        )
        self.context.task_id = task.id
        return task

    def wait(self, task: Task) -> Task:
        """Wait for a task's end, and show how it is doing."""
        self.progress.change(task)
        try:
            return task.wait(self.arguments.timeout, self.progress.change)
        finally:
            self.progress.end()

    def document(self, document: Mapping[str, Any]) -> None:
        """Write JSON, on one line."""
        print(json.dumps(document, ensure_ascii=False), flush=True)

    def result(self, task: Task) -> int:
        """Write a task's result, or the whole task as JSON where it has none."""
        if task.status != "completed" and self.json:
            self.document(task.document)
        result = result_of(task.data)
        shown = result
        if self.arguments.register is not None:
            shown = _register(result, self.arguments.register)
        if self.json:
            self.document(_result_document(task, shown, top=self.arguments.top))
        else:
            histogram.show(shown, top=self.arguments.top)
        return exits.DONE


def _run(call: Call) -> int:
    task = call.submit()
    print(f"task {task.id}", file=sys.stderr, flush=True)
    return call.result(call.wait(task))


def _submit(call: Call) -> int:
    task = call.submit()
    if call.json:
        call.document(task.document)
    else:
        print(task.id)
    return exits.DONE


def _get(call: Call) -> int:
    task = call.get()
    if call.json:
        call.document(task.document)
    else:
        tables.show_task(task)
    return exits.DONE


def _result(call: Call) -> int:
    return call.result(call.wait(call.get()))


def _wait(call: Call) -> int:
    task = call.wait(call.get())
    if call.json:
        call.document(task.document)
    else:
        print(task.status)
    return _end(task)


def _watch(call: Call) -> int:
    """Write each change once: those that were there already, then each new one."""
    seen = 0

    def show(task: Task) -> None:
        nonlocal seen
        call.progress.end()
        for entry in task.history[seen:]:
            if call.json:
                call.document(_change_document(task, entry))
            else:
                print(tables.change_line(entry), flush=True)
        seen = max(seen, len(task.history))
        call.progress.change(task)

    task = call.get()
    show(task)
    task.wait(call.arguments.timeout, show)
    return _end(task)


def _cancel(call: Call) -> int:
    task = call.client.cancel(call.arguments.task_id)
    if call.json:
        call.document(task.document)
    else:
        print(task.status)
    return exits.DONE


def _list(call: Call) -> int:
    arguments = call.arguments
    if arguments.limit < 0:
        message = f"--limit must be at least 0, not {arguments.limit}"
        raise UsageError(message)
    tasks = call.client.list(
        status=arguments.status,
        tags=dict(arguments.tag),
        since=source.read_time(arguments.since),
        until=source.read_time(arguments.until),
        page_size=min(arguments.limit or 100, 100),
    )
    chosen = _first(tasks, arguments.limit)
    if call.json:
        for task in chosen:
            call.document(task.document)
    else:
        tables.show_list(chosen)
    for task_id in tasks.unreadable:
        print(f"qtasks: task {task_id} cannot be read", file=sys.stderr)
    return exits.DONE


def _validate(call: Call) -> int:
    file = call.arguments.file
    validation = call.client.validate(source.read_circuit(file))
    if call.json:
        call.document(validation.document)
    else:
        tables.show_validation(validation, source.shown(file))
    return exits.DONE if validation.valid else exits.FAILED


def _health(call: Call) -> int:
    health = call.client.health()
    if call.json:
        call.document(health.document)
    else:
        print(f"{health.status}: database {health.database_status}, queue {health.queue_status}")
    return exits.FAILED if health.status == "unavailable" else exits.DONE


def _first(tasks: Iterator[Task], limit: int) -> Iterator[Task]:
    """Give so many tasks, and ask for no page more than that takes."""
    for number, task in enumerate(tasks, 1):
        yield task
        if number == limit:
            return


def _end(task: Task) -> int:
    """Return the exit code for how a task ended, and say why it failed."""
    if ended(task.data) and task.status == "failed":
        print(f"qtasks: the task failed: {task.error_message}", file=sys.stderr)
    return exits.BY_STATUS[task.status]


def _register(result: Result, name: str) -> Result:
    try:
        return result.for_register(name)
    except KeyError as exc:
        raise UsageError(str(exc.args[0])) from exc


def _result_document(task: Task, result: Result, *, top: int | None) -> dict[str, Any]:
    """Return the service's own result; counts as they were asked for."""
    document = dict(task.document.get("result") or {})
    counts = result.counts if top is None else dict(result.top(top))
    document["counts"] = dict(counts)
    if result.registers is not None:
        document["registers"] = [{"name": r.name, "size": r.size} for r in result.registers]
    return {"task_id": task.id, "status": task.status, "result": document}


def _change_document(task: Task, entry: HistoryEntry) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "status": entry.status,
        "transitioned_at": tables.timestamp(entry.transitioned_at),
        "notes": entry.notes,
        "attempt": entry.attempt,
    }


_COMMANDS: Final[Mapping[str, Callable[[Call], int]]] = {
    "run": _run,
    "submit": _submit,
    "get": _get,
    "list": _list,
    "watch": _watch,
    "wait": _wait,
    "cancel": _cancel,
    "result": _result,
    "validate": _validate,
    "health": _health,
}
