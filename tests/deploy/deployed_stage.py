"""A stage that is deployed to an account, as its tests see it: from outside."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.credentials import Credentials

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.domain.task import Task
from chalicelib.settings import Settings
from infra.deploy.api_client import ApiClient, Reply, api_url
from infra.stage import StageSpec
from infra.waiting import wait_for
from tests.deploy.account import REGION, Account
from tests.support.new_process import as_in_a_new_process

ENDED = frozenset({"completed", "failed", "cancelled"})
#: What EventBridge sends ("Amazon EventBridge scheduled events").
SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-01-01T12:00:00Z",
    "region": REGION,
    "resources": ["arn:aws:events:us-east-1:000000000000:rule/sweeper"],
    "detail": {},
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeployedStage:
    """One stage and the outputs of its stacks."""

    account: Account
    spec: StageSpec
    api_id: str
    outputs: Mapping[str, str]
    #: What the sweeps that the tests made have answered, where they came to their end.
    sweeps: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def caller(self, who: Credentials | None) -> ApiClient:
        """Return an API client for a caller, or an unsigned one."""
        url = api_url(
            self.api_id, self.spec.stage, region=REGION, endpoint_url=self.account.endpoint_url
        )
        certificate = str(self.account.certificate.authority)
        return ApiClient(url, who, region=REGION, ca_bundle=certificate)

    def function_name(self, function: str) -> str:
        """Return what a function is called in AWS."""
        return self.spec.functions[function].function_name

    def ended(self, client: ApiClient, task_id: str) -> dict[str, Any]:
        """Wait until a task has ended, and return it."""

        def look() -> dict[str, Any] | None:
            task: dict[str, Any] = client.call("GET", f"/tasks/{task_id}").body
            return task if task.get("status") in ENDED else None

        return wait_for(look, f"end of task {task_id}")

    def item(self, task_id: str) -> dict[str, Any] | None:
        """Return a task's item as it lies in the table."""
        found: dict[str, Any] | None = (
            self.account.client("dynamodb")
            .get_item(
                TableName=self.outputs["TableName"],
                Key={"task_id": {"S": task_id}},
                ConsistentRead=True,
            )
            .get("Item")
        )
        return found

    def log_lines(self, function: str) -> list[str]:
        """Return what a function has logged so far."""
        logs = self.account.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{self.function_name(function)}"
        )
        return [event["message"] for page in pages for event in page["events"]]

    def logged(self, function: str, *parts: str) -> bool:
        """Wait for a function's line with all of these in it: it may come after the answer."""

        def is_logged() -> bool:
            return any(all(part in line for part in parts) for line in self.log_lines(function))

        return wait_for(is_logged, f"line of {function} with {parts}")

    def sweep(self) -> dict[str, Any]:
        """Run the sweeper now, as its schedule does, and wait for its answer."""
        answer: dict[str, Any] = self.account.client("lambda").invoke(
            FunctionName=self.function_name("sweeper"), Payload=json.dumps(SCHEDULED).encode()
        )
        if "FunctionError" not in answer:
            self.sweeps.append(json.loads(answer["Payload"].read()))
        return answer

    def messages(self, queue: str = "QueueUrl") -> tuple[int, int]:
        """Return how many messages a queue shows, and how many it hides."""
        attributes = self.account.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs[queue],
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )

    def send(self, *bodies: str) -> None:
        """Put messages into the queue, as one batch."""
        self.account.client("sqs").send_message_batch(
            QueueUrl=self.outputs["QueueUrl"],
            Entries=[{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)],
        )

    @property
    def mapping(self) -> dict[str, Any]:
        """The worker's event source mapping."""
        (mapping,) = self.account.client("lambda").list_event_source_mappings(
            FunctionName=self.function_name("worker")
        )["EventSourceMappings"]
        return dict(mapping)

    def change_mapping(self, **changes: object) -> None:
        """Change the worker's event source mapping."""
        self.account.client("lambda").update_event_source_mapping(
            UUID=self.mapping["UUID"], **changes
        )

    def variables(self, function: str) -> dict[str, str]:
        """Return a function's environment."""
        configuration = self.account.client("lambda").get_function_configuration(
            FunctionName=self.function_name(function)
        )
        variables: dict[str, str] = configuration["Environment"]["Variables"]
        return variables

    def set_variables(self, function: str, variables: Mapping[str, str]) -> None:
        """Change a function's environment."""
        self.change_function(function, Environment={"Variables": dict(variables)})

    def change_function(self, function: str, **changes: object) -> None:
        """Change a function's configuration, and wait until it is in force."""
        client, name = self.account.client("lambda"), self.function_name(function)
        client.update_function_configuration(FunctionName=name, **changes)

        def in_force() -> bool:
            configuration = client.get_function_configuration(FunctionName=name)
            state = (configuration["State"], configuration["LastUpdateStatus"])
            return state == ("Active", "Successful")

        wait_for(in_force, f"update of {name}")

    def patch_api_stage(self, path: str, value: str) -> None:
        """Change a setting of the API's stage."""
        self.account.client("apigateway").update_stage(
            restApiId=self.api_id,
            stageName=self.spec.api_stage,
            patchOperations=[{"op": "replace", "path": path, "value": value}],
        )

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Deliver nothing to the worker until the end of the block."""
        self.change_mapping(Enabled=False)
        try:
            yield
        finally:
            self.change_mapping(Enabled=True)

    def policy(self, function: str) -> dict[str, Any]:
        """Return what a function's role is allowed."""
        document: dict[str, Any] = self.account.client("iam").get_role_policy(
            **self._policy_name(function)
        )["PolicyDocument"]
        return document

    @contextlib.contextmanager
    def without(self, function: str, *actions: str) -> Iterator[None]:
        """Take permissions from a function's role until the end of the block."""
        document = self.policy(function)
        self._put_policy(function, reduced_policy(document, frozenset(actions)))
        try:
            yield
        finally:
            self._put_policy(function, document)

    def put_task(self, task: Task) -> str:
        """Store a task without sending its message, and return its id."""
        with pytest.MonkeyPatch.context() as patch, as_in_a_new_process():
            for name, value in self.account.environment.items():
                patch.setenv(name, value)
            settings = Settings(tasks_table_name=self.outputs["TableName"])
            DynamoDbTaskStore(settings).create_if_absent(task)
        return task.task_id

    def _policy_name(self, function: str) -> dict[str, str]:
        configuration = self.account.client("lambda").get_function_configuration(
            FunctionName=self.function_name(function)
        )
        role = configuration["Role"].rpartition("/")[2]
        (name,) = self.account.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
        return {"RoleName": role, "PolicyName": name}

    def _put_policy(self, function: str, document: Mapping[str, Any]) -> None:
        self.account.client("iam").put_role_policy(
            **self._policy_name(function), PolicyDocument=json.dumps(document)
        )


def reduced_policy(document: Mapping[str, Any], actions: frozenset[str]) -> dict[str, Any]:
    """Return a policy without these actions, each of which it must have had."""
    statements = [dict(statement) for statement in document["Statement"]]
    removed: set[str] = set()
    for statement in statements:
        removed |= actions & set(statement["Action"])
        statement["Action"] = [a for a in statement["Action"] if a not in actions]
    assert removed == actions, f"not in the policy: {actions - removed}"
    kept = [statement for statement in statements if statement["Action"]]
    return {**document, "Statement": kept}


def task_id_of(answer: Reply) -> str:
    """Return the id of a task that was accepted."""
    assert answer.status == 202, answer.content
    return str(answer.body["task_id"])
