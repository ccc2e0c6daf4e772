"""The stacks of a stage, whatever state an earlier attempt has left them in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from infra.aws import Aws
from infra.cloudformation import StackFailed, Stacks
from infra.deploy.stage_stacks import StageStacks
from infra.stage import StageSpec
from tests.deploy.account import Account

pytestmark = pytest.mark.emulator


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A stage of its own, of which nothing is there yet."""

    aws: Account
    spec: StageSpec
    stage: StageStacks
    stacks: Stacks
    said: list[str]

    def put(self, task_id: str) -> None:
        """Put an item into its table."""
        self.aws.client("dynamodb").put_item(
            TableName=self.spec.name, Item={"task_id": {"S": task_id}}
        )

    def items(self) -> list[dict[str, Any]]:
        """Return what is in its table."""
        found: list[dict[str, Any]] = self.aws.client("dynamodb").scan(TableName=self.spec.name)[
            "Items"
        ]
        return found

    def leave(self, stack: str, status: str) -> None:
        """Leave a stack in a state."""
        url = f"{self.aws.plain_endpoint_url}/_test/stack?name={stack}&status={status}"
        assert urllib3.request("POST", url).status == 204

    def status(self, stack: str) -> str:
        """Return the state of a stack."""
        described = self.stacks.described(stack)
        assert described is not None
        return described["StackStatus"]


@pytest.fixture
def fresh(aws: Account, checkout: Path, spec: StageSpec) -> Iterator[Fresh]:
    """Return a stage of which nothing is there yet."""
    name = f"t{uuid4().hex[:8]}"
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in aws.environment.items():
            patch.setenv(variable, value)
        owner = Aws()
        said: list[str] = []
        new = dataclasses.replace(spec, stage=name)
        yield Fresh(
            aws=aws,
            spec=new,
            stage=StageStacks(owner, checkout, new, poll_seconds=0.1, say=said.append),
            stacks=Stacks(owner.client("cloudformation"), poll_seconds=0.1),
            said=said,
        )


DEAD_ENDS = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")


@pytest.mark.parametrize("status", DEAD_ENDS)
def test_a_data_stack_in_a_dead_end_is_replaced_around_its_table(fresh: Fresh, status: str) -> None:
    """The table is retained whatever becomes of its stack; creating it again would fail."""
    fresh.stage.deploy_data()
    fresh.put("kept")
    fresh.leave(fresh.spec.data_stack, status)
    outputs = fresh.stage.deploy_data()
    assert outputs["TableName"] == fresh.spec.name
    assert [item["task_id"]["S"] for item in fresh.items()] == ["kept"]
    assert f"  table {fresh.spec.name} is there without its stack, which takes it up" in fresh.said


def test_a_messaging_stack_in_a_dead_end_is_replaced(fresh: Fresh) -> None:
    """Its queues are deleted with it, and their names blocked for a while."""
    fresh.stage.deploy_data()
    fresh.stage.deploy_messaging()
    fresh.leave(fresh.spec.messaging_stack, "ROLLBACK_COMPLETE")
    assert fresh.stage.deploy_messaging()["QueueName"] == fresh.spec.name
    assert fresh.status(fresh.spec.messaging_stack) == "CREATE_COMPLETE"
    assert "  the queues' names are blocked for a minute after their deletion" in fresh.said


def test_an_adoption_that_was_interrupted_is_done_again(fresh: Fresh, checkout: Path) -> None:
    """Its stack is under review, and takes neither an update nor another creation."""
    fresh.stage.deploy_data()
    fresh.put("kept")
    assert fresh.stacks.delete(fresh.spec.data_stack)
    template = (checkout / "infra" / "templates" / "data.yaml").read_text()
    fresh.aws.client("cloudformation").create_change_set(
        StackName=fresh.spec.data_stack,
        ChangeSetName="adopt",
        ChangeSetType="IMPORT",
        TemplateBody=template.partition("\nOutputs:\n")[0],
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": fresh.spec.stage}],
        ResourcesToImport=[
            {
                "ResourceType": "AWS::DynamoDB::Table",
                "LogicalResourceId": "TasksTable",
                "ResourceIdentifier": {"TableName": fresh.spec.name},
            }
        ],
    )
    assert fresh.status(fresh.spec.data_stack) == "REVIEW_IN_PROGRESS"
    assert fresh.stage.deploy_data()["TableName"] == fresh.spec.name
    assert [item["task_id"]["S"] for item in fresh.items()] == ["kept"]


def test_a_rollback_that_stopped_half_way_is_continued(fresh: Fresh) -> None:
    """The stack works then, and takes the update."""
    fresh.stage.deploy_data()
    outputs = fresh.stage.deploy_messaging()
    fresh.leave(fresh.spec.messaging_stack, "UPDATE_ROLLBACK_FAILED")
    assert fresh.stage.deploy_messaging() == outputs
    assert fresh.status(fresh.spec.messaging_stack).endswith("_COMPLETE")


def test_a_change_set_that_fails_tells_its_reason(fresh: Fresh, checkout: Path) -> None:
    """CloudFormation says why; the error repeats it."""
    template = (checkout / "infra" / "templates" / "data.yaml").read_text()
    with pytest.raises(StackFailed, match=f"{fresh.spec.name}.*(not exist|not found)"):
        fresh.stacks.adopt(
            fresh.spec.data_stack,
            template,
            fresh.spec.data_parameters,
            {
                "ResourceType": "AWS::DynamoDB::Table",
                "LogicalResourceId": "TasksTable",
                "ResourceIdentifier": {"TableName": fresh.spec.name},
            },
        )
