"""Where the service runs: what its settings demand of the function, the machine, the endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from chalicelib.settings import InvalidSetting, Settings

#: What Lambda calls the worker in its variable `_HANDLER`: only there is anything executed.
WORKER_HANDLER: Final = "app.worker"
#: "Configure Lambda function memory": 1,769 MB are one vCPU.
MB_PER_VCPU: Final = 1_769
#: What a worker has without its children, and a child without its circuit, in MB: measured, rounded
#: up.
FUNCTION_MB: Final = 160
CHILD_MB: Final = 32
#: How AWS's own endpoints end ("AWS service endpoints", AWS General Reference).
_AWS_HOSTS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def check_runtime(settings: Settings, environment: Mapping[str, str]) -> None:
    """Refuse to run where these settings would do harm.

    Raises:
        InvalidSetting: a function does not know its stage, so that any caller would own every task;
            or it is too small for what it may execute at once; or the local stage, which checks no
            credentials, would reach AWS.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in environment and not environment.get("STAGE"):
        raise InvalidSetting("STAGE must be the stage of this function; it is not set")
    if settings.stage == "local":
        _check_endpoints(environment)
    elif environment.get("_HANDLER") == WORKER_HANDLER:
        memory = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        check_capacity(settings, memory_mb=int(memory or MB_PER_VCPU))


def _check_endpoints(environment: Mapping[str, str]) -> None:
    for service in ("DYNAMODB", "SQS"):
        name = f"AWS_ENDPOINT_URL_{service}"
        url = environment.get(name) or environment.get("AWS_ENDPOINT_URL", "")
        host = urlsplit(url).hostname or ""
        if not host or host.endswith(_AWS_HOSTS):
            shown = repr(url) if url else "nothing"
            message = f"must name an emulator in stage 'local', not {shown}: `make run` sets it"
            raise InvalidSetting(f"AWS_ENDPOINT_URL or {name} {message}")
    ignored = environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "")
    if ignored.lower() == "true":
        message = "must not be true in stage 'local', which would reach AWS then"
        raise InvalidSetting(f"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS {message}")


class Demand(NamedTuple):
    """What all executions that run at once may take together, and what there is for them."""

    setting: str
    value: float
    limit: float
    #: What the limit is made of.
    source: str

    def __str__(self) -> str:
        """Say what does not fit."""
        wanted = f"it must be at most {self.limit:g}, {self.source}"
        return f"{self.setting} is {self.value:g}; {wanted}"


def excessive_demands(
    settings: Settings, *, vcpus: float, memory_mb: float, workers: int = 1
) -> list[Demand]:
    """Return what is wrong with a stage's limits, where so many workers share the processors.

    All of a batch are executed at once. Where the first rule holds, each reaches its own processor
    limit before the wall, whatever its neighbours do; where the second does, each may reach its own
    memory limit.
    """
    if not settings.registered_executor.in_child:
        return []
    at_once = workers * settings.execution_concurrency
    seconds, wall = settings.execution_processor_seconds_max, settings.execution_seconds_max
    memory = settings.execution_memory_mb_max
    name = f"EXECUTION_CONCURRENCY ({settings.execution_concurrency})"
    if workers > 1:
        name = f"WORKERS ({workers}) x {name}"
    demands = (
        Demand(
            f"{name} x EXECUTION_PROCESSOR_SECONDS_MAX ({seconds:g})",
            at_once * seconds,
            vcpus * wall,
            f"which is EXECUTION_SECONDS_MAX ({wall:g}) x vCPUs ({vcpus:.2f})",
        ),
        Demand(
            f"{name} x EXECUTION_MEMORY_MB_MAX ({memory}, and {CHILD_MB} for a process), and "
            f"{FUNCTION_MB} for a worker,",
            at_once * (memory + CHILD_MB) + workers * FUNCTION_MB,
            memory_mb,
            "which is the memory in MB",
        ),
    )
    return [demand for demand in demands if demand.value > demand.limit]


def check_capacity(settings: Settings, *, memory_mb: int) -> None:
    """Refuse limits with which the executions in one function would starve each other.

    Raises:
        InvalidSetting: naming the variables, what they add up to and what there is.
    """
    for demand in excessive_demands(settings, vcpus=memory_mb / MB_PER_VCPU, memory_mb=memory_mb):
        raise InvalidSetting(str(demand))
