"""Everything that can be set, read once from the environment. The README's table lists it all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta


class InvalidSetting(ValueError):
    """A setting in the environment has no usable value."""


#: Of one attempt of one call.
AttemptSeconds = Annotated[float, Meta(ge=0.01, le=60)]
#: Calls for one operation, the first included.
Attempts = Annotated[int, Meta(ge=1, le=10)]
Connections = Annotated[int, Meta(ge=1, le=256)]
#: Lambda ends a function after 900 s at most ("Lambda quotas").
ExecutionSeconds = Annotated[float, Meta(ge=0.01, le=880)]
#: Up to SQS's longest visibility timeout, twelve hours.
BackoffSeconds = Annotated[float, Meta(ge=0, le=43_200)]
#: Up to a day, and up to fourteen: SQS keeps no message longer.
SweepSeconds = Annotated[float, Meta(ge=0.01, le=86_400)]
SweepAgeSeconds = Annotated[float, Meta(ge=1, le=1_209_600)]
Rate = Annotated[float, Meta(ge=0, le=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process. A field's environment variable is its name in capitals.

    Units stand in the names, bounds in the types. `Settings()` gives the defaults, which are meant
    for AWS; the `local` stage in `.chalice/config.json` shortens times so that recovery can be
    watched.
    """

    #: The stage that this is a part of; `local` takes no authentication.
    stage: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "local"
    #: The DynamoDB table and the SQS queue: the outputs of the stacks in `infra/`.
    tasks_table_name: Annotated[str, Meta(max_length=1_024)] = ""
    tasks_queue_url: Annotated[str, Meta(max_length=1_024)] = ""

    #: Together they keep a call well below 3 s, so that a 503 comes fast. SDK defaults are 60 s.
    database_connect_timeout_seconds: AttemptSeconds = 0.5
    database_read_timeout_seconds: AttemptSeconds = 0.9
    #: Calls of the SDK in all for one operation, the first included.
    database_attempts_max: Attempts = 2
    database_pool_connections_max: Connections = 16
    queue_connect_timeout_seconds: AttemptSeconds = 0.5
    queue_read_timeout_seconds: AttemptSeconds = 0.9
    queue_attempts_max: Attempts = 2
    queue_pool_connections_max: Connections = 16
    #: A database call that takes longer is logged as a warning.
    slow_call_ms: Annotated[float, Meta(ge=0, le=60_000)] = 100.0

    #: Executions of one task. Well below the queue's max_receive_count.
    attempts_max: Annotated[int, Meta(ge=1, le=50)] = 5
    #: The longest that one execution may take.
    execution_seconds_max: ExecutionSeconds = 8.0
    #: Kept free of an invocation for settling, and added to leases for clocks that differ.
    execution_margin_seconds: Annotated[float, Meta(ge=0, le=60)] = 1.5
    #: Records of one batch that are executed at the same time.
    execution_concurrency: Annotated[int, Meta(ge=1, le=10)] = 10
    #: The backoff after a transient error: a random time below base x 2^(attempt - 1).
    backoff_seconds_base: BackoffSeconds = 2.0
    backoff_seconds_max: BackoffSeconds = 900.0
    #: Whether failures are returned instead of raised. Only where the event source mapping is
    #: known to have ReportBatchItemFailures: without it the failed messages would be deleted.
    partial_batch_responses: bool = False

    #: How long after its submission the sweeper first looks at a task, and its first interval.
    sweep_grace_seconds: SweepSeconds = 900.0
    sweep_interval_seconds_max: SweepSeconds = 3600.0
    #: Past this age a task is given up: 5 days, more than the queue keeps a message (4).
    sweep_age_seconds_max: SweepAgeSeconds = 432_000.0
    #: The most tasks that one run looks at.
    sweep_tasks_max: Annotated[int, Meta(ge=1, le=100_000)] = 500

    #: The mock executor: how long an execution takes (a random time from the first to the
    #: second, if that is larger), and how often it fails.
    mock_execution_seconds: Annotated[float, Meta(ge=0, le=900)] = 0.0
    mock_execution_seconds_max: Annotated[float, Meta(ge=0, le=900)] = 0.0
    mock_permanent_failure_rate: Rate = 0.0
    mock_transient_failure_rate: Rate = 0.0

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; what is not there, or blank, has its default.

        Raises:
            InvalidSetting: naming the variable, its value and what it must be.
        """
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            text = environment.get(field.name.upper(), "").strip()
            if text:
                values[field.name] = parse_setting(field.name.upper(), field.type, text)
        settings = cls(**values)
        _check_together(settings)
        return settings


_SHOWN_CHARACTERS_MAX: Final = 100
_BOOLEANS: Final = {"yes": "true", "no": "false"}


def parse_setting(name: str, kind: Any, text: str) -> Any:  # noqa: ANN401 - an annotation
    """Read one variable as its type and bounds say.

    Raises:
        InvalidSetting: naming the variable, its value and what it must be.
    """
    given = text
    if kind is bool:
        given = _BOOLEANS.get(text.lower(), text)
    elif get_origin(kind) is Literal:
        given = text.upper()
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as exc:
        message = f"must be {_expected(kind)}, not {text[:_SHOWN_CHARACTERS_MAX]!r}"
        raise InvalidSetting(f"{name} {message}") from exc


def _expected(kind: Any) -> str:  # noqa: ANN401 - an annotation
    if kind is bool:
        return "true or false"
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    base, bounds = get_args(kind)
    if base is str:
        limit = bounds.max_length
        return f"at most {limit} characters" if limit else "1 to 64 letters, digits, - and _"
    number = "an integer" if base is int else "a number"
    return f"{number} from {bounds.ge:,g} to {bounds.le:,g}".replace(",", "")


#: What must not exceed what, where both may be set.
_ORDERED: Final = (
    ("backoff_seconds_base", "backoff_seconds_max"),
    ("sweep_grace_seconds", "sweep_interval_seconds_max"),
    ("sweep_interval_seconds_max", "sweep_age_seconds_max"),
)


def _check_together(settings: Settings) -> None:
    """Refuse values that make no sense beside each other."""
    ordered = list(_ORDERED)
    if settings.mock_execution_seconds_max:
        ordered.append(("mock_execution_seconds", "mock_execution_seconds_max"))
    for low, high in ordered:
        value, limit = getattr(settings, low), getattr(settings, high)
        if value > limit:
            message = f"must be at most {high.upper()} ({limit:g}), not {value:g}"
            raise InvalidSetting(f"{low.upper()} {message}")
    rates = settings.mock_permanent_failure_rate + settings.mock_transient_failure_rate
    if rates > 1:
        message = "and MOCK_TRANSIENT_FAILURE_RATE must add up to at most 1"
        raise InvalidSetting(f"MOCK_PERMANENT_FAILURE_RATE {message}, not {rates:g}")
