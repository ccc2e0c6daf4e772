"""Rules for what carries messages: mapping, queues, and the worker's time.

AWS lets every one of these be set wrongly, and most show only when something else fails.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chalicelib.runtime_checks import MB_PER_VCPU, excessive_demands
from chalicelib.settings import InvalidSetting, Settings
from infra.doctor.finding import Finding, Severity, rule
from infra.doctor.live_stage import Snapshot
from infra.package.template import REPORT_FAILURES
from infra.stage import VISIBILITY_PER_TIMEOUT, StageSpec
from infra.worker_time import seconds_needed

_FLAG: Final = "the mapping's FunctionResponseTypes"
_SETTING: Final = "the worker's PARTIAL_BATCH_RESPONSES"
_FOURTEEN_DAYS: Final = 14 * 86_400
#: Receives per attempt: an attempt needs one, and so does each outage, live lease or short end of
#: an invocation.
_RECEIVES_PER_ATTEMPT: Final = 2


def settings_of(function: Mapping[str, Any] | None) -> Settings:
    """Return what a live function reads; the defaults where it cannot be read."""
    try:
        return Settings.from_environment(variables_of(function or {}))
    except InvalidSetting:
        return Settings()  # another rule says so


def variables_of(function: Mapping[str, Any]) -> Mapping[str, str]:
    """Return a function's environment."""
    variables: Mapping[str, str] = function.get("Environment", {}).get("Variables", {})
    return variables


@rule("delivery/partial-batch-responses")
def failures_are_reported(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The mapping's flag and the setting that relies on it are on together."""
    setting = settings_of(snapshot.functions["worker"]).partial_batch_responses
    for mapping in snapshot.mappings:
        flag = REPORT_FAILURES in mapping.get("FunctionResponseTypes", [])
        if setting and not flag:
            yield Finding(
                severity=Severity.DANGEROUS,
                setting=_FLAG,
                value=mapping.get("FunctionResponseTypes", []),
                wanted=[REPORT_FAILURES],
                why=f"{_SETTING} is on, so failed messages are returned, ignored and deleted",
            )
        elif flag and not setting:
            yield Finding(
                setting=_SETTING,
                value="off",
                wanted="true",
                why="the mapping takes failures one by one; raising instead slows its polling",
            )
        elif not flag:
            yield Finding(
                setting=_FLAG,
                value=[],
                wanted=[REPORT_FAILURES],
                why=f"without it, and with {_SETTING} off, each failure fails its whole batch",
            )


@rule("delivery/mapping")
def one_mapping_reads_the_queue(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The worker has one mapping, of this stage's queue, and it is on."""
    if len(snapshot.mappings) != 1:
        yield Finding(
            setting="the number of the worker's mappings",
            value=len(snapshot.mappings),
            wanted=1,
            why="without one nothing is executed, and two have two sets of settings",
        )
    for mapping in snapshot.mappings:
        if mapping["EventSourceArn"] != snapshot.outputs.get("QueueArn"):
            yield Finding(
                setting="the mapping's EventSourceArn",
                value=mapping["EventSourceArn"],
                wanted=snapshot.outputs.get("QueueArn"),
                why="the worker reads another queue than the API writes to",
            )
        if mapping["State"] not in {"Enabled", "Enabling"}:
            yield Finding(
                setting="the mapping's State",
                value=mapping["State"],
                wanted="Enabled",
                why="nothing is executed",
            )


@rule("delivery/batch-size")
def a_batch_is_one_wave(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """All records of a batch are executed at once, and none waits for its batch to fill."""
    width = settings_of(snapshot.functions["worker"]).execution_concurrency
    for mapping in snapshot.mappings:
        if mapping["BatchSize"] > width:
            yield Finding(
                setting="the mapping's BatchSize",
                value=mapping["BatchSize"],
                wanted=f"at most {width} (EXECUTION_CONCURRENCY)",
                why="a second wave finds too little time left and only burns receives",
            )
        if mapping.get("MaximumBatchingWindowInSeconds"):
            yield Finding(
                setting="the mapping's MaximumBatchingWindowInSeconds",
                value=mapping["MaximumBatchingWindowInSeconds"],
                wanted=0,
                why="a lone task would wait that long for company",
            )


@rule("delivery/maximum-concurrency")
def workers_are_bounded(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The mapping has a maximum concurrency, which the function can reach."""
    reserved = snapshot.reserved_concurrency.get("worker")
    for mapping in snapshot.mappings:
        maximum = (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency")
        if maximum is None:
            yield Finding(
                setting="the mapping's MaximumConcurrency",
                value="not set",
                wanted="2 to 1000",
                why="Lambda would be throttled at the account's limit, and each throttle burns a"
                " receive",
            )
        elif reserved is not None and reserved < maximum:
            yield Finding(
                setting="the worker's reserved concurrency",
                value=reserved,
                wanted=f"none, or at least {maximum} (the mapping's MaximumConcurrency)",
                why="the mapping polls for more than may run, and each throttle burns a receive",
            )


@rule("delivery/visibility-timeout")
def messages_stay_hidden(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The queue hides a message six times as long as the worker may run, and its window."""
    queue, worker = snapshot.queue, snapshot.functions["worker"]
    if queue is None or worker is None:
        return
    window = max(
        (m.get("MaximumBatchingWindowInSeconds") or 0 for m in snapshot.mappings), default=0
    )
    least = VISIBILITY_PER_TIMEOUT * worker["Timeout"] + window
    if int(queue["VisibilityTimeout"]) < least:
        yield Finding(
            setting="the queue's VisibilityTimeout",
            value=int(queue["VisibilityTimeout"]),
            wanted=f"at least {least} (6 times the worker's timeout of {worker['Timeout']} s)",
            why="messages come back while they are being executed",
        )


@rule("delivery/redrive")
def dead_letters_mean_something(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """A message gets to the stage's own dead-letter queue, and not before its task's attempts."""
    if snapshot.queue is None:
        return
    redrive = json.loads(snapshot.queue.get("RedrivePolicy") or "{}")
    target = snapshot.outputs.get("DeadLetterQueueArn")
    if redrive.get("deadLetterTargetArn") != target:
        yield Finding(
            setting="the queue's RedrivePolicy",
            value=redrive.get("deadLetterTargetArn", "not set"),
            wanted=target,
            why="a message that cannot be read is delivered until it expires",
        )
        return
    attempts = settings_of(snapshot.functions["worker"]).attempts_max
    receives = int(redrive["maxReceiveCount"])
    if receives < _RECEIVES_PER_ATTEMPT * attempts:
        yield Finding(
            setting="the queue's maxReceiveCount",
            value=receives,
            wanted=f"at least {_RECEIVES_PER_ATTEMPT * attempts} (twice ATTEMPTS_MAX)",
            why="receives that are no attempts would move healthy tasks' messages away",
        )


@rule("delivery/retention")
def messages_are_kept_long_enough(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """A message is gone before its task is abandoned; a dead letter is kept for inspection."""
    age = settings_of(snapshot.functions["worker"]).sweep_age_seconds_max
    if snapshot.queue is not None and int(snapshot.queue["MessageRetentionPeriod"]) >= age:
        yield Finding(
            setting="the queue's MessageRetentionPeriod",
            value=int(snapshot.queue["MessageRetentionPeriod"]),
            wanted=f"less than {age:g} (SWEEP_AGE_SECONDS_MAX)",
            why="tasks would be abandoned whose messages may still be delivered",
        )
    dead = snapshot.dead_letter_queue
    if dead is not None and int(dead["MessageRetentionPeriod"]) < _FOURTEEN_DAYS:
        yield Finding(
            setting="the dead-letter queue's MessageRetentionPeriod",
            value=int(dead["MessageRetentionPeriod"]),
            wanted=_FOURTEEN_DAYS,
            why="a message keeps its first timestamp, so little time would be left to inspect it",
        )


@rule("delivery/tls")
def queues_want_tls(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """Both queues refuse requests without TLS."""
    for name, queue in (
        ("queue", snapshot.queue),
        ("dead-letter queue", snapshot.dead_letter_queue),
    ):
        if queue is not None and not _refuses_plain_http(queue.get("Policy")):
            yield Finding(
                setting=f"the {name}'s Policy",
                value="without a denial of plain HTTP" if queue.get("Policy") else "not set",
                wanted="a denial where aws:SecureTransport is false",
                why="circuits could cross networks in the clear",
            )


@rule("delivery/worker-timeout")
def an_execution_fits_its_invocation(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The worker has time for the longest execution, with claim and settling at their slowest."""
    worker = snapshot.functions["worker"]
    if worker is None:
        return
    least = seconds_needed(settings_of(snapshot.functions["worker"]))
    if worker["Timeout"] < least:
        yield Finding(
            setting="the worker's Timeout",
            value=worker["Timeout"],
            wanted=f"at least {math.ceil(least)} (the start of a process, EXECUTION_SECONDS_MAX,"
            " its margin, two database calls with their pieces)",
            why="executions that take long would be killed before their result is stored",
        )


@rule("delivery/execution-limits")
def executions_do_not_starve_each_other(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """A batch's executions, all at their limits, fit the worker's processor and memory."""
    worker = snapshot.functions["worker"]
    if worker is None:
        return
    memory = worker["MemorySize"]
    for demand in excessive_demands(
        settings_of(snapshot.functions["worker"]), vcpus=memory / MB_PER_VCPU, memory_mb=memory
    ):
        yield Finding(
            setting=demand.setting,
            value=demand.value,
            wanted=f"at most {demand.limit:g}, {demand.source}",
            why="executions would be ended for what their neighbours take, and tried again",
        )


def _refuses_plain_http(policy: str | None) -> bool:
    statements = json.loads(policy or "{}").get("Statement", [])
    return any(
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and statement.get("Action") in ("sqs:*", "SQS:*")
        and str(statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")).lower()
        == "false"
        for statement in statements
    )
