"""From the JSON of a body to what is asked for, and saying what is wrong with it.

Whatever comes in, an answer is small: errors are bounded in number, and a value is repeated short.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Meta, structs

from chalicelib.entrypoints.http.schemas import (
    BATCH_MEMBERS_MAX,
    INTEGER_MAX,
    INTEGER_MIN,
    SHOTS_OF_POINTS_MAX,
    TAGS_BYTES_MAX,
    BatchMember,
    PostTask,
)
from chalicelib.errors import FieldError, InvalidRequest

_PostTask = TypeVar("_PostTask", bound=PostTask)

#: Errors that one answer names; the rest are counted.
ERRORS_MAX: Final = 20

_SHOWN_CHARACTERS_MAX: Final = 40


def to_post_task(given: object) -> PostTask:
    """Read a request for a task from decoded JSON.

    Raises:
        InvalidRequest: with the fields that are wrong, what each must be and what it was.
    """
    return _to_struct(given, PostTask)


def to_batch(given: object) -> list[BatchMember | InvalidRequest]:
    """Read the members of a batch from decoded JSON; a member that is wrong is its own error.

    Raises:
        InvalidRequest: the body is not a batch, so there are no members to answer.
    """
    members = given.get("tasks") if isinstance(given, dict) and len(given) == 1 else None
    if not isinstance(members, list):
        expected = 'must be a JSON object with the one field "tasks", an array'
        raise InvalidRequest(FieldError("body", f"{expected}; it was {shown(given)}"))
    if not 1 <= len(members) <= BATCH_MEMBERS_MAX:
        message = f"must have 1 to {BATCH_MEMBERS_MAX} members, not {len(members):,}"
        raise InvalidRequest(FieldError("tasks", message))
    return [_member(member) for member in members]


def _member(given: object) -> BatchMember | InvalidRequest:
    try:
        return _to_struct(given, BatchMember)
    except InvalidRequest as exc:
        return exc


def _to_struct(given: object, kind: type[_PostTask]) -> _PostTask:
    if not isinstance(given, dict):
        raise InvalidRequest(FieldError("body", f"must be a JSON object, not {shown(given)}"))
    fields = _fields(kind)
    errors = [
        FieldError(short(name), f"is not a field; the fields are {', '.join(fields)}")
        for name in given.keys() - fields.keys()
    ]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given:
            try:
                values[name] = msgspec.convert(given[name], field.type)
            except msgspec.ValidationError:
                found = list(_inputs_errors(given[name])) if name == "inputs" else []
                errors += found or [FieldError(name, _complaint(field.type, given[name]))]
        elif field.required:
            errors.append(FieldError(name, f"is missing; it must be {_description(field.type)}"))
    errors += _tags_errors(values.get("tags", {}))
    errors += _points_errors(values.get("inputs"), values.get("shots", 1))
    if errors:
        raise InvalidRequest(*_bounded(errors))
    return kind(**values)


@functools.cache
def _fields(kind: type[PostTask]) -> Mapping[str, structs.FieldInfo]:
    """Return the fields with their types; working them out takes as long as parsing a request."""
    return {field.name: field for field in structs.fields(kind)}


def _tags_errors(tags: Mapping[str, str]) -> list[FieldError]:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in tags.items())
    if size <= TAGS_BYTES_MAX:
        return []
    limit = f"must take at most {TAGS_BYTES_MAX:,} bytes of UTF-8 in all, names and values"
    return [FieldError("tags", f"{limit}; they take {size:,}")]


def _inputs_errors(given: object) -> Iterator[FieldError]:
    """Name the values of inputs that are none, by their places."""
    points = given if isinstance(given, list) else [given]
    for number, point in enumerate(points):
        place = f"inputs[{number}]" if isinstance(given, list) else "inputs"
        if not isinstance(point, dict):
            if isinstance(given, list):
                yield FieldError(place, f"must be an object; it was {shown(point)}")
            continue
        for name, value in point.items():
            if not isinstance(value, (bool, int, float)):
                message = f"must be a number, true or false; it was {shown(value)}"
                yield FieldError(short(f"{place}.{name}"), message)


def _points_errors(inputs: object, shots: int) -> Iterator[FieldError]:
    """Check what no type says: how large integers are, and the shots of all points."""
    points = inputs if isinstance(inputs, list) else [inputs or {}]
    for number, point in enumerate(points):
        place = f"inputs[{number}]" if isinstance(inputs, list) else "inputs"
        for name, value in point.items():
            if isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
                message = f"must be from -2^63 to 2^64 - 1; it was {shown(value)}"
                yield FieldError(short(f"{place}.{name}"), message)
    most = SHOTS_OF_POINTS_MAX // len(points)
    if shots > most:
        message = (
            f"must be at most {most:,} for {len(points):,} objects in inputs:"
            f" {SHOTS_OF_POINTS_MAX:,} in all; it was {shots:,}"
        )
        yield FieldError("shots", message)


def _bounded(errors: Iterable[FieldError]) -> list[FieldError]:
    """Keep an answer small; fields that exist come first."""
    known = set(PostTask.__struct_fields__)
    ordered = sorted(errors, key=lambda error: (error.field not in known, error.field))
    if len(ordered) <= ERRORS_MAX:
        return sorted(ordered, key=lambda error: error.field)
    more = FieldError("body", f"has {len(ordered) - ERRORS_MAX:,} more errors")
    return [*ordered[:ERRORS_MAX], more]


def _description(field_type: Any) -> str:  # noqa: ANN401 - an annotation
    return next(
        m.description
        for m in getattr(field_type, "__metadata__", ())
        if isinstance(m, Meta) and m.description
    )


def _complaint(field_type: Any, value: object) -> str:  # noqa: ANN401 - an annotation
    return f"must be {_description(field_type)}; it was {shown(value)}"


def shown(value: object) -> str:
    """Return a client's value as an error may repeat it: as JSON, and short."""
    try:
        return short(msgspec.json.encode(value).decode())
    except RecursionError:
        return "a deeply nested value"
    except UnicodeEncodeError:
        return "a string with half of a surrogate pair"


def short(text: str) -> str:
    """Return a client's text as an error may repeat it."""
    if len(text) <= _SHOWN_CHARACTERS_MAX:
        return text
    return f"{text[:_SHOWN_CHARACTERS_MAX]}… ({len(text):,} characters)"
