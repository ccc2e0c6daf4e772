"""Answers: JSON, 304 for a client that has it, and problem documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from chalice.app import Request, Response

from chalicelib.adapters.telemetry import logger
from chalicelib.entrypoints.http import problems, schemas
from chalicelib.entrypoints.http.reading import JSON, knows
from chalicelib.errors import ServiceUnavailable, SubmissionUnavailable, TaskServiceError
from chalicelib.settings import InvalidSetting


def json_answer(status: int, view: msgspec.Struct, headers: Mapping[str, str]) -> Response:
    """Return an answer whose body is this view."""
    return _answer(status, encode(view), {**headers, "Content-Type": JSON})


def cacheable_answer(request: Request, body: str) -> Response:
    """Return this JSON with a validator of what it says, or 304 if the client has the same."""
    headers = {"ETag": f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'}
    if knows(request, headers["ETag"]):
        return not_modified(headers)
    return _answer(200, body, {**headers, "Content-Type": JSON})


def encode(view: msgspec.Struct) -> str:
    """Return a view as JSON."""
    return msgspec.json.encode(view).decode()


def not_modified(headers: Mapping[str, str]) -> Response:
    """Return a 304: the client has it as it is."""
    return _answer(304, "", {**headers, "Content-Type": JSON})


def problem_answer(error: Exception, request: Request, correlation_id: str) -> Response:
    """Return the answer to a request that failed."""
    problem = problem_of(error, correlation_id)
    headers = {"Content-Type": problems.MEDIA_TYPE}
    if isinstance(error, ServiceUnavailable):
        headers["Retry-After"] = str(problems.RETRY_AFTER_SECONDS)
    if isinstance(error, SubmissionUnavailable) and error.task_id is not None:
        headers["Location"] = location_of(request, error.task_id)
    return _answer(problem.status, encode(problem), headers)


def problem_of(error: Exception, correlation_id: str) -> schemas.Problem:
    """Return the problem document of an error; one that is a bug is logged."""
    if isinstance(error, InvalidSetting):
        log_invalid_setting(error)
    elif not isinstance(error, TaskServiceError):
        logger.error("unhandled error: %s", error, exc_info=error)
    return problems.problem_for(error, correlation_id=correlation_id)


def log_invalid_setting(error: InvalidSetting) -> None:
    """Name the setting in the log; no client has use for it, and a stack trace says no more."""
    logger.error("a setting is wrong: %s", error)


def location_of(request: Request, task_id: str) -> str:
    """Return where the task is, relative to the request's path, which may end in a slash."""
    path = str(request.context.get("path") or "")
    return task_id if path.endswith("/") else f"tasks/{task_id}"


def _answer(status: int, body: str, headers: Mapping[str, str]) -> Response:
    return Response(body=body, status_code=status, headers=dict(headers))
