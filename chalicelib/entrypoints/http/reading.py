"""Reading a request: its body, its headers, its path and its query.

What the JSON of a body says, `parsing` reads; what a query says, `list_query`.
"""

from __future__ import annotations

import collections
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from chalice.app import Request

from chalicelib.entrypoints.http.parsing import short, shown
from chalicelib.errors import FieldError, InvalidRequest, UnsupportedMediaType

JSON: Final = "application/json"
CORRELATION_ID: Final = "X-Correlation-ID"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
PREFER: Final = "Prefer"

_TASK_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECONDS: Final = re.compile(r'"?([0-9]{1,6})"?', re.ASCII)
_VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]+")


def json_of(request: Request) -> object:
    """Return the JSON of a body as Python values.

    Raises:
        UnsupportedMediaType: the body is declared to be of another type.
        InvalidRequest: the body is no JSON.
    """
    check_content_type(request.headers.get("content-type", ""))
    try:
        body = request.raw_body
        return decode(body if isinstance(body, bytes) else body.encode())
    except UnicodeEncodeError as exc:
        # An event's text may hold half of a surrogate pair, which no UTF-8 has.
        message = f"must be JSON: character {exc.start} is half of a surrogate pair"
        raise InvalidRequest(FieldError("body", message)) from exc


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
    raise InvalidRequest(FieldError(short(repeated), "is given more than once"))


def idempotency_key_of(request: Request) -> str | None:
    """Return the client's key if there is one."""
    return parse_idempotency_key(_values_of(request, IDEMPOTENCY_KEY))


def _values_of(request: Request, header: str) -> list[str]:
    """Return all values of a header; Chalice's own mapping keeps the last one only."""
    named = request.to_original_event().get("multiValueHeaders") or {}
    values = [
        value for name, given in named.items() if name.lower() == header.lower() for value in given
    ]
    single = request.headers.get(header)
    return values or ([] if single is None else [single])


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


def preferred_wait_of(request: Request) -> int:
    """Return the seconds for which the client prefers to wait (RFC 7240), or 0.

    The first one counts. What cannot be read is ignored, as that RFC's section 2 asks.
    """
    for preference in ",".join(_values_of(request, PREFER)).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            found = _SECONDS.fullmatch(value.strip())
            return 0 if found is None else int(found[1])
    return 0


def ids_of(request: Request) -> dict[str, str]:
    """Return the ids that lines about a request carry.

    `request_id` is API Gateway's, which its own refusals and its access log carry; it is also the
    correlation id of a client that gave none, and is not said twice.
    """
    request_id = str(request.context.get("requestId") or uuid.uuid4())
    given = valid_correlation_id(request.headers.get(CORRELATION_ID))
    if given is None:
        return {"correlation_id": request_id}
    return {"correlation_id": given, "request_id": request_id}


def valid_correlation_id(text: str | None) -> str | None:
    """Return a client's correlation id if it can stand in headers and logs as it is."""
    return text if text is not None and _is_visible(text, length_max=128) else None


def _is_visible(text: str, *, length_max: int) -> bool:
    return len(text) <= length_max and _VISIBLE_ASCII.fullmatch(text) is not None


def knows(request: Request, etag: str) -> bool:
    """Whether the client has what an ETag stands for.

    RFC 9110 section 13.1.2 compares weakly, with any of a list, or `*`.
    """
    if_none_match = request.headers.get("If-None-Match")
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags


def query_of(request: Request) -> Mapping[str, Sequence[str]]:
    """Return the query's parameters, each with every value that was given."""
    given = request.to_original_event().get("multiValueQueryStringParameters") or {}
    return {name: list(values) for name, values in given.items()}


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
