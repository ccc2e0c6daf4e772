"""The HTTP endpoints: parse a request, call one use case, render the answer."""

from __future__ import annotations

import dataclasses
import functools
import uuid
from collections.abc import Callable, Mapping
from typing import Concatenate, Final, ParamSpec

from chalice.app import Request, Response

from chalicelib.adapters.telemetry import log_context, logger
from chalicelib.composition import Service, get_service
from chalicelib.domain.retry_policy import poll_after_seconds
from chalicelib.domain.task import Task, TaskStatus
from chalicelib.domain.unreadable import StoredTask
from chalicelib.entrypoints.http import parsing, schemas
from chalicelib.entrypoints.http.caller import owner_of
from chalicelib.entrypoints.http.problems import MEDIA_TYPE, problem_for
from chalicelib.errors import (
    FieldError,
    InvalidRequest,
    ServiceUnavailable,
    SubmissionUnavailable,
    TaskServiceError,
)
from chalicelib.use_cases.submit import Submission

_CORRELATION_ID: Final = "X-Correlation-ID"
_JSON: Final = "application/json"

_P = ParamSpec("_P")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request and what every endpoint needs to answer it."""

    service: Service
    request: Request
    #: The client's, or one made for it.
    correlation_id: str
    #: Whom the request acts for; empty where anybody may call.
    owner: str


_Handler = Callable[Concatenate[Call, _P], Response]
_View = Callable[Concatenate[Request | None, _P], Response]


def _endpoint(*, signed: bool = True) -> Callable[[_Handler[_P]], _View[_P]]:
    """Make a handler a view: give it its call, and make every error a problem document."""

    def decorate(handler: _Handler[_P]) -> _View[_P]:
        @functools.wraps(handler)
        def answer(request: Request | None, /, *args: _P.args, **kwargs: _P.kwargs) -> Response:
            assert request is not None  # noqa: S101 - Chalice sets it before it calls a view
            given = request.headers.get(_CORRELATION_ID)
            correlation_id = parsing.valid_correlation_id(given) or str(uuid.uuid4())
            with log_context(correlation_id=correlation_id):
                try:
                    call = _call(request, correlation_id, signed=signed)
                    response = handler(call, *args, **kwargs)
                except Exception as exc:  # noqa: BLE001 - the boundary: clients see no stack trace
                    response = _problem(exc, request, correlation_id)
            response.headers.setdefault(_CORRELATION_ID, correlation_id)
            return response

        return answer

    return decorate


def _call(request: Request, correlation_id: str, *, signed: bool) -> Call:
    service = get_service()
    owner = owner_of(request.context, stage=service.settings.stage) if signed else ""
    return Call(service=service, request=request, correlation_id=correlation_id, owner=owner)


@_endpoint()
def post_task(call: Call) -> Response:
    """Submit a task; 202 as soon as it is stored and its message sent."""
    parsing.check_content_type(call.request.headers.get("content-type", ""))
    posted = parsing.parse_post_task(_body(call.request))
    submitted = call.service.submit(
        Submission(
            request=posted.to_request(),
            owner=call.owner,
            correlation_id=call.correlation_id,
            idempotency_key=parsing.parse_idempotency_key(
                _values(call.request, parsing.IDEMPOTENCY_KEY)
            ),
        )
    )
    task = submitted.task
    accepted = schemas.TaskAccepted(
        task_id=task.task_id,
        status=task.status,
        submitted_at=schemas.timestamp(task.submitted_at),
        message="the task was accepted before" if submitted.replayed else "the task is accepted",
        correlation_id=call.correlation_id,
    )
    headers = {"Location": _location(call.request, task.task_id), "Retry-After": "1"}
    if submitted.replayed:
        headers["Idempotent-Replayed"] = "true"
    return _json(202, accepted, headers)


@_endpoint()
def get_task(call: Call, task_id: str) -> Response:
    """Return one task, or 304 if the client has it as it is."""
    task = call.service.get(parsing.parse_task_id(task_id), owner=call.owner)
    etag = _etag(task)
    headers = {"ETag": etag}
    if not task.status.is_terminal:
        age = call.service.ports.clock.now() - task.submitted_at
        headers["Retry-After"] = str(poll_after_seconds(age.total_seconds()))
    if _matches(call.request.headers.get("If-None-Match"), etag):
        return Response(body="", status_code=304, headers={**headers, "Content-Type": _JSON})
    return _json(200, schemas.view_of(task), headers)


@_endpoint()
def cancel_task(call: Call, task_id: str) -> Response:
    """Cancel a task that has not ended; cancelling twice is 200."""
    try:
        task = call.service.cancel(parsing.parse_task_id(task_id), owner=call.owner)
    except ServiceUnavailable as exc:
        done = "may have been" if exc.in_doubt else "was not"
        message = f"the database did not answer; the task {done} cancelled, cancel it again"
        raise ServiceUnavailable(message, in_doubt=exc.in_doubt) from exc
    if isinstance(task, StoredTask):
        cancelled = schemas.TaskCancelledUnread(
            task_id=task.task_id,
            status=TaskStatus.CANCELLED,
            message=f"the task is cancelled; it cannot be shown: {task.reason}",
            correlation_id=call.correlation_id,
        )
        return _json(200, cancelled, {})
    return _json(200, schemas.view_of(task), {"ETag": _etag(task)})


@_endpoint(signed=False)
def get_health(call: Call) -> Response:
    """Tell whether database and queue can be used; 503 only if the database cannot."""
    health = call.service.check_health()
    status = "healthy" if health.queue else "degraded"
    view = schemas.HealthView(
        status=status if health.database else "unavailable",
        database_status="healthy" if health.database else "unavailable",
        queue_status="healthy" if health.queue else "unavailable",
        timestamp=schemas.timestamp(call.service.ports.clock.now()),
    )
    return _json(200 if health.database else 503, view, {"Cache-Control": "no-store"})


def _body(request: Request) -> bytes:
    """Return the body's bytes, as they came."""
    try:
        body = request.raw_body
        return body if isinstance(body, bytes) else body.encode()
    except UnicodeEncodeError as exc:
        # An event's text may hold half of a surrogate pair, which no UTF-8 has.
        error = FieldError("body", f"must be JSON: character {exc.start} is half of a pair")
        raise InvalidRequest(error) from exc


def _values(request: Request, name: str) -> list[str]:
    """Return every value of a header; Chalice's own mapping keeps the last one only."""
    named = request.to_original_event().get("multiValueHeaders") or {}
    values = [value for key, all_ in named.items() if key.lower() == name.lower() for value in all_]
    single = request.headers.get(name)
    return values or ([] if single is None else [single])


def _location(request: Request, task_id: str) -> str:
    """Return where the task is, relative to the request's path, which may end in a slash."""
    path = str(request.context.get("path") or "")
    return task_id if path.endswith("/") else f"tasks/{task_id}"


def _etag(task: Task) -> str:
    """Return a validator that changes with every transition: each leaves an entry."""
    return f'"{task.schema_version}.{len(task.history)}"'


def _matches(if_none_match: str | None, etag: str) -> bool:
    """Compare as RFC 9110 section 13.1.2 says: weakly, with any of a list, or `*`."""
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags


def _problem(error: Exception, request: Request, correlation_id: str) -> Response:
    if not isinstance(error, TaskServiceError):
        logger.error("unhandled error: %s", error, exc_info=error)
    answer = problem_for(error, correlation_id=correlation_id)
    if isinstance(error, SubmissionUnavailable) and error.task_id is not None:
        answer.headers["Location"] = _location(request, error.task_id)
    return Response(
        body=schemas.encode(answer.problem),
        status_code=answer.problem.status,
        headers={**answer.headers, "Content-Type": MEDIA_TYPE},
    )


def _json(
    status: int,
    view: schemas.TaskAccepted
    | schemas.TaskCancelledUnread
    | schemas.TaskView
    | schemas.HealthView,
    headers: Mapping[str, str],
) -> Response:
    return Response(
        body=schemas.encode(view), status_code=status, headers={**headers, "Content-Type": _JSON}
    )
