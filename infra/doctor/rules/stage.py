"""Rules for what stands around the functions: table, schedule, API, alarms, logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infra.doctor.finding import Finding, Severity, rule
from infra.doctor.live_stage import Snapshot
from infra.package.access_log import ACCESS_LOG, ACCESS_LOG_FORMAT
from infra.package.gateway_responses import GatewayResponse, gateway_responses
from infra.package.throttling import Throttle, normalized, throttles
from infra.stage import StageSpec

#: Routes that take unsigned requests.
_OPEN: Final = frozenset({("GET", "/health"), ("HEAD", "/health")})
_INDEXES: Final = ("open_tasks", "tasks_by_owner")
#: In `infra/templates/messaging.yaml`; a test compares the two.
ALARMS: Final = (
    *("api-errors", "api-throttles", "dead-letters", "oldest-message", "sweeper", "unreadable"),
    *("table-read-throttles", "table-write-throttles", "worker-failures", "worker-throttles"),
    *("open-tasks-read-throttles", "open-tasks-write-throttles", "redelivered", "batch-members"),
    *("by-owner-read-throttles", "by-owner-write-throttles"),
)


@rule("stage/deployed-one-way")
def it_is_deployed_one_way(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """All of it exists, and either a pipeline has made it or `make deploy`."""
    missing = [
        what
        for what, found in (
            (f"stack {spec.data_stack}", spec.data_stack in snapshot.stacks),
            (f"stack {spec.messaging_stack}", spec.messaging_stack in snapshot.stacks),
            ("the table", snapshot.table),
            ("the queue", snapshot.queue),
            ("the dead-letter queue", snapshot.dead_letter_queue),
            *((f"function {name}", function) for name, function in snapshot.functions.items()),
            ("the API", snapshot.apis),
            ("the API's stage", snapshot.api_stage),
        )
        if not found
    ]
    if missing:
        yield Finding(
            setting="the stage",
            value=f"without {', '.join(missing)}",
            wanted="complete",
            why="it is not deployed, or only in part; deploy it again",
        )
    if len(snapshot.apis) > 1 or (snapshot.chalice_record and spec.app_stack in snapshot.stacks):
        yield Finding(
            setting="the way that the stage is deployed",
            value=f"both stack {spec.app_stack} and `make deploy`, with {len(snapshot.apis)} APIs",
            wanted="one of the two",
            why="each would undo what the other sets",
        )


@rule("stage/table")
def tasks_are_safe(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The table can be restored, cannot be deleted by a slip, is encrypted and on demand."""
    table = snapshot.table
    if table is None:
        return
    recovery = (snapshot.backups or {}).get("PointInTimeRecoveryDescription", {})
    for setting, value, wanted, why in (
        (
            "PointInTimeRecoveryStatus",
            recovery.get("PointInTimeRecoveryStatus", "not set"),
            "ENABLED",
            "what a fault overwrites could not be brought back",
        ),
        (
            "DeletionProtectionEnabled",
            table.get("DeletionProtectionEnabled", False),
            True,
            "one call would delete all tasks",
        ),
        (
            "SSEDescription.Status",
            table.get("SSEDescription", {}).get("Status", "not set"),
            "ENABLED",
            "use of its key would not show in CloudTrail",
        ),
        (
            "BillingMode",
            table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            "PAY_PER_REQUEST",
            "bursts of submissions would be throttled and answered with 503",
        ),
    ):
        if value != wanted:
            yield Finding(setting=f"the table's {setting}", value=value, wanted=wanted, why=why)


@rule("stage/indexes")
def indexes_answer(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """Sweeping and listing have their index."""
    if snapshot.table is None:
        return
    states = {
        index["IndexName"]: index.get("IndexStatus", "unknown")
        for index in snapshot.table.get("GlobalSecondaryIndexes", [])
    }
    for name in _INDEXES:
        if states.get(name) != "ACTIVE":
            yield Finding(
                setting=f"the table's index {name}",
                value=states.get(name, "missing"),
                wanted="ACTIVE",
                why="what is lost is not swept, or tasks are not listed",
            )


@rule("stage/schedule")
def the_sweeper_runs(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """A schedule invokes it every minute."""
    found = {
        rule.get("ScheduleExpression", "no schedule"): rule.get("State")
        for rule in snapshot.schedules
    }
    if found != {"rate(1 minute)": "ENABLED"}:
        yield Finding(
            setting="the sweeper's schedule",
            value=found or "not set",
            wanted={"rate(1 minute)": "ENABLED"},
            why="tasks whose messages are lost are not brought back",
        )


@rule("stage/alarms")
def alarms_are_enabled(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """Every alarm of the messaging stack is there and may act."""
    found = {alarm["AlarmName"]: alarm.get("ActionsEnabled", True) for alarm in snapshot.alarms}
    for alarm in ALARMS:
        state = found.get(f"{spec.name}-{alarm}")
        if not state:
            yield Finding(
                setting=f"alarm {spec.name}-{alarm}",
                value="missing" if state is None else "without its actions",
                wanted="there, with its actions enabled",
                why="no operator is told",
            )


@rule("stage/log-retention")
def logs_are_kept_as_long_as_configured(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """Every function's log has its group, which forgets after the configured time."""
    for function in spec.functions.values():
        group = f"/aws/lambda/{function.function_name}"
        days = snapshot.log_groups.get(group, 0)
        if days != spec.log_retention_days:
            yield Finding(
                setting=f"the retention of {group}",
                value="no such group" if days == 0 else "never deleted" if days is None else days,
                wanted=spec.log_retention_days,
                why="logs are kept and billed indefinitely, or are gone too early",
            )


@rule("stage/authorization")
def callers_are_known(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """Every route but `/health` is authorised."""
    for path, methods in sorted(snapshot.api_methods.items()):
        for method, configuration in methods.items():
            kind = configuration.get("authorizationType", "NONE")
            if kind == "NONE" and method != "OPTIONS" and (method, path) not in _OPEN:
                yield Finding(
                    severity=Severity.DANGEROUS,
                    setting=f"the authorization of {method} {path}",
                    value=kind,
                    wanted="AWS_IAM",
                    why="any caller may use it",
                )


@rule("stage/throttling")
def the_api_is_throttled(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The API's stage has its own limits, so that one stage cannot use up the account's."""
    if snapshot.api_stage is None:
        return
    yield from _other_rates(throttles(spec)[:1], snapshot.api_stage)


@rule("stage/own-throttling")
def costly_calls_have_their_own_limits(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """Health checks, batches and validations have limits of their own."""
    if snapshot.api_stage is not None:
        yield from _other_rates(throttles(spec)[1:], snapshot.api_stage)


def _other_rates(wanted: Sequence[Throttle], api_stage: Mapping[str, Any]) -> Iterator[Finding]:
    settings = normalized(api_stage.get("methodSettings", {}))
    for throttle in wanted:
        own = settings.get(throttle.key, {})
        found = (own.get("throttlingRateLimit"), own.get("throttlingBurstLimit"))
        rate = (throttle.requests_per_second, throttle.burst)
        if found != rate:
            which = "API" if throttle.path == "*" else f"{throttle.method} {throttle.path}"
            yield Finding(
                setting=f"the throttling of {which} (rate, burst)",
                value="not set" if found == (None, None) else found,
                wanted=rate,
                why="a client in a loop would use up the account's concurrency, or money, for all",
            )


@rule("stage/access-log")
def refusals_can_be_looked_up(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The gateway writes each request with its id into the stage's group, which forgets."""
    if snapshot.api_stage is None:
        return
    found = snapshot.api_stage.get("accessLogSettings", {})
    group = f"/aws/apigateway/{spec.name}"
    for setting, value, wanted in (
        ("destinationArn", found.get("destinationArn"), snapshot.outputs.get(ACCESS_LOG)),
        ("format", found.get("format"), ACCESS_LOG_FORMAT),
        ("retention in days", snapshot.log_groups.get(group, 0), spec.log_retention_days),
        ("role in the account", bool(snapshot.gateway_log_role), True),
    ):
        if value != wanted:
            yield Finding(
                setting=f"the access log's {setting}",
                value=value or "not set",
                wanted=wanted,
                why="the correlation id of a refusal by the gateway leads nowhere",
            )


@rule("stage/gateway-responses")
def gateway_answers_are_problem_documents(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """What the gateway answers itself is a problem document."""
    if not snapshot.apis:
        return
    wrong = [
        response.response_type
        for response in gateway_responses(spec.cors_origin)
        if not _answers(snapshot.gateway_responses.get(response.response_type, {}), response)
    ]
    if wrong:
        yield Finding(
            setting="the API's gateway responses",
            value=f"API Gateway's own for {', '.join(wrong)}",
            wanted="problem documents, with CORS headers where CORS_ORIGIN is set",
            why="clients would meet errors in two forms, one of which tells of AWS",
        )


def _answers(found: Mapping[str, Any], wanted: GatewayResponse) -> bool:
    headers = dict(found.get("responseParameters", {}))
    return (
        dict(found.get("responseTemplates", {})) == wanted.templates
        and headers.items() >= wanted.parameters.items()
    )
