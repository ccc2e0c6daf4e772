"""Where the service refuses to run, by name of the setting, and what still answers then."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from msgspec import structs

import app as lambda_functions
from chalicelib import composition
from chalicelib.runtime_checks import check_runtime, excessive_demands
from chalicelib.settings import InvalidSetting, Settings
from tests.support.new_process import as_in_a_new_process

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
        check_runtime(Settings(stage="local"), environment)


def test_an_emulator_and_a_deployed_stage_are_let_through() -> None:
    """The guard is for the local stage alone, and for endpoints of AWS alone."""
    check_runtime(Settings(stage="local"), {"AWS_ENDPOINT_URL": EMULATOR})
    check_runtime(Settings(stage="dev"), {})


def test_a_function_that_does_not_know_its_stage_is_refused() -> None:
    """As the local stage it would take every caller for the owner of every task."""
    environment = {"AWS_LAMBDA_FUNCTION_NAME": "quantum-tasks-dev", "AWS_ENDPOINT_URL": EMULATOR}
    with pytest.raises(InvalidSetting, match="STAGE must be"):
        check_runtime(Settings(), environment)


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
    with as_in_a_new_process():
        yield


@pytest.mark.usefixtures("_unconfigured")
def test_a_function_starts_without_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """It must live to answer; the import of `app.py` must not end it."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "quantum-tasks-dev")
    composition.warm_up()
    assert lambda_functions.app.app_name.startswith("quantum-tasks-")


WORKER = {
    "STAGE": "prod",
    "_HANDLER": "app.worker",
    "EXECUTOR": "simulator",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "EXECUTION_CONCURRENCY": "3",
    "EXECUTION_SECONDS_MAX": "60",
    "EXECUTION_PROCESSOR_SECONDS_MAX": "20",
}


def _begin(environment: dict[str, str]) -> Settings:
    """Read and check the settings, as a process does when it begins."""
    settings = Settings.from_environment(environment)
    check_runtime(settings, environment)
    return settings


def test_executions_that_fit_their_function_are_allowed() -> None:
    """Exactly as much processor time as there is, and as much memory."""
    settings = _begin(WORKER)
    assert settings.execution_processor_seconds_max == 20


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"EXECUTION_SECONDS_MAX": "59"},
            (
                "EXECUTION_CONCURRENCY (3) x EXECUTION_PROCESSOR_SECONDS_MAX "
                "(20) is 60; it must be at "
                "most 59, which is EXECUTION_SECONDS_MAX (59) x vCPUs (1.00)"
            ),
        ),
        (
            {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3538", "EXECUTION_CONCURRENCY": "7"},
            (
                "EXECUTION_CONCURRENCY (7) x EXECUTION_PROCESSOR_SECONDS_MAX "
                "(20) is 140; it must be "
                "at most 120, which is EXECUTION_SECONDS_MAX (60) x vCPUs (2.00)"
            ),
        ),
        (
            {"EXECUTION_MEMORY_MB_MAX": "505"},
            (
                "EXECUTION_CONCURRENCY (3) x EXECUTION_MEMORY_MB_MAX (505, "
                "and 32 for a process), and "
                "160 for a worker, is 1771; it must be at most 1769, which is the memory in MB"
            ),
        ),
        (
            {"EXECUTION_AMPLITUDES_MAX": str(1 << 25)},
            (
                "EXECUTION_AMPLITUDES_MAX takes 832 MB (24 bytes each, 64 MB "
                "more), more than "
                "EXECUTION_MEMORY_MB_MAX (448 MB)"
            ),
        ),
        (
            {"EXECUTION_PROCESSOR_SECONDS_MAX": "81"},
            "EXECUTION_PROCESSOR_SECONDS_MAX must be at most EXECUTION_SECONDS_MAX (60), not 81",
        ),
    ],
)
def test_executions_that_would_starve_each_other_are_refused(
    changed: dict[str, str], said: str
) -> None:
    """The message names the variables, what they add up to, and what there is."""
    with pytest.raises(InvalidSetting, match=re.escape(said)):
        _begin(WORKER | changed)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"_HANDLER": "app.sweeper"},
        {"EXECUTOR": "mock"},
        {"STAGE": "local", "AWS_ENDPOINT_URL": EMULATOR},
    ],
)
def test_only_what_executes_must_have_room_for_it(elsewhere: dict[str, str]) -> None:
    """API and sweeper are smaller; the mock takes nothing; local workers share a machine."""
    starved = WORKER | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"} | elsewhere
    assert _begin(starved).execution_concurrency == 3


def test_the_mock_makes_no_demands_on_processor_and_memory() -> None:
    """It computes nothing, so that a small function may run any number of its executions."""
    mock = Settings.from_environment({"EXECUTOR": "mock", "EXECUTION_CONCURRENCY": "10"})
    assert excessive_demands(mock, vcpus=0.1, memory_mb=128, workers=50) == []
    simulator = structs.replace(mock, executor="simulator")
    assert excessive_demands(simulator, vcpus=0.1, memory_mb=128, workers=50)
