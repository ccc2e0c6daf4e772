"""What cannot be undone on a live stage: changed in what was read of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.doctor.finding import Rule
from infra.doctor.live_stage import Snapshot
from infra.doctor.rules import delivery, functions, stage


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
