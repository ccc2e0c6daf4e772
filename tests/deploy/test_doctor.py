"""Doctor finds nothing on a good stage, and names each setting that was spoiled."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.aws import Aws
from infra.doctor.checks import RULES, deployed_by, examine, report
from infra.doctor.finding import Rule, Severity
from infra.doctor.live_stage import Snapshot, read_snapshot
from infra.doctor.rules import delivery, functions, stage, throughput
from tests.deploy import breakages as spoil
from tests.deploy.breakages import Breakage
from tests.deploy.deployed_stage import DeployedStage
from tests.support.backends import ROOT

pytestmark = pytest.mark.emulator

DANGEROUS, WRONG = Severity.DANGEROUS, Severity.WRONG


@pytest.fixture(scope="module")
def read(stage: DeployedStage, checkout: Path) -> Iterator[Callable[[], Snapshot]]:
    """Return what reads the live stage."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stage.account.environment.items():
            patch.setenv(name, value)
        aws = Aws()
        yield lambda: read_snapshot(aws, stage.spec, checkout)


@pytest.fixture(scope="module")
def good(read: Callable[[], Snapshot]) -> Snapshot:
    """Return the good stage, read once."""
    return read()


def test_a_good_stage_passes(stage: DeployedStage, good: Snapshot) -> None:
    """All rules hold, and doctor says which way it is deployed."""
    assert examine(stage.spec, good) == []
    told = report(stage.spec, good, [])
    assert "by a pipeline, as stack quantum-tasks-dev-app" in told
    assert f"all of {len(RULES)} rules hold" in told


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One spoiled setting, and what doctor must say: by which rule, which setting and value."""

    rule: Rule
    breakage: Breakage
    setting: str
    value: str
    wanted: str
    severity: Severity = WRONG


NO_FLAG = spoil.mapping(FunctionResponseTypes=[])
LIVE = {
    "flag gone, setting on": Case(
        delivery.failures_are_reported,
        NO_FLAG,
        *("the mapping's FunctionResponseTypes", "[]", "['ReportBatchItemFailures']"),
        DANGEROUS,
    ),
    "flag gone, setting off": Case(
        delivery.failures_are_reported,
        spoil.both(NO_FLAG, spoil.variable("worker", "PARTIAL_BATCH_RESPONSES", None)),
        *("the mapping's FunctionResponseTypes", "[]", "['ReportBatchItemFailures']"),
    ),
    "flag on, setting off": Case(
        delivery.failures_are_reported,
        spoil.variable("worker", "PARTIAL_BATCH_RESPONSES", "false"),
        *("the worker's PARTIAL_BATCH_RESPONSES", "off", "true"),
    ),
    "mapping off": Case(
        delivery.one_mapping_reads_the_queue,
        spoil.mapping(Enabled=False),
        *("the mapping's State", "Disabled", "Enabled"),
    ),
    "large batches": Case(
        delivery.a_batch_is_one_wave,
        spoil.mapping(BatchSize=50, MaximumBatchingWindowInSeconds=0),
        *("the mapping's BatchSize", "50", "at most 3"),
    ),
    "batching window": Case(
        delivery.a_batch_is_one_wave,
        spoil.both(
            spoil.queue_attribute("VisibilityTimeout", "365"),
            spoil.mapping(MaximumBatchingWindowInSeconds=5),
        ),
        *("the mapping's MaximumBatchingWindowInSeconds", "5", "0"),
    ),
    "executions without processor": Case(
        delivery.executions_do_not_starve_each_other,
        spoil.both(
            spoil.variable("worker", "EXECUTOR", "simulator"),
            spoil.variable("worker", "EXECUTION_SECONDS_MAX", "29"),
        ),
        "EXECUTION_CONCURRENCY (3) x EXECUTION_PROCESSOR_SECONDS_MAX (10)",
        *("30", "at most 29, which is EXECUTION_SECONDS_MAX (29) x vCPUs (1.00)"),
    ),
    "executions without memory": Case(
        delivery.executions_do_not_starve_each_other,
        spoil.both(
            spoil.variable("worker", "EXECUTOR", "simulator"),
            spoil.variable("worker", "EXECUTION_MEMORY_MB_MAX", "520"),
        ),
        "EXECUTION_CONCURRENCY (3) x EXECUTION_MEMORY_MB_MAX (520, and 32 for a process), and 160"
        " for a worker,",
        *("1816", "at most 1769, which is the memory in MB"),
    ),
    "unbounded workers": Case(
        delivery.workers_are_bounded,
        spoil.mapping(ScalingConfig={}),
        *("the mapping's MaximumConcurrency", "not set", "2 to 1000"),
    ),
    "workers that cannot run": Case(
        delivery.workers_are_bounded,
        spoil.reserved_concurrency,
        *("the worker's reserved concurrency", "5", "none, or at least 50"),
    ),
    "short visibility": Case(
        delivery.messages_stay_hidden,
        spoil.queue_attribute("VisibilityTimeout", "90"),
        *("the queue's VisibilityTimeout", "90", "at least 480"),
    ),
    "no window in the visibility": Case(
        delivery.messages_stay_hidden,
        spoil.both(
            spoil.mapping(MaximumBatchingWindowInSeconds=0),
            spoil.queue_attribute("VisibilityTimeout", "479"),
        ),
        *("the queue's VisibilityTimeout", "479", "at least 480"),
    ),
    "few receives": Case(
        delivery.dead_letters_mean_something,
        spoil.receives(5),
        *("the queue's maxReceiveCount", "5", "at least 10"),
    ),
    "no dead-letter queue": Case(
        delivery.dead_letters_mean_something,
        spoil.queue_attribute("RedrivePolicy", ""),
        *("the queue's RedrivePolicy", "not set", "arn:aws:sqs"),
    ),
    "messages kept too long": Case(
        delivery.messages_are_kept_long_enough,
        spoil.queue_attribute("MessageRetentionPeriod", "432000"),
        *("the queue's MessageRetentionPeriod", "432000", "less than 432000"),
    ),
    "dead letters not kept": Case(
        delivery.messages_are_kept_long_enough,
        spoil.queue_attribute("MessageRetentionPeriod", "345600", queue="DeadLetterQueueUrl"),
        *("the dead-letter queue's MessageRetentionPeriod", "345600", "1209600"),
    ),
    "plain HTTP": Case(
        delivery.queues_want_tls,
        spoil.queue_attribute("Policy", "", queue="DeadLetterQueueUrl"),
        *("the dead-letter queue's Policy", "not set", "aws:SecureTransport"),
    ),
    "long executions": Case(
        delivery.an_execution_fits_its_invocation,
        spoil.both(
            spoil.variable("worker", "EXECUTION_SECONDS_MAX", "58"),
            spoil.function_setting("worker", Timeout=60),
        ),
        *("the worker's Timeout", "60", "at least 92"),
    ),
    "a short API": Case(
        functions.every_call_fits_its_invocation,
        spoil.function_setting("api_handler", Timeout=25),
        *("the API's Timeout", "25", "at least 26"),
    ),
    "another memory": Case(
        functions.functions_are_as_configured,
        spoil.function_setting("api_handler", MemorySize=128),
        *("the MemorySize of api_handler", "128", "1024"),
    ),
    "another table": Case(
        functions.functions_are_as_configured,
        spoil.variable("sweeper", "TASKS_TABLE_NAME", "quantum-tasks-prod"),
        *("TASKS_TABLE_NAME of sweeper", "quantum-tasks-prod", "quantum-tasks-dev"),
    ),
    "the local stage's owner": Case(
        functions.functions_are_as_configured,
        spoil.variable("api_handler", "STAGE", "local"),
        *("STAGE of api_handler", "local", "dev"),
        DANGEROUS,
    ),
    "a forgotten variable": Case(
        functions.functions_are_as_configured,
        spoil.variable("worker", "MOCK_TRANSIENT_FAILURE_RATE", "0.5"),
        *("MOCK_TRANSIENT_FAILURE_RATE of worker", "0.5", "not set"),
    ),
    "an impossible value": Case(
        functions.functions_are_as_configured,
        spoil.variable("worker", "ATTEMPTS_MAX", "many"),
        *("the environment of worker", "ATTEMPTS_MAX must be", "can read"),
    ),
    "an old Python": Case(
        functions.runtimes_are_supported,
        spoil.function_setting("sweeper", Runtime="python3.8"),
        *("the Runtime of sweeper", "python3.8", "one that AWS supports"),
    ),
    "no deletion protection": Case(
        stage.tasks_are_safe,
        spoil.no_deletion_protection,
        *("the table's DeletionProtectionEnabled", "False", "True"),
    ),
    "no recovery": Case(
        stage.tasks_are_safe,
        spoil.no_recovery,
        *("the table's PointInTimeRecoveryStatus", "DISABLED", "ENABLED"),
    ),
    "no sweeps": Case(
        stage.the_sweeper_runs,
        spoil.no_schedule,
        *("the sweeper's schedule", "DISABLED", "ENABLED"),
    ),
    "muted alarms": Case(
        stage.alarms_are_enabled,
        spoil.muted_alarms,
        *("alarm quantum-tasks-dev-dead-letters", "without its actions", "actions enabled"),
    ),
    "endless log": Case(
        stage.logs_are_kept_as_long_as_configured,
        spoil.endless_log,
        *("the retention of /aws/lambda/quantum-tasks-dev-worker", "never deleted", "14"),
    ),
    "open route": Case(
        stage.callers_are_known,
        spoil.open_route,
        *("the authorization of POST /tasks", "NONE", "AWS_IAM"),
        DANGEROUS,
    ),
    "unbounded API": Case(
        stage.the_api_is_throttled,
        spoil.unbounded_api,
        *("the throttling of API", "200", "20"),
    ),
    "unbounded batches": Case(
        stage.costly_calls_have_their_own_limits,
        spoil.unbounded_batches,
        *("the throttling of POST /batches", "20", "0.2"),
    ),
    "no access log": Case(
        stage.refusals_can_be_looked_up,
        spoil.no_access_log,
        *("the access log's format", "sourceIp", "$context.requestId"),
    ),
    "AWS's own words": Case(
        stage.gateway_answers_are_problem_documents,
        spoil.no_gateway_response,
        *("the API's gateway responses", "MISSING_AUTHENTICATION_TOKEN", "problem documents"),
    ),
}


@pytest.mark.parametrize("case", LIVE.values(), ids=LIVE)
def test_doctor_names_what_is_spoiled_on_a_live_stage(
    stage: DeployedStage, read: Callable[[], Snapshot], good: Snapshot, case: Case
) -> None:
    """The setting, its value and the value that it must have; nothing once it is undone."""
    assert examine(stage.spec, good) == []
    with case.breakage(stage):
        found = read()
    findings = examine(stage.spec, found)
    about = [finding for finding in findings if finding.setting.startswith(case.setting)]
    assert about, findings
    assert about[0] in list(case.rule(stage.spec, found))
    assert about[0].severity is case.severity
    assert case.value in str(about[0].value)
    assert case.wanted in str(about[0].wanted)
    if case.severity is DANGEROUS:
        assert findings[0] is about[0]
    line = str(about[0])
    assert about[0].rule == case.rule.id
    assert all(part in line for part in (case.setting, case.value, case.wanted, about[0].why))
    assert examine(stage.spec, read()) == []


def test_the_dangerous_comes_first(stage: DeployedStage, read: Callable[[], Snapshot]) -> None:
    """A reader of one line only reads the one that loses messages."""
    many = spoil.both(
        spoil.both(spoil.queue_attribute("VisibilityTimeout", "30"), spoil.no_recovery),
        spoil.both(NO_FLAG, spoil.muted_alarms),
    )
    with many(stage):
        found = read()
    findings = examine(stage.spec, found)
    assert len(findings) > 10
    assert findings[0].severity is DANGEROUS
    assert "failed messages are returned, ignored and deleted" in findings[0].why
    assert {finding.severity for finding in findings[1:]} == {WRONG}
    told = report(stage.spec, found, findings).splitlines()[1].strip()
    assert told.startswith("dangerous delivery/partial-batch-responses: ")


def make_doctor(stage: DeployedStage) -> subprocess.CompletedProcess[str]:
    """Run what `make doctor STAGE=dev` runs."""
    return subprocess.run(
        [sys.executable, "-m", "infra.deploy", "doctor", "--stage", stage.spec.stage],
        cwd=ROOT,
        env={**os.environ, **stage.account.environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_passes_a_good_stage_and_fails_a_bad_one(stage: DeployedStage) -> None:
    """Its exit status is what a pipeline checks, its first finding what a person reads."""
    passed = make_doctor(stage)
    assert (passed.returncode, passed.stderr) == (0, ""), passed.stdout
    with NO_FLAG(stage):
        failed = make_doctor(stage)
    assert failed.returncode == 1
    assert failed.stdout.splitlines()[1].startswith(
        "  dangerous delivery/partial-batch-responses: the mapping's FunctionResponse"
    )


def without(mapping: Any, key: str) -> dict[str, Any]:  # noqa: ANN401 - any mapping
    """Return a copy of a mapping without one key."""
    return {name: value for name, value in mapping.items() if name != key}


def without_setting(api_stage: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Return an API's stage without the settings of one method."""
    settings = api_stage["methodSettings"]
    kept = {key: value for key, value in settings.items() if not key.endswith(method)}
    assert len(kept) == len(settings) - 1
    return {**api_stage, "methodSettings": kept}


def with_function(snapshot: Snapshot, name: str, **changes: object) -> dict[str, Any]:
    """Return the functions, one of them changed."""
    return {**snapshot.functions, name: {**(snapshot.functions[name] or {}), **changes}}


#: What cannot be undone on a live stage: changed in what was read of it.
RECORDED: dict[str, tuple[Rule, Callable[[Snapshot], dict[str, Any]], str]] = {
    "no messaging stack": (
        stage.it_is_deployed_one_way,
        lambda s: {"stacks": without(s.stacks, "quantum-tasks-dev-messaging")},
        "the stage is without stack quantum-tasks-dev-messaging",
    ),
    "nothing at all": (
        stage.it_is_deployed_one_way,
        lambda s: {"functions": dict.fromkeys(s.functions), "table": None, "apis": []},
        "the stage is without the table, function api_handler, function worker",
    ),
    "two APIs": (
        stage.it_is_deployed_one_way,
        lambda s: {"apis": [*s.apis, *s.apis]},
        "with 2 APIs, must be one of the two",
    ),
    "both ways": (
        stage.it_is_deployed_one_way,
        lambda _: {"chalice_record": True},
        "both stack quantum-tasks-dev-app and `make deploy`",
    ),
    "no mapping": (
        delivery.one_mapping_reads_the_queue,
        lambda _: {"mappings": []},
        "the number of the worker's mappings is 0, must be 1",
    ),
    "another queue": (
        delivery.one_mapping_reads_the_queue,
        lambda s: {"mappings": [{**s.mappings[0], "EventSourceArn": "arn:prod"}]},
        "the mapping's EventSourceArn is arn:prod",
    ),
    "no index": (
        stage.indexes_answer,
        lambda s: {"table": {**(s.table or {}), "GlobalSecondaryIndexes": []}},
        "the table's index open_tasks is missing, must be ACTIVE",
    ),
    "health checks at the stage's rate": (
        stage.costly_calls_have_their_own_limits,
        lambda s: {"api_stage": without_setting(s.api_stage or {}, "health/GET")},
        "the throttling of GET /health (rate, burst) is not set, must be (5, 5)",
    ),
    "an access log that is kept": (
        stage.refusals_can_be_looked_up,
        lambda s: {"log_groups": {**s.log_groups, "/aws/apigateway/quantum-tasks-dev": None}},
        "the access log's retention in days is not set, must be 14",
    ),
    "no role for the gateway's logs": (
        stage.refusals_can_be_looked_up,
        lambda _: {"gateway_log_role": None},
        "the access log's role in the account is not set",
    ),
    "CORS without its headers on refusals": (
        stage.gateway_answers_are_problem_documents,
        lambda s: {
            "gateway_responses": {
                **s.gateway_responses,
                "THROTTLED": {**s.gateway_responses["THROTTLED"], "responseParameters": {}},
            }
        },
        "the API's gateway responses is API Gateway's own for THROTTLED",
    ),
    "no alarm": (
        stage.alarms_are_enabled,
        lambda s: {"alarms": s.alarms[1:]},
        "alarm quantum-tasks-dev-api-errors is missing",
    ),
    "half a deployment": (
        functions.functions_run_the_same_code,
        lambda s: {"functions": with_function(s, "sweeper", CodeSha256="other")},
        "the functions' CodeSha256 is",
    ),
    "a failed update": (
        functions.functions_run_the_same_code,
        lambda s: {"functions": with_function(s, "worker", LastUpdateStatus="Failed")},
        "the state of worker is ('Active', 'Failed')",
    ),
}


@pytest.mark.parametrize(("rule", "change", "told"), RECORDED.values(), ids=RECORDED)
def test_doctor_names_what_is_spoiled_in_a_snapshot(
    stage: DeployedStage,
    good: Snapshot,
    rule: Rule,
    change: Callable[[Snapshot], dict[str, Any]],
    told: str,
) -> None:
    """Reading and judging are apart, so a stage that is not at hand can be judged."""
    spoiled = dataclasses.replace(good, **change(good))
    findings = list(rule(stage.spec, spoiled))
    assert any(told in str(finding) for finding in findings), findings
    assert set(map(str, findings)) <= set(map(str, examine(stage.spec, spoiled)))


def test_every_rule_is_broken_by_a_test() -> None:
    """A rule that finds nothing proves nothing."""
    broken = {case.rule for case in LIVE.values()} | {rule for rule, *_ in RECORDED.values()}
    broken |= set(throughput.RULES)  # in test_throughput_rules.py
    assert broken == set(RULES)


def test_the_docs_list_every_rule_by_its_id() -> None:
    """In the order in which they are applied, each with what it says, and no other."""
    rows = re.findall(
        r"^\| `((?:delivery|functions|stage|throughput)/[a-z-]+)` \| (.+?) \|$",
        (ROOT / "docs" / "deployment.md").read_text(),
        re.MULTILINE,
    )
    assert rows == [(rule.id, rule.says) for rule in RULES]
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_the_alarms_are_those_of_the_template() -> None:
    """One that is added there is missed on a live stage."""
    template = (ROOT / "infra" / "templates" / "messaging.yaml").read_text()
    named = re.findall(r"AlarmName: !Sub quantum-tasks-\$\{Stage\}-(\S+)", template)
    assert sorted(named) == sorted(stage.ALARMS)


def test_support_of_a_runtime_ends_some_day() -> None:
    """The dates are AWS's, and a runtime that is not known is not supported."""
    assert functions.supported_until("python3.8") == date(2024, 10, 14)
    assert functions.supported_until("python2.5") is None


def test_doctor_says_which_way_a_stage_is_deployed(stage: DeployedStage, good: Snapshot) -> None:
    """By a pipeline, by this checkout, by another one, or not at all."""
    by_hand = dataclasses.replace(good, stacks=without(good.stacks, stage.spec.app_stack))
    recorded = dataclasses.replace(by_hand, chalice_record=True)
    gone = dataclasses.replace(by_hand, functions=dict.fromkeys(good.functions))
    assert deployed_by(stage.spec, recorded) == "by `make deploy`, from here"
    assert "no record of it" in deployed_by(stage.spec, by_hand)
    assert deployed_by(stage.spec, gone) == "not deployed"
