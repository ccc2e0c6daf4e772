"""What Lambda hands to the functions, and the circuits of the measurements."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, Final

BELL: Final = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n'
    "h q[0];\ncx q[0], q[1];\nc = measure q;\n"
)


class Context:
    """A Lambda context whose time stands still."""

    function_name = "quantum-tasks"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:quantum-tasks"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return a minute."""
        return 60_000


def circuit_of(size: int) -> str:
    """Return a circuit of so many bytes that compresses as circuits do."""
    generator = random.Random(1)  # noqa: S311 - the same circuit each time
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', "qubit[20] q;", "bit[20] c;"]
    length = sum(len(line) + 1 for line in lines)
    while length < size:
        first, second = generator.sample(range(20), 2)
        line = (
            f"rz({generator.uniform(-3.14, 3.14):.6f}) q[{first}];"
            if generator.random() < 0.6  # noqa: PLR2004 - a mix
            else f"cx q[{first}], q[{second}];"
        )
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)[:size]


def http_event(
    method: str, resource: str, *, body: object = None, task_id: str | None = None
) -> dict[str, Any]:
    """Return API Gateway's event for a request."""
    path = resource.replace("{task_id}", task_id or "")
    headers = {"Content-Type": "application/json"}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"task_id": task_id} if task_id else None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": path,
            "requestId": "00000000-0000-4000-8000-000000000001",
            "stage": "local",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def queue_event(*messages: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of one batch; a message is `{"id", "body"}` and may have its receipt."""
    return {
        "Records": [
            {
                "messageId": message["id"],
                "receiptHandle": message.get("receipt_handle", "r" * 36),
                "body": message["body"],
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1"},
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:quantum-tasks",
                "awsRegion": "us-east-1",
            }
            for message in messages
        ]
    }
