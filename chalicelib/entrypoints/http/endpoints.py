"""The HTTP endpoints: parse a request, call one use case, render the answer."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from chalice.app import Request, Response
from msgspec import UNSET

from chalicelib.domain.retry_policy import poll_after_seconds
from chalicelib.domain.task import Task, TaskStatus
from chalicelib.domain.unreadable import StoredTask
from chalicelib.entrypoints.http import caching, paging, parsing, schemas, views
from chalicelib.entrypoints.http.calls import (
    Call,
    body_of,
    endpoint,
    header_values,
    json_answer,
    location_of,
    log_invalid_setting,
    problem_answer,
    query_of,
)
from chalicelib.errors import ServiceUnavailable
from chalicelib.settings import InvalidSetting
from chalicelib.use_cases.health import Health
from chalicelib.use_cases.submit import Submission


@endpoint()
def post_task(call: Call) -> Response:
    """Submit a task; 202 as soon as it is stored and its message sent."""
    parsing.check_content_type(call.request.headers.get("content-type", ""))
    posted = parsing.parse_post_task(body_of(call.request))
    submitted = call.service.submit(
        Submission(
            request=posted.to_request(),
            owner=call.owner,
            correlation_id=call.correlation_id,
            idempotency_key=parsing.parse_idempotency_key(
                header_values(call.request, parsing.IDEMPOTENCY_KEY)
            ),
        )
    )
    task = submitted.task
    accepted = views.accepted(submitted, call.correlation_id)
    headers = {"Location": location_of(call.request, task.task_id), "Retry-After": "1"}
    if submitted.replayed:
        headers["Idempotent-Replayed"] = "true"
    return json_answer(202, accepted, headers)


@endpoint()
def get_task(call: Call, task_id: str) -> Response:
    """Return one task, or 304 if the client has it as it is."""
    task_id = parsing.parse_task_id(task_id)
    if "If-None-Match" in call.request.headers:
        # What has not changed costs one read, however large circuit and result are.
        known = call.service.get(task_id, owner=call.owner, with_payloads=False)
        unchanged = caching.not_modified(call.request, *_validators(call, known))
        if unchanged is not None:
            return unchanged
    task = call.service.get(task_id, owner=call.owner)
    return json_answer(200, views.view_of(task), _validators(call, task)[1])


def _validators(call: Call, task: Task) -> tuple[str, dict[str, str]]:
    """Return a task's ETag, and the headers that go with it."""
    etag = caching.etag_of(task)
    headers = {"ETag": etag}
    if not task.status.is_terminal:
        age = call.service.ports.clock.now() - task.submitted_at
        headers["Retry-After"] = str(poll_after_seconds(age.total_seconds()))
    return etag, headers


@endpoint()
def list_tasks(call: Call) -> Response:
    """Return one page of the caller's tasks, newest first, or 304 if the client has it."""
    query = paging.parse_list_query(query_of(call.request))
    page = call.service.list(
        owner=call.owner, task_filter=query.task_filter, limit=query.limit, after=query.after
    )
    end = page.next_position
    view = schemas.TaskListView(
        tasks=[views.summary_of(task) for task in page.tasks],
        next_cursor=None if end is None else paging.cursor_of(end, query.task_filter),
        unreadable=list(page.unreadable) or UNSET,
    )
    etag = caching.etag_of_body(schemas.encode(view))
    headers = {"ETag": etag}
    return caching.not_modified(call.request, etag, headers) or json_answer(200, view, headers)


@endpoint()
def cancel_task(call: Call, task_id: str) -> Response:
    """Cancel a task that has not ended; cancelling twice is 200."""
    try:
        task = call.service.cancel(parsing.parse_task_id(task_id), owner=call.owner)
    except ServiceUnavailable as exc:
        done = "may have been" if exc.in_doubt else "was not"
        message = f"the database did not answer; the task {done} cancelled, cancel it again"
        raise ServiceUnavailable(message, in_doubt=exc.in_doubt) from exc
    if isinstance(task, StoredTask):
        cancelled = schemas.TaskCancelledUnreadable(
            task_id=task.task_id,
            status=TaskStatus.CANCELLED,
            message=f"the task is cancelled; it cannot be shown: {task.reason}",
            correlation_id=call.correlation_id,
        )
        return json_answer(200, cancelled, {})
    return json_answer(200, views.view_of(task), {"ETag": caching.etag_of(task)})


@endpoint()
def post_validation(call: Call) -> Response:
    """Tell whether a circuit would run, without making a task."""
    parsing.check_content_type(call.request.headers.get("content-type", ""))
    posted = parsing.parse_post_task(body_of(call.request))
    validation = call.service.ports.validator.validate(posted.to_request())
    view = msgspec.convert(validation, schemas.ValidationView, from_attributes=True)
    return json_answer(200, view, {"Cache-Control": "no-store"})


def _unhealthy(error: Exception, request: Request, correlation_id: str) -> Response:
    """Answer also where no service can be built, for want of a setting."""
    if not isinstance(error, InvalidSetting):
        return problem_answer(error, request, correlation_id)
    log_invalid_setting(error)
    return _health(Health(database=False, queue=False), datetime.now(UTC))


@endpoint(signed=False, failing_as=_unhealthy)
def get_health(call: Call) -> Response:
    """Tell whether database and queue can be used; 503 only if the database cannot."""
    return _health(call.service.check_health(), call.service.ports.clock.now())


def _health(health: Health, now: datetime) -> Response:
    status = "healthy" if health.queue else "degraded"
    view = schemas.HealthView(
        status=status if health.database else "unavailable",
        database_status="healthy" if health.database else "unavailable",
        queue_status="healthy" if health.queue else "unavailable",
        timestamp=views.timestamp(now),
    )
    return json_answer(200 if health.database else 503, view, {"Cache-Control": "no-store"})


def get_description(request: Request | None) -> Response:
    """Return the description of the API; what makes it is imported by the first request for it."""
    from chalicelib.entrypoints.http import openapi  # noqa: PLC0415

    return openapi.get_description(request)
