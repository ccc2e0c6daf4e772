"""`.chalice/config.json` is read as Chalice reads it, and refused where it would mislead."""

from __future__ import annotations

import copy
import functools
import operator
import subprocess
import sys

import pytest

from infra.local.settings import ROOT
from infra.stage import InvalidStage, read_configuration, stage_spec, stage_variables

CONFIGURATION = read_configuration(ROOT)


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_what_follows_from_a_stage(stage: str) -> None:
    """Names and numbers of the stacks are worked out, and typed nowhere."""
    spec = stage_spec(CONFIGURATION, stage)
    assert spec.name == f"quantum-tasks-{stage}"
    assert spec.functions["api_handler"].function_name == spec.name
    assert spec.functions["worker"].function_name == f"{spec.name}-worker"
    assert spec.architecture == "arm64"
    assert spec.visibility_timeout_seconds == 6 * spec.functions["worker"].timeout_seconds
    attempts = spec.functions["worker"].settings.attempts_max
    assert spec.max_receive_count >= 2 * attempts
    assert spec.functions["sweeper"].timeout_seconds < 60, "runs every minute"
    assert spec.functions["api_handler"].timeout_seconds < 29, "API Gateway gives up"
    assert spec.messaging_parameters["LogRetentionInDays"] == str(spec.log_retention_days)


def test_prod_takes_more_and_remembers_longer_than_dev() -> None:
    """Otherwise the stages are the same, so that dev shows what prod does."""
    dev, prod = (stage_spec(CONFIGURATION, stage) for stage in ("dev", "prod"))
    assert prod.requests_per_second > dev.requests_per_second
    assert prod.log_retention_days > dev.log_retention_days
    for name in dev.functions:
        smaller, larger = (
            dict(dev.functions[name].environment),
            dict(prod.functions[name].environment),
        )
        assert (smaller.pop("STAGE"), larger.pop("STAGE")) == ("dev", "prod")
        for limit in ("EXECUTION_SECONDS_MAX", "EXECUTION_PROCESSOR_SECONDS_MAX"):
            assert float(smaller.pop(limit, 0)) <= float(larger.pop(limit, 0))
        assert smaller == larger
        assert dev.functions[name].timeout_seconds <= prod.functions[name].timeout_seconds


def test_the_local_stage_is_not_deployed() -> None:
    """It lets every caller in."""
    with pytest.raises(InvalidStage, match=r"no stage 'local' to deploy.*dev.*prod"):
        stage_spec(CONFIGURATION, "local")
    assert stage_variables(CONFIGURATION, "local")["STAGE"] == "local"


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("stages.dev.environment_variables.STAGE", None, "must set STAGE to its own name"),
        ("stages.dev.environment_variables.STAGE", "local", "must set STAGE to its own name"),
        ("stages.dev.api_gateway_stage", "api", "must set api_gateway_stage"),
        ("stages.dev.deployment.log_retention_in_days", None, "not say .*: log_retention_in_days"),
        ("stages.dev.deployment.runtime", None, "does not say in `deployment`: runtime"),
        ("stages.dev.deployment.requests_burst", None, "does not say .*: requests_burst"),
        ("lambda_functions.worker.lambda_timeout", None, "'worker'.* must set: lambda_timeout"),
        ("stages.dev.lambda_functions.worker.iam_policy_file", None, "must set: iam_policy_file"),
        ("autogen_policy", True, "must set: autogen_policy to false"),
        ("stages.dev.environment_variables.ATTEMPTS_MAX", "0", "ATTEMPTS_MAX must be"),
    ],
)
def test_what_would_mislead_is_refused(path: str, value: object, complaint: str) -> None:
    """Before anything is built: the function would open the API, or Chalice take its default."""
    configuration = copy.deepcopy(CONFIGURATION)
    *parents, last = path.split(".")
    target = functools.reduce(operator.getitem, parents, configuration)
    target[last] = value
    if value is None:
        del target[last]
    with pytest.raises(InvalidStage, match=complaint):
        stage_spec(configuration, "dev")


def test_the_stage_is_known_where_app_py_is_imported_to_be_packaged() -> None:
    """Chalice sets the stage's own variables then, and no function's."""
    program = "import app; print(app.NAME, app.QUEUE_NAME, app.AUTHORIZER is not None)"
    for stage, printed in (("dev", "quantum-tasks-dev quantum-tasks-dev True"), ("local", "")):
        done = subprocess.run(
            [sys.executable, "-B", "-c", program],
            cwd=ROOT,
            env={"STAGE": stage, "AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            check=True,
        )
        expected = printed or "quantum-tasks-local quantum-tasks-local False"
        assert done.stdout.strip() == expected


def test_a_stage_that_is_not_there_is_one_line() -> None:
    """No stack trace for a typing error."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.deploy", "package", "--stage", "pord"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "there is no stage 'pord' to deploy; .chalice/config.json has: ['dev', 'prod']\n"
    )
