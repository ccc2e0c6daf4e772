"""What Lambda tells a function about its invocation, and what it sets in its environment."""

from __future__ import annotations

import os
import time

from infra.local.settings import REGION

ACCOUNT_ID = "000000000000"
MEMORY_MB = 512


class LambdaContext:
    """The Lambda guide's "Lambda context object in Python", as far as it means anything here."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, function_name: str, request_id: str, deadline: float) -> None:
        """Take the invocation's identity and its deadline on the monotonic clock, in seconds."""
        self.function_name = function_name
        self.aws_request_id = request_id
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function_name}"
        self.memory_limit_in_mb = str(MEMORY_MB)
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = f"local/[$LATEST]{os.getpid()}"
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the poller kills this process; never negative."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def function_environment(function_name: str, handler: str) -> dict[str, str]:
    """The variables that Lambda sets and that libraries read.

    `LAMBDA_TASK_ROOT` is left out: it tells Powertools and the X-Ray SDK that a tracing daemon
    listens.
    """
    return {
        "AWS_LAMBDA_FUNCTION_NAME": function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": LambdaContext.function_version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local/[$LATEST]",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": REGION,
        "_HANDLER": handler,
    }
