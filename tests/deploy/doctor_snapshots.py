"""What was read of a good stage, with one setting changed, and what doctor must say of it."""

from __future__ import annotations

from infra.doctor.finding import Rule
from infra.doctor.rules import delivery, functions, stage
from infra.package.template import REPORT_FAILURES
from tests.deploy.snapshot_changes import (
    Change,
    api_stage,
    both,
    changed,
    dead_letters,
    function,
    mapping,
    own_rate,
    queue,
    table,
    variable,
    without,
)

NO_FLAG = mapping(FunctionResponseTypes=[])
SIMULATOR = variable("worker", "EXECUTOR", "simulator")
FLAG = "the mapping's FunctionResponseTypes is []"

#: The rule, the change, and the beginning of what is said, after severity and rule.
CASES: dict[str, tuple[Rule, Change, str]] = {
    "flag gone, setting on": (
        delivery.failures_are_reported,
        NO_FLAG,
        f"dangerous delivery/partial-batch-responses: {FLAG}, must be ['{REPORT_FAILURES}']",
    ),
    "flag gone, setting off": (
        delivery.failures_are_reported,
        both(NO_FLAG, variable("worker", "PARTIAL_BATCH_RESPONSES", None)),
        f"wrong delivery/partial-batch-responses: {FLAG}, must be ['{REPORT_FAILURES}']",
    ),
    "flag on, setting off": (
        delivery.failures_are_reported,
        variable("worker", "PARTIAL_BATCH_RESPONSES", "false"),
        "the worker's PARTIAL_BATCH_RESPONSES is off, must be true",
    ),
    "mapping off": (
        delivery.one_mapping_reads_the_queue,
        mapping(State="Disabled"),
        "the mapping's State is Disabled, must be Enabled",
    ),
    "no mapping": (
        delivery.one_mapping_reads_the_queue,
        changed("mappings", lambda _: []),
        "the number of the worker's mappings is 0, must be 1",
    ),
    "another queue": (
        delivery.one_mapping_reads_the_queue,
        mapping(EventSourceArn="arn:prod"),
        "the mapping's EventSourceArn is arn:prod, must be arn:aws:sqs",
    ),
    "large batches": (
        delivery.a_batch_is_one_wave,
        mapping(BatchSize=4),
        "the mapping's BatchSize is 4, must be at most 3",
    ),
    "batching window": (
        delivery.a_batch_is_one_wave,
        mapping(MaximumBatchingWindowInSeconds=5),
        "the mapping's MaximumBatchingWindowInSeconds is 5, must be 0",
    ),
    "executions without processor": (
        delivery.executions_do_not_starve_each_other,
        both(SIMULATOR, variable("worker", "EXECUTION_SECONDS_MAX", "29")),
        "is 30.0, must be at most 29, which is EXECUTION_SECONDS_MAX (29) x vCPUs (1.00)",
    ),
    "executions without memory": (
        delivery.executions_do_not_starve_each_other,
        both(SIMULATOR, variable("worker", "EXECUTION_MEMORY_MB_MAX", "520")),
        "and 160 for a worker, is 1816, must be at most 1769, which is the memory in MB",
    ),
    "unbounded workers": (
        delivery.workers_are_bounded,
        mapping(ScalingConfig={}),
        "the mapping's MaximumConcurrency is not set, must be 2 to 1000",
    ),
    "workers that cannot run": (
        delivery.workers_are_bounded,
        changed("reserved_concurrency", lambda found: {**found, "worker": 49}),
        "the worker's reserved concurrency is 49, must be none, or at least 50",
    ),
    "short visibility": (
        delivery.messages_stay_hidden,
        queue(VisibilityTimeout="479"),
        "the queue's VisibilityTimeout is 479, must be at least 480",
    ),
    "a window in the visibility": (
        delivery.messages_stay_hidden,
        both(mapping(MaximumBatchingWindowInSeconds=5), queue(VisibilityTimeout="484")),
        "the queue's VisibilityTimeout is 484, must be at least 485",
    ),
    "few receives": (
        delivery.dead_letters_mean_something,
        lambda s: queue(
            RedrivePolicy=f'{{"deadLetterTargetArn": "{s.outputs["DeadLetterQueueArn"]}",'
            ' "maxReceiveCount": "9"}'
        )(s),
        "the queue's maxReceiveCount is 9, must be at least 10",
    ),
    "no dead-letter queue": (
        delivery.dead_letters_mean_something,
        queue(RedrivePolicy=""),
        "the queue's RedrivePolicy is not set, must be arn:aws:sqs",
    ),
    "messages kept too long": (
        delivery.messages_are_kept_long_enough,
        queue(MessageRetentionPeriod="432000"),
        "the queue's MessageRetentionPeriod is 432000, must be less than 432000",
    ),
    "dead letters not kept": (
        delivery.messages_are_kept_long_enough,
        dead_letters(MessageRetentionPeriod="1209599"),
        "the dead-letter queue's MessageRetentionPeriod is 1209599, must be 1209600",
    ),
    "plain HTTP": (
        delivery.queues_want_tls,
        dead_letters(Policy=""),
        "the dead-letter queue's Policy is not set, must be a denial where aws:SecureTransport",
    ),
    "plain HTTP by another policy": (
        delivery.queues_want_tls,
        lambda s: queue(Policy=(s.queue or {})["Policy"].replace("Deny", "Allow"))(s),
        "the queue's Policy is without a denial of plain HTTP, must be",
    ),
    "long executions": (
        delivery.an_execution_fits_its_invocation,
        both(variable("worker", "EXECUTION_SECONDS_MAX", "58"), function("worker", Timeout=91)),
        "the worker's Timeout is 91, must be at least 92",
    ),
    "a short API": (
        functions.every_call_fits_its_invocation,
        function("api_handler", Timeout=25),
        "the API's Timeout is 25, must be at least 26",
    ),
    "an API that the gateway leaves": (
        functions.every_call_fits_its_invocation,
        function("api_handler", Timeout=29),
        "the API's Timeout is 29, must be at least 26",
    ),
    "another memory": (
        functions.functions_are_as_configured,
        function("api_handler", MemorySize=128),
        "the MemorySize of api_handler is 128, must be 1024",
    ),
    "another table": (
        functions.functions_are_as_configured,
        variable("sweeper", "TASKS_TABLE_NAME", "quantum-tasks-prod"),
        "TASKS_TABLE_NAME of sweeper is quantum-tasks-prod, must be quantum-tasks-dev",
    ),
    "the local stage's owner": (
        functions.functions_are_as_configured,
        variable("api_handler", "STAGE", "local"),
        "dangerous functions/configuration: STAGE of api_handler is local, must be dev",
    ),
    "a forgotten variable": (
        functions.functions_are_as_configured,
        variable("worker", "MOCK_TRANSIENT_FAILURE_RATE", "0.5"),
        "MOCK_TRANSIENT_FAILURE_RATE of worker is 0.5, must be not set",
    ),
    "an impossible value": (
        functions.functions_are_as_configured,
        variable("worker", "ATTEMPTS_MAX", "many"),
        "the environment of worker is ATTEMPTS_MAX must be",
    ),
    "half a deployment": (
        functions.functions_run_the_same_code,
        function("sweeper", CodeSha256="other"),
        "the functions' CodeSha256 is",
    ),
    "a failed update": (
        functions.functions_run_the_same_code,
        function("worker", LastUpdateStatus="Failed"),
        "the state of worker is ('Active', 'Failed')",
    ),
    "an old Python": (
        functions.runtimes_are_supported,
        function("sweeper", Runtime="python3.8"),
        "the Runtime of sweeper is python3.8, must be one that AWS supports",
    ),
    "no messaging stack": (
        stage.it_is_deployed_one_way,
        changed("stacks", lambda found: without(found, "quantum-tasks-dev-messaging")),
        "the stage is without stack quantum-tasks-dev-messaging",
    ),
    "nothing at all": (
        stage.it_is_deployed_one_way,
        both(
            changed("functions", dict.fromkeys),
            changed("table", lambda _: None),
            changed("apis", lambda _: []),
        ),
        "the stage is without the table, function api_handler, function worker",
    ),
    "two APIs": (
        stage.it_is_deployed_one_way,
        changed("apis", lambda found: [*found, *found]),
        "with 2 APIs, must be one of the two",
    ),
    "both ways": (
        stage.it_is_deployed_one_way,
        changed("chalice_record", lambda _: True),
        "both stack quantum-tasks-dev-app and `make deploy`",
    ),
    "no deletion protection": (
        stage.tasks_are_safe,
        table(DeletionProtectionEnabled=False),
        "the table's DeletionProtectionEnabled is False, must be True",
    ),
    "no recovery": (
        stage.tasks_are_safe,
        changed("backups", lambda _: {}),
        "the table's PointInTimeRecoveryStatus is not set, must be ENABLED",
    ),
    "unseen use of the key": (
        stage.tasks_are_safe,
        table(SSEDescription={}),
        "the table's SSEDescription.Status is not set, must be ENABLED",
    ),
    "a fixed capacity": (
        stage.tasks_are_safe,
        table(BillingModeSummary={}),
        "the table's BillingMode is PROVISIONED, must be PAY_PER_REQUEST",
    ),
    "no index": (
        stage.indexes_answer,
        table(GlobalSecondaryIndexes=[]),
        "the table's index open_tasks is missing, must be ACTIVE",
    ),
    "no sweeps": (
        stage.the_sweeper_runs,
        changed("schedules", lambda found: [{**found[0], "State": "DISABLED"}]),
        "the sweeper's schedule is {'rate(1 minute)': 'DISABLED'}, must be",
    ),
    "no alarm": (
        stage.alarms_are_enabled,
        changed("alarms", lambda found: found[1:]),
        "alarm quantum-tasks-dev-api-errors is missing",
    ),
    "a muted alarm": (
        stage.alarms_are_enabled,
        changed("alarms", lambda found: [{**found[0], "ActionsEnabled": False}, *found[1:]]),
        "alarm quantum-tasks-dev-api-errors is without its actions, must be there",
    ),
    "endless log": (
        stage.logs_are_kept_as_long_as_configured,
        changed("log_groups", lambda s: {**s, "/aws/lambda/quantum-tasks-dev-worker": None}),
        "the retention of /aws/lambda/quantum-tasks-dev-worker is never deleted, must be 14",
    ),
    "open route": (
        stage.callers_are_known,
        changed("api_methods", lambda s: {**s, "/tasks": {"POST": {}}}),
        "dangerous stage/authorization: the authorization of POST /tasks is NONE, must be AWS_IAM",
    ),
    "unbounded API": (
        stage.the_api_is_throttled,
        api_stage("methodSettings", own_rate("*/*", throttlingRateLimit=200.0)),
        "the throttling of API (rate, burst) is (200.0, ",
    ),
    "unbounded batches": (
        stage.costly_calls_have_their_own_limits,
        api_stage("methodSettings", own_rate("batches/POST", throttlingRateLimit=20.0)),
        "the throttling of POST /batches (rate, burst) is (20.0, 5), must be (0.2, 5)",
    ),
    "another access log": (
        stage.refusals_can_be_looked_up,
        api_stage("accessLogSettings", lambda found: {**found, "format": "$context.status"}),
        "the access log's format is $context.status, must be",
    ),
    "an access log that is kept": (
        stage.refusals_can_be_looked_up,
        changed("log_groups", lambda s: {**s, "/aws/apigateway/quantum-tasks-dev": None}),
        "the access log's retention in days is not set, must be 14",
    ),
    "no role for the gateway's logs": (
        stage.refusals_can_be_looked_up,
        changed("gateway_log_role", lambda _: None),
        "the access log's role in the account is not set",
    ),
    "AWS's own words": (
        stage.gateway_answers_are_problem_documents,
        changed("gateway_responses", lambda s: without(s, "MISSING_AUTHENTICATION_TOKEN")),
        "is API Gateway's own for MISSING_AUTHENTICATION_TOKEN, must be problem documents",
    ),
    "CORS without its headers on refusals": (
        stage.gateway_answers_are_problem_documents,
        changed(
            "gateway_responses",
            lambda s: {**s, "THROTTLED": {**s["THROTTLED"], "responseParameters": {}}},
        ),
        "the API's gateway responses is API Gateway's own for THROTTLED",
    ),
}
