"""Tasks: submitting one, reading one, listing them, cancelling one."""

from __future__ import annotations

from typing import cast

from chalice.app import Response
from msgspec import UNSET

from chalicelib.domain.retry_policy import poll_after_seconds
from chalicelib.domain.task import Task, TaskStatus
from chalicelib.domain.unreadable import StoredTask, TaskUnreadable
from chalicelib.entrypoints.http import answers, list_query, parsing, reading, schemas, views
from chalicelib.entrypoints.http.calls import Call, endpoint
from chalicelib.entrypoints.lambda_context import LambdaContext
from chalicelib.errors import ServiceUnavailable, TaskNotFound
from chalicelib.use_cases.submit import Submission


@endpoint
def post_task(call: Call) -> Response:
    """Submit a task; 202 as soon as it is stored and its message sent, or after a wait."""
    posted = parsing.to_post_task(reading.json_of(call.request))
    submitted = call.service.submit(
        Submission(
            request=posted.to_request(),
            owner=call.owner,
            correlation_id=call.correlation_id,
            idempotency_key=reading.idempotency_key_of(call.request),
        )
    )
    location = answers.location_of(call.request, submitted.task.task_id)
    wait = _seconds_to_wait(call)
    headers = {"Location": location, "Retry-After": "1", **_applied(wait)}
    if submitted.replayed:
        headers["Idempotent-Replayed"] = "true"
    view = views.accepted(submitted, call.correlation_id)
    task = _ended(call, submitted.task, wait)
    if task is not None:
        view.task = views.shown(task, schemas.TaskView)
    return answers.json_answer(202, view, headers)


@endpoint
def get_task(call: Call, task_id: str) -> Response:
    """Return one task, perhaps after a wait for its end, or 304 if the client has it as it is."""
    task_id = reading.parse_task_id(task_id)
    wait = _seconds_to_wait(call)
    if wait or "If-None-Match" in call.request.headers:
        # What has not changed costs one read, however large circuit and result are.
        known = call.service.get(task_id, owner=call.owner, with_payloads=False)
        known = call.service.wait(known, seconds=wait)
        headers = _headers_of(known, call) | _applied(wait)
        if reading.knows(call.request, headers["ETag"]):
            return answers.not_modified(headers)
    task = call.service.get(task_id, owner=call.owner)
    headers = _headers_of(task, call) | _applied(wait)
    return answers.json_answer(200, views.shown(task, schemas.TaskView), headers)


def _seconds_to_wait(call: Call) -> int:
    """Return how long a request waits for its task's end: what is preferred, allowed and left."""
    seconds = min(reading.preferred_wait_of(call.request), call.service.wait.seconds_max)
    if not seconds:
        return 0
    context = cast("LambdaContext", call.request.lambda_context)
    kept_free = 3 * call.service.settings.database_call_seconds_max
    return max(0, min(seconds, int(context.get_remaining_time_in_millis() / 1000 - kept_free)))


def _applied(wait: int) -> dict[str, str]:
    """Say that the client's preference to wait is kept, and for how long at most."""
    return {"Preference-Applied": f"wait={wait}"} if wait else {}


def _ended(call: Call, task: Task, wait: int) -> Task | None:
    """Return a task that has ended within the client's wait; it is accepted in any case."""
    if not wait or not call.service.wait(task, seconds=wait).status.is_terminal:
        return None
    try:
        return call.service.get(task.task_id, owner=call.owner)
    except (ServiceUnavailable, TaskNotFound, TaskUnreadable) as exc:
        call.service.ports.observer.problem("wait for the task", exc, task_ids=[task.task_id])
        return None


def _headers_of(task: Task, call: Call) -> dict[str, str]:
    """Return a task's validator and, unless it has ended, when to ask for it again."""
    headers = {"ETag": views.etag_of(task)}
    if not task.status.is_terminal:
        age = call.service.ports.clock.now() - task.submitted_at
        headers["Retry-After"] = str(poll_after_seconds(age.total_seconds()))
    return headers


@endpoint
def list_tasks(call: Call) -> Response:
    """Return one page of the caller's tasks, newest first, or 304 if the client has it."""
    query = list_query.parse_list_query(reading.query_of(call.request))
    page = call.service.list(
        owner=call.owner, task_filter=query.task_filter, limit=query.limit, after=query.after
    )
    end = page.next_position
    view = schemas.TaskListView(
        tasks=[views.shown(task, schemas.TaskSummary) for task in page.tasks],
        next_cursor=None if end is None else list_query.cursor_of(end, query.task_filter),
        unreadable=list(page.unreadable) or UNSET,
    )
    return answers.cacheable_answer(call.request, answers.encode(view))


@endpoint
def cancel_task(call: Call, task_id: str) -> Response:
    """Cancel a task that has not ended; cancelling twice is 200."""
    try:
        task = call.service.cancel(reading.parse_task_id(task_id), owner=call.owner)
    except ServiceUnavailable as exc:
        done = "may have cancelled" if exc.in_doubt else "did not cancel"
        message = f"the database did not answer; the service {done} the task: cancel it again"
        raise ServiceUnavailable(message, in_doubt=exc.in_doubt) from exc
    if isinstance(task, StoredTask):
        cancelled = schemas.TaskCancelledUnreadable(
            task_id=task.task_id,
            status=TaskStatus.CANCELLED,
            message=f"the task is cancelled; it cannot be shown: {task.reason}",
            correlation_id=call.correlation_id,
        )
        return answers.json_answer(200, cancelled, {})
    view = views.shown(task, schemas.TaskView)
    return answers.json_answer(200, view, {"ETag": views.etag_of(task)})
