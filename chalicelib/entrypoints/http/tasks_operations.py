"""The operations on tasks, as OpenAPI's document describes them."""

from __future__ import annotations

from typing import Final

from chalicelib.domain.task import TaskStatus
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.entrypoints.http import examples, list_query, schemas
from chalicelib.entrypoints.http.operation import (
    APPLIED,
    CORRELATION_ID,
    ETAG,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    OF_A_BODY,
    OF_A_WRITE,
    PREFER,
    UNCHANGED,
    Operation,
    Parameter,
)
from chalicelib.errors import (
    IdempotencyConflict,
    InvalidRequest,
    ServiceUnavailable,
    TaskAlreadyEnded,
    TaskNotFound,
)

TASK_ID: Final = Parameter(
    name="task_id",
    place="path",
    description="the task's id, in either case",
    schema={
        "type": "string",
        "pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
    },
)
_TIME: Final = {"type": "string", "format": "date-time"}
LISTING: Final = (
    Parameter(
        name="status",
        place="query",
        description="any of these, separated by commas",
        schema={
            "type": "string",
            "pattern": f"^({'|'.join(TaskStatus)})(,({'|'.join(TaskStatus)}))*$",
        },
    ),
    Parameter(
        name="tag",
        place="query",
        description="`name:value`; may be repeated, all must hold",
        schema={
            "type": "array",
            "items": {"type": "string", "pattern": "^[^:].*:.*$|^[^:]:.*$"},
            "maxItems": list_query.TAG_FILTERS_MAX,
        },
    ),
    Parameter(name="submitted_after", place="query", description="inclusive", schema=_TIME),
    Parameter(name="submitted_before", place="query", description="exclusive", schema=_TIME),
    Parameter(
        name="limit",
        place="query",
        description="tasks of a page at most",
        schema={
            "type": "integer",
            "minimum": 1,
            "maximum": list_query.LIMIT_MAX,
            "default": list_query.LIMIT_DEFAULT,
        },
    ),
    Parameter(
        name="cursor",
        place="query",
        description="the `next_cursor` of the page before, with the same filters",
        schema={"type": "string", "pattern": "^[A-Za-z0-9_-]{1,512}$"},
    ),
)
_TASK_OF_BODY: Final = {"task_id": "$response.body#/task_id"}
_TASK_OF_PATH: Final = {"task_id": "$request.path.task_id"}
_FIRST_OF_LIST: Final = {"task_id": "$response.body#/tasks/0/task_id"}
_POLL: Final = {"Retry-After": "seconds until the next poll; not there once the task has ended"}

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/tasks",
        name="submitTask",
        summary="Submit a circuit",
        status=202,
        answers=[schemas.TaskAccepted],
        example=examples.ACCEPTED,
        request=schemas.PostTask,
        request_example=examples.POST_TASK,
        parameters=(IDEMPOTENCY_KEY, PREFER, CORRELATION_ID),
        headers={
            "Location": "the task, relative to the request",
            "Retry-After": "seconds until the first poll",
            "Idempotent-Replayed": "`true` if the task existed before",
            **APPLIED,
        },
        links={"getTask": _TASK_OF_BODY, "cancelTask": _TASK_OF_BODY},
        errors=(*OF_A_BODY, IdempotencyConflict, *OF_A_WRITE),
    ),
    Operation(
        method="get",
        path="/tasks",
        name="listTasks",
        summary="List the caller's tasks, newest first",
        answers=[schemas.TaskListView],
        example=examples.TASK_LIST,
        parameters=(*LISTING, IF_NONE_MATCH, CORRELATION_ID),
        headers=ETAG,
        links={
            "listTasks": {"cursor": "$response.body#/next_cursor"},
            "getTask": _FIRST_OF_LIST,
            "cancelTask": _FIRST_OF_LIST,
        },
        errors=(InvalidRequest, ServiceUnavailable),
    ),
    Operation(
        method="get",
        path="/tasks/{task_id}",
        name="getTask",
        summary="Read a task: status, result and history",
        answers=[schemas.TaskView],
        example=examples.TASK,
        parameters=(TASK_ID, IF_NONE_MATCH, PREFER, CORRELATION_ID),
        headers={**ETAG, **_POLL, **APPLIED},
        links={"getTask": {**_TASK_OF_PATH, **UNCHANGED}, "cancelTask": _TASK_OF_PATH},
        errors=(InvalidRequest, TaskNotFound, TaskUnreadable, ServiceUnavailable),
    ),
    Operation(
        method="post",
        path="/tasks/{task_id}/cancel",
        name="cancelTask",
        summary="Cancel a task that has not ended",
        answers=[schemas.TaskView, schemas.TaskCancelledUnreadable],
        example=examples.TASK,
        parameters=(TASK_ID, CORRELATION_ID),
        headers=ETAG,
        links={"getTask": _TASK_OF_PATH, "cancelTask": _TASK_OF_PATH},
        errors=(InvalidRequest, TaskNotFound, TaskAlreadyEnded, TaskUnreadable, *OF_A_WRITE),
    ),
)
