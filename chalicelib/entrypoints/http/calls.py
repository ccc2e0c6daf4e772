"""What every endpoint shares: its call, and answers that are JSON or problem documents."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Concatenate, Final, ParamSpec

import msgspec
from chalice.app import Request, Response

from chalicelib.adapters.telemetry import log_context, logger
from chalicelib.composition import Service, get_service
from chalicelib.entrypoints.http import parsing, schemas
from chalicelib.entrypoints.http.caller import owner_of
from chalicelib.entrypoints.http.problems import MEDIA_TYPE, ProblemAnswer, problem_for
from chalicelib.errors import FieldError, InvalidRequest, SubmissionUnavailable, TaskServiceError
from chalicelib.settings import InvalidSetting

CORRELATION_ID: Final = "X-Correlation-ID"

_P = ParamSpec("_P")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request and what every endpoint needs to answer it."""

    service: Service
    request: Request
    #: The client's, or API Gateway's id of the request.
    correlation_id: str
    #: Whom the request acts for; empty where any caller is allowed.
    owner: str


_Handler = Callable[Concatenate[Call, _P], Response]
_View = Callable[Concatenate[Request | None, _P], Response]
#: Renders an error of a call, with its correlation id.
_Failure = Callable[[Exception, Request, str], Response]


def endpoint(
    *, signed: bool = True, failing_as: _Failure | None = None
) -> Callable[[_Handler[_P]], _View[_P]]:
    """Make a handler a view: give it its call, and make every error a problem document."""

    def decorate(handler: _Handler[_P]) -> _View[_P]:
        @functools.wraps(handler)
        def answer(request: Request | None, /, *args: _P.args, **kwargs: _P.kwargs) -> Response:
            assert request is not None  # noqa: S101 - Chalice sets it before it calls a view
            ids = _ids_of(request)
            correlation_id = ids["correlation_id"]
            with log_context(**ids):
                try:
                    call = _call(request, correlation_id, signed=signed)
                    response = handler(call, *args, **kwargs)
                except Exception as exc:  # noqa: BLE001 - the boundary: clients see no stack trace
                    response = (failing_as or problem_answer)(exc, request, correlation_id)
            response.headers.setdefault(CORRELATION_ID, correlation_id)
            if request.method == "HEAD":
                response.body = ""  # RFC 9110 section 9.3.2: as GET, without the content
            return response

        return answer

    return decorate


def _call(request: Request, correlation_id: str, *, signed: bool) -> Call:
    service = get_service()
    owner = owner_of(request.context, stage=service.settings.stage) if signed else ""
    return Call(service=service, request=request, correlation_id=correlation_id, owner=owner)


def _ids_of(request: Request) -> dict[str, str]:
    """Return the ids that lines about a request carry.

    `request_id` is API Gateway's, which its own refusals and its access log carry; it is also the
    correlation id of a client that gave none, and is not said twice.
    """
    request_id = str(request.context.get("requestId") or uuid.uuid4())
    given = parsing.valid_correlation_id(request.headers.get(CORRELATION_ID))
    if given is None:
        return {"correlation_id": request_id}
    return {"correlation_id": given, "request_id": request_id}


def body_of(request: Request) -> bytes:
    """Return the body's bytes, as they came."""
    try:
        body = request.raw_body
        return body if isinstance(body, bytes) else body.encode()
    except UnicodeEncodeError as exc:
        # An event's text may hold half of a surrogate pair, which no UTF-8 has.
        error = FieldError("body", f"must be JSON: character {exc.start} is half of a pair")
        raise InvalidRequest(error) from exc


def header_values(request: Request, name: str) -> list[str]:
    """Return every value of a header; Chalice's own mapping keeps the last one only."""
    named = request.to_original_event().get("multiValueHeaders") or {}
    values = [value for key, all_ in named.items() if key.lower() == name.lower() for value in all_]
    single = request.headers.get(name)
    return values or ([] if single is None else [single])


def query_of(request: Request) -> Mapping[str, Sequence[str]]:
    """Return the query's parameters, each with every value that was given."""
    given = request.to_original_event().get("multiValueQueryStringParameters") or {}
    return {name: list(values) for name, values in given.items()}


def location_of(request: Request, task_id: str) -> str:
    """Return where the task is, relative to the request's path, which may end in a slash."""
    path = str(request.context.get("path") or "")
    return task_id if path.endswith("/") else f"tasks/{task_id}"


def problem_answer(error: Exception, request: Request, correlation_id: str) -> Response:
    """Return the answer to a call that failed."""
    answer = problem_of(error, correlation_id)
    if isinstance(error, SubmissionUnavailable) and error.task_id is not None:
        answer.headers["Location"] = location_of(request, error.task_id)
    return Response(
        body=schemas.encode(answer.problem),
        status_code=answer.problem.status,
        headers={**answer.headers, "Content-Type": MEDIA_TYPE},
    )


def log_invalid_setting(error: InvalidSetting) -> None:
    """Name the setting in the log; no client has use for it, and a stack trace says no more."""
    logger.error("a setting is wrong: %s", error)


def problem_of(error: Exception, correlation_id: str) -> ProblemAnswer:
    """Return the problem document of an error; one that is a bug is logged."""
    if isinstance(error, InvalidSetting):
        log_invalid_setting(error)
    elif not isinstance(error, TaskServiceError):
        logger.error("unhandled error: %s", error, exc_info=error)
    return problem_for(error, correlation_id=correlation_id)


def json_answer(status: int, view: msgspec.Struct, headers: Mapping[str, str]) -> Response:
    """Return an answer whose body is this view."""
    typed: dict[str, str | list[str]] = {**headers, "Content-Type": parsing.JSON}
    return Response(body=schemas.encode(view), status_code=status, headers=typed)
