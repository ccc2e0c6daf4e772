"""What a stage is to be, read from `.chalice/config.json` the way Chalice itself reads it.

The one place for memory, timeouts, variables, log retention and throttling: the parameters of the
stacks and what `make doctor` expects are worked out from here.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from chalice.config import Config

from chalicelib.entrypoints.http.caller import LOCAL_STAGE
from chalicelib.runtime_checks import check_capacity
from chalicelib.settings import InvalidSetting, Settings
from infra.errors import UserError

#: Chalice's names of our functions: the API's is Chalice's choice, the others are in `app.py`.
FUNCTIONS: Final = ("api_handler", "worker", "sweeper")
#: AWS's rule for SQS event sources: "Configuring a queue to use with Lambda", Lambda guide.
VISIBILITY_PER_TIMEOUT: Final = 6
#: Our own part of a stage in `.chalice/config.json`; Chalice reads past it. The retention of logs
#: is here since Chalice would make the API's group under a name that its function does not have.
_OWN_PART: Final = "deployment"
_OWN_SETTINGS: Final = (
    *("runtime", "requests_per_second", "requests_burst", "health_requests_per_second"),
    *("max_receive_count", "log_retention_in_days"),
)


class InvalidStage(UserError):
    """`.chalice/config.json` does not describe a stage that can be deployed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """One function of a stage."""

    #: What Chalice calls it.
    name: str
    #: What it is called in AWS. Chalice gives the API's function no suffix.
    function_name: str
    timeout_seconds: int
    memory_mb: int
    policy_file: str
    environment: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """What the service will read from these variables."""
        return Settings.from_environment(self.environment)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """One stage, and what follows from it."""

    stage: str
    app_name: str
    api_stage: str
    architecture: str
    #: What the functions run on, however they are deployed: `python3.11`.
    runtime: str
    log_retention_days: int
    requests_per_second: float
    requests_burst: int
    #: Of `/health`, which takes unsigned requests.
    health_requests_per_second: float
    max_receive_count: int
    functions: Mapping[str, FunctionSpec]

    @property
    def name(self) -> str:
        """The stage's own name for its API, table and queue."""
        return f"{self.app_name}-{self.stage}"

    @property
    def cors_origin(self) -> str | None:
        """Whose pages may call the API, if any."""
        return self.functions["api_handler"].environment.get("CORS_ORIGIN", "").strip() or None

    @property
    def account_stack(self) -> str:
        """The stack of `infra/templates/account.yaml`, which all stages share."""
        return f"{self.app_name}-account"

    @property
    def data_stack(self) -> str:
        """The stack of `infra/templates/data.yaml`."""
        return f"{self.name}-data"

    @property
    def messaging_stack(self) -> str:
        """The stack of `infra/templates/messaging.yaml`."""
        return f"{self.name}-messaging"

    @property
    def app_stack(self) -> str:
        """The stack that a pipeline makes from `make package`."""
        return f"{self.name}-app"

    @property
    def visibility_timeout_seconds(self) -> int:
        """How long the queue hides a message: long enough that it never comes back too early."""
        return VISIBILITY_PER_TIMEOUT * self.functions["worker"].timeout_seconds

    @property
    def data_parameters(self) -> dict[str, str]:
        """The parameters of the data stack."""
        return {"Stage": self.stage, "DeletionProtection": "true"}

    @property
    def messaging_parameters(self) -> dict[str, str]:
        """The parameters of the messaging stack."""
        return {
            "Stage": self.stage,
            "VisibilityTimeoutSeconds": str(self.visibility_timeout_seconds),
            "MaxReceiveCount": str(self.max_receive_count),
            "LogRetentionInDays": str(self.log_retention_days),
        }


def read_configuration(root: Path) -> dict[str, Any]:
    """Read `.chalice/config.json`.

    Raises:
        InvalidStage: it is not there, or not a JSON object.
    """
    path = root / ".chalice" / "config.json"
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as exc:
        raise InvalidStage(f"{path} cannot be read: {exc}") from exc
    if not isinstance(content, dict):
        raise InvalidStage(f"{path} must hold a JSON object")
    return content


def this_runtime() -> str:
    """Return Lambda's name for the interpreter that runs this."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def check_runtime(spec: StageSpec) -> None:
    """Refuse to build for a stage with another Python than its own.

    Chalice takes whatever runs it, so two developers would deploy two runtimes.

    Raises:
        InvalidStage: naming both.
    """
    if spec.runtime != this_runtime():
        version = spec.runtime.removeprefix("python")
        raise InvalidStage(
            f"stage {spec.stage!r} runs on {spec.runtime} (`runtime` in .chalice/config.json), this"
            f" environment is {this_runtime()}: make another with `make clean`, then"
            f" `make deploy STAGE={spec.stage} PYTHON=python{version}`"
        )


def stage_variables(configuration: Mapping[str, Any], stage: str) -> dict[str, str]:
    """Return the variables that Chalice sets in every function of a stage."""
    # A name that no function has, so that no function's own variables are among them.
    config = Config(chalice_stage=stage, function_name="", config_from_disk=dict(configuration))
    variables: dict[str, str] = config.environment_variables
    return variables


def stage_spec(configuration: Mapping[str, Any], stage: str) -> StageSpec:
    """Return what a stage is to be.

    Raises:
        InvalidStage: there is no such stage, or it lacks something.
    """
    deployable = sorted(set(configuration["stages"]) - {LOCAL_STAGE})
    if stage not in deployable:
        message = f"there is no stage {stage!r} to deploy; .chalice/config.json has: {deployable}"
        raise InvalidStage(message)
    config = Config(chalice_stage=stage, config_from_disk=dict(configuration))
    part = configuration["stages"][stage]
    own = part.get(_OWN_PART, {})
    missing = [setting for setting in _OWN_SETTINGS if not own.get(setting)]
    if missing:
        message = f"stage {stage!r} does not say in `{_OWN_PART}`: {', '.join(missing)}"
        raise InvalidStage(message)
    # `app.py` leaves the API open where it is `local`, and sees only this when it is packaged.
    for name, expected in (
        ("STAGE", part.get("environment_variables", {}).get("STAGE")),
        ("api_gateway_stage", part.get("api_gateway_stage")),
    ):
        if expected != stage:
            message = f"stage {stage!r} must set {name} to its own name at its own level"
            raise InvalidStage(message)
    return StageSpec(
        stage=stage,
        app_name=config.app_name,
        api_stage=part["api_gateway_stage"],
        architecture=config.lambda_architecture,
        runtime=own["runtime"],
        log_retention_days=own["log_retention_in_days"],
        requests_per_second=own["requests_per_second"],
        requests_burst=own["requests_burst"],
        health_requests_per_second=own["health_requests_per_second"],
        max_receive_count=own["max_receive_count"],
        functions={name: _function_spec(config, name) for name in FUNCTIONS},
    )


def _function_spec(config: Config, name: str) -> FunctionSpec:
    scoped = config.scope(chalice_stage=config.chalice_stage, function_name=name)
    where = f"function {name!r} of stage {config.chalice_stage!r}"
    missing = [
        setting
        for setting, value in (
            ("lambda_timeout", scoped.lambda_timeout),
            ("lambda_memory_size", scoped.lambda_memory_size),
            ("iam_policy_file", scoped.iam_policy_file),
        )
        if not value
    ]
    if missing or scoped.autogen_policy is not False:
        message = f"{where} must set: {', '.join(missing) or 'autogen_policy to false'}"
        raise InvalidStage(message)
    suffix = "" if name == "api_handler" else f"-{name}"
    spec = FunctionSpec(
        name=name,
        function_name=f"{config.app_name}-{config.chalice_stage}{suffix}",
        timeout_seconds=scoped.lambda_timeout,
        memory_mb=scoped.lambda_memory_size,
        policy_file=scoped.iam_policy_file,
        environment=scoped.environment_variables,
    )
    try:
        if name == "worker":
            check_capacity(spec.settings, memory_mb=spec.memory_mb)
        _ = spec.settings
    except InvalidSetting as exc:
        message = f"{where}: {exc}"
        raise InvalidStage(message) from exc
    return spec
