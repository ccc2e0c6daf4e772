"""The event that API Gateway hands to the API's function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

REQUEST_ID: Final = "00000000-0000-4000-8000-000000000001"


def post_event(
    body: str, path: str = "/tasks", headers: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """Return the event of a `POST /tasks`; a header may have more than one value."""
    given = {"Content-Type": ["application/json"], **(headers or {})}
    return {
        "resource": "/tasks",
        "path": path,
        "httpMethod": "POST",
        "headers": {name: values[-1] for name, values in given.items()},
        "multiValueHeaders": given,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": "/tasks",
            "path": f"/dev{path}",
            "requestId": REQUEST_ID,
            "identity": {},
        },
        "body": body,
        "isBase64Encoded": False,
    }
