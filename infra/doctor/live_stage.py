"""What a live stage is, read and not judged. `rules` judges; here is no opinion.

A snapshot is AWS's own answers, so that one can be written down, read, and judged later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.aws import Aws, none_if
from infra.cloudformation import Stacks
from infra.stage import StageSpec

#: How the services say that there is no such thing.
_MISSING = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "TableNotFoundException",
    }
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """AWS's answers about one stage, at one time. What does not exist is None or empty."""

    #: Outputs of the stacks, by the stack's name; a stack that does not exist is left out.
    stacks: Mapping[str, Mapping[str, str]]
    #: Chalice's record of what it has deployed (`.chalice/deployed/`) is here.
    chalice_record: bool
    #: By Chalice's name of the function.
    functions: Mapping[str, Mapping[str, Any] | None]
    reserved_concurrency: Mapping[str, int | None]
    mappings: Sequence[Mapping[str, Any]]
    queue: Mapping[str, str] | None
    dead_letter_queue: Mapping[str, str] | None
    table: Mapping[str, Any] | None
    backups: Mapping[str, Any] | None
    alarms: Sequence[Mapping[str, Any]]
    #: Days of retention by the group's name; None is indefinite.
    log_groups: Mapping[str, int | None]
    #: EventBridge's rules that have the sweeper as a target.
    schedules: Sequence[Mapping[str, Any]]
    #: APIs that bear the stage's name.
    apis: Sequence[Mapping[str, Any]]
    #: Of the first of them: the stage's settings, methods by path, customised gateway responses.
    api_stage: Mapping[str, Any] | None
    api_methods: Mapping[str, Mapping[str, Any]]
    gateway_responses: Mapping[str, Mapping[str, Any]]
    #: With which API Gateway writes logs, for all APIs of the account and region.
    gateway_log_role: str | None
    #: What functions without a reservation may run at the same time, all together.
    account_concurrency: int

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of all stacks together; their names differ."""
        return {key: value for outputs in self.stacks.values() for key, value in outputs.items()}


def read_snapshot(aws: Aws, spec: StageSpec, root: Path) -> Snapshot:
    """Read a live stage."""
    reader = _Reader(aws, spec)
    stacks = reader.stacks()
    outputs = {key: value for found in stacks.values() for key, value in found.items()}
    functions = {name: reader.function(name) for name in spec.functions}
    apis = aws.apis(spec.name)
    api_id = apis[0]["id"] if apis else None
    return Snapshot(
        stacks=stacks,
        chalice_record=chalice_record(root, spec).exists(),
        functions=functions,
        reserved_concurrency={
            name: reader.concurrency(name) if function else None
            for name, function in functions.items()
        },
        mappings=aws.mappings(spec.functions["worker"].function_name)
        if functions["worker"]
        else [],
        queue=reader.queue(outputs.get("QueueUrl")),
        dead_letter_queue=reader.queue(outputs.get("DeadLetterQueueUrl")),
        table=reader.table(outputs.get("TableName")),
        backups=reader.backups(outputs.get("TableName")),
        alarms=reader.alarms(),
        log_groups=reader.log_groups(),
        schedules=reader.schedules(functions["sweeper"]),
        apis=apis,
        api_stage=reader.api_stage(api_id),
        api_methods=reader.api_methods(api_id),
        gateway_responses=reader.gateway_responses(api_id),
        gateway_log_role=aws.client("apigateway").get_account().get("cloudwatchRoleArn"),
        account_concurrency=reader.account_concurrency(),
    )


def chalice_record(root: Path, spec: StageSpec) -> Path:
    """Return where Chalice writes down what it has deployed."""
    return root / ".chalice" / "deployed" / f"{spec.stage}.json"


class _Reader:
    """One question per method."""

    def __init__(self, aws: Aws, spec: StageSpec) -> None:
        self._aws = aws
        self._spec = spec

    def stacks(self) -> dict[str, dict[str, str]]:
        stacks = Stacks(self._aws.client("cloudformation"))
        names = (self._spec.data_stack, self._spec.messaging_stack, self._spec.app_stack)
        found = {name: stacks.outputs(name) for name in names}
        return {name: outputs for name, outputs in found.items() if outputs is not None}

    def _ask(self, service: str, operation: str, **parameters: object) -> Any:  # noqa: ANN401
        """Return AWS's answer, or an empty one if there is no such thing."""
        client = self._aws.client(service)
        return none_if(_MISSING, lambda: getattr(client, operation)(**parameters)) or {}

    def function(self, name: str) -> dict[str, Any] | None:
        function_name = self._spec.functions[name].function_name
        return self._ask("lambda", "get_function_configuration", FunctionName=function_name) or None

    def concurrency(self, name: str) -> int | None:
        function_name = self._spec.functions[name].function_name
        answer = self._aws.client("lambda").get_function_concurrency(FunctionName=function_name)
        reserved: int | None = answer.get("ReservedConcurrentExecutions")
        return reserved

    def account_concurrency(self) -> int:
        limit = self._aws.client("lambda").get_account_settings()["AccountLimit"]
        return int(limit["UnreservedConcurrentExecutions"])

    def mappings(self) -> list[dict[str, Any]]:
        return self._aws.mappings(self._spec.functions["worker"].function_name)

    def queue(self, url: str | None) -> dict[str, str] | None:
        found = url and self._ask(
            "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
        )
        return found["Attributes"] if found else None

    def table(self, name: str | None) -> dict[str, Any] | None:
        found = name and self._ask("dynamodb", "describe_table", TableName=name)
        return found["Table"] if found else None

    def backups(self, table: str | None) -> dict[str, Any] | None:
        found = table and self._ask("dynamodb", "describe_continuous_backups", TableName=table)
        return found["ContinuousBackupsDescription"] if found else None

    def alarms(self) -> list[dict[str, Any]]:
        return self._aws.pages(
            "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=f"{self._spec.name}-"
        )

    def log_groups(self) -> dict[str, int | None]:
        groups = [
            group
            for writer in ("lambda", "apigateway")
            for group in self._aws.pages(
                "logs",
                "describe_log_groups",
                "logGroups",
                logGroupNamePrefix=f"/aws/{writer}/{self._spec.name}",
            )
        ]
        return {group["logGroupName"]: group.get("retentionInDays") for group in groups}

    def schedules(self, sweeper: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        if sweeper is None:
            return []
        events = self._aws.client("events")
        names = events.list_rule_names_by_target(TargetArn=sweeper["FunctionArn"])["RuleNames"]
        return [events.describe_rule(Name=name) for name in names]

    def api_stage(self, api_id: str | None) -> dict[str, Any] | None:
        stage = self._spec.api_stage
        return (
            api_id and self._ask("apigateway", "get_stage", restApiId=api_id, stageName=stage)
        ) or None

    def api_methods(self, api_id: str | None) -> dict[str, dict[str, Any]]:
        if api_id is None:
            return {}
        resources = self._aws.pages(
            "apigateway", "get_resources", "items", restApiId=api_id, embed=["methods"]
        )
        return {
            resource["path"]: resource["resourceMethods"]
            for resource in resources
            if resource.get("resourceMethods")
        }

    def gateway_responses(self, api_id: str | None) -> dict[str, dict[str, Any]]:
        if api_id is None:
            return {}
        responses = self._aws.client("apigateway").get_gateway_responses(restApiId=api_id)["items"]
        return {r["responseType"]: r for r in responses if not r.get("defaultResponse")}
