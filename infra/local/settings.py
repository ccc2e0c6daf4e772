"""What can be set in the local stage, read once from the environment."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from msgspec import Meta

from chalicelib.settings import InvalidSetting, parse_setting

#: Loopback only: the local stage has no authentication.
HOST = "127.0.0.1"
REGION = "us-east-1"
STAGE = "local"
#: The repository's root: where `app.py` is, and where every process runs.
ROOT = Path(__file__).resolve().parents[2]
#: The interpreter that has MiniStack.
EMULATOR_PYTHON = ROOT / ".venv-emulator" / "bin" / "python"

#: As short as all that a worker may have to do allows (`infra.worker_time`), so that recovery can
#: be watched; the deployed stages have longer ones.
FUNCTION_TIMEOUT_SECONDS = 42.0
#: More than the function's timeout. AWS asks for six times as much, for invocations that are
#: throttled; none is here, and what a killed worker leaves is to come back soon.
VISIBILITY_TIMEOUT_SECONDS = 60
MAX_RECEIVE_COUNT = 10
SWEEP_INTERVAL_SECONDS = 5.0


_Number = TypeVar("_Number", int, float)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the local stage runs and how much of it."""

    #: The API's port (PORT).
    port: int
    #: How many pollers run (WORKERS).
    workers: int
    #: State, logs and process ids (DATA_DIR).
    data_dir: Path
    #: A backend that runs already (AWS_ENDPOINT_URL); `None` starts an emulator.
    endpoint_url: str | None
    #: The emulator's port, and whether it was asked for (EMULATOR_PORT); unasked, a taken port is
    #: replaced.
    emulator_port: int
    emulator_port_is_explicit: bool

    @property
    def run_dir(self) -> Path:
        """Process ids, and what an attached process must know."""
        return self.data_dir / "run"

    @property
    def log_dir(self) -> Path:
        """One log file per process."""
        return self.data_dir / "log"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; an empty value is as good as none."""
        return cls(
            port=number_from(environment, "PORT", 8000, least=1, most=65535),
            workers=number_from(environment, "WORKERS", 2, least=0, most=64),
            data_dir=(ROOT / (environment.get("DATA_DIR") or ".local")).resolve(),
            endpoint_url=_endpoint(environment),
            emulator_port=number_from(environment, "EMULATOR_PORT", 4566, least=1, most=65535),
            emulator_port_is_explicit=bool(environment.get("EMULATOR_PORT")),
        )


def number_from(
    environment: Mapping[str, str], name: str, default: _Number, *, least: float, most: float
) -> _Number:
    """Read one number as the service reads its own; an empty value is as good as none.

    Raises:
        InvalidSetting: naming the variable, its value and what it must be.
    """
    text = environment.get(name, "").strip()
    if not text:
        return default
    kind: Any = Annotated[type(default), Meta(ge=least, le=most)]
    number: _Number = parse_setting(name, kind, text)
    return number


def _endpoint(environment: Mapping[str, str]) -> str | None:
    """Take any endpoint but a real one: the local stage makes and empties tables."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS"):
        value = environment.get(name)
        if not value:
            continue
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidSetting(
                f"{name} must be a URL such as http://127.0.0.1:4566, not {value!r}"
            )
        if "amazonaws.com" in value.lower():
            raise InvalidSetting(
                f"{name} is a real AWS endpoint ({value}); the local stage never talks to one"
            )
    return environment.get("AWS_ENDPOINT_URL") or None


def function_timeout_seconds(environment: Mapping[str, str]) -> float:
    """Return after how long a function is stopped (FUNCTION_TIMEOUT_SECONDS); Lambda's bounds."""
    return number_from(
        environment, "FUNCTION_TIMEOUT_SECONDS", FUNCTION_TIMEOUT_SECONDS, least=0.01, most=900
    )


def sweep_interval_seconds(environment: Mapping[str, str]) -> float:
    """Return the pause between two sweeps (SWEEP_INTERVAL_SECONDS)."""
    return number_from(
        environment, "SWEEP_INTERVAL_SECONDS", SWEEP_INTERVAL_SECONDS, least=0.01, most=86_400
    )
