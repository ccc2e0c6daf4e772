"""A team's own tests with LocalStack: one variable says where it is.

    make localstack                                             # or any LocalStack of yours
    AWS_ENDPOINT_URL=http://127.0.0.1:4566 python -m pytest examples

`localstack-client` and every AWS SDK read `AWS_ENDPOINT_URL`, so the service under test and the
test that looks behind its back go to the same place, and no code of either names LocalStack.
Table and queues come from the templates that are deployed to AWS, under a stage of the tests' own,
so that they share nothing with `make run`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import localstack_client.session
import pytest

from chalicelib import composition
from chalicelib.composition import Service
from chalicelib.domain.task import TaskRequest
from chalicelib.settings import Settings
from chalicelib.use_cases.submit import Submission
from infra.local.supervisor.stack import Stack, deploy_all, remove_all

ENDPOINT_URL: Final = os.environ.get("AWS_ENDPOINT_URL", "")
STACKS: Final = (
    Stack("team-tests-data", "data.yaml", {"Stage": "team-tests", "DeletionProtection": "false"}),
    Stack("team-tests-messaging", "messaging.yaml", {"Stage": "team-tests", "Watch": "false"}),
)
CIRCUIT: Final = "OPENQASM 3.0; qubit q; bit c; c = measure q;"

pytestmark = pytest.mark.skipif(
    not ENDPOINT_URL, reason="AWS_ENDPOINT_URL does not say where LocalStack is"
)


@pytest.fixture(scope="module")
def outputs() -> Iterator[dict[str, str]]:
    """Make table and queues, and remove them in the end."""
    try:
        yield deploy_all(ENDPOINT_URL, STACKS)
    finally:
        remove_all(ENDPOINT_URL, STACKS)


@pytest.fixture
def service(outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Service:
    """Build the service on them. LocalStack takes any credentials."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    settings = Settings(tasks_table_name=outputs["TableName"], tasks_queue_url=outputs["QueueUrl"])
    return composition.build(settings, composition.build_ports(settings))


@pytest.fixture
def localstack() -> Any:  # noqa: ANN401 - localstack-client has no types
    """Return a session that finds LocalStack by itself."""
    return localstack_client.session.Session()


def test_a_submitted_task_is_stored_and_queued(
    service: Service,
    outputs: dict[str, str],
    localstack: Any,  # noqa: ANN401
) -> None:
    """What a team asserts about the service, seen through LocalStack's own client."""
    submitted = service.submit(
        Submission(
            request=TaskRequest(circuit=CIRCUIT, shots=10, tags={}),
            owner="me",
            correlation_id="c-1",
        )
    )
    item = localstack.client("dynamodb").get_item(
        TableName=outputs["TableName"], Key={"task_id": {"S": submitted.task.task_id}}
    )["Item"]
    assert item["status"] == {"S": "pending"}
    (message,) = localstack.client("sqs").receive_message(
        QueueUrl=outputs["QueueUrl"], WaitTimeSeconds=5
    )["Messages"]
    assert submitted.task.task_id in message["Body"]
