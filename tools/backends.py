"""Backends for tests and benchmarks: moto in this process, and a MiniStack process of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from moto import mock_aws

from chalicelib.settings import Settings
from infra.cloudformation import Stacks
from infra.local.settings import EMULATOR_PYTHON, ROOT
from infra.local.supervisor.stack import CREDENTIALS, STACKS, deploy_all
from infra.local.supervisor.supervisor import accepts_connections, free_port
from infra.waiting import wait_for

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

#: How tests are told of an endpoint that runs already; everything of `AWS_` is taken from them.
ENDPOINT_VARIABLE: Final = "TEST_ENDPOINT_URL"
ENDPOINT_URL: Final = os.environ.get(ENDPOINT_VARIABLE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Table and queues, made from the templates in `infra/`, at one endpoint."""

    #: None where moto answers inside this process.
    endpoint_url: str | None
    table_name: str
    queue_url: str
    dead_letter_queue_url: str

    @classmethod
    def of(cls, endpoint_url: str | None, outputs: Mapping[str, str]) -> Backend:
        """Return what the stacks have made, by their outputs."""
        return cls(
            endpoint_url=endpoint_url,
            table_name=outputs["TableName"],
            queue_url=outputs["QueueUrl"],
            dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
        )

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
        yield Backend.of(None, outputs)


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
        yield Backend.of(endpoint_url, deploy_all(endpoint_url))
    finally:
        process.kill()
        process.wait()
        log.close()


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


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    def look() -> bool:
        assert process.poll() is None, "the emulator ended: see its log"
        return accepts_connections(port)

    wait_for(look, f"the emulator on port {port}: see its log")
