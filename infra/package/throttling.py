"""What each call of the API may take of the stage: the one table for both ways to deploy.

API Gateway counts by method ("Throttle requests to your REST APIs", its developer guide): each
method has the stage's rate to itself, unless it has one of its own here. All of it is best effort:
a burst may pass, so these numbers protect the account and are no contract with a client.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

from infra.stage import StageSpec

#: A batch makes up to a hundred tasks.
_TASKS_PER_BATCH: Final = 100
#: A validation may use a processor for two seconds, where a submission takes milliseconds.
_CALLS_PER_VALIDATION: Final = 10
#: So that a client with a handful of calls is not refused for their coming together.
_BURST_MIN: Final = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """The rate of one method of one path, or of all that have none of their own."""

    method: str
    path: str
    requests_per_second: float
    burst: int

    @property
    def key(self) -> str:
        """How `normalized` names it."""
        return f"{self.path}/{self.method}"

    @property
    def pointer(self) -> str:
        """Where it is in a stage (`UpdateStage`, API Gateway reference): a slash is `~1`."""
        return f"/{self.path.replace('/', '~1')}/{self.method}/throttling"


def throttles(spec: StageSpec) -> tuple[Throttle, ...]:
    """Return every rate of a stage, that of all other methods first."""
    rate, burst, health = (
        spec.requests_per_second,
        spec.requests_burst,
        spec.health_requests_per_second,
    )
    return (
        Throttle(method="*", path="*", requests_per_second=rate, burst=burst),
        _own("GET", "/health", health, health),
        _own("HEAD", "/health", health, health),
        _own("POST", "/batches", rate / _TASKS_PER_BATCH, burst / _TASKS_PER_BATCH),
        _own("POST", "/validations", rate / _CALLS_PER_VALIDATION, burst / _CALLS_PER_VALIDATION),
    )


def _own(method: str, path: str, rate: float, burst: float) -> Throttle:
    return Throttle(
        method=method, path=path, requests_per_second=rate, burst=max(_BURST_MIN, math.ceil(burst))
    )


def normalized(method_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stage's settings by `Throttle.key`; AWS writes a path in several ways."""
    return {
        "*/*" if key == "*/*" else "/" + key.replace("~1", "/").lstrip("/"): value
        for key, value in method_settings.items()
    }


def as_method_settings(spec: StageSpec) -> list[dict[str, Any]]:
    """Return the rates as CloudFormation has them (`AWS::ApiGateway::Stage MethodSetting`)."""
    return [
        {
            "ResourcePath": "/*" if throttle.path == "*" else f"/~1{throttle.path[1:]}",
            "HttpMethod": throttle.method,
            "ThrottlingRateLimit": throttle.requests_per_second,
            "ThrottlingBurstLimit": throttle.burst,
        }
        for throttle in throttles(spec)
    ]


def as_patches(spec: StageSpec) -> list[dict[str, str]]:
    """Return the rates as changes of a live stage."""
    return [
        {"op": "replace", "path": f"{throttle.pointer}/{name}", "value": f"{value:g}"}
        for throttle in throttles(spec)
        for name, value in (
            ("rateLimit", throttle.requests_per_second),
            ("burstLimit", throttle.burst),
        )
    ]
