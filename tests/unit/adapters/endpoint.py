"""A client whose service answers what a test lines up, behind the watch on its calls."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from chalicelib.adapters.aws_calls import AwsCalls
from chalicelib.errors import StoreUnavailable
from tests.support.logged import Lines

ENDPOINT = "http://127.0.0.1:9"
NEVER_SENT = EndpointConnectionError(endpoint_url=ENDPOINT)
LOST = ConnectionClosedError(endpoint_url=ENDPOINT)
#: An exception, or an HTTP status and a body.
Reply = Exception | tuple[int, dict[str, Any]]
OK: Reply = (200, {})


def refusal(code: str, status: int = 400) -> Reply:
    """Return an answer with an error code."""
    return status, {"__type": f"com.amazonaws#{code}", "message": "because"}


THROTTLED, FAILED = refusal("ThrottlingException"), refusal("InternalServerError", 500)


class Endpoint:
    """A client of a service that answers what is lined up, and the calls that it makes."""

    def __init__(self, lines: Lines, service: str = "dynamodb", **settings: Any) -> None:  # noqa: ANN401
        self.lines = lines
        self.requests: list[dict[str, Any]] = []
        self.client: Any = boto3.Session().client(
            service,
            endpoint_url=ENDPOINT,
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )
        self.calls = AwsCalls(
            self.client,
            service=service,
            **{"slow_call_ms": 60_000.0, "attempts_max": 2, **settings},
        )
        self._replies: list[Reply] = []
        self.client.meta.events.register("before-send", self._answer)

    def answer(self, *replies: Reply) -> None:
        """Line up what is answered to each request."""
        self._replies += replies

    def _answer(self, request: Any, **_: object) -> AWSResponse:  # noqa: ANN401 - botocore's
        self.requests.append(json.loads(request.body))
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        status, body = reply
        raw = SimpleNamespace(stream=lambda: [json.dumps(body).encode()])
        return AWSResponse(request.url, status, HTTPHeaders(), raw)

    def put(self, *replies: Reply, **item: Any) -> None:  # noqa: ANN401 - attribute values
        """Put an item."""
        self.answer(*replies)
        with self.calls.failing_as(StoreUnavailable):
            self.client.put_item(TableName="tasks", Item={"task_id": {"S": "t"}, **item})

    def lines_of(self, level: str) -> list[dict[str, Any]]:
        """Return the lines of a level."""
        return [line for line in self.lines() if line["level"] == level]
