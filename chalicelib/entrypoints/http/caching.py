"""Validators, so that a client that has what there is gets a 304."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from chalice.app import Request, Response

from chalicelib.domain.task import Task
from chalicelib.entrypoints.http import parsing

#: Counts what a view shows. Raise it with every change of `TaskView`: a client may hold the old
#: view of a task that never changes again.
REPRESENTATION: Final = 2


def etag_of(task: Task) -> str:
    """Return a validator that changes with every transition: each leaves an entry."""
    return f'"{REPRESENTATION}.{task.schema_version}.{len(task.history)}"'


def etag_of_body(body: str) -> str:
    """Return a validator of what an answer says."""
    return f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def not_modified(request: Request, etag: str, headers: Mapping[str, str]) -> Response | None:
    """Return a 304 if the client has it as it is, as RFC 9110 section 13.1.2 says."""
    if not _matches(request.headers.get("If-None-Match"), etag):
        return None
    return Response(body="", status_code=304, headers={**headers, "Content-Type": parsing.JSON})


def _matches(if_none_match: str | None, etag: str) -> bool:
    """Compare as RFC 9110 section 13.1.2 says: weakly, with any of a list, or `*`."""
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags
