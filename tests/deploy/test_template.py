"""The stack of `make package`: what AWS would refuse or punish and MiniStack lets pass."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.settings import ROOT
from infra.package.gateway_responses import gateway_responses
from infra.package.packaging import Package
from infra.stage import StageSpec, read_configuration, stage_spec
from tests.deploy.conftest import PAGES

INDEX_DIMENSION = re.compile(r"Name: GlobalSecondaryIndexName, Value: (\w+)")
FUNCTIONS = {"APIHandler": "api_handler", "Worker": "worker", "Sweeper": "sweeper"}


@pytest.fixture(scope="module")
def template(package: Package) -> dict[str, Any]:
    """Return the template."""
    content: dict[str, Any] = json.loads(package.template.read_text())
    return content


@pytest.fixture(scope="module")
def resources(template: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of its resources by their logical names."""
    return {name: resource["Properties"] for name, resource in template["Resources"].items()}


def test_cfn_lint_has_nothing_to_say(package: Package) -> None:
    """Neither about the stack of the functions nor about those that it imports from."""
    templates = [package.template, *sorted((ROOT / "infra" / "templates").glob("*.yaml"))]
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *templates],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert len(templates) == 4


@pytest.mark.parametrize(("logical", "function"), FUNCTIONS.items())
def test_each_function_is_what_is_configured(
    resources: dict[str, Any], spec: StageSpec, logical: str, function: str
) -> None:
    """Name, time, memory and variables; a role of its own, which Lambda may assume."""
    made, expected = resources[logical], spec.functions[function]
    assert made["FunctionName"] == expected.function_name
    assert (made["Timeout"], made["MemorySize"]) == (expected.timeout_seconds, expected.memory_mb)
    variables = made["Environment"]["Variables"]
    assert variables["STAGE"] == spec.stage
    assert variables["TASKS_TABLE_NAME"] == {"Fn::ImportValue": f"{spec.name}-TableName"}
    assert variables["TASKS_QUEUE_URL"] == {"Fn::ImportValue": f"{spec.name}-QueueUrl"}
    assert "${" not in json.dumps([v for v in variables.values() if isinstance(v, str)])
    role = resources[made["Role"]["Fn::GetAtt"][0]]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert len({resources[name]["Role"]["Fn::GetAtt"][0] for name in FUNCTIONS}) == 3


def test_all_routes_but_health_want_a_signature(resources: dict[str, Any]) -> None:
    """`app.py` was imported with the stage's name when it was packaged.

    A browser's preflight has no signature, and the gateway answers it without the function.
    """
    document = resources["RestAPI"]["DefinitionBody"]
    open_routes = []
    for path, methods in document["paths"].items():
        preflight = methods["options"]["x-amazon-apigateway-integration"]
        assert preflight["type"] == "mock"
        open_routes += [
            (method, path)
            for method, operation in methods.items()
            if method != "options" and operation.get("security") != [{"sigv4": []}]
        ]
    assert open_routes == [("get", "/health"), ("head", "/health")]
    scheme = document["securityDefinitions"]["sigv4"]
    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_the_api_carries_its_stage_and_throttles(
    resources: dict[str, Any], spec: StageSpec
) -> None:
    """Metrics are by the API's name; SAM must not make a second stage that nothing protects."""
    api = resources["RestAPI"]
    assert api["DefinitionBody"]["info"]["title"] == f"quantum-tasks-{spec.stage}"
    assert api["StageName"] == spec.stage
    assert api["OpenApiVersion"] == "2.0"
    rates = {
        (setting["HttpMethod"], setting["ResourcePath"]): (
            setting["ThrottlingRateLimit"],
            setting["ThrottlingBurstLimit"],
        )
        for setting in api["MethodSettings"]
    }
    assert rates == {
        ("*", "/*"): (spec.requests_per_second, spec.requests_burst),
        ("GET", "/~1health"): (5, 5),
        ("HEAD", "/~1health"): (5, 5),
        ("POST", "/~1batches"): (spec.requests_per_second / 100, 5),
        ("POST", "/~1validations"): (spec.requests_per_second / 10, 5),
    }
    paths = {path for _, path in rates} - {"/*"}
    assert {path.replace("~1", "") for path in paths} <= set(api["DefinitionBody"]["paths"])


def test_the_api_writes_who_was_refused_and_why(resources: dict[str, Any], spec: StageSpec) -> None:
    """A refusal carries the gateway's request id; here is what it leads to, and no secret."""
    log = resources["RestAPI"]["AccessLogSetting"]
    assert log["DestinationArn"] == {"Fn::ImportValue": f"{spec.name}-AccessLogArn"}
    assert "\n" not in log["Format"]
    written = json.loads(log["Format"])
    named = ("requestId", "identity.caller", "status", "error.responseType", "integration.error")
    assert {f"$context.{name}" for name in named} <= set(written.values())
    assert not re.search(r"header|querystring|authorizer|\$context\.path", log["Format"])


def test_the_pages_parameters_are_those_of_the_stage() -> None:
    """A pipeline that does what the page says makes the stage of `make deploy`."""
    page = (ROOT / "docs" / "deployment.md").read_text().replace("\\\n", " ")
    (typed,) = re.findall(r"messaging\.yaml +--parameter-overrides (.+)", page)
    prod = stage_spec(read_configuration(ROOT), "prod")
    assert dict(part.split("=") for part in typed.split()) == prod.messaging_parameters
    template = (ROOT / "infra" / "templates" / "messaging.yaml").read_text()
    default = re.search(r"VisibilityTimeoutSeconds:.*?Default: (\d+)", template, re.DOTALL)
    assert default is not None
    assert int(default[1]) == prod.visibility_timeout_seconds


def test_each_index_has_alarms_of_its_own_for_throttling() -> None:
    """The metric by the table's name alone leaves out its indexes, where the hot keys are."""
    template = (ROOT / "infra" / "templates" / "messaging.yaml").read_text()
    alarms = re.split(r"\n  (?=\w+Alarm:\n)", template)[1:]
    watched = {
        (metric[1], index[1] if (index := INDEX_DIMENSION.search(alarm)) else None)
        for alarm in alarms
        if (metric := re.search(r"MetricName: (\w+ThrottleEvents)", alarm))
    }
    indexes = re.findall(
        r"IndexName: (\w+)", (ROOT / "infra" / "templates" / "data.yaml").read_text()
    )
    assert watched == {
        (f"{kind}ThrottleEvents", index) for kind in ("Read", "Write") for index in (None, *indexes)
    }


def test_a_page_of_another_origin_can_read_the_gateways_refusals(spec: StageSpec) -> None:
    """With CORS on each of them names the origin; without it none does."""
    functions = dict(spec.functions)
    api = functions["api_handler"]
    functions["api_handler"] = dataclasses.replace(api, environment={"STAGE": "dev"})
    closed = dataclasses.replace(spec, functions=functions)
    for stage, origin in ((closed, None), (spec, f"'{PAGES}'")):
        for response in gateway_responses(stage.cors_origin):
            headers = response.parameters
            allowed = headers.get("gatewayresponse.header.Access-Control-Allow-Origin")
            assert allowed == origin
            exposed = headers.get("gatewayresponse.header.Access-Control-Expose-Headers", "")
            assert ("Retry-After" in exposed) is (origin is not None)


def test_what_the_gateway_answers_itself_is_a_problem_document(resources: dict[str, Any]) -> None:
    """Each is valid JSON with the same members as our own, and never AWS's words."""
    responses = resources["RestAPI"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED"} <= set(
        responses
    )
    for name, response in responses.items():
        problem = json.loads(response["responseTemplates"]["application/json"])
        assert {"type", "title", "detail", "correlation_id"} <= set(problem)
        assert problem.get("status") == response.get("statusCode")
        assert (problem.get("status") is None) == name.startswith("DEFAULT_")
        assert problem["correlation_id"] == "$context.requestId"
        assert "messageString" not in json.dumps(response)
        content_type = response["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert content_type == "'application/problem+json'"
