"""The commands that talk to the service."""

from __future__ import annotations

import itertools
import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from quantum_tasks.cli import exits, parser, source, text
from quantum_tasks.cli.exits import Context, UsageError
from quantum_tasks.cli.progress import Progress
from quantum_tasks.contract import PAGE_SIZE_MAX
from quantum_tasks.protocol.requests import new_key
from quantum_tasks.sync.client import Client
from quantum_tasks.sync.tasks import Task
from quantum_tasks.values.result import Result
from quantum_tasks.values.task import ended, result_of


def run(arguments: Namespace, context: Context) -> int:
    """Run the command that the arguments name, and return its exit code."""
    progress = Progress(each_change=arguments.command != "watch")
    with Client(**parser.options(arguments), clock=progress) as client:
        try:
            code: int = getattr(
                _Commands(arguments, context, client, progress), arguments.command
            )()
        finally:
            progress.end()
    return code


class _Commands:
    """A method for each command, of its name, which returns the exit code."""

    def __init__(
        self, arguments: Namespace, context: Context, client: Client, progress: Progress
    ) -> None:
        self._arguments = arguments
        self._context = context
        self._client = client
        self._progress = progress
        self._json: bool = getattr(arguments, "json", False)

    def run(self) -> int:
        task = self._submit()
        print(f"task {task.id}", file=sys.stderr, flush=True)
        return self._show_result(self._wait(task))

    def submit(self) -> int:
        task = self._submit()
        return self._write(task.document, [task.id])

    def get(self) -> int:
        task = self._get()
        return self._write(task.document, text.task_lines(task))

    def result(self) -> int:
        return self._show_result(self._wait(self._get()))

    def wait(self) -> int:
        task = self._wait(self._get())
        self._write(task.document, [task.status])
        return _end(task)

    def watch(self) -> int:
        """Write each change once: those that were there already, then each new one."""
        written = 0

        def show(task: Task) -> None:
            nonlocal written
            self._progress.end()
            documents = task.document.get("status_history") or ()
            for entry, document in list(zip(task.history, documents, strict=True))[written:]:
                line = text.change_line(entry, sys.stdout)
                self._write({"task_id": task.id, **document}, [line])
            written = max(written, len(task.history))
            self._progress.change(task)

        task = self._get()
        show(task)
        return _end(task.wait(self._arguments.timeout, show))

    def cancel(self) -> int:
        task = self._client.cancel(self._arguments.task_id)
        return self._write(task.document, [task.status])

    def list(self) -> int:
        """List tasks, and ask for no page more than that takes."""
        arguments, limit = self._arguments, self._arguments.limit
        if limit < 0:
            raise UsageError(f"--limit must be at least 0, not {limit}")
        tasks = self._client.list(
            status=arguments.status,
            tags=parser.tags(arguments),
            since=source.read_time(arguments.since),
            until=source.read_time(arguments.until),
            page_size=min(limit or PAGE_SIZE_MAX, PAGE_SIZE_MAX),
        )
        for task in itertools.islice(tasks, limit or None):
            self._write(task.document, [text.list_line(task)])
        for task_id in tasks.unreadable:
            print(f"qtasks: task {task_id} cannot be read", file=sys.stderr)
        return exits.DONE

    def validate(self) -> int:
        file = self._arguments.file
        circuit = source.read_circuit(file)
        validation = self._client.validate(circuit, **parser.submission(self._arguments))
        self._write(validation.document, text.validation_lines(validation, source.shown(file)))
        return exits.DONE if validation.valid else exits.FAILED

    def health(self) -> int:
        health = self._client.health()
        state = f"{health.status}: database {health.database_status}, queue {health.queue_status}"
        self._write(health.document, [state])
        return exits.FAILED if health.status == "unavailable" else exits.DONE

    def _get(self) -> Task:
        """Read the task that the arguments name; from now on it is what goes on."""
        self._context.task_id = self._arguments.task_id
        return self._client.get(self._arguments.task_id)

    def _submit(self) -> Task:
        """Submit the file that the arguments name."""
        circuit = source.read_circuit(self._arguments.file)
        key = self._context.key = self._arguments.key or new_key()
        task = self._client.submit(circuit, key=key, **parser.submission(self._arguments))
        self._context.task_id = task.id
        return task

    def _wait(self, task: Task) -> Task:
        """Wait for a task's end, and show how it is doing."""
        self._progress.change(task)
        try:
            return task.wait(self._arguments.timeout, self._progress.change)
        finally:
            self._progress.end()

    def _show_result(self, task: Task) -> int:
        """Write a task's result, or the whole task as JSON where it has none."""
        if task.status != "completed" and self._json:
            self._write(task.document, [])
        result = result_of(task.data)
        shown, top = _register(result, self._arguments.register), self._arguments.top
        return self._write(
            _result_document(task, shown, top=top), text.counts_lines(shown, top=top)
        )

    def _write(self, document: Mapping[str, Any], lines: Iterable[str]) -> int:
        """Write JSON, on one line, or the lines for a person."""
        for line in [json.dumps(document, ensure_ascii=False)] if self._json else lines:
            print(line, flush=True)
        return exits.DONE


def _end(task: Task) -> int:
    """Return the exit code for how a task ended, and say why it failed."""
    if ended(task.data) and task.status == "failed":
        print(f"qtasks: the task failed: {task.error_message}", file=sys.stderr)
    return exits.code_of(task.status)


def _register(result: Result, name: str | None) -> Result:
    try:
        return result if name is None else result.for_register(name)
    except KeyError as exc:
        raise UsageError(str(exc.args[0])) from exc


def _result_document(task: Task, result: Result, *, top: int | None) -> dict[str, Any]:
    """Return the service's own result; counts as they were asked for."""
    document = dict(task.document.get("result") or {})
    document["counts"] = dict(result.counts if top is None else result.top(top))
    if result.points:
        points = [result.point(number) for number in range(len(result.points))]
        document["points"] = [
            {"counts": dict(p.counts if top is None else p.top(top)), "seed": p.seed}
            for p in points
        ]
    if result.registers is not None:
        document["registers"] = [{"name": r.name, "size": r.size} for r in result.registers]
    return {"task_id": task.id, "status": task.status, "result": document}
