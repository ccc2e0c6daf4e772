"""The templates that are deployed to AWS, at the emulator: made once, then only compared."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.local.supervisor.stack import STACKS, deploy_all, remove_all
from tests.local.emulator_process import EmulatorProcess

pytestmark = pytest.mark.emulator

NAME = "quantum-tasks-local"


@pytest.fixture
def outputs(emulator: EmulatorProcess) -> Iterator[dict[str, str]]:
    """Deploy the stacks to the emulator of all tests, and remove them."""
    yield deploy_all(emulator.endpoint_url)
    remove_all(emulator.endpoint_url)


def test_the_stacks_make_table_indexes_and_queues(
    emulator: EmulatorProcess, outputs: dict[str, str]
) -> None:
    """As the design has them, with the local stage's short times."""
    assert outputs["TableName"] == outputs["QueueName"] == NAME
    assert outputs["DeadLetterQueueName"] == f"{NAME}-dead"
    table = emulator.dynamodb.describe_table(TableName=NAME)["Table"]
    indexes = {
        index["IndexName"]: (
            [key["AttributeName"] for key in index["KeySchema"]],
            index["Projection"]["ProjectionType"],
        )
        for index in table["GlobalSecondaryIndexes"]
    }
    assert indexes == {
        "open_tasks": (["open_shard", "due_at"], "KEYS_ONLY"),
        "tasks_by_owner": (["owner_shard", "submitted_at"], "KEYS_ONLY"),
    }
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    main, dead = (
        emulator.sqs.get_queue_attributes(QueueUrl=outputs[key], AttributeNames=["All"])[
            "Attributes"
        ]
        for key in ("QueueUrl", "DeadLetterQueueUrl")
    )
    assert (main["VisibilityTimeout"], main["MessageRetentionPeriod"]) == ("60", "345600")
    assert dead["MessageRetentionPeriod"] == "1209600"
    redrive = json.loads(main["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == outputs["DeadLetterQueueArn"]
    assert int(redrive["maxReceiveCount"]) == 10


def test_deploying_again_changes_in_place_and_removing_starts_empty(
    emulator: EmulatorProcess, outputs: dict[str, str]
) -> None:
    """A restart finds what is there; a removal takes the table too, though its stack retains it."""
    url = outputs["QueueUrl"]
    emulator.dynamodb.put_item(TableName=NAME, Item={"task_id": {"S": "kept"}})
    emulator.sqs.send_message(QueueUrl=url, MessageBody="kept")
    assert deploy_all(emulator.endpoint_url) == outputs
    assert emulator.dynamodb.scan(TableName=NAME)["Count"] == 1
    messaging = STACKS[1]
    parameters = {**messaging.parameters, "VisibilityTimeoutSeconds": "120"}
    changed = type(messaging)(messaging.name, messaging.template_name, parameters)
    deploy_all(emulator.endpoint_url, [changed])
    found = emulator.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["VisibilityTimeout"], found["ApproximateNumberOfMessages"]) == ("120", "1")
    remove_all(emulator.endpoint_url)
    assert NAME not in emulator.dynamodb.list_tables()["TableNames"]
    assert deploy_all(emulator.endpoint_url) == outputs
    assert emulator.dynamodb.scan(TableName=NAME)["Count"] == 0
    assert "Messages" not in emulator.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
