"""A small service that keeps the API's contract, over a real socket and in this process.

It keeps tasks in memory and ends them when it is told to, so that tests decide what a client sees.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
JSON = "application/json"
PROBLEM = "application/problem+json"

Execute = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def bell(request: Mapping[str, Any]) -> dict[str, Any]:
    """Execute every circuit as if it were a Bell pair's."""
    shots = request["shots"]
    counts = {"00": shots // 2, "11": shots - shots // 2}
    return {
        "counts": {key: count for key, count in counts.items() if count},
        "registers": [{"name": "c", "size": 2}],
        "shots": shots,
        "seed": request.get("seed") or 7,
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


def problem(status: int, slug: str, detail: str, **more: Any) -> Answer:  # noqa: ANN401 - JSON
    """Return a problem document's answer."""
    headers = {"Content-Type": PROBLEM}
    if status in {429, 503}:
        headers["Retry-After"] = "2"
    body = {
        "type": f"/problems/{slug}",
        "title": slug.replace("-", " "),
        "status": status,
        "detail": detail,
        "correlation_id": "correlation-1",
        **more,
    }
    return Answer(status=status, body=body, headers=headers)


class Service:
    """The tasks, and what each request does to them."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.execute: Execute = bell
        #: What `execute` raises for circuits that fail.
        self.refusals: tuple[type[Exception], ...] = ()
        #: What tests answer instead: called first with method, path and body.
        self.instead: Callable[[str, str, bytes], Answer | None] = lambda *_: None
        #: A read moves a task on by one status, and it completes; off: tests move it.
        self.moves = True
        self.retry_after = "0"
        self.requests: list[tuple[str, str, Mapping[str, str]]] = []
        self.lock = threading.RLock()

    # --- what tests do ---

    def move(self, task_id: str, status: str, notes: str | None = None) -> None:
        """Move a task to a status."""
        with self.lock:
            task = self.tasks[task_id]
            if status == "completed":
                try:
                    task["result"] = dict(self.execute(task))
                except self.refusals as exc:
                    status, notes = "failed", str(exc)
            task["status"] = status
            if status == "processing":
                task["attempt"] += 1
                task["started_at"] = self.now()
            if status in {"completed", "failed", "cancelled"}:
                task["completed_at"] = self.now()
            if status == "failed":
                task["error_message"] = notes or "line 1, column 5: no such gate"
            self._note(task, notes)

    def now(self) -> str:
        """Return the next moment; each is a second after the one before."""
        moments = sum(len(task["status_history"]) for task in self.tasks.values())
        at = START + timedelta(seconds=moments)
        return at.isoformat(timespec="microseconds").replace("+00:00", "Z")

    # --- what clients do ---

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request."""
        with self.lock:
            self.requests.append((method, target, headers))
            return self.instead(method, urlsplit(target).path, body) or self._route(
                method, urlsplit(target), headers, body
            )

    def _route(  # noqa: PLR0911 - one for each call
        self, method: str, target: SplitResult, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        match (method, target.path.strip("/").split("/")):
            case ("POST", ["tasks"]):
                return self.submit(json.loads(body), headers.get("idempotency-key"))
            case ("POST", ["batches"]):
                return self._batch(json.loads(body))
            case ("POST", ["validations"]):
                return self._validate(json.loads(body))
            case ("GET", ["tasks"]):
                return self._list(parse_qs(target.query))
            case ("GET", ["health"]):
                parts = {"database_status": "healthy", "queue_status": "healthy"}
                health = {"status": "healthy", **parts, "timestamp": self.now()}
                return Answer(status=200, body=health)
            case ("GET", ["tasks", task_id]):
                return self._get(task_id, headers.get("if-none-match"))
            case ("POST", ["tasks", task_id, "cancel"]):
                return self._cancel(task_id)
        return problem(403, "not-authorized", "there is no such path")

    def submit(self, request: dict[str, Any], key: str | None) -> Answer:
        """Keep a task, once for each key."""
        if not isinstance(request.get("circuit"), str) or not request["circuit"].strip():
            errors = [{"field": "circuit", "message": "must be text that is not blank"}]
            return problem(400, "invalid-request", "circuit: must be text", errors=errors)
        request = {"shots": 1024, "tags": {}, **request}
        task_id = str(uuid.uuid5(uuid.NAMESPACE_URL, key) if key else uuid.uuid4())
        fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        existing = self.tasks.get(task_id)
        if existing is not None and existing["fingerprint"] != fingerprint:
            return problem(422, "idempotency-conflict", "the key was used with another request")
        task = existing or self._new(task_id, request, fingerprint)
        names = ("task_id", "status", "submitted_at", "correlation_id")
        headers = {"Location": f"tasks/{task_id}", "Retry-After": self.retry_after}
        if existing is not None:
            headers["Idempotent-Replayed"] = "true"
        return Answer(status=202, body={name: task[name] for name in names}, headers=headers)

    def _new(self, task_id: str, request: dict[str, Any], fingerprint: str) -> dict[str, Any]:
        task = {
            "task_id": task_id,
            "status": "pending",
            **request,
            "submitted_at": self.now(),
            "attempt": 0,
            "result": None,
            "error_message": None,
            "status_history": [],
            "usage": {"queued_ms": None, "execution_ms": None, "attempts": 0},
            "correlation_id": "correlation-1",
            "fingerprint": fingerprint,
        }
        self.tasks[task_id] = task
        self._note(task, None)
        return task

    def _note(self, task: dict[str, Any], notes: str | None) -> None:
        entry = {
            "status": task["status"],
            "transitioned_at": self.now(),
            "notes": notes,
            "attempt": task["attempt"],
        }
        task["status_history"] = [*task["status_history"], entry]

    def _get(self, task_id: str, if_none_match: str | None) -> Answer:
        task = self.tasks.get(task_id)
        if task is None:
            return problem(404, "task-not-found", "there is no such task")
        if self.moves and task["status"] in {"pending", "processing"}:
            self.move(task_id, "completed" if task["attempt"] else "processing")
        etag = f'"1.{len(task["status_history"])}"'
        headers = {"ETag": etag}
        if task["status"] in {"pending", "processing"}:
            headers["Retry-After"] = self.retry_after
        if if_none_match == etag:
            return Answer(status=304, headers=headers)
        return Answer(status=200, body=_shown(task), headers=headers)

    def _cancel(self, task_id: str) -> Answer:
        task = self.tasks.get(task_id)
        if task is None:
            return problem(404, "task-not-found", "there is no such task")
        if task["status"] in {"completed", "failed"}:
            return problem(409, "task-already-ended", f"the task has {task['status']}")
        if task["status"] != "cancelled":
            self.move(task_id, "cancelled")
        return Answer(status=200, body=_shown(task))

    def _list(self, query: Mapping[str, list[str]]) -> Answer:
        limit = int(query.get("limit", ["20"])[0])
        statuses = query["status"][0].split(",") if "status" in query else None
        tags = [tag.partition(":")[::2] for tag in query.get("tag", [])]
        found = [
            task
            for task in reversed(self.tasks.values())
            if (statuses is None or task["status"] in statuses)
            and all(task["tags"].get(name) == value for name, value in tags)
            and task["submitted_at"] >= query.get("submitted_after", [""])[0]
            and task["submitted_at"] < query.get("submitted_before", ["9"])[0]
        ]
        start = int(query.get("cursor", ["0"])[0])
        page = [_summary(task) for task in found[start : start + limit]]
        more = str(start + limit) if start + limit < len(found) else None
        return Answer(status=200, body={"tasks": page, "next_cursor": more})

    def _batch(self, body: dict[str, Any]) -> Answer:
        members = body["tasks"]
        if not 1 <= len(members) <= 100:
            errors = [{"field": "tasks", "message": "must be a list of 1 to 100"}]
            return problem(400, "invalid-request", "tasks: must be a list", errors=errors)
        return Answer(status=200, body={"tasks": list(self._members(members))})

    def _members(self, members: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for index, member in enumerate(members):
            request = dict(member)
            key = request.pop("idempotency_key", None)
            answer = self.instead("MEMBER", str(key), b"") or self.submit(request, key)
            name = "task" if answer.status == 202 else "problem"
            document = dict(answer.body or {})
            if name == "task":
                document["replayed"] = answer.headers.get("Idempotent-Replayed") == "true"
            yield {"index": index, "status": answer.status, name: document}

    def _validate(self, body: Mapping[str, Any]) -> Answer:
        valid = "oops" not in body["circuit"]
        finding = {"severity": "error", "message": "no gate 'oops'", "line": 4, "column": 7}
        findings = [] if valid else [finding]
        return Answer(status=200, body={"valid": valid, "findings": findings, "qubits": 2})


def _shown(task: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in task.items() if name != "fingerprint"}


def _summary(task: Mapping[str, Any]) -> dict[str, Any]:
    hidden = {"circuit", "result", "status_history", "error_message"}
    return {name: value for name, value in _shown(task).items() if name not in hidden}
