"""What API Gateway itself answers, as problem documents like all others.

Unknown paths, missing signatures, throttling and oversized requests never reach a function. The
words are this service's: the gateway's own would tell of AWS, and clients would have two kinds
of errors.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.http.cors import EXPOSED_HEADERS

_MEDIA_TYPE: Final = "application/problem+json"
#: Templates are chosen by the request's `Accept`; this one is also taken where none matches.
_TEMPLATE_KEY: Final = "application/json"
_SERVER_ERROR: Final = 500


@dataclasses.dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One of API Gateway's response types ("Gateway response types", its developer guide)."""

    response_type: str
    #: None where the type stands for several: the gateway's own status stays.
    status: int | None
    slug: str
    title: str
    detail: str
    #: Headers in addition to those that every answer has, as API Gateway writes values.
    more_headers: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> dict[str, str]:
        """The answer's headers."""
        headers = {
            "gatewayresponse.header.Content-Type": f"'{_MEDIA_TYPE}'",
            "gatewayresponse.header.X-Correlation-ID": "context.requestId",
        }
        if (
            self.slug == "throttled"
            or self.response_type.endswith("5XX")
            or (self.status is not None and self.status >= _SERVER_ERROR)
        ):
            headers["gatewayresponse.header.Retry-After"] = "'2'"
        for name, value in self.more_headers:
            headers[f"gatewayresponse.header.{name}"] = f"'{value}'"
        return headers

    @property
    def templates(self) -> dict[str, str]:
        """The answer's body; the gateway fills in the request's id."""
        problem: dict[str, Any] = {"type": f"/problems/{self.slug}", "title": self.title}
        if self.status is not None:
            problem["status"] = self.status
        problem |= {"detail": self.detail, "correlation_id": "$context.requestId"}
        return {_TEMPLATE_KEY: json.dumps(problem)}


_SIGN_IT: Final = "the request must be signed with AWS credentials that are valid and allowed here"
_CLOSED: Final = ("not-authorized", "The request is not authorized", _SIGN_IT)
_FAULT: Final = (
    "internal-error",
    "Something went wrong",
    "an internal error; quote the correlation id to report it",
)
_SLOW: Final = (
    "service-unavailable",
    "The service is unavailable",
    "the service did not answer in time; a task may be kept, repeat with its Idempotency-Key",
)
_UNDERSTOOD_NOT: Final = (
    "invalid-request",
    "The request is not valid",
    "the request could not be understood",
)
_BUSY: Final = (
    "throttled",
    "Too many requests",
    "more requests than this stage takes; wait a little",
)

RESPONSES: Final = (
    GatewayResponse("ACCESS_DENIED", 403, *_CLOSED),
    GatewayResponse("API_CONFIGURATION_ERROR", 500, *_FAULT),
    GatewayResponse("AUTHORIZER_CONFIGURATION_ERROR", 500, *_FAULT),
    GatewayResponse("AUTHORIZER_FAILURE", 500, *_FAULT),
    GatewayResponse("BAD_REQUEST_BODY", 400, *_UNDERSTOOD_NOT),
    GatewayResponse("BAD_REQUEST_PARAMETERS", 400, *_UNDERSTOOD_NOT),
    GatewayResponse("DEFAULT_4XX", None, *_UNDERSTOOD_NOT),
    GatewayResponse("DEFAULT_5XX", None, *_FAULT),
    GatewayResponse("EXPIRED_TOKEN", 403, *_CLOSED),
    GatewayResponse("INTEGRATION_FAILURE", 504, *_SLOW),
    GatewayResponse("INTEGRATION_TIMEOUT", 504, *_SLOW),
    GatewayResponse("INVALID_SIGNATURE", 403, *_CLOSED),
    # Of an unknown path too: the gateway does not tell the two apart.
    GatewayResponse(
        "MISSING_AUTHENTICATION_TOKEN",
        403,
        "not-authorized",
        "There is nothing here, or the request is not signed",
        f"there is no such path and method; where there is one, {_SIGN_IT}",
    ),
    GatewayResponse("QUOTA_EXCEEDED", 429, *_BUSY),
    GatewayResponse(
        "REQUEST_TOO_LARGE",
        413,
        "payload-too-large",
        "The payload is too large",
        "a request may have 10 MB, its circuit 5,000,000 bytes as encoded",
    ),
    GatewayResponse(
        "RESOURCE_NOT_FOUND", 404, "not-found", "There is nothing here", "there is no such path"
    ),
    GatewayResponse("THROTTLED", 429, *_BUSY),
    GatewayResponse("UNAUTHORIZED", 401, *_CLOSED),
    GatewayResponse(
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        "unsupported-media-type",
        "The content type is not supported",
        "the content type must be application/json",
    ),
    GatewayResponse("WAF_FILTERED", 403, *_CLOSED),
)


def gateway_responses(cors_origin: str | None) -> tuple[GatewayResponse, ...]:
    """Return the answers of a stage.

    Without these headers a page of another origin could read no refusal of the gateway, not even
    that it has to wait: its browser would only say that the network failed.
    """
    if cors_origin is None:
        return RESPONSES
    headers = (
        ("Access-Control-Allow-Origin", cors_origin),
        ("Access-Control-Expose-Headers", ",".join(EXPOSED_HEADERS)),
    )
    return tuple(dataclasses.replace(response, more_headers=headers) for response in RESPONSES)


def as_openapi(responses: tuple[GatewayResponse, ...] = RESPONSES) -> Mapping[str, Any]:
    """Return the value of `x-amazon-apigateway-gateway-responses`."""
    extension: dict[str, Any] = {}
    for response in responses:
        entry: dict[str, Any] = {
            "responseParameters": response.parameters,
            "responseTemplates": response.templates,
        }
        if response.status is not None:
            entry["statusCode"] = response.status
        extension[response.response_type] = entry
    return extension
