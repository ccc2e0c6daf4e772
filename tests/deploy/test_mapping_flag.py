"""The trap of this stack: a mapping that does not report failures, with and without the setting.

`chalice deploy` makes such a mapping, and the function cannot see it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest

from app import BATCH_SIZE
from infra.deploy.api_client import ApiClient
from infra.package.template import REPORT_FAILURES
from infra.waiting import wait_for
from tests.deploy.deployed_stage import DeployedStage, task_id_of

pytestmark = [pytest.mark.emulator, pytest.mark.usefixtures("clean_queue")]

CIRCUIT = "OPENQASM 3.0; qubit q; bit c; c = measure q;"
SETTING = "PARTIAL_BATCH_RESPONSES"


@pytest.fixture
def _no_flag(stage: DeployedStage) -> Iterator[None]:
    stage.change_mapping(FunctionResponseTypes=[])
    yield
    stage.change_mapping(FunctionResponseTypes=[REPORT_FAILURES])


@pytest.fixture
def _no_setting(stage: DeployedStage) -> Iterator[None]:
    variables = stage.variables("worker")
    assert variables[SETTING] == "true"
    stage.set_variables("worker", {k: v for k, v in variables.items() if k != SETTING})
    yield
    stage.set_variables("worker", variables)


def a_batch_with_poison(stage: DeployedStage, alice: ApiClient) -> tuple[str, list[str]]:
    """Deliver one message that cannot be read, and three tasks, as one batch."""
    poison = f"no message of the service {uuid4()}"
    with stage.paused():
        tasks = [
            task_id_of(alice.call("POST", "/tasks", {"circuit": CIRCUIT}))
            for _ in range(BATCH_SIZE - 1)
        ]
        stage.send(poison)
        wait_for(lambda: stage.messages() == (BATCH_SIZE, 0), "whole batch")
    for task_id in tasks:
        assert stage.ended(alice, task_id)["status"] == "completed"
    return poison, tasks


def deliveries(stage: DeployedStage, about: str, *, what: str) -> int:
    """Count the worker's log lines about a message or a task."""
    return sum(about in line and what in line for line in stage.log_lines("worker"))


@pytest.mark.usefixtures("_no_flag", "_no_setting")
def test_without_flag_and_setting_a_failing_delivery_comes_back_and_nothing_else(
    stage: DeployedStage, alice: ApiClient
) -> None:
    """The worker deletes its successes itself and raises: slower than the flag, nothing is lost."""
    poison, tasks = a_batch_with_poison(stage, alice)
    wait_for(
        lambda: deliveries(stage, poison, what="message cannot be read") >= 2,
        "second delivery",
    )
    assert sum(stage.messages()) == 1
    for task_id in tasks:
        assert deliveries(stage, task_id, what="message consumed") == 1
        task = alice.call("GET", f"/tasks/{task_id}").body
        assert [entry["status"] for entry in task["status_history"]] == [
            *("pending", "processing", "completed"),
        ]


@pytest.mark.usefixtures("_no_flag", "_no_setting")
def test_without_the_permission_to_delete_the_neighbours_come_back_as_duplicates(
    stage: DeployedStage, alice: ApiClient
) -> None:
    """Where it deletes by itself and may not, all of the batch is still there, and it says so."""
    with stage.without("worker", "sqs:DeleteMessage"):
        poison, tasks = a_batch_with_poison(stage, alice)
        wait_for(lambda: deliveries(stage, "DeleteMessageBatch", what="AccessDenied"), "log line")
        assert sum(stage.messages()) == BATCH_SIZE
    assert deliveries(stage, poison, what="message cannot be read") >= 1
    for task_id in tasks:
        assert deliveries(stage, task_id, what="task claimed") == 1


def test_the_worker_names_failures_by_the_batchs_own_identifiers(stage: DeployedStage) -> None:
    """AWS takes an unknown identifier for the failure of the whole batch; MiniStack ignores it."""
    record = {
        "messageId": "00000000-0000-4000-8000-00000000000a",
        "receiptHandle": "of no message",
        "body": "no message of the service",
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
    }
    answer = stage.account.client("lambda").invoke(
        FunctionName=stage.function_name("worker"), Payload=json.dumps({"Records": [record]})
    )
    assert json.loads(answer["Payload"].read()) == {
        "batchItemFailures": [{"itemIdentifier": record["messageId"]}]
    }
