"""A live stage whose settings were all changed by hand, until the end of a block."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from infra.doctor.rules.stage import ALARMS
from infra.package.access_log import ACCESS_LOG_FORMAT
from infra.package.template import REPORT_FAILURES
from infra.package.throttling import throttles
from tests.deploy.deployed_stage import DeployedStage

#: What doctor says of such a stage, each as "severity rule: setting".
FOUND = {
    "dangerous delivery/partial-batch-responses: the mapping's FunctionResponseTypes",
    "dangerous stage/authorization: the authorization of POST /tasks",
    "wrong delivery/batch-size: the mapping's BatchSize",
    "wrong delivery/maximum-concurrency: the worker's reserved concurrency",
    "wrong delivery/visibility-timeout: the queue's VisibilityTimeout",
    "wrong delivery/tls: the dead-letter queue's Policy",
    "wrong functions/configuration: the MemorySize of sweeper",
    "wrong functions/configuration: SLOW_CALL_MS of worker",
    "wrong stage/table: the table's PointInTimeRecoveryStatus",
    "wrong stage/table: the table's DeletionProtectionEnabled",
    "wrong stage/schedule: the sweeper's schedule",
    *(f"wrong stage/alarms: alarm quantum-tasks-dev-{alarm}" for alarm in ALARMS),
    "wrong stage/log-retention: the retention of /aws/lambda/quantum-tasks-dev-worker",
    "wrong stage/throttling: the throttling of API (rate, burst)",
    "wrong stage/own-throttling: the throttling of POST /batches (rate, burst)",
    "wrong stage/access-log: the access log's format",
    "wrong stage/gateway-responses: the API's gateway responses",
}


@contextlib.contextmanager
def no_flag(stage: DeployedStage) -> Iterator[None]:
    """Have the mapping report no failures, as after `chalice deploy`."""
    stage.change_mapping(FunctionResponseTypes=[])
    yield
    stage.change_mapping(FunctionResponseTypes=[REPORT_FAILURES])


@contextlib.contextmanager
def changed_by_hand(stage: DeployedStage) -> Iterator[None]:
    """Change one setting of each kind."""
    with contextlib.ExitStack() as undone:
        undone.enter_context(no_flag(stage))
        _spoil_functions(stage, undone)
        _spoil_queues_and_table(stage, undone)
        _spoil_api(stage, undone)
        _spoil_watching(stage, undone)
        yield


def _spoil_functions(stage: DeployedStage, undone: contextlib.ExitStack) -> None:
    undone.callback(stage.change_mapping, BatchSize=stage.mapping["BatchSize"])
    stage.change_mapping(BatchSize=10)
    variables = stage.variables("worker")
    undone.callback(stage.set_variables, "worker", variables)
    stage.set_variables("worker", variables | {"SLOW_CALL_MS": "5"})
    memory_mb = stage.spec.functions["sweeper"].memory_mb
    undone.callback(stage.change_function, "sweeper", MemorySize=memory_mb)
    stage.change_function("sweeper", MemorySize=128)
    client, name = stage.account.client("lambda"), stage.function_name("worker")
    undone.callback(client.delete_function_concurrency, FunctionName=name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)


def _spoil_queues_and_table(stage: DeployedStage, undone: contextlib.ExitStack) -> None:
    sqs = stage.account.client("sqs")
    for queue, name, value in (
        ("QueueUrl", "VisibilityTimeout", "30"),
        ("DeadLetterQueueUrl", "Policy", ""),
    ):
        url = stage.outputs[queue]
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
        undone.callback(sqs.set_queue_attributes, QueueUrl=url, Attributes=before)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})
    client, table = stage.account.client("dynamodb"), stage.outputs["TableName"]

    def protect(*, on: bool) -> None:
        client.update_table(TableName=table, DeletionProtectionEnabled=on)
        recovery = {"PointInTimeRecoveryEnabled": on}
        client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)

    undone.callback(protect, on=True)
    protect(on=False)


def _spoil_api(stage: DeployedStage, undone: contextlib.ExitStack) -> None:
    (batches,) = [own for own in throttles(stage.spec) if own.path == "/batches"]
    for path, wrong, right in (
        ("/*/*/throttling/rateLimit", "1000", f"{stage.spec.requests_per_second:g}"),
        (f"{batches.pointer}/rateLimit", "1000", f"{batches.requests_per_second:g}"),
        ("/accessLogSettings/format", "$context.identity.sourceIp", ACCESS_LOG_FORMAT),
    ):
        undone.callback(stage.patch_api_stage, path, right)
        stage.patch_api_stage(path, wrong)
    client = stage.account.client("apigateway")
    where = {"restApiId": stage.api_id, "responseType": "MISSING_AUTHENTICATION_TOKEN"}
    before = client.get_gateway_response(**where)
    kept = ("statusCode", "responseParameters", "responseTemplates")
    undone.callback(client.put_gateway_response, **where, **{key: before[key] for key in kept})
    client.delete_gateway_response(**where)
    resources = client.get_resources(restApiId=stage.api_id)["items"]
    (tasks,) = [resource["id"] for resource in resources if resource["path"] == "/tasks"]

    def authorize(kind: str) -> None:
        operation = {"op": "replace", "path": "/authorizationType", "value": kind}
        client.update_method(
            restApiId=stage.api_id,
            resourceId=tasks,
            httpMethod="POST",
            patchOperations=[operation],
        )

    undone.callback(authorize, "AWS_IAM")
    authorize("NONE")


def _spoil_watching(stage: DeployedStage, undone: contextlib.ExitStack) -> None:
    alarms = stage.account.client("cloudwatch")
    names = [f"{stage.spec.name}-{alarm}" for alarm in ALARMS]
    undone.callback(alarms.enable_alarm_actions, AlarmNames=names)
    alarms.disable_alarm_actions(AlarmNames=names)
    logs, group = stage.account.client("logs"), f"/aws/lambda/{stage.function_name('worker')}"
    days = stage.spec.log_retention_days
    undone.callback(logs.put_retention_policy, logGroupName=group, retentionInDays=days)
    logs.delete_retention_policy(logGroupName=group)
    events = stage.account.client("events")
    target = stage.account.client("lambda").get_function_configuration(
        FunctionName=stage.function_name("sweeper")
    )["FunctionArn"]
    (rule,) = events.list_rule_names_by_target(TargetArn=target)["RuleNames"]
    undone.callback(events.enable_rule, Name=rule)
    events.disable_rule(Name=rule)
