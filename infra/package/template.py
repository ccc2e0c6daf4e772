"""The one stack that `make package` makes of the service: what Chalice leaves out, as data.

Chalice merges this into the SAM template that it writes itself (`--merge-template`).
"""

from __future__ import annotations

from typing import Any, Final

from infra.package.access_log import ACCESS_LOG, ACCESS_LOG_FORMAT
from infra.package.gateway_responses import as_openapi, gateway_responses
from infra.package.throttling import as_method_settings
from infra.stage import StageSpec

#: What a function may be told, by the stacks' outputs; it would find both by the stage's name.
LOCATIONS: Final = {"TASKS_TABLE_NAME": "TableName", "TASKS_QUEUE_URL": "QueueUrl"}
#: Chalice's logical names of the functions, and of the worker's event source.
LOGICAL_NAMES: Final = {"api_handler": "APIHandler", "worker": "Worker", "sweeper": "Sweeper"}
EVENT_SOURCE: Final = "WorkerSqsEventSource"
#: Given the function reports its failures one by one, Lambda deletes the others of a batch.
REPORT_FAILURES: Final = "ReportBatchItemFailures"


def merge_template(spec: StageSpec) -> dict[str, Any]:
    """Return what is to be merged into Chalice's template of a stage."""
    resources: dict[str, Any] = {"RestAPI": {"Properties": _api(spec)}}
    for name, function in spec.functions.items():
        resources[LOGICAL_NAMES[name]] = {
            "Properties": {
                "FunctionName": function.function_name,
                "Environment": {"Variables": _variables(spec)},
            }
        }
    # The flag and the setting that relies on it, always together: with the setting alone Lambda
    # deletes what failed.
    worker = resources[LOGICAL_NAMES["worker"]]["Properties"]
    worker["Environment"]["Variables"]["PARTIAL_BATCH_RESPONSES"] = "true"
    worker["Events"] = {EVENT_SOURCE: {"Properties": {"FunctionResponseTypes": [REPORT_FAILURES]}}}
    return {
        "Description": f"Quantum tasks, stage {spec.stage}: the functions and their API.",
        "Resources": resources,
    }


def _variables(spec: StageSpec) -> dict[str, Any]:
    """Return the variables that name resources; Chalice itself takes only strings."""
    return {
        variable: {"Fn::ImportValue": f"{spec.name}-{output}"}
        for variable, output in LOCATIONS.items()
    }


def _api(spec: StageSpec) -> dict[str, Any]:
    return {
        # Without it SAM makes a second, unprotected stage of its own, called "Stage".
        "OpenApiVersion": "2.0",
        "EndpointConfiguration": {"Type": "REGIONAL"},
        "MethodSettings": as_method_settings(spec),
        "AccessLogSetting": {
            "DestinationArn": {"Fn::ImportValue": f"{spec.name}-{ACCESS_LOG}"},
            "Format": ACCESS_LOG_FORMAT,
        },
        "DefinitionBody": {
            "x-amazon-apigateway-gateway-responses": as_openapi(gateway_responses(spec.cors_origin))
        },
    }
