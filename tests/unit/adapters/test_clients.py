"""The clients of DynamoDB and SQS: what they say of themselves."""

from __future__ import annotations

import botocore

from chalicelib.adapters.aws_clients import make_client


def test_a_client_says_which_service_calls() -> None:
    """In an account's logs its calls can be told from others."""
    client = make_client(
        "sqs", connect_timeout_seconds=1, read_timeout_seconds=1, pool_connections_max=1
    )
    expected = f"quantum-tasks Botocore/{botocore.__version__} Python/"
    assert client.meta.config.user_agent.startswith(expected)
