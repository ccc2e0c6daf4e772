"""Where the service refuses to run, by name of the setting, and what still answers then."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.app import Request

import app as lambda_functions
from chalicelib import composition
from chalicelib.entrypoints.http import endpoints
from chalicelib.settings import InvalidSetting, Settings, check_surroundings

EMULATOR = "http://127.0.0.1:4566"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_DYNAMODB must name an emulator"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": EMULATOR}, "AWS_ENDPOINT_URL_SQS must name an emulator"),
        (
            {"AWS_ENDPOINT_URL": EMULATOR, "AWS_ENDPOINT_URL_SQS": "https://sqs.eu-west-1.api.aws"},
            "AWS_ENDPOINT_URL_SQS .* not 'https://sqs.eu-west-1.api.aws'",
        ),
        ({"AWS_ENDPOINT_URL": "https://x.amazonaws.com:443"}, "AWS_ENDPOINT_URL"),
        (
            {"AWS_ENDPOINT_URL": EMULATOR, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS must not be true",
        ),
    ],
)
def test_the_local_stage_reaches_no_aws(environment: dict[str, str], named: str) -> None:
    """It checks no credentials, so it must never find a developer's own."""
    with pytest.raises(InvalidSetting, match=named):
        check_surroundings(Settings(stage="local"), environment)


def test_an_emulator_and_a_deployed_stage_are_let_through() -> None:
    """The guard is for the local stage alone, and for endpoints of AWS alone."""
    check_surroundings(Settings(stage="local"), {"AWS_ENDPOINT_URL": EMULATOR})
    check_surroundings(Settings(stage="dev"), {})


def test_a_function_that_does_not_know_its_stage_is_refused() -> None:
    """As the local stage it would take every caller for the owner of every task."""
    environment = {"AWS_LAMBDA_FUNCTION_NAME": "quantum-tasks-dev", "AWS_ENDPOINT_URL": EMULATOR}
    with pytest.raises(InvalidSetting, match="STAGE must be"):
        check_surroundings(Settings(), environment)


@pytest.mark.parametrize("variable", ["TASKS_TABLE_NAME", "TASKS_QUEUE_URL", "STAGE"])
def test_a_placeholder_is_no_value(variable: str) -> None:
    """Another way to deploy has left it empty."""
    with pytest.raises(InvalidSetting, match=f"{variable} must be filled in.*TableName"):
        Settings.from_environment({variable: "${TableName}"})


def test_table_and_queue_bear_the_stages_name() -> None:
    """So that nothing has to be filled in."""
    assert Settings(stage="dev").resource_name == "quantum-tasks-dev"


@pytest.fixture
def _unconfigured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STAGE", "local")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    composition.override_service(None)
    yield
    composition.override_service(None)


def request() -> Request:
    """Return a request as Chalice makes it of API Gateway's event."""
    event: dict[str, Any] = {
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": {},
        "requestContext": {"httpMethod": "GET", "resourcePath": "/health"},
        "stageVariables": {},
        "body": "",
        "isBase64Encoded": False,
    }
    return Request(event)


@pytest.mark.usefixtures("_unconfigured")
def test_health_answers_without_a_setting_and_the_log_names_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """503 and not a crash; one line without a stack trace, with the setting in it."""
    logger = logging.getLogger("quantum-tasks")
    logger.addHandler(caplog.handler)
    try:
        answer = endpoints.get_health(request())
    finally:
        logger.removeHandler(caplog.handler)
    assert answer.status_code == 503
    body = json.loads(answer.body)
    assert (body["status"], body["database_status"]) == ("unavailable", "unavailable")
    (line, *same) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert {record.getMessage() for record in same} <= {line.getMessage()}  # heard twice
    assert "AWS_ENDPOINT_URL" in line.getMessage()
    assert line.exc_info is None


@pytest.mark.usefixtures("_unconfigured")
def test_other_endpoints_say_that_it_is_not_the_client(caplog: pytest.LogCaptureFixture) -> None:
    """A problem document; a client has no use for the setting's name."""
    answer = endpoints.get_task(request(), "0b2fbf0e-8f2a-4d3c-9d5c-3f1d1f0e1c2b")
    assert answer.status_code == 500
    assert "AWS_ENDPOINT_URL" not in str(answer.body)


@pytest.mark.usefixtures("_unconfigured")
def test_a_function_starts_without_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """It must live to answer; the import of `app.py` must not end it."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "quantum-tasks-dev")
    composition.warm_up()
    assert lambda_functions.app.app_name.startswith("quantum-tasks-")
