"""The guard that stands around every test works."""

from __future__ import annotations

import os
import socket

import boto3
import pytest

#: Reserved for documentation (RFC 5737): nothing answers there.
ELSEWHERE = "192.0.2.1"


@pytest.mark.parametrize("call", ["connect", "connect_ex"])
def test_a_connection_that_leaves_this_machine_fails_the_test(call: str) -> None:
    """The guard refuses at once, before a packet is sent, and names the address."""
    with (
        socket.socket() as sock,
        pytest.raises(pytest.fail.Exception, match=f"connection to {ELSEWHERE} port 443"),
    ):
        getattr(sock, call)((ELSEWHERE, 443))


def test_no_error_handling_answers_a_refusal() -> None:
    """A service that turns every exception into an answer still fails its test."""
    assert not issubclass(pytest.fail.Exception, Exception)


def test_a_name_elsewhere_is_not_even_looked_up() -> None:
    """A name server is a machine elsewhere, too."""
    with pytest.raises(pytest.fail.Exception, match=r"look-up of dynamodb\.example"):
        socket.create_connection(("dynamodb.example", 443), timeout=1)


def test_a_real_aws_client_cannot_leave_this_machine() -> None:
    """A client whose endpoint is not set fails its test instead of calling AWS."""
    client = boto3.client("sqs")
    with pytest.raises(pytest.fail.Exception, match="tests reach loopback addresses only"):
        client.list_queues()


def test_this_machine_can_be_reached() -> None:
    """Connections to loopback addresses and to localhost are let through."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with socket.create_connection((host, port), timeout=5) as sock:
                assert sock.getpeername()[1] == port


def test_credentials_are_dummies_and_no_setting_of_this_machine_counts() -> None:
    """No test can sign anything for AWS or depend on a developer's configuration."""
    session = boto3.Session()
    credentials = session.get_credentials()
    assert credentials is not None
    assert (credentials.access_key, credentials.token) == ("testing", None)
    assert session.region_name == "us-east-1"
    assert session.available_profiles == []
    assert "MAKEFLAGS" not in os.environ
    assert "AWS_ENDPOINT_URL" not in os.environ
