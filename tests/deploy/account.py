"""An AWS account to deploy to: a MiniStack process that enforces IAM and speaks TLS."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials

from infra.local.settings import EMULATOR_PYTHON, ROOT
from infra.local.supervisor.supervisor import free_port
from infra.waiting import wait_for
from tests.deploy.tls import Certificate, make_certificate
from tests.support.processes import started

REGION = "us-east-1"
#: MiniStack's own: the account's root, whom no policy binds.
ROOT_CREDENTIALS = Credentials("test", "test")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where it answers, and clients for it."""

    endpoint_url: str
    #: The same account without TLS.
    plain_endpoint_url: str
    certificate: Certificate

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to take this account for AWS, with root's credentials."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_CA_BUNDLE": str(self.certificate.authority),
            "AWS_ACCESS_KEY_ID": ROOT_CREDENTIALS.access_key,
            "AWS_SECRET_ACCESS_KEY": ROOT_CREDENTIALS.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(
        self, service: str, who: Credentials = ROOT_CREDENTIALS, *, over_tls: bool = True
    ) -> Any:  # noqa: ANN401 - every service's client
        """Return a client of this account."""
        endpoint_url = self.endpoint_url if over_tls else self.plain_endpoint_url
        return _client(
            service,
            endpoint_url,
            str(self.certificate.authority),
            (who.access_key, who.secret_key),
        )

    def new_user(self, name: str, *policies: dict[str, Any]) -> Credentials:
        """Make an IAM user who may do what the statements allow, and return a key of theirs."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if policies:
            document = {"Version": "2012-10-17", "Statement": list(policies)}
            iam.put_user_policy(
                UserName=name, PolicyName="granted", PolicyDocument=json.dumps(document)
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


@functools.cache
def _client(service: str, endpoint_url: str, verify: str, key: tuple[str, str]) -> Any:  # noqa: ANN401
    """Make a client once: that takes longer than most of its calls."""
    return boto3.Session().client(
        service,
        endpoint_url=endpoint_url,
        verify=verify,
        region_name=REGION,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=Config(retries={"total_max_attempts": 1}, read_timeout=70),
    )


@contextlib.contextmanager
def account(directory: Path) -> Iterator[Account]:
    """Run a MiniStack process of its own until the end of the block."""
    certificate = make_certificate(directory)
    port, plain_port = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AUTH": "true",
        "GATEWAY_PORT": str(port),
        "PLAIN_PORT": str(plain_port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "PERSIST_STATE": "0",
        "STATE_DIR": str(directory / "state"),
        "TMPDIR": str(directory),  # packages are unpacked there
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate.certificate),
        "MINISTACK_SSL_KEY": str(certificate.key),
        "AWS_CA_BUNDLE": str(certificate.authority),  # the functions' own
        "AWS_DEFAULT_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "INFO",
    }
    with (
        (directory / "ministack.log").open("wb") as log,
        started(
            *(str(EMULATOR_PYTHON), str(ROOT / "tests" / "deploy" / "ministack_server.py")),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # the functions' processes are its children
        ) as process,
    ):
        try:
            wait_for(lambda: _listens(plain_port, process), "MiniStack", seconds_max=60)
            yield Account(
                endpoint_url=f"https://127.0.0.1:{port}",
                plain_endpoint_url=f"http://127.0.0.1:{plain_port}",
                certificate=certificate,
            )
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "MiniStack ended: see ministack.log"
    with socket.socket() as probe:
        probe.settimeout(0.1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
