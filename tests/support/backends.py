"""The backends that tests run on: moto in this process, and a MiniStack process of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from moto import mock_aws

from chalicelib.settings import Settings
from infra.cloudformation import Stacks
from infra.local.settings import EMULATOR_PYTHON
from infra.local.supervisor.stack import CREDENTIALS, STACKS, deploy_all
from infra.local.supervisor.supervisor import accepts_connections, free_port
from infra.waiting import wait_for
from tests.support import external_backends

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

#: The backend that is not of this process: MiniStack, unless the suites are told to run elsewhere.
REAL_BACKEND: Final = (
    "endpoint"
    if external_backends.ENDPOINT_URL
    else "dynamodb_local"
    if external_backends.DYNAMODB_LOCAL_DIR
    else "ministack"
)
ROOT: Final = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Table and queues, made from the templates in `infra/`, at one endpoint."""

    #: None where moto answers inside this process.
    endpoint_url: str | None
    table_name: str
    queue_url: str
    dead_letter_queue_url: str

    @property
    def environment(self) -> dict[str, str]:
        """Return what the service must be told to use this backend."""
        environment = {"TASKS_TABLE_NAME": self.table_name, "TASKS_QUEUE_URL": self.queue_url}
        if self.endpoint_url is not None:
            environment["AWS_ENDPOINT_URL"] = self.endpoint_url
        return environment

    def settings(self, **changed: Any) -> Settings:  # noqa: ANN401 - any setting
        """Return settings for adapters on this backend."""
        return Settings(tasks_table_name=self.table_name, tasks_queue_url=self.queue_url, **changed)

    def dynamodb(self) -> DynamoDBClient:
        """Return a client that looks behind the service's back."""
        return dynamodb_at(self.endpoint_url)

    def sqs(self) -> SQSClient:
        """Return a client that looks behind the service's back."""
        return sqs_at(self.endpoint_url)

    def empty_table(self) -> None:
        """Delete every item, of tasks and of their pieces."""
        client = self.dynamodb()
        pages = client.get_paginator("scan").paginate(
            TableName=self.table_name, ProjectionExpression="task_id"
        )
        for page in pages:
            for key in page["Items"]:
                client.delete_item(TableName=self.table_name, Key=key)


@contextlib.contextmanager
def moto_backend() -> Iterator[Backend]:
    """Answer every AWS call of this process from memory, until the end of the block."""
    with mock_aws():
        stacks = Stacks(boto3.Session().client("cloudformation"))
        outputs: dict[str, str] = {}
        for stack in STACKS:
            outputs |= stacks.deploy(stack.name, stack.template, stack.parameters)
        yield _backend(None, outputs)


@contextlib.contextmanager
def emulator(data_dir: Path) -> Iterator[Backend]:
    """Run MiniStack as a process of its own, as the local stage does, until the block ends."""
    port = free_port()
    log = (data_dir / "emulator.log").open("wb")
    process = subprocess.Popen(
        [EMULATOR_PYTHON, "-m", "infra.local.emulator.server", "emulator", str(data_dir)],
        cwd=ROOT,
        env={**os.environ, "EMULATOR_PORT": str(port)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(port, process)
        endpoint_url = f"http://127.0.0.1:{port}"
        yield _backend(endpoint_url, deploy_all(endpoint_url))
    finally:
        process.kill()
        process.wait()
        log.close()


@contextlib.contextmanager
def endpoint(url: str) -> Iterator[Backend]:
    """Use an endpoint that runs already; leave it as it was."""
    with external_backends.endpoint_outputs(url) as outputs:
        yield _backend(url, outputs)


@contextlib.contextmanager
def dynamodb_local(directory: Path) -> Iterator[Backend]:
    """Run AWS DynamoDB Local, which has a table and no queues."""
    with external_backends.dynamodb_local(directory) as (url, table_name):
        yield Backend(
            endpoint_url=url, table_name=table_name, queue_url="", dead_letter_queue_url=""
        )


def dynamodb_at(endpoint_url: str | None) -> DynamoDBClient:
    """Return a client that tries once, with dummy credentials; None is moto in this process."""
    client: DynamoDBClient = _client_at("dynamodb", endpoint_url)
    return client


def sqs_at(endpoint_url: str | None) -> SQSClient:
    """Return a client that tries once, with dummy credentials; None is moto in this process."""
    client: SQSClient = _client_at("sqs", endpoint_url)
    return client


@functools.cache
def _client_at(service: str, endpoint_url: str | None) -> Any:  # noqa: ANN401 - by the service
    return boto3.Session().client(
        service,
        endpoint_url=endpoint_url,
        config=Config(read_timeout=20, retries={"mode": "standard", "total_max_attempts": 1}),
        **CREDENTIALS,
    )


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """Accept connections on a port and never answer, until the end of the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield listener.getsockname()[1]


def _backend(endpoint_url: str | None, outputs: dict[str, str]) -> Backend:
    return Backend(
        endpoint_url=endpoint_url,
        table_name=outputs["TableName"],
        queue_url=outputs["QueueUrl"],
        dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
    )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    def look() -> bool:
        assert process.poll() is None, "the emulator ended: see its log"
        return accepts_connections(port)

    wait_for(look, f"the emulator on port {port}: see its log")
