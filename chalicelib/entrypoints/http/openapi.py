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

from chalicelib.entrypoints.http import (
    answers,
    batches_operations,
    checks_operations,
    examples,
    schemas,
    tasks_operations,
)
from chalicelib.entrypoints.http.calls import Call, endpoint
from chalicelib.entrypoints.http.operation import (
    CORRELATION_ID,
    ETAG,
    IF_NONE_MATCH,
    UNCHANGED,
    Operation,
)
from chalicelib.entrypoints.http.problems import MEDIA_TYPE, kind_of
from chalicelib.entrypoints.http.reading import JSON
from chalicelib.errors import ServiceUnavailable

VERSION: Final = "0.2.0"

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


OPERATIONS: Final = (
    *tasks_operations.OPERATIONS,
    *batches_operations.OPERATIONS,
    *checks_operations.OPERATIONS,
    Operation(
        method="get",
        path="/openapi.json",
        name="getDescription",
        summary="This document",
        answers=[],
        example={"openapi": "3.1.0"},
        parameters=(IF_NONE_MATCH, CORRELATION_ID),
        headers=ETAG,
        links={"getDescription": UNCHANGED},
    ),
)


@endpoint
def get_description(call: Call) -> Response:
    """Return the description, or 304 if the client has it."""
    return answers.cacheable_answer(call.request, document_text())


@functools.cache
def document_text() -> str:
    """Return the document as JSON; it is the same for the life of the process."""
    return json.dumps(document(), indent=1, sort_keys=True)


def document() -> dict[str, Any]:
    """Return the document as Python values."""
    structs = dict.fromkeys(
        struct
        for operation in OPERATIONS
        for struct in (operation.request, *operation.answers, schemas.Problem)
        if struct is not None
    )
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
            "content": _content(JSON, _schema(operation.request), operation.request_example),
        }
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {
        "description": operation.summary,
        "headers": _headers({"X-Correlation-ID": "the request's", **operation.headers}),
        "content": _content(JSON, _answer_schema(operation), operation.example),
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
    for status, says in operation.also.items():
        responses[str(status)] = {**success, "description": says}
    for status, kinds in _problems(operation).items():
        responses.setdefault(str(status), _problem(status, kinds))
    return dict(sorted(responses.items()))


def _problems(operation: Operation) -> Mapping[int, dict[str, str]]:
    """Return the titles of an operation's problems by status and type."""
    found: dict[int, dict[str, str]] = {}
    for status, slug, title in (*map(kind_of, operation.errors), *_OF_THE_GATEWAY):
        found.setdefault(status, {})[slug] = title
    return found


def _problem(status: int, kinds: Mapping[str, str]) -> dict[str, Any]:
    headers = {"X-Correlation-ID": "the request's"}
    if status in {429, 503, 504}:
        headers["Retry-After"] = "seconds to wait before trying again"
    if status == kind_of(ServiceUnavailable)[0]:
        headers["Location"] = "of a submission: where the task is, if it was kept"
    return {
        "description": "; ".join(kinds.values()),
        "headers": _headers(headers),
        "content": {
            MEDIA_TYPE: {
                "schema": _schema(schemas.Problem),
                "examples": {
                    slug: {"value": examples.problem_example(slug, title, status)}
                    for slug, title in kinds.items()
                },
            }
        },
    }


def _answer_schema(operation: Operation) -> dict[str, Any]:
    kinds = [_schema(answer) for answer in operation.answers]
    match kinds:
        case []:
            return {"type": "object"}
        case [kind]:
            return kind
        case _:
            return {"anyOf": kinds}


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
