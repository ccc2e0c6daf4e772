"""The query of `GET /tasks`: filters, limit and cursor."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from chalicelib.domain.task import TaskStatus
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.entrypoints.http.parsing import shown
from chalicelib.errors import FieldError, InvalidRequest

LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 100
TAG_FILTERS_MAX: Final = 10
PARAMETERS: Final = ("cursor", "limit", "status", "submitted_after", "submitted_before", "tag")

#: Raise it when the order of the list, or what a cursor holds, changes.
_CURSOR_VERSION: Final = 1
_CURSOR_CHARACTERS_MAX: Final = 512
_NO_CURSOR: Final = "must be the next_cursor of an earlier answer"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_TAG_CHARACTERS_MAX: Final = 128 + 1 + 256


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What a cursor holds; clients see base64."""

    version: int
    filters: str
    submitted_at: str
    task_id: str


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of `GET /tasks` asks for."""

    task_filter: TaskFilter
    limit: int
    after: Position | None


def parse_list_query(given: Mapping[str, Sequence[str]]) -> ListQuery:
    """Read the query's parameters; each may be given once, `tag` repeatedly.

    Raises:
        InvalidRequest: with every parameter that is wrong.
    """
    errors: list[FieldError] = []
    for name, values in given.items():
        if name not in PARAMETERS:
            message = f"is not a parameter; the parameters are {', '.join(PARAMETERS)}"
            errors.append(FieldError(shown(name), message))
        elif len(values) > 1 and name != "tag":
            errors.append(FieldError(name, f"must be given once, not {len(values)} times"))
    if errors:
        raise InvalidRequest(*errors[:20])

    def single(name: str) -> str | None:
        values = given.get(name)
        return values[0] if values else None

    task_filter = TaskFilter(
        statuses=_statuses(single("status")),
        tags=_tags(given.get("tag") or ()),
        submitted_after=_time("submitted_after", single("submitted_after")),
        submitted_before=_time("submitted_before", single("submitted_before")),
    )
    return ListQuery(
        task_filter=task_filter,
        limit=_limit(single("limit")),
        after=_position(single("cursor"), task_filter),
    )


def cursor_of(position: Position, task_filter: TaskFilter) -> str:
    """Return the cursor of the page behind this position, bound to the filters."""
    cursor = _Cursor(_CURSOR_VERSION, _digest(task_filter), position.submitted_at, position.task_id)
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _position(text: str | None, task_filter: TaskFilter) -> Position | None:
    if text is None:
        return None
    if len(text) > _CURSOR_CHARACTERS_MAX:
        raise _invalid("cursor", _NO_CURSOR, text)
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        cursor = msgspec.json.decode(raw, type=_Cursor)
    except (binascii.Error, msgspec.DecodeError, ValueError) as exc:
        raise _invalid("cursor", _NO_CURSOR, text) from exc
    if cursor.version != _CURSOR_VERSION:
        expected = "comes from another version of the service; start the list again"
        raise _invalid("cursor", expected, text)
    if cursor.filters != _digest(task_filter):
        expected = "belongs to a list with other filters; send the filters of that list"
        raise _invalid("cursor", expected, text)
    if not cursor.submitted_at:
        raise _invalid("cursor", _NO_CURSOR, text)
    return Position(submitted_at=cursor.submitted_at, task_id=cursor.task_id)


def _digest(task_filter: TaskFilter) -> str:
    low, high = task_filter.submitted_after, task_filter.submitted_before
    parts = [sorted(task_filter.statuses), sorted(task_filter.tags), low, high]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def _statuses(text: str | None) -> frozenset[TaskStatus]:
    if text is None:
        return frozenset()
    try:
        return frozenset(TaskStatus(name) for name in text.split(","))
    except ValueError as exc:
        expected = f"must be a list of {', '.join(TaskStatus)}, separated by commas"
        raise _invalid("status", expected, text) from exc


def _tags(texts: Sequence[str]) -> frozenset[str]:
    if len(texts) > TAG_FILTERS_MAX:
        message = f"must be given at most {TAG_FILTERS_MAX} times, not {len(texts)}"
        raise InvalidRequest(FieldError("tag", message))
    for text in texts:
        if ":" not in text or text.startswith(":") or len(text) > _TAG_CHARACTERS_MAX:
            raise _invalid("tag", "must be name:value, at most 128 and 256 characters", text)
    return frozenset(texts)


def _time(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    expected = "must be an RFC 3339 time such as 2026-01-01T12:00:00Z (write + as %2B)"
    if not _TIME.fullmatch(text):
        raise _invalid(name, expected, text)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise _invalid(name, expected, text) from exc


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT_DEFAULT
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= LIMIT_MAX:
        raise _invalid("limit", f"must be an integer from 1 to {LIMIT_MAX}", text)
    return int(text)


def _invalid(name: str, expected: str, text: str) -> InvalidRequest:
    return InvalidRequest(FieldError(name, f"{expected}; it was {shown(text)}"))
