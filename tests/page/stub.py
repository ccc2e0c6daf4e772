"""The service as the page sees it, in memory; `stub_server.py` puts it behind a real socket.

It keeps the contract of the README (answers, headers, problem documents) and lets a test say when
a task moves on, what the next answer is, and what a hostile task holds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

OPEN = frozenset({"pending", "processing"})
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
PAGE_SIZE = 20


def at(seconds: float) -> str:
    """Return a time after the start, as the service writes it."""
    moment = START + timedelta(seconds=seconds)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclasses.dataclass(slots=True)
class Answer:
    """What goes back."""

    status: int
    body: Any
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


#: The connection breaks in the middle of it.
BROKEN: Final = Answer(200, None)


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any


def problem(status: int, slug: str, detail: str, **more: object) -> Answer:
    """Return a problem document."""
    document = {"type": f"/problems/{slug}", "title": slug.replace("-", " "), "status": status}
    return Answer(status, {**document, "detail": detail, "correlation_id": "c-1", **more})


class Service:
    """All tasks, newest last."""

    def __init__(self) -> None:
        """Begin empty."""
        self.tasks: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.asked: list[Asked] = []
        #: Answers to give instead, by method and first part of the path; each is given once.
        self.instead: dict[tuple[str, str], list[Answer]] = {}
        self.retry_after = 1
        self.health = "healthy"
        self.unreadable: list[str] = []
        self.lock = threading.Lock()

    def add(self, status: str = "pending", **fields: Any) -> str:  # noqa: ANN401 - any JSON
        """Add a task that was submitted one second after the one before."""
        number = len(self.tasks)
        task_id = str(uuid.UUID(int=number + 1, version=4))
        self.tasks[task_id] = {
            "task_id": task_id,
            "status": "pending",
            "circuit": "OPENQASM 3.0;",
            "shots": 1024,
            "tags": {},
            "submitted_at": at(number),
            "started_at": None,
            "completed_at": None,
            "attempt": 0,
            "result": None,
            "error_message": None,
            "status_history": [self._entry("pending", number, 0)],
            "correlation_id": "c-0",
            "usage": {"queued_ms": None, "execution_ms": None, "attempts": 0},
            **fields,
        }
        if status != "pending" and "status_history" not in fields:
            self.claim(task_id)
            if status != "processing":
                self.end(task_id, status)
        return task_id

    def claim(self, task_id: str) -> None:
        """Let a worker begin an attempt, half a second later."""
        task = self.tasks[task_id]
        task["attempt"] += 1
        task["started_at"] = task["started_at"] or self._later(task, 0.5)
        self._note(task, "processing", 0.5)

    def release(self, task_id: str, why: str) -> None:
        """Let an attempt fail for now."""
        self._note(self.tasks[task_id], "processing", 0.25, why)

    def end(
        self,
        task_id: str,
        status: str,
        counts: Mapping[str, int] | None = None,
        **more: Any,  # noqa: ANN401 - any JSON
    ) -> None:
        """End a task in any way."""
        task = self.tasks[task_id]
        self._note(task, status, 1.5, more.pop("notes", None))
        task["completed_at"] = task["status_history"][-1]["transitioned_at"]
        if status == "completed":
            given = counts or {"00": task["shots"] // 2, "11": task["shots"] - task["shots"] // 2}
            task["result"] = {
                "counts": dict(given),
                "registers": [{"name": "c", "size": len(next(iter(given)))}],
                "shots": sum(given.values()),
                "executor": "simulator",
                "executor_version": "1.0.0",
                "seed": 7,
            }
        task.update(more)

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        parts = asked.path.strip("/").split("/")
        with self.lock:
            self.asked.append(asked)
            queue = self.instead.get((asked.method, parts[0]))
            if queue:
                return queue.pop(0)
            return self._routed(asked, parts)

    def _routed(self, asked: Asked, parts: list[str]) -> Answer:
        answer = problem(403, "not-authorized", "Missing Authentication Token")
        match asked.method, parts:
            case "GET", ["tasks"]:
                answer = self._conditional(asked, self._list(asked.query))
            case "GET", ["tasks", task_id] if task_id in self.tasks:
                answer = self._conditional(asked, self._task(task_id))
            case "POST", ["tasks", task_id, "cancel"] if task_id in self.tasks:
                answer = self._cancel(task_id)
            case "POST", ["tasks"]:
                answer = self._submit(asked)
            case "POST", ["validations"]:
                answer = Answer(200, validation(asked.body["circuit"]))
            case "GET", ["health"]:
                answer = self._health()
            case _, ["tasks", *_]:
                answer = problem(404, "task-not-found", "there is no task with this id")
        return answer

    def requests(self, path: str, method: str = "GET") -> list[Asked]:
        """Return what was asked of a path."""
        return [each for each in self.asked if (each.method, each.path) == (method, path)]

    def _conditional(self, asked: Asked, answer: Answer) -> Answer:
        digest = hashlib.sha256(json.dumps(answer.body).encode()).hexdigest()[:16]
        answer.headers["ETag"] = f'"{digest}"'
        if asked.headers.get("if-none-match") == answer.headers["ETag"]:
            return Answer(304, None, answer.headers)
        return answer

    def _task(self, task_id: str) -> Answer:
        task = self.tasks[task_id]
        going = task["status"] in OPEN
        return Answer(200, task, {"Retry-After": str(self.retry_after)} if going else {})

    def _list(self, query: Mapping[str, list[str]]) -> Answer:
        statuses = set(",".join(query.get("status", [])).split(",")) - {""}
        tags = [tag.split(":", 1) for tag in query.get("tag", [])]
        after, before = (query.get(f"submitted_{n}", [""])[0] for n in ("after", "before"))
        cursor = query.get("cursor", ["0"])[0]
        if not cursor.isdigit():
            return problem(400, "invalid-request", "the cursor is not one of this service")
        start = int(cursor)
        hidden = {"circuit", "result", "status_history"}
        found = [
            {name: value for name, value in task.items() if name not in hidden}
            for task in reversed(self.tasks.values())
            if (not statuses or task["status"] in statuses)
            and all(task["tags"].get(name) == value for name, value in tags)
            and (not after or _time(task["submitted_at"]) >= _time(after))
            and (not before or _time(task["submitted_at"]) < _time(before))
        ]
        end = start + PAGE_SIZE
        more = str(end) if end < len(found) else None
        body: dict[str, Any] = {"tasks": found[start:end], "next_cursor": more}
        return Answer(200, body | ({"unreadable": self.unreadable} if self.unreadable else {}))

    def _cancel(self, task_id: str) -> Answer:
        task = self.tasks[task_id]
        if task["status"] in OPEN:
            self.end(task_id, "cancelled", notes="cancelled by its owner")
        elif task["status"] != "cancelled":
            return problem(409, "task-already-ended", f"the task is {task['status']}")
        return Answer(200, task)

    def _submit(self, asked: Asked) -> Answer:
        key = asked.headers["idempotency-key"]
        body = asked.body
        replayed = key in self.keys
        if not replayed:
            fields = {name: body[name] for name in ("circuit", "shots", "tags") if name in body}
            self.keys[key] = self.add(**fields)
        task = self.tasks[self.keys[key]]
        accepted = {name: task[name] for name in ("task_id", "status", "submitted_at")}
        return Answer(202, {**accepted, "message": "accepted", "correlation_id": "c-1"})

    def _health(self) -> Answer:
        parts = {"healthy": ("healthy", "healthy"), "degraded": ("healthy", "unavailable")}
        database, queue = parts.get(self.health, ("unavailable", "healthy"))
        return Answer(
            503 if self.health == "unavailable" else 200,
            {
                "status": self.health,
                "database_status": database,
                "queue_status": queue,
                "timestamp": at(0),
            },
        )

    def _note(
        self, task: dict[str, Any], status: str, seconds: float, why: str | None = None
    ) -> None:
        last = _time(task["status_history"][-1]["transitioned_at"])
        offset = (last - START).total_seconds() + seconds
        task["status"] = status
        task["status_history"].append(self._entry(status, offset, task["attempt"], why))

    def _later(self, task: Mapping[str, Any], seconds: float) -> str:
        return at((_time(task["submitted_at"]) - START).total_seconds() + seconds)

    @staticmethod
    def _entry(
        status: str, seconds: float, attempt: int, notes: str | None = None
    ) -> dict[str, Any]:
        return {
            "status": status,
            "transitioned_at": at(seconds),
            "notes": notes,
            "attempt": attempt,
        }


def validation(circuit: str) -> dict[str, Any]:
    """Find one kind of mistake: a gate that is written `hh`."""
    findings = [
        {
            "severity": "error",
            "message": "there is no gate hh",
            "line": number,
            "column": column + 1,
        }
        for number, line in enumerate(circuit.split("\n"), 1)
        if (column := line.find("hh")) >= 0
    ]
    return {
        "valid": not findings,
        "findings": findings,
        "registers": [{"name": "c", "size": 2}],
        "qubits": 2,
        "estimate": None,
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
