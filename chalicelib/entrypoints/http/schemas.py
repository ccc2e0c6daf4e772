"""What goes over HTTP, as types: they validate what comes in and shape what goes out.

A field's `description` says what it must be; the same words stand in the error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.domain.task import SEED_MAX, Task, TaskRequest, TaskStatus
from chalicelib.errors import FieldError, InvalidRequest

SHOTS_DEFAULT: Final = 1024
SHOTS_MAX: Final = 100_000
TAGS_MAX: Final = 50

_SHOWN_CHARACTERS_MAX: Final = 40
_TASK_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]+")

Circuit = Annotated[
    str, Meta(pattern=r"\S", description="text that is not blank (OpenQASM 3 is expected)")
]
Shots = Annotated[
    int, Meta(ge=1, le=SHOTS_MAX, description=f"a whole number from 1 to {SHOTS_MAX}")
]
Seed = Annotated[
    Annotated[int, Meta(ge=0, le=SEED_MAX)] | None,
    Meta(description=f"an integer from 0 to {SEED_MAX} (2^53 - 1), or null"),
]
Tags = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=128)],
        Annotated[str, Meta(max_length=256)],
    ],
    Meta(
        max_length=TAGS_MAX,
        description=(
            f"an object of at most {TAGS_MAX} texts, names of 1 to 128 characters, "
            "values of at most 256"
        ),
    ),
]


class PostTask(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /tasks`."""

    circuit: Circuit
    shots: Shots = SHOTS_DEFAULT
    tags: Tags = msgspec.field(default_factory=dict)
    seed: Seed = None

    def to_request(self) -> TaskRequest:
        """Return what is asked for."""
        return TaskRequest(circuit=self.circuit, shots=self.shots, tags=self.tags, seed=self.seed)


class TaskAccepted(msgspec.Struct, kw_only=True):
    """The answer to `POST /tasks`."""

    task_id: str
    status: TaskStatus
    submitted_at: str
    message: str
    correlation_id: str


class HistoryView(msgspec.Struct, kw_only=True):
    """One entry of a task's history."""

    status: TaskStatus
    transitioned_at: str
    notes: str | None
    attempt: int


class RegisterView(msgspec.Struct, kw_only=True):
    """A classical register of the circuit."""

    name: str
    size: int


class ResultView(msgspec.Struct, kw_only=True):
    """A task's result.

    In the bit strings of `counts` the last register is leftmost, in each register the bit with the
    highest index, and there is a space between registers: with registers `a` of size 2 and `b` of
    size 1, `"1 01"` is b[0] = 1, a[1] = 0, a[0] = 1. The registers are null in a result from before
    they were kept.
    """

    counts: Mapping[str, int]
    registers: list[RegisterView] | None
    shots: int
    executor: str
    executor_version: str
    seed: int


class TaskView(msgspec.Struct, kw_only=True):
    """A whole task. One shape in every state; what is not there yet is null."""

    task_id: str
    status: TaskStatus
    circuit: str
    shots: int
    tags: Mapping[str, str]
    seed: int | None
    submitted_at: str
    started_at: str | None
    completed_at: str | None
    attempt: int
    result: ResultView | None
    error_message: str | None
    status_history: list[HistoryView]
    correlation_id: str


class HealthView(msgspec.Struct, kw_only=True):
    """The answer to `GET /health`."""

    status: str
    database_status: str
    queue_status: str
    timestamp: str


class FieldErrorView(msgspec.Struct, kw_only=True):
    """One thing that is wrong with one field."""

    field: str
    message: str


class Problem(msgspec.Struct, kw_only=True):
    """A problem document (RFC 9457). What does not apply is left out."""

    type: str
    title: str
    status: int
    detail: str
    correlation_id: str
    errors: list[FieldErrorView] | UnsetType = UNSET
    #: Of a submission that was answered 503: whether the task was kept, and its id.
    kept: str | UnsetType = UNSET
    task_id: str | UnsetType = UNSET


def encode(view: msgspec.Struct) -> str:
    """Return a view as JSON."""
    return msgspec.json.encode(view).decode()


def parse_post_task(body: bytes) -> PostTask:
    """Read the body of `POST /tasks`.

    Raises:
        InvalidRequest: with every field that is wrong, what it must be and what it was.
    """
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise InvalidRequest(FieldError("body", f"must be JSON: {exc}")) from exc
    if not isinstance(given, dict):
        raise InvalidRequest(FieldError("body", f"must be a JSON object, not {_shown(given)}"))
    fields = {field.name: field for field in msgspec.structs.fields(PostTask)}
    errors = [
        FieldError(name, f"is not a field; the fields are {', '.join(fields)}")
        for name in given.keys() - fields.keys()
    ]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given:
            try:
                values[name] = msgspec.convert(given[name], field.type)
            except msgspec.ValidationError:
                errors.append(FieldError(name, _complaint(field.type, given[name])))
        elif field.required:
            errors.append(FieldError(name, f"is missing; it must be {_description(field.type)}"))
    if errors:
        raise InvalidRequest(*sorted(errors, key=lambda error: error.field))
    return PostTask(**values)


def parse_task_id(text: str) -> str:
    """Return a task id in its one form, lower case.

    Raises:
        InvalidRequest: it is not 8-4-4-4-12 hexadecimal digits.
    """
    task_id = text.lower()
    if not _TASK_ID.fullmatch(task_id):
        message = f"must be 8-4-4-4-12 hexadecimal digits (a UUID), not {_shown(text)}"
        raise InvalidRequest(FieldError("task_id", message))
    return task_id


def parse_idempotency_key(text: str | None) -> str | None:
    """Return the key if there is one.

    Raises:
        InvalidRequest: it is not 1 to 255 visible ASCII characters.
    """
    if text is None or _is_visible(text, length_max=255):
        return text
    message = f"must be 1 to 255 visible ASCII characters, not {_shown(text)}"
    raise InvalidRequest(FieldError("Idempotency-Key", message))


def valid_correlation_id(text: str | None) -> str | None:
    """Return a client's correlation id if it can stand in headers and logs as it is."""
    return text if text is not None and _is_visible(text, length_max=128) else None


def timestamp(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def view_of(task: Task) -> TaskView:
    """Return the task as a client sees it."""
    return TaskView(
        task_id=task.task_id,
        status=task.status,
        circuit=task.request.circuit,
        shots=task.request.shots,
        tags=task.request.tags,
        seed=task.request.seed,
        submitted_at=timestamp(task.submitted_at),
        started_at=_timestamp_or_none(task.started_at),
        completed_at=_timestamp_or_none(task.completed_at),
        attempt=task.attempt,
        result=None
        if task.result is None
        else msgspec.convert(task.result, ResultView, from_attributes=True),
        error_message=task.error_message,
        status_history=[
            HistoryView(
                status=entry.status,
                transitioned_at=timestamp(entry.transitioned_at),
                notes=entry.notes,
                attempt=entry.attempt,
            )
            for entry in task.history
        ],
        correlation_id=task.correlation_id,
    )


def _timestamp_or_none(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def _is_visible(text: str, *, length_max: int) -> bool:
    return len(text) <= length_max and _VISIBLE_ASCII.fullmatch(text) is not None


def _description(field_type: Any) -> str:  # noqa: ANN401 - an annotation
    return next(
        m.description
        for m in getattr(field_type, "__metadata__", ())
        if isinstance(m, Meta) and m.description
    )


def _complaint(field_type: Any, value: object) -> str:  # noqa: ANN401 - an annotation
    return f"must be {_description(field_type)}; it was {_shown(value)}"


def _shown(value: object) -> str:
    """Return a client's value as an error may repeat it: as JSON, and short."""
    text = msgspec.json.encode(value).decode()
    if len(text) > _SHOWN_CHARACTERS_MAX:
        return f"{text[:_SHOWN_CHARACTERS_MAX]}… ({len(text):,} characters)"
    return text
