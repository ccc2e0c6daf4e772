"""Settings corrupted on a live stage, and what doctor must say of each."""

from __future__ import annotations

import dataclasses

from infra.doctor.finding import Rule, Severity
from infra.doctor.rules import delivery, functions, stage
from tests.deploy import breakages
from tests.deploy.breakages import Breakage

DANGEROUS, WRONG = Severity.DANGEROUS, Severity.WRONG


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One corrupted setting, and what doctor must say: by which rule, which setting and value."""

    rule: Rule
    breakage: Breakage
    setting: str
    value: str
    wanted: str
    severity: Severity = WRONG


NO_FLAG = breakages.mapping(FunctionResponseTypes=[])
LIVE = {
    "flag gone, setting on": Case(
        delivery.failures_are_reported,
        NO_FLAG,
        *("the mapping's FunctionResponseTypes", "[]", "['ReportBatchItemFailures']"),
        DANGEROUS,
    ),
    "flag gone, setting off": Case(
        delivery.failures_are_reported,
        breakages.both(NO_FLAG, breakages.variable("worker", "PARTIAL_BATCH_RESPONSES", None)),
        *("the mapping's FunctionResponseTypes", "[]", "['ReportBatchItemFailures']"),
    ),
    "flag on, setting off": Case(
        delivery.failures_are_reported,
        breakages.variable("worker", "PARTIAL_BATCH_RESPONSES", "false"),
        *("the worker's PARTIAL_BATCH_RESPONSES", "off", "true"),
    ),
    "mapping off": Case(
        delivery.one_mapping_reads_the_queue,
        breakages.mapping(Enabled=False),
        *("the mapping's State", "Disabled", "Enabled"),
    ),
    "large batches": Case(
        delivery.a_batch_is_one_wave,
        breakages.mapping(BatchSize=50, MaximumBatchingWindowInSeconds=0),
        *("the mapping's BatchSize", "50", "at most 3"),
    ),
    "batching window": Case(
        delivery.a_batch_is_one_wave,
        breakages.both(
            breakages.queue_attribute("VisibilityTimeout", "365"),
            breakages.mapping(MaximumBatchingWindowInSeconds=5),
        ),
        *("the mapping's MaximumBatchingWindowInSeconds", "5", "0"),
    ),
    "executions without processor": Case(
        delivery.executions_do_not_starve_each_other,
        breakages.both(
            breakages.variable("worker", "EXECUTOR", "simulator"),
            breakages.variable("worker", "EXECUTION_SECONDS_MAX", "29"),
        ),
        "EXECUTION_CONCURRENCY (3) x EXECUTION_PROCESSOR_SECONDS_MAX (10)",
        *("30", "at most 29, which is EXECUTION_SECONDS_MAX (29) x vCPUs (1.00)"),
    ),
    "executions without memory": Case(
        delivery.executions_do_not_starve_each_other,
        breakages.both(
            breakages.variable("worker", "EXECUTOR", "simulator"),
            breakages.variable("worker", "EXECUTION_MEMORY_MB_MAX", "520"),
        ),
        "EXECUTION_CONCURRENCY (3) x EXECUTION_MEMORY_MB_MAX (520, and 32 for a process), and 160"
        " for a worker,",
        *("1816", "at most 1769, which is the memory in MB"),
    ),
    "unbounded workers": Case(
        delivery.workers_are_bounded,
        breakages.mapping(ScalingConfig={}),
        *("the mapping's MaximumConcurrency", "not set", "2 to 1000"),
    ),
    "workers that cannot run": Case(
        delivery.workers_are_bounded,
        breakages.reserved_concurrency,
        *("the worker's reserved concurrency", "5", "none, or at least 50"),
    ),
    "short visibility": Case(
        delivery.messages_stay_hidden,
        breakages.queue_attribute("VisibilityTimeout", "90"),
        *("the queue's VisibilityTimeout", "90", "at least 480"),
    ),
    "no window in the visibility": Case(
        delivery.messages_stay_hidden,
        breakages.both(
            breakages.mapping(MaximumBatchingWindowInSeconds=0),
            breakages.queue_attribute("VisibilityTimeout", "479"),
        ),
        *("the queue's VisibilityTimeout", "479", "at least 480"),
    ),
    "few receives": Case(
        delivery.dead_letters_mean_something,
        breakages.receives(5),
        *("the queue's maxReceiveCount", "5", "at least 10"),
    ),
    "no dead-letter queue": Case(
        delivery.dead_letters_mean_something,
        breakages.queue_attribute("RedrivePolicy", ""),
        *("the queue's RedrivePolicy", "not set", "arn:aws:sqs"),
    ),
    "messages kept too long": Case(
        delivery.messages_are_kept_long_enough,
        breakages.queue_attribute("MessageRetentionPeriod", "432000"),
        *("the queue's MessageRetentionPeriod", "432000", "less than 432000"),
    ),
    "dead letters not kept": Case(
        delivery.messages_are_kept_long_enough,
        breakages.queue_attribute("MessageRetentionPeriod", "345600", queue="DeadLetterQueueUrl"),
        *("the dead-letter queue's MessageRetentionPeriod", "345600", "1209600"),
    ),
    "plain HTTP": Case(
        delivery.queues_want_tls,
        breakages.queue_attribute("Policy", "", queue="DeadLetterQueueUrl"),
        *("the dead-letter queue's Policy", "not set", "aws:SecureTransport"),
    ),
    "long executions": Case(
        delivery.an_execution_fits_its_invocation,
        breakages.both(
            breakages.variable("worker", "EXECUTION_SECONDS_MAX", "58"),
            breakages.function_setting("worker", Timeout=60),
        ),
        *("the worker's Timeout", "60", "at least 92"),
    ),
    "a short API": Case(
        functions.every_call_fits_its_invocation,
        breakages.function_setting("api_handler", Timeout=25),
        *("the API's Timeout", "25", "at least 26"),
    ),
    "another memory": Case(
        functions.functions_are_as_configured,
        breakages.function_setting("api_handler", MemorySize=128),
        *("the MemorySize of api_handler", "128", "1024"),
    ),
    "another table": Case(
        functions.functions_are_as_configured,
        breakages.variable("sweeper", "TASKS_TABLE_NAME", "quantum-tasks-prod"),
        *("TASKS_TABLE_NAME of sweeper", "quantum-tasks-prod", "quantum-tasks-dev"),
    ),
    "the local stage's owner": Case(
        functions.functions_are_as_configured,
        breakages.variable("api_handler", "STAGE", "local"),
        *("STAGE of api_handler", "local", "dev"),
        DANGEROUS,
    ),
    "a forgotten variable": Case(
        functions.functions_are_as_configured,
        breakages.variable("worker", "MOCK_TRANSIENT_FAILURE_RATE", "0.5"),
        *("MOCK_TRANSIENT_FAILURE_RATE of worker", "0.5", "not set"),
    ),
    "an impossible value": Case(
        functions.functions_are_as_configured,
        breakages.variable("worker", "ATTEMPTS_MAX", "many"),
        *("the environment of worker", "ATTEMPTS_MAX must be", "can read"),
    ),
    "an old Python": Case(
        functions.runtimes_are_supported,
        breakages.function_setting("sweeper", Runtime="python3.8"),
        *("the Runtime of sweeper", "python3.8", "one that AWS supports"),
    ),
    "no deletion protection": Case(
        stage.tasks_are_safe,
        breakages.no_deletion_protection,
        *("the table's DeletionProtectionEnabled", "False", "True"),
    ),
    "no recovery": Case(
        stage.tasks_are_safe,
        breakages.no_recovery,
        *("the table's PointInTimeRecoveryStatus", "DISABLED", "ENABLED"),
    ),
    "no sweeps": Case(
        stage.the_sweeper_runs,
        breakages.no_schedule,
        *("the sweeper's schedule", "DISABLED", "ENABLED"),
    ),
    "muted alarms": Case(
        stage.alarms_are_enabled,
        breakages.muted_alarms,
        *("alarm quantum-tasks-dev-dead-letters", "without its actions", "actions enabled"),
    ),
    "endless log": Case(
        stage.logs_are_kept_as_long_as_configured,
        breakages.endless_log,
        *("the retention of /aws/lambda/quantum-tasks-dev-worker", "never deleted", "14"),
    ),
    "open route": Case(
        stage.callers_are_known,
        breakages.open_route,
        *("the authorization of POST /tasks", "NONE", "AWS_IAM"),
        DANGEROUS,
    ),
    "unbounded API": Case(
        stage.the_api_is_throttled,
        breakages.unbounded_api,
        *("the throttling of API", "200", "20"),
    ),
    "unbounded batches": Case(
        stage.costly_calls_have_their_own_limits,
        breakages.unbounded_batches,
        *("the throttling of POST /batches", "20", "0.2"),
    ),
    "no access log": Case(
        stage.refusals_can_be_looked_up,
        breakages.no_access_log,
        *("the access log's format", "sourceIp", "$context.requestId"),
    ),
    "AWS's own words": Case(
        stage.gateway_answers_are_problem_documents,
        breakages.no_gateway_response,
        *("the API's gateway responses", "MISSING_AUTHENTICATION_TOKEN", "problem documents"),
    ),
}
