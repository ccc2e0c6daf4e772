"""Ways to break a live stage by hand, each undone at the end of its block."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from infra.doctor.rules.stage import ALARMS
from infra.package.access_log import ACCESS_LOG_FORMAT
from infra.package.template import REPORT_FAILURES
from infra.package.throttling import throttles
from tests.deploy.deployed_stage import DeployedStage

#: Breaks a stage until the end of the block.
Breakage = Callable[[DeployedStage], contextlib.AbstractContextManager[None]]


def queue_attribute(name: str, value: str, *, queue: str = "QueueUrl") -> Breakage:
    """Change an attribute of a queue."""

    @contextlib.contextmanager
    def broken(stage: DeployedStage) -> Iterator[None]:
        sqs, url = stage.account.client("sqs"), stage.outputs[queue]
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})
        yield
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    return broken


def receives(count: int) -> Breakage:
    """Move messages to the dead-letter queue after so many receives."""

    @contextlib.contextmanager
    def broken(stage: DeployedStage) -> Iterator[None]:
        policy = {
            "deadLetterTargetArn": stage.outputs["DeadLetterQueueArn"],
            "maxReceiveCount": str(count),
        }
        with queue_attribute("RedrivePolicy", json.dumps(policy))(stage):
            yield

    return broken


def mapping(**changes: Any) -> Breakage:  # noqa: ANN401
    """Change the worker's event source mapping."""

    @contextlib.contextmanager
    def broken(stage: DeployedStage) -> Iterator[None]:
        before = stage.mapping
        stage.change_mapping(**changes)
        yield
        stage.change_mapping(
            Enabled=True,
            BatchSize=before["BatchSize"],
            MaximumBatchingWindowInSeconds=before["MaximumBatchingWindowInSeconds"],
            ScalingConfig=before["ScalingConfig"],
            FunctionResponseTypes=[REPORT_FAILURES],
        )

    return broken


def variable(function: str, name: str, value: str | None) -> Breakage:
    """Change a variable of a function, or remove it."""

    @contextlib.contextmanager
    def broken(stage: DeployedStage) -> Iterator[None]:
        before = stage.variables(function)
        changed = {key: text for key, text in before.items() if key != name}
        stage.set_variables(function, changed if value is None else changed | {name: value})
        yield
        stage.set_variables(function, before)

    return broken


def function_setting(function: str, **changes: Any) -> Breakage:  # noqa: ANN401
    """Change a function's configuration."""

    @contextlib.contextmanager
    def broken(stage: DeployedStage) -> Iterator[None]:
        client, name = stage.account.client("lambda"), stage.function_name(function)
        before = client.get_function_configuration(FunctionName=name)
        stage.change_function(function, **changes)
        yield
        stage.change_function(function, **{key: before[key] for key in changes})

    return broken


def both(first: Breakage, second: Breakage) -> Breakage:
    """Spoil two things."""

    @contextlib.contextmanager
    def broken(stage: DeployedStage) -> Iterator[None]:
        with first(stage), second(stage):
            yield

    return broken


@contextlib.contextmanager
def reserved_concurrency(stage: DeployedStage) -> Iterator[None]:
    """Let the worker run less often at a time than its mapping polls for."""
    client, name = stage.account.client("lambda"), stage.function_name("worker")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    yield
    client.delete_function_concurrency(FunctionName=name)


@contextlib.contextmanager
def no_deletion_protection(stage: DeployedStage) -> Iterator[None]:
    """Let one call delete the table."""
    client, table = stage.account.client("dynamodb"), stage.outputs["TableName"]
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    yield
    client.update_table(TableName=table, DeletionProtectionEnabled=True)


@contextlib.contextmanager
def no_recovery(stage: DeployedStage) -> Iterator[None]:
    """Turn point-in-time recovery off."""

    def turn(on: bool) -> None:  # noqa: FBT001
        stage.account.client("dynamodb").update_continuous_backups(
            TableName=stage.outputs["TableName"],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on},
        )

    turn(False)
    yield
    turn(True)


@contextlib.contextmanager
def muted_alarms(stage: DeployedStage) -> Iterator[None]:
    """Let alarms ring without telling an operator."""
    client = stage.account.client("cloudwatch")
    names = [f"{stage.spec.name}-{alarm}" for alarm in ALARMS]
    client.disable_alarm_actions(AlarmNames=names)
    yield
    client.enable_alarm_actions(AlarmNames=names)


@contextlib.contextmanager
def endless_log(stage: DeployedStage) -> Iterator[None]:
    """Keep the worker's log indefinitely."""
    client = stage.account.client("logs")
    group = f"/aws/lambda/{stage.function_name('worker')}"
    client.delete_retention_policy(logGroupName=group)
    yield
    client.put_retention_policy(logGroupName=group, retentionInDays=stage.spec.log_retention_days)


@contextlib.contextmanager
def no_schedule(stage: DeployedStage) -> Iterator[None]:
    """Stop sweeping."""
    client = stage.account.client("events")
    target = stage.account.client("lambda").get_function_configuration(
        FunctionName=stage.function_name("sweeper")
    )["FunctionArn"]
    (rule,) = client.list_rule_names_by_target(TargetArn=target)["RuleNames"]
    client.disable_rule(Name=rule)
    yield
    client.enable_rule(Name=rule)


@contextlib.contextmanager
def unbounded_api(stage: DeployedStage) -> Iterator[None]:
    """Give the API's stage ten times its rate."""

    def limit(rate: float) -> None:
        stage.patch_api_stage("/*/*/throttling/rateLimit", str(rate))

    limit(10 * stage.spec.requests_per_second)
    yield
    limit(stage.spec.requests_per_second)


@contextlib.contextmanager
def unbounded_batches(stage: DeployedStage) -> Iterator[None]:
    """Take its own limit from `POST /batches`."""
    (own,) = [throttle for throttle in throttles(stage.spec) if throttle.path == "/batches"]

    def limit(rate: float) -> None:
        stage.patch_api_stage(f"{own.pointer}/rateLimit", f"{rate:g}")

    limit(stage.spec.requests_per_second)
    yield
    limit(own.requests_per_second)


@contextlib.contextmanager
def no_access_log(stage: DeployedStage) -> Iterator[None]:
    """Let the gateway write its log in another form, without the request's id."""
    stage.patch_api_stage("/accessLogSettings/format", "$context.identity.sourceIp")
    yield
    stage.patch_api_stage("/accessLogSettings/format", ACCESS_LOG_FORMAT)


@contextlib.contextmanager
def no_gateway_response(stage: DeployedStage) -> Iterator[None]:
    """Let API Gateway say in its own words that a request is not signed."""
    client = stage.account.client("apigateway")
    where = {"restApiId": stage.api_id, "responseType": "MISSING_AUTHENTICATION_TOKEN"}
    before = client.get_gateway_response(**where)
    client.delete_gateway_response(**where)
    yield
    client.put_gateway_response(
        **where,
        statusCode=before["statusCode"],
        responseParameters=before["responseParameters"],
        responseTemplates=before["responseTemplates"],
    )


@contextlib.contextmanager
def open_route(stage: DeployedStage) -> Iterator[None]:
    """Let any caller submit."""
    client = stage.account.client("apigateway")
    (resource,) = [
        resource["id"]
        for resource in client.get_resources(restApiId=stage.api_id)["items"]
        if resource["path"] == "/tasks"
    ]

    def authorize(kind: str) -> None:
        client.update_method(
            restApiId=stage.api_id,
            resourceId=resource,
            httpMethod="POST",
            patchOperations=[{"op": "replace", "path": "/authorizationType", "value": kind}],
        )

    authorize("NONE")
    yield
    authorize("AWS_IAM")
