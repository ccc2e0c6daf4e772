"""API Gateway and Lambda's front door in one: routes requests to the Chalice app.

Chalice's local gateway does the routing. What it leaves out is added here, so that a client meets
the same event, limits and refusals as at the deployed API: the payload limits both ways, repeated
headers, the refusal of an unknown path or method, and a problem document for every one of them.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import CustomLocalChalice, LocalChalice, LocalGateway

from chalicelib.entrypoints.http.reading import valid_correlation_id
from infra.local.settings import STAGE
from infra.local.stand_ins.http_request import HEAD_BYTES_MAX, Request
from infra.local.stand_ins.lambda_runtime.context import LambdaContext
from infra.local.stand_ins.page import is_page, page
from infra.local.stand_ins.problems import HttpResponse, Refused, problem

#: Lambda's limit for a synchronous invocation, each way, on the JSON that carries it (6 MB and what
#: the envelope may take; AWS Lambda guide, "Lambda quotas").
LAMBDA_PAYLOAD_BYTES_MAX: Final = 6_291_556
#: A byte of UTF-8 becomes at most six of JSON (`\u0000`), so smaller bodies need no measuring.
_JSON_GROWTH_MAX: Final = 6
#: What the rest of an event may come to: every header stands in it twice.
_EVENT_OVERHEAD_BYTES_MAX: Final = 2 * _JSON_GROWTH_MAX * HEAD_BYTES_MAX + 10_000

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUSES: Final = range(200, 600)

Event = dict[str, Any]


class Gateway(LocalGateway):
    """Answers requests with the app. Made once; safe to use from many threads."""

    def __init__(self, app: Chalice, *, function_name: str, timeout_seconds: float) -> None:
        """Take the app, and make its class Chalice's local one: a current request per thread."""
        if not isinstance(app, CustomLocalChalice):
            CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
            app.__class__ = CustomLocalChalice
        super().__init__(app, Config(chalice_stage=STAGE))
        self._app = app
        self._function_name = function_name
        self._timeout_seconds = timeout_seconds

    def handle(self, request: Request) -> HttpResponse:
        """Answer one request."""
        if is_page(request.method, request.target):
            return HttpResponse(HTTPStatus.OK, *page())
        try:
            return _rendered(self._invoked(request))
        except Refused as refused:
            correlation_id = valid_correlation_id(request.header("x-correlation-id"))
            return problem(refused.status, str(refused), correlation_id)

    def _invoked(self, request: Request) -> Mapping[str, Any]:
        """Call the app as Lambda does: no event and no answer above the limit passes."""
        event = self._event(request)
        route = self._app.routes[event["resource"]]
        if request.method not in route:
            if request.method == "OPTIONS" and any(entry.cors for entry in route.values()):
                headers: Mapping[str, str] = self._autogen_options_headers(event)
                return {"statusCode": 200, "headers": headers}
            raise _nothing_here()
        _check_size("request", event, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        deadline = time.monotonic() + self._timeout_seconds
        request_id = event["requestContext"]["requestId"]
        context = LambdaContext(self._function_name, request_id, deadline)
        answer: Mapping[str, Any] = self._app(event, context)
        _check_size("answer", answer, HTTPStatus.BAD_GATEWAY)
        return answer

    def _event(self, request: Request) -> Event:
        """Build the event of a proxy integration (API Gateway guide, "Input format")."""
        headers = dict(request.headers)
        # Upstream declares bytes; Lambda's events carry text.
        body = cast("bytes | None", _text(request.body))
        if request.target.startswith("//"):
            raise _nothing_here()  # would be read as a host
        try:
            event: Event = self.event_converter.create_lambda_event(
                request.method, request.target, headers, body
            )
        except ValueError:
            raise _nothing_here() from None
        repeated: dict[str, list[str]] = {}
        for name, value in request.headers:
            repeated.setdefault(name, []).append(value)
        event["requestContext"] |= {"requestId": str(uuid.uuid4()), "stage": STAGE}
        return event | {
            "httpMethod": request.method,
            "path": event["requestContext"]["path"],
            "resource": event["requestContext"]["resourcePath"],
            "multiValueHeaders": repeated,
            "isBase64Encoded": event.get("isBase64Encoded", False),
        }


def _nothing_here() -> Refused:
    """Refuse as API Gateway does, which does not tell an unknown path from an unsigned request."""
    return Refused(HTTPStatus.FORBIDDEN, "there is no such path and method")


def _text(body: bytes) -> str | bytes | None:
    """Give a body as an event carries it: text.

    Bytes that are no UTF-8 stay bytes, so that the app can name the place; API Gateway would have
    replaced them before the app could see them.
    """
    try:
        return body.decode() or None
    except UnicodeDecodeError:
        return body


def _check_size(what: str, payload: Mapping[str, Any], status: HTTPStatus) -> None:
    """Measure what Lambda would carry; a bound is enough where it is far below the limit."""
    size = len(payload.get("body") or "") * 2 * _JSON_GROWTH_MAX + _EVENT_OVERHEAD_BYTES_MAX
    if size > LAMBDA_PAYLOAD_BYTES_MAX:
        size = len(json.dumps(payload, default=_replaced))
    if size > LAMBDA_PAYLOAD_BYTES_MAX:
        detail = (
            f"the {what} has {size} bytes as an invocation's payload; at most "
            f"{LAMBDA_PAYLOAD_BYTES_MAX} are carried"
        )
        raise Refused(status, detail)


def _replaced(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _rendered(answer: Mapping[str, Any]) -> HttpResponse:
    """Turn a Lambda proxy answer into a response, as API Gateway does."""
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded"):
        content = base64.b64decode(body)
    else:
        content = body if isinstance(body, bytes) else body.encode()
    headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers += [(name, str(value)) for value in values]
    if content and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    status = int(answer["statusCode"])
    if status not in _STATUSES or not all(_HEADER_NAME.fullmatch(name) for name, _ in headers):
        raise Refused(HTTPStatus.BAD_GATEWAY, "the service gave no valid answer")
    return HttpResponse(status, tuple(headers), content)
