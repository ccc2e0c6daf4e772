"""Reading what a client sent, and saying what is wrong with it.

Whatever comes in, an answer is small: errors are bounded in number, and a value is repeated short.
"""

from __future__ import annotations

import collections
import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Meta, structs

from chalicelib.entrypoints.http.schemas import (
    BATCH_MEMBERS_MAX,
    TAGS_BYTES_MAX,
    BatchMember,
    PostTask,
)
from chalicelib.errors import FieldError, InvalidRequest, UnsupportedMediaType

_PostTask = TypeVar("_PostTask", bound=PostTask)

JSON: Final = "application/json"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
#: Errors that one answer names; the rest are counted.
ERRORS_MAX: Final = 20

_SHOWN_CHARACTERS_MAX: Final = 40
_TASK_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]+")


def check_content_type(given: str) -> None:
    """Accept JSON in UTF-8, which is the only encoding that JSON has (RFC 8259 section 8.1).

    Raises:
        UnsupportedMediaType: it is another type, or another encoding is declared.
    """
    media_type, *parameters = given.split(";")
    if media_type.strip().lower() != JSON:
        raise UnsupportedMediaType(f"the content type must be {JSON}, not {given[:100]!r}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(f"the charset must be utf-8, not {charset[:100]!r}")


def parse_post_task(body: bytes) -> PostTask:
    """Read the body of `POST /tasks`.

    Raises:
        InvalidRequest: with the fields that are wrong, what each must be and what it was.
    """
    return to_post_task(decode(body))


def decode(body: bytes) -> object:
    """Return a body's JSON as Python values.

    Raises:
        InvalidRequest: it is not UTF-8, not JSON, nested too deeply, or an object repeats a name.
    """
    try:
        text = body.decode()
        given = msgspec.json.decode(body)
        # Which of two equal names counts is not defined (RFC 8259 section 4): a client that sent
        # both cannot know what it asked for.
        json.loads(text, object_pairs_hook=_without_repetition)
    except UnicodeDecodeError as exc:
        message = f"must be UTF-8; byte {exc.start} is 0x{body[exc.start]:02x}"
        raise InvalidRequest(FieldError("body", f"must be JSON: {message}")) from exc
    except RecursionError as exc:
        raise InvalidRequest(FieldError("body", "must be JSON: it is nested too deeply")) from exc
    except msgspec.DecodeError as exc:
        raise InvalidRequest(FieldError("body", f"must be JSON: {exc}")) from exc
    return given


def _without_repetition(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        return
    repeated = collections.Counter(names).most_common(1)[0][0]
    raise InvalidRequest(FieldError(_short(repeated), "is given more than once"))


def to_post_task(given: object) -> PostTask:
    """Read a request for a task from decoded JSON.

    Raises:
        InvalidRequest: with the fields that are wrong, what each must be and what it was.
    """
    return _to_struct(given, PostTask)


def parse_post_batch(body: bytes) -> list[BatchMember | InvalidRequest]:
    """Read the body of `POST /batches`; a member that is wrong is its own error.

    Raises:
        InvalidRequest: the body is not a batch, so there are no members to answer.
    """
    given = decode(body)
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
        FieldError(_short(name), f"is not a field; the fields are {', '.join(fields)}")
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
    errors += _tags_errors(values.get("tags", {}))
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


def _bounded(errors: Iterable[FieldError]) -> list[FieldError]:
    """Keep an answer small; fields that exist come first."""
    known = set(PostTask.__struct_fields__)
    ordered = sorted(errors, key=lambda error: (error.field not in known, error.field))
    if len(ordered) <= ERRORS_MAX:
        return sorted(ordered, key=lambda error: error.field)
    more = FieldError("body", f"has {len(ordered) - ERRORS_MAX:,} errors more")
    return [*ordered[:ERRORS_MAX], more]


def parse_task_id(text: str) -> str:
    """Return a task id in its one form, lower case.

    Raises:
        InvalidRequest: it is not 8-4-4-4-12 hexadecimal digits.
    """
    task_id = text.lower()
    if not _TASK_ID.fullmatch(task_id):
        message = f"must be 8-4-4-4-12 hexadecimal digits (a UUID), not {shown(text)}"
        raise InvalidRequest(FieldError("task_id", message))
    return task_id


def parse_idempotency_key(values: Iterable[str]) -> str | None:
    """Return the key if there is one.

    Raises:
        InvalidRequest: it is not 1 to 255 visible ASCII characters, or there is more than one: a
            retry through something that keeps another of them would make a second task.
    """
    given = list(values)
    if not given:
        return None
    if len(given) > 1:
        message = f"must be given once, not {len(given)} times"
        raise InvalidRequest(FieldError(IDEMPOTENCY_KEY, message))
    if not _is_visible(given[0], length_max=255):
        message = f"must be 1 to 255 visible ASCII characters, not {shown(given[0])}"
        raise InvalidRequest(FieldError(IDEMPOTENCY_KEY, message))
    return given[0]


def valid_correlation_id(text: str | None) -> str | None:
    """Return a client's correlation id if it can stand in headers and logs as it is."""
    return text if text is not None and _is_visible(text, length_max=128) else None


def _is_visible(text: str, *, length_max: int) -> bool:
    return len(text) <= length_max and _VISIBLE_ASCII.fullmatch(text) is not None


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
        return _short(msgspec.json.encode(value).decode())
    except RecursionError:
        return "a deeply nested value"
    except UnicodeEncodeError:
        return "a string with half of a surrogate pair"


def _short(text: str) -> str:
    if len(text) <= _SHOWN_CHARACTERS_MAX:
        return text
    return f"{text[:_SHOWN_CHARACTERS_MAX]}… ({len(text):,} characters)"
