"""The description of the API as OpenAPI 3.1, made from the types that validate requests.

It is imported by the first request for it, never at start-up.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from chalice.app import Response

from chalicelib.entrypoints.http import caching, examples, parsing, schemas
from chalicelib.entrypoints.http.calls import Call, endpoint
from chalicelib.entrypoints.http.operations import OPERATIONS, Operation
from chalicelib.entrypoints.http.problems import KINDS, MEDIA_TYPE
from chalicelib.errors import ServiceUnavailable, TaskServiceError

VERSION: Final = "0.1.0"

_REFERENCE: Final = "#/components/schemas/{name}"
_DESCRIPTION: Final = (
    "Post a quantum circuit and get a task id at once; read status, result and history when you"
    " like. Every error is a problem document (RFC 9457). In the bit strings of a result the last"
    " declared register is leftmost, in each register the bit with the highest index, with a space"
    ' between registers: with registers `a` of size 2 and `b` of size 1, `"1 01"` is b[0] = 1,'
    " a[1] = 0, a[0] = 1. Braket puts index 0 first."
)
#: What a deployed stage's gateway answers, whatever the call.
_OF_THE_GATEWAY: Final = (
    (401, "not-authorized", "The request is not authorized"),
    (403, "not-authorized", "The request is not authorized"),
    (403, "caller-unknown", "The caller is not known"),
    (404, "not-found", "There is no such path"),
    (405, "not-found", "There is no such method"),
    (413, "payload-too-large", "The payload is too large"),
    (429, "throttled", "Too many requests"),
    (500, "internal-error", "Something went wrong"),
    (503, "service-unavailable", "The service is unavailable"),
    (504, "service-unavailable", "The service is unavailable"),
)


@endpoint()
def get_description(call: Call) -> Response:
    """Return the description, or 304 if the client has it."""
    body = document_text()
    headers = {"ETag": caching.etag_of_body(body)}
    unchanged = caching.not_modified(call.request, headers["ETag"], headers)
    answer = Response(body=body, status_code=200, headers={**headers, "Content-Type": parsing.JSON})
    return unchanged or answer


@functools.cache
def document_text() -> str:
    """Return the document as JSON; it is the same for the life of the process."""
    return json.dumps(document(), indent=1, sort_keys=True)


def document() -> dict[str, Any]:
    """Return the document as Python values."""
    structs = [
        schemas.PostTask,
        schemas.PostBatch,
        schemas.TaskAccepted,
        schemas.TaskView,
        schemas.TaskCancelledUnreadable,
        schemas.TaskListView,
        schemas.BatchView,
        schemas.ValidationView,
        schemas.HealthView,
        schemas.Problem,
    ]
    _, components = msgspec.json.schema_components(structs, ref_template=_REFERENCE)
    for schema in components.values():
        if "description" in schema:  # a docstring, whose indentation Python 3.13 takes away
            schema["description"] = inspect.cleandoc(schema["description"])
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _operation(operation)
        paths.setdefault(operation.path, {})[operation.method] = described
        if operation.method == "get":
            paths[operation.path]["head"] = _head(described)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Quantum task service",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "AWS Signature Version 4; the local stage takes no signature",
                }
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [parameter.to_openapi() for parameter in operation.parameters],
        "responses": _responses(operation),
        "security": [{"sigv4": []}] if operation.is_signed else [],
    }
    if operation.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": _content(
                parsing.JSON, _schema(operation.request), operation.request_example
            ),
        }
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {
        "description": operation.summary,
        "headers": _headers({"X-Correlation-ID": "the request's", **operation.headers}),
        "content": _content(parsing.JSON, _answer_schema(operation), operation.example),
    }
    if operation.links:
        success["links"] = {
            name: {"operationId": name, "parameters": dict(parameters)}
            for name, parameters in operation.links.items()
        }
    responses: dict[str, Any] = {str(operation.status): success}
    if any(parameter.name == "If-None-Match" for parameter in operation.parameters):
        responses["304"] = {
            "description": "The client has it as it is",
            "headers": _headers(operation.headers),
        }
    if operation.path == "/health":
        responses["503"] = {**success, "description": "The database cannot be used"}
    for status, kinds in _problems(operation).items():
        responses.setdefault(str(status), _problem(status, kinds))
    return dict(sorted(responses.items()))


def _problems(operation: Operation) -> Mapping[int, dict[str, str]]:
    """Return the titles of an operation's problems by status and type."""
    found: dict[int, dict[str, str]] = {}
    for error in operation.errors:
        status, slug, title = _kind(error)
        found.setdefault(status, {})[slug] = title
    for status, slug, title in _OF_THE_GATEWAY:
        found.setdefault(status, {})[slug] = title
    return found


def _kind(error: type[TaskServiceError]) -> tuple[int, str, str]:
    return next(kind for known, kind in KINDS.items() if issubclass(error, known))


def _problem(status: int, kinds: Mapping[str, str]) -> dict[str, Any]:
    headers = {"X-Correlation-ID": "the request's"}
    if status in {429, 503, 504}:
        headers["Retry-After"] = "seconds to wait before trying again"
    if status == _kind(ServiceUnavailable)[0]:
        headers["Location"] = "of a submission: where the task is, if it was kept"
    return {
        "description": "; ".join(kinds.values()),
        "headers": _headers(headers),
        "content": {
            MEDIA_TYPE: {
                "schema": _schema(schemas.Problem),
                "examples": {
                    slug: {"value": examples.problem(slug, title, status)}
                    for slug, title in kinds.items()
                },
            }
        },
    }


def _answer_schema(operation: Operation) -> dict[str, Any]:
    if operation.name == "cancelTask":
        return {"anyOf": [_schema(schemas.TaskView), _schema(schemas.TaskCancelledUnreadable)]}
    return {"type": "object"} if operation.answer is None else _schema(operation.answer)


def _schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=struct.__name__)}


def _content(media_type: str, schema: Mapping[str, Any], example: object) -> dict[str, Any]:
    return {media_type: {"schema": schema, "examples": {"example": {"value": example}}}}


def _headers(descriptions: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {"description": description, "schema": {"type": "string"}}
        for name, description in descriptions.items()
    }


def _head(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same operation without contents (RFC 9110 section 9.3.2)."""
    responses = {
        status: {name: part for name, part in response.items() if name not in {"content", "links"}}
        for status, response in described["responses"].items()
    }
    return {**described, "operationId": f"{described['operationId']}Head", "responses": responses}
