"""API Gateway and Lambda's front door in one: routes requests to the Chalice app.

Chalice's local gateway does the routing and builds the event. What it leaves out is added here, so
that a client meets the same limits and the same refusals as at the deployed API: the payload limits
both ways, the refusal of an unknown path or method, and a problem document for every one of them.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, cast

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    CustomLocalChalice,
    ForbiddenError,
    LocalChalice,
    LocalGateway,
    RouteMatcher,
)

from chalicelib.entrypoints.http.parsing import valid_correlation_id
from infra.local.settings import STAGE
from infra.local.stand_ins.page import is_page, page

#: Lambda's limit for a synchronous invocation, each way, on the JSON that carries it (6 MB and what
#: the envelope may take; AWS Lambda guide, "Lambda quotas").
LAMBDA_PAYLOAD_BYTES_MAX = 6_291_556
#: API Gateway's own limit for a request's body (API Gateway guide, "Quotas for REST APIs").
BODY_BYTES_MAX = 10 * 1024 * 1024
#: A byte of UTF-8 becomes at most six of JSON (``\\u0000``), so smaller bodies need no measuring.
JSON_GROWTH_MAX = 6
#: What the rest of an event may come to: the headers are limited to 10,240 bytes by API Gateway.
EVENT_OVERHEAD_BYTES_MAX = 200_000

PROBLEM_TYPE = "application/problem+json"

Headers = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class HttpResponse:
    """What goes back over the wire."""

    status: int
    headers: Headers
    body: bytes


def problem(
    status: HTTPStatus, detail: str, correlation_id: str | None = None, headers: Headers = ()
) -> HttpResponse:
    """Make a problem document (RFC 9457) for what the gateway itself answers."""
    correlation_id = correlation_id or str(uuid.uuid4())
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "correlation_id": correlation_id,
    }
    named: Headers = (("Content-Type", PROBLEM_TYPE), ("X-Correlation-ID", correlation_id))
    return HttpResponse(status, named + headers, json.dumps(document).encode())


class _AwsLikeGateway(LocalGateway):
    """Chalice's local gateway, with the parts of the event that it leaves out."""

    def _generate_lambda_event(
        self,
        method: str,
        path: str,
        headers: dict[str, Any],
        body: bytes | None,
    ) -> dict[str, Any]:
        event: dict[str, Any] = super()._generate_lambda_event(method, path, headers, body)
        event["requestContext"] |= {"requestId": str(uuid.uuid4()), "stage": STAGE}
        return event | {
            "httpMethod": method,
            "path": event["requestContext"]["path"],
            "resource": event["requestContext"]["resourcePath"],
            "isBase64Encoded": event.get("isBase64Encoded", False),
        }


class Gateway:
    """Answers requests with the app. Made once; safe to use from many threads."""

    def __init__(self, app: Chalice, *, function_name: str, timeout_seconds: float) -> None:
        """Take the app, and make its class Chalice's local one: a current request per thread."""
        CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
        app.__class__ = CustomLocalChalice
        self._routes: Mapping[str, Mapping[str, Any]] = app.routes
        self._matcher = RouteMatcher(list(app.routes))
        self._binary_types: Iterable[str] = app.api.binary_types
        config = Config(
            chalice_stage=STAGE,
            function_name=function_name,
            user_provided_params={"chalice_app": app, "lambda_timeout": timeout_seconds},
        )
        self._gateway = _AwsLikeGateway(cast("Chalice", _Measured(app)), config)

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """Answer one request. ``headers`` are in lower case."""
        if is_page(method, target):
            return HttpResponse(HTTPStatus.OK, *page())
        correlation_id = valid_correlation_id(headers.get("x-correlation-id"))
        if not self._has_route(method, target):
            # The words of the API's gateway response, with AWS's reason for it.
            return problem(HTTPStatus.FORBIDDEN, "Missing Authentication Token", correlation_id)
        try:
            # Upstream passes bytes on; Lambda's events carry text.
            text = cast("bytes | None", self._text(headers, body))
            return _rendered(self._gateway.handle_request(method, target, dict(headers), text))
        except PayloadTooLargeError as error:
            return problem(error.status, str(error), correlation_id)
        except ForbiddenError:
            return problem(HTTPStatus.FORBIDDEN, "Missing Authentication Token", correlation_id)

    def _has_route(self, method: str, target: str) -> bool:
        try:
            route = self._matcher.match_route(target).route
        except ValueError:
            return False
        methods = self._routes[route]
        preflight = method == "OPTIONS" and any(entry.cors for entry in methods.values())
        return method in methods or preflight

    def _text(self, headers: Mapping[str, str], body: bytes) -> str | bytes | None:
        """Give the body as an event carries it: text, unless its type is declared binary."""
        if not body:
            return None
        if headers.get("content-type", "") in self._binary_types:
            return body
        return body.decode("utf-8", errors="replace")


class PayloadTooLargeError(Exception):
    """More than Lambda carries."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        """Take the status that the client sees."""
        super().__init__(message)
        self.status = status


class _Measured:
    """The app, called as Lambda calls it: no event and no answer above the limit passes."""

    def __init__(self, app: Chalice) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  stands in for the app
        return getattr(self._app, name)

    def __call__(self, event: dict[str, Any], context: object) -> Any:  # noqa: ANN401
        size = _json_size(event, event.get("body"))
        if size > LAMBDA_PAYLOAD_BYTES_MAX:
            raise PayloadTooLargeError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The request is {size} bytes as an invocation's payload; at most "
                f"{LAMBDA_PAYLOAD_BYTES_MAX} are carried.",
            )
        answer = self._app(event, context)
        size = _json_size(answer, answer.get("body"))
        if size > LAMBDA_PAYLOAD_BYTES_MAX:
            raise PayloadTooLargeError(
                HTTPStatus.BAD_GATEWAY,
                f"The answer is {size} bytes as an invocation's payload; at most "
                f"{LAMBDA_PAYLOAD_BYTES_MAX} are carried.",
            )
        return answer


def _json_size(payload: object, body: str | bytes | None) -> int:
    """Measure what Lambda would carry; a bound is enough where it is far below the limit."""
    bound = len(body or "") * 2 * JSON_GROWTH_MAX + EVENT_OVERHEAD_BYTES_MAX
    return bound if bound <= LAMBDA_PAYLOAD_BYTES_MAX else len(json.dumps(payload, default=str))


def _rendered(answer: Mapping[str, Any]) -> HttpResponse:
    """Turn a Lambda proxy answer into a response, as API Gateway does."""
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded"):
        import base64  # noqa: PLC0415  rarely wanted

        content = base64.b64decode(body)
    else:
        content = body if isinstance(body, bytes) else body.encode()
    headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers += [(name, str(value)) for value in values]
    if content and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return HttpResponse(int(answer["statusCode"]), tuple(headers), content)
