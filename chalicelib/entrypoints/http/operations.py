"""What the HTTP API offers, as data: OpenAPI's document is made from it, and tests hold it true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from chalicelib.domain.task import TaskStatus
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.entrypoints.http import examples, paging, schemas
from chalicelib.errors import (
    IdempotencyConflict,
    InvalidRequest,
    PayloadTooLarge,
    ServiceUnavailable,
    StoreFull,
    TaskAlreadyEnded,
    TaskNotFound,
    TaskServiceError,
    UnsupportedMediaType,
)

TEXT: Final[Mapping[str, Any]] = {"type": "string"}


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a request."""

    name: str
    #: `query`, `header` or `path`.
    place: str
    description: str
    schema: Mapping[str, Any]

    def to_openapi(self) -> dict[str, Any]:
        """Return it as OpenAPI has it."""
        return {
            "name": self.name,
            "in": self.place,
            "description": self.description,
            "required": self.place == "path",
            "schema": dict(self.schema),
        }


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the API."""

    method: str
    path: str
    name: str
    summary: str
    status: int = 200
    answer: type[msgspec.Struct] | None
    example: Any
    request: type[msgspec.Struct] | None = None
    request_example: Any = None
    parameters: Sequence[Parameter] = ()
    #: Headers of the answer, and what each says.
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: What a client can go on with: an operation, and its parameters out of this answer.
    links: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)
    errors: Sequence[type[TaskServiceError]] = ()
    is_signed: bool = True


CORRELATION_ID: Final = Parameter(
    name="X-Correlation-ID",
    place="header",
    description="at most 128 visible ASCII characters; comes back, and stands on every log line",
    schema=TEXT,
)
IF_NONE_MATCH: Final = Parameter(
    name="If-None-Match",
    place="header",
    description="the ETag of an earlier answer: 304 if nothing has changed",
    schema=TEXT,
)
IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    description="makes the request safe to repeat: the same key and request is the same task",
    schema={"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
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
            "maxItems": paging.TAG_FILTERS_MAX,
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
            "maximum": paging.LIMIT_MAX,
            "default": paging.LIMIT_DEFAULT,
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
_FIRST_OF_BATCH: Final = {"task_id": "$response.body#/tasks/0/task/task_id"}
_UNCHANGED: Final = {"If-None-Match": "$response.header.ETag"}

_ETAG: Final = {"ETag": "changes with what the answer says"}
_POLL: Final = {"Retry-After": "seconds until the next poll; not there once the task has ended"}
_BODY: Final = (InvalidRequest, PayloadTooLarge, UnsupportedMediaType)
_STORE: Final = (ServiceUnavailable, StoreFull)

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/tasks",
        name="submitTask",
        summary="Submit a circuit",
        status=202,
        answer=schemas.TaskAccepted,
        example=examples.ACCEPTED,
        request=schemas.PostTask,
        request_example=examples.POST_TASK,
        parameters=(IDEMPOTENCY_KEY, CORRELATION_ID),
        headers={
            "Location": "the task, relative to the request",
            "Retry-After": "seconds until the first poll",
            "Idempotent-Replayed": "`true` if the task existed before",
        },
        links={"getTask": _TASK_OF_BODY, "cancelTask": _TASK_OF_BODY},
        errors=(*_BODY, IdempotencyConflict, *_STORE),
    ),
    Operation(
        method="get",
        path="/tasks",
        name="listTasks",
        summary="List the caller's tasks, newest first",
        answer=schemas.TaskListView,
        example=examples.TASK_LIST,
        parameters=(*LISTING, IF_NONE_MATCH, CORRELATION_ID),
        headers=_ETAG,
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
        answer=schemas.TaskView,
        example=examples.TASK,
        parameters=(TASK_ID, IF_NONE_MATCH, CORRELATION_ID),
        headers={**_ETAG, **_POLL},
        links={"getTask": {**_TASK_OF_PATH, **_UNCHANGED}, "cancelTask": _TASK_OF_PATH},
        errors=(InvalidRequest, TaskNotFound, TaskUnreadable, ServiceUnavailable),
    ),
    Operation(
        method="post",
        path="/tasks/{task_id}/cancel",
        name="cancelTask",
        summary="Cancel a task that has not ended",
        answer=None,
        example=examples.TASK,
        parameters=(TASK_ID, CORRELATION_ID),
        headers=_ETAG,
        links={"getTask": _TASK_OF_PATH, "cancelTask": _TASK_OF_PATH},
        errors=(InvalidRequest, TaskNotFound, TaskAlreadyEnded, TaskUnreadable, *_STORE),
    ),
    Operation(
        method="post",
        path="/batches",
        name="submitBatch",
        summary="Submit 1 to 100 circuits; each member has its own status",
        answer=schemas.BatchView,
        example=examples.BATCH,
        request=schemas.PostBatch,
        request_example=examples.POST_BATCH,
        parameters=(IDEMPOTENCY_KEY, CORRELATION_ID),
        links={"getTask": _FIRST_OF_BATCH, "cancelTask": _FIRST_OF_BATCH},
        errors=_BODY,
    ),
    Operation(
        method="post",
        path="/validations",
        name="validateCircuit",
        summary="Check a circuit without running it",
        answer=schemas.ValidationView,
        example=examples.VALIDATION,
        request=schemas.PostTask,
        request_example=examples.POST_TASK,
        parameters=(CORRELATION_ID,),
        errors=_BODY,
    ),
    Operation(
        method="get",
        path="/openapi.json",
        name="getDescription",
        summary="This document",
        answer=None,
        example={"openapi": "3.1.0"},
        parameters=(IF_NONE_MATCH, CORRELATION_ID),
        headers=_ETAG,
        links={"getDescription": _UNCHANGED},
    ),
    Operation(
        method="get",
        path="/health",
        name="getHealth",
        summary="Whether the service can work; 503 only without the database",
        answer=schemas.HealthView,
        example=examples.HEALTH,
        parameters=(CORRELATION_ID,),
        is_signed=False,
    ),
)
