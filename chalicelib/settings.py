"""Everything that can be set, read once from the environment. The README's table lists it all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final


class InvalidSetting(ValueError):
    """A setting in the environment has no usable value."""


def _setting(default: float | bool | str, *, low: float = 0, high: float = math.inf) -> Any:  # noqa: ANN401, FBT001 - dataclasses.field is typed as its default's type by the caller
    return dataclasses.field(default=default, metadata={"low": low, "high": high})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process. A field's environment variable is its name in capitals.

    Units stand in the names. `Settings()` gives the defaults, which are meant for AWS; the
    `local` stage in `.chalice/config.json` shortens times so that recovery can be watched.
    """

    #: The stage that this is a part of; `local` takes no authentication.
    stage: str = _setting("local")
    #: The DynamoDB table and the SQS queue: the outputs of the stacks in `infra/`.
    tasks_table_name: str = _setting("")
    tasks_queue_url: str = _setting("")

    #: Together they keep a call well below 3 s, so that a 503 comes fast. SDK defaults are 60 s.
    database_connect_timeout_seconds: float = _setting(0.5, low=0.01)
    database_read_timeout_seconds: float = _setting(0.9, low=0.01)
    #: Calls of the SDK in all for one operation, the first included.
    database_attempts_max: int = _setting(2, low=1, high=10)
    database_pool_connections_max: int = _setting(16, low=1)
    queue_connect_timeout_seconds: float = _setting(0.5, low=0.01)
    queue_read_timeout_seconds: float = _setting(0.9, low=0.01)
    queue_attempts_max: int = _setting(2, low=1, high=10)
    queue_pool_connections_max: int = _setting(16, low=1)
    #: A database call that takes longer is logged as a warning.
    slow_call_ms: float = _setting(100.0)

    #: Executions of one task. Well below the queue's max_receive_count.
    attempts_max: int = _setting(5, low=1, high=50)
    #: The longest that one execution may take.
    execution_seconds_max: float = _setting(8.0, low=0.01)
    #: Kept free of an invocation for settling, and added to leases for clocks that differ.
    execution_margin_seconds: float = _setting(1.5, low=0)
    #: Records of one batch that are executed at the same time.
    execution_concurrency: int = _setting(10, low=1, high=10)
    #: The backoff after a transient error: a random time below base x 2^(attempt - 1).
    backoff_seconds_base: float = _setting(2.0)
    backoff_seconds_max: float = _setting(900.0)
    #: Whether failures are returned instead of raised. Only where the event source mapping is
    #: known to have ReportBatchItemFailures: without it the failed messages would be deleted.
    partial_batch_responses: bool = _setting(False)  # noqa: FBT003 - a default, not a call

    #: How long after its submission the sweeper first looks at a task, and its first interval.
    sweep_grace_seconds: float = _setting(900.0)
    sweep_interval_seconds_max: float = _setting(3600.0)
    #: Past this age a task is given up: 5 days, more than the queue keeps a message (4).
    sweep_age_seconds_max: float = _setting(432_000.0)
    #: The most tasks that one run looks at.
    sweep_tasks_max: int = _setting(500, low=1)

    #: The mock executor: how long an execution takes (a random time from the first to the
    #: second, if that is larger), and how often it fails.
    mock_execution_seconds: float = _setting(0.0)
    mock_execution_seconds_max: float = _setting(0.0)
    mock_permanent_failure_rate: float = _setting(0.0, high=1)
    mock_transient_failure_rate: float = _setting(0.0, high=1)

    log_level: str = _setting("INFO")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; what is not there has its default.

        Raises:
            InvalidSetting: naming the variable, its value and what it must be.
        """
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            text = environment.get(field.name.upper(), "").strip()
            if text:
                values[field.name] = _parse(field, text)
        return cls(**values)


_BOOLEANS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _parse(field: dataclasses.Field[Any], text: str) -> object:
    kind = str(field.type)
    if kind == "str":
        return text
    if kind == "bool":
        if text.lower() not in _BOOLEANS:
            raise InvalidSetting(_complaint(field, text, "true or false"))
        return _BOOLEANS[text.lower()]
    low, high = field.metadata["low"], field.metadata["high"]
    expected = f"a {'whole ' if kind == 'int' else ''}number from {low:g} to {high:g}"
    try:
        number = int(text) if kind == "int" else float(text)
    except ValueError as exc:
        raise InvalidSetting(_complaint(field, text, expected)) from exc
    if not low <= number <= high:
        raise InvalidSetting(_complaint(field, text, expected))
    return number


def _complaint(field: dataclasses.Field[Any], text: str, expected: str) -> str:
    return f"{field.name.upper()} must be {expected}, not {text!r}"
