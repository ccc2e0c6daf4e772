"""The settings of the local stage, and the environment that its parts get."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.settings import InvalidSetting
from infra.local.settings import ROOT, Settings
from infra.local.supervisor.environment import backend_variables, process_environment
from infra.stage import InvalidStage, read_configuration, stage_variables

OUTPUTS = {
    "TableName": "table",
    "QueueUrl": "http://q/1/queue",
    "DeadLetterQueueUrl": "http://q/1/d",
}


def test_the_defaults_are_the_documented_ones() -> None:
    """An empty value is none: that is how make passes what is not set."""
    settings = Settings.from_environment({"PORT": "", "WORKERS": "", "AWS_ENDPOINT_URL": ""})
    assert (settings.port, settings.workers, settings.endpoint_url) == (8000, 2, None)
    assert settings.data_dir == ROOT / ".local"
    assert (settings.emulator_port, settings.emulator_port_is_explicit) == (4566, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("WORKERS", "-1"),
        ("WORKERS", "1.5"),
        ("EMULATOR_PORT", "99999"),
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("AWS_ENDPOINT_URL", "https://dynamodb.us-east-1.amazonaws.com"),
        ("AWS_ENDPOINT_URL_SQS", "https://sqs.eu-west-1.amazonaws.com"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "https://DYNAMODB.eu-west-1.AMAZONAWS.com.cn"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(name: str, value: str) -> None:
    """Above all a real AWS endpoint: the local stage makes and empties tables."""
    with pytest.raises(InvalidSetting, match=name):
        Settings.from_environment({name: value})


def test_the_users_account_is_out_of_reach() -> None:
    """No credential, profile or configuration of the user's gets to a part."""
    user = {
        "PATH": "/bin",
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIA-REAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
        "AWS_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": "/home/me/.aws/config",
        "STAGE": "prod",
    }
    variables = backend_variables("http://127.0.0.1:4566", OUTPUTS, user)
    environment = process_environment(variables, user)
    assert "real" not in "".join(environment.values()).lower()
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"} & set(
        environment
    )
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_CONFIG_FILE"] == "/dev/null"
    assert environment["STAGE"] == "local"
    assert environment["PATH"] == "/bin"


def test_the_users_environment_does_not_change_the_form_of_the_log(tmp_path: Path) -> None:
    """Powertools writes one JSON object a line, unless its developer settings are on."""
    user = {
        "POWERTOOLS_DEV": "true",
        "POWERTOOLS_DEBUG": "true",
        "POWERTOOLS_LOGGER_LOG_EVENT": "true",
        "LAMBDA_TASK_ROOT": str(tmp_path),
    }
    environment = process_environment({}, os.environ | user)
    assert not environment.keys() & user.keys()
    program = (
        "from chalicelib.adapters.telemetry import logger;"
        "logger.info('first', extra={'task_id': 'x'}); logger.info('second')"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    messages = [json.loads(line)["message"] for line in printed.splitlines()]
    assert messages == ["first", "second"]


def test_the_user_overrides_the_stage_and_the_stage_its_defaults() -> None:
    """What is set in the shell wins over `.chalice/config.json`, the stacks' outputs over that."""
    user = {"LOG_LEVEL": "DEBUG", "MOCK_EXECUTION_SECONDS": "5", "AWS_ENDPOINT_URL_SQS": "http://x"}
    variables = backend_variables("http://127.0.0.1:4566", OUTPUTS, user)
    assert variables["TASKS_TABLE_NAME"] == "table"
    assert variables["TASKS_QUEUE_URL"] == "http://q/1/queue"
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    environment = process_environment(variables, user)
    assert environment["LOG_LEVEL"] == "DEBUG"
    assert environment["MOCK_EXECUTION_SECONDS"] == "5"
    assert environment["AWS_ENDPOINT_URL_SQS"] == "http://x"


def test_loopback_needs_no_proxy() -> None:
    """A proxy that the user needs elsewhere would carry the emulator's calls away."""
    environment = process_environment({}, {"HTTPS_PROXY": "http://p", "no_proxy": "internal"})
    assert environment["NO_PROXY"] == environment["no_proxy"] == "internal,127.0.0.1,localhost,::1"


def test_the_stages_variables_are_chalices() -> None:
    """The stage's own over the app's, and no function's."""
    configuration = {
        "environment_variables": {"A": "app", "B": "app"},
        "lambda_functions": {"worker": {"environment_variables": {"C": "worker"}}},
        "stages": {"local": {"environment_variables": {"B": "local"}}, "dev": {}},
    }
    assert stage_variables(configuration, "local") == {"A": "app", "B": "local"}


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    """Not there, no JSON, or not an object: one message with the file in it."""
    if content is not None:
        (tmp_path / ".chalice").mkdir()
        (tmp_path / ".chalice" / "config.json").write_text(content)
    with pytest.raises(InvalidStage, match=r"config\.json"):
        read_configuration(tmp_path)
