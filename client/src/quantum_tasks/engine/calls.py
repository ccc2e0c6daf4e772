"""The requests of the API, and how each one's answer is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from quantum_tasks.engine.effects import Request, Response
from quantum_tasks.errors import FieldError, InvalidRequest
from quantum_tasks.reading import Document
from quantum_tasks.values import TaskData

#: Less strict than the service, which has the last word.
_TASK_ID: Final = re.compile(r"[0-9A-Za-z-]{1,100}")
Query = tuple[tuple[str, str], ...]

_JSON: Final = {"Content-Type": "application/json"}


def encoded(document: object) -> bytes:
    """Return JSON as it is sent: UTF-8, no blanks, circuits not made longer by escapes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def task_document(
    circuit: str,
    *,
    shots: int | None = None,
    seed: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the body of a submission; what is not given is left to the service."""
    document: dict[str, Any] = {"circuit": circuit}
    if shots is not None:
        document["shots"] = shots
    if seed is not None:
        document["seed"] = seed
    if tags:
        document["tags"] = dict(tags)
    return document


def post_task(document: Mapping[str, Any], *, key: str) -> Request:
    """Submit a task under a key."""
    headers = {**_JSON, "Idempotency-Key": key}
    return Request(method="POST", path="/tasks", headers=headers, body=encoded(document))


def post_batch(members: Iterable[Mapping[str, Any]]) -> Request:
    """Submit many tasks, each with its own key inside."""
    body = encoded({"tasks": list(members)})
    return Request(method="POST", path="/batches", headers=_JSON, body=body)


def get_task(task_id: str, *, etag: str | None = None) -> Request:
    """Read a task, unless it is still as the tag says."""
    headers = {} if etag is None else {"If-None-Match": etag}
    return Request(method="GET", path=_task(task_id), headers=headers)


def cancel_task(task_id: str) -> Request:
    """Cancel a task; cancelling twice is no error."""
    return Request(method="POST", path=f"{_task(task_id)}/cancel")


def list_tasks(query: Query) -> Request:
    """Read one page of the list."""
    return Request(method="GET", path="/tasks", query=query)


def post_validation(document: Mapping[str, Any]) -> Request:
    """Have a circuit checked."""
    return Request(method="POST", path="/validations", headers=_JSON, body=encoded(document))


def get_health() -> Request:
    """Ask whether the service can be used."""
    return Request(method="GET", path="/health")


def read_task(response: Response) -> TaskData:
    """Read a task, or the answer to a submission."""
    document = response.document()
    if response.headers.get("idempotent-replayed") == "true":
        document = Document({**document.values, "replayed": True})
    return TaskData.read(document)


def list_query(
    *,
    status: str | Iterable[str],
    tags: Mapping[str, str] | None,
    since: datetime | str | None,
    until: datetime | str | None,
    page_size: int,
) -> Query:
    """Return a list's filters as query parameters."""
    for name in tags or {}:
        if ":" in name:
            raise _invalid("tags", f"a tag whose name has a colon cannot be searched for: {name!r}")
    statuses = status if isinstance(status, str) else ",".join(status)
    query = [("status", statuses)] if statuses else []
    query += [("tag", f"{name}:{value}") for name, value in (tags or {}).items()]
    if since is not None:
        query.append(("submitted_after", _time(since)))
    if until is not None:
        query.append(("submitted_before", _time(until)))
    return (*query, ("limit", str(page_size)))


def _task(task_id: str) -> str:
    """Return a task's path. What cannot be an id could be another path, so it is not sent."""
    if not _TASK_ID.fullmatch(task_id):
        wrong = f"the task's id must be 8-4-4-4-12 hexadecimal digits (a UUID), not {task_id!r}"
        raise _invalid("task_id", wrong)
    return f"/tasks/{task_id}"


def _invalid(field: str, message: str) -> InvalidRequest:
    error = InvalidRequest(message)
    error.errors = (FieldError(field=field, message=message),)
    return error


def _time(value: datetime | str) -> str:
    if isinstance(value, str):
        return value
    if value.tzinfo is None:
        raise _invalid("time", f"a time needs its zone: {value.isoformat()}")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
