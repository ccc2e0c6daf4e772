"""Signatures: only for API Gateway, made of what is sent, and new for every try."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from quantum_tasks import Client, ConfigurationError
from quantum_tasks.protocol.requests import Request
from quantum_tasks.transport.config import Configuration, configuration
from quantum_tasks.transport.http import HttpTransport, url_of
from quantum_tasks.transport.signing import SigV4Signer, region_of, signer_for
from tests.client.service import Answer, Service, problem

GATEWAY = "https://abc123.execute-api.eu-central-1.amazonaws.com/prod"


class Counting:
    """Signs with the number of the try."""

    def __init__(self) -> None:
        self.tries = 0

    def sign(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> dict[str, str]:
        """Return the headers with the number."""
        self.tries += 1
        return {**headers, "Authorization": f"try {self.tries}"}


def settings(url: str, auth: str = "auto", region: str | None = None) -> Configuration:
    """Return a configuration."""
    return Configuration(url=url, region=region, auth=auth, aws_profile=None)


def test_only_gateways_own_hosts_are_signed_by_themselves() -> None:
    """The region is the host's; a host that only looks like one is not signed."""
    signer = signer_for(settings(GATEWAY))
    assert isinstance(signer, SigV4Signer)
    assert region_of(GATEWAY) == "eu-central-1"
    for other in (
        "http://127.0.0.1:8000",
        "https://execute-api.eu-central-1.amazonaws.com.evil.example",
        "https://evil.example/abc.execute-api.eu-central-1.amazonaws.com",
    ):
        assert signer_for(settings(other)) is None
    assert signer_for(settings(GATEWAY, auth="none")) is None


def test_a_signature_is_the_one_that_aws_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of path, query, headers and body as they are sent; a session's token is in it."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    signer = signer_for(settings(GATEWAY))
    assert signer is not None
    query = (("status", "failed,cancelled"), ("tag", "name:a value+/ü"))
    url = url_of(GATEWAY, Request(method="POST", path="/tasks", query=query))
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    signed = signer.sign("POST", url, headers, b'{"circuit": "x"}')
    assert signed["X-Amz-Security-Token"] == "token"
    again = AWSRequest(method="POST", url=url, headers=headers, data=b'{"circuit": "x"}')
    again.context["timestamp"] = signed["X-Amz-Date"]
    for name in ("X-Amz-Date", "X-Amz-Security-Token"):
        again.headers[name] = signed[name]
    auth = SigV4Auth(Credentials("testing", "testing", "token"), "execute-api", "eu-central-1")
    signature = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    assert signed["Authorization"].endswith(f"Signature={signature}")
    assert "idempotency-key" in signed["Authorization"]


def test_every_try_is_signed_again(running_url: str, service: Service) -> None:
    """A signature is good for five minutes; a wait may be longer."""
    left = [problem(503, "service-unavailable", "no", kept="no")] * 2

    def refuse(method: str, path: str, body: bytes) -> Answer | None:
        return left.pop() if left else None

    class Clock:
        def monotonic(self) -> float:
            return 0.0

        def sleep(self, seconds: float) -> None:
            del seconds

    service.instead = refuse
    transport = HttpTransport(base_url=running_url, signer=Counting(), timeout_seconds=30)
    with Client(running_url, transport=transport, clock=Clock()) as client:
        client.submit("OPENQASM 3.0;")
    sent = [headers["authorization"] for _, _, headers in service.requests]
    assert sent == ["try 1", "try 2", "try 3"]


def test_what_signing_misses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore, credentials, or a region."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match="credentials"):
        signer_for(settings(GATEWAY))
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    monkeypatch.delitem(sys.modules, "botocore.session")
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(ConfigurationError, match=r"quantum-tasks\[aws\]"):
        signer_for(settings(GATEWAY))


def test_a_region_is_needed_for_a_domain_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument, else AWS's own settings."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    own = settings("https://tasks.example.org", auth="sigv4")
    with pytest.raises(ConfigurationError, match="region"):
        signer_for(own)
    assert isinstance(signer_for(settings(own.url, auth="sigv4", region="eu-west-1")), SigV4Signer)


def test_the_address_is_argument_environment_profile_default(tmp_path: Path) -> None:
    """In this order."""
    file = tmp_path / "config.toml"
    file.write_text('[default]\nurl = "http://file/"\n[prod]\nurl = "http://prod"\nauth = "none"\n')
    environment = {"QTASKS_CONFIG": str(file), "QTASKS_URL": "http://variable"}
    assert configuration("http://argument", environment=environment).url == "http://argument"
    assert configuration(None, environment=environment).url == "http://variable"
    del environment["QTASKS_URL"]
    assert configuration(None, environment=environment).url == "http://file"
    prod = configuration(None, profile="prod", environment=environment)
    assert (prod.url, prod.auth) == ("http://prod", "none")
    environment["QTASKS_PROFILE"] = "prod"
    assert configuration(None, environment=environment).url == "http://prod"
    assert configuration(None, environment={"QTASKS_CONFIG": "/none"}).url.endswith(":8000")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[default]\nurl = 3", "url must be a string"),
        ('[default]\nulr = "http://x"', "'ulr' is no setting"),
        ("default = 3", "must be a table"),
        ("[default", "cannot be read"),
        ('[default]\nurl = "http://user:word@host"', "address must be like"),
        ('[default]\nauth = "basic"', "auth must be one of"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str, message: str, tmp_path: Path) -> None:
    """With its place."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        configuration(None, environment={"QTASKS_CONFIG": str(file)})
