"""The way of a request, from Chalice's view to the answer. Start reading here.

::

    app.py ─▶ answering ─▶ endpoint ─▶ handler (tasks, batches, checks, openapi)
                                       reads the request (reading, parsing, list_query),
                                       calls one use case,
    client ◀─ answering ◀───────────── returns an answer (answers, views)

`answering` frames every request; `endpoint` adds the service and the owner that most handlers need.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec

import msgspec
from chalice.app import Request, Response

from chalicelib.adapters.telemetry import log_context
from chalicelib.composition import Service, get_service
from chalicelib.entrypoints.http import answers, reading
from chalicelib.entrypoints.http.caller import owner_of

CORRELATION_ID: Final = reading.CORRELATION_ID

_P = ParamSpec("_P")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a caller, and what a handler needs to answer it."""

    service: Service
    request: Request
    #: The client's, or API Gateway's id of the request.
    correlation_id: str
    #: Whom the request acts for.
    owner: str


_View = Callable[Concatenate[Request | None, _P], Response]


def answering(handler: Callable[Concatenate[Request, str, _P], Response]) -> _View[_P]:
    """Make a view of what answers a request, given its correlation id.

    Every log line carries the request's ids, every error becomes a problem document, and a `HEAD`
    is answered as `GET`, without the content (RFC 9110 section 9.3.2).
    """

    @functools.wraps(handler)
    def view(request: Request | None, /, *args: _P.args, **kwargs: _P.kwargs) -> Response:
        assert request is not None  # noqa: S101 - Chalice sets it before it calls a view
        ids = reading.ids_of(request)
        correlation_id = ids["correlation_id"]
        with log_context(**ids):
            try:
                answer = handler(request, correlation_id, *args, **kwargs)
            except Exception as exc:  # noqa: BLE001 - the boundary: clients see no stack trace
                answer = answers.problem_answer(exc, request, correlation_id)
        answer.headers.setdefault(CORRELATION_ID, correlation_id)
        if request.method == "HEAD":
            answer.body = ""
        return answer

    return view


def endpoint(handler: Callable[Concatenate[Call, _P], Response]) -> _View[_P]:
    """Make a view of a handler that acts for the caller: it needs the service and an owner."""

    @functools.wraps(handler)
    def with_call(
        request: Request, correlation_id: str, /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Response:
        service = get_service()
        owner = owner_of(request.context, stage=service.settings.stage)
        call = Call(service=service, request=request, correlation_id=correlation_id, owner=owner)
        return handler(call, *args, **kwargs)

    return answering(with_call)
