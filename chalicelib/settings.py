"""Everything that can be set, read once from the environment; docs/configuration.md lists it."""

# Without `from __future__ import annotations`: each start of a function reads what the fields may
# be, and to evaluate 36 texts for that took 1% of it.

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, get_args, get_origin

import msgspec
from msgspec import Meta, structs

from chalicelib.registry import AMPLITUDE_BYTES, EXECUTORS, Name, Registered


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
Megabytes = Annotated[int, Meta(ge=32, le=10_240)]
#: 2^29 of them take 8 GiB, more than any function has.
Amplitudes = Annotated[int, Meta(ge=2, le=1 << 29)]


#: How long an execution may wait until its process is there, before its own time begins.
EXECUTOR_START_SECONDS_MAX: Final = 10.0
#: The longest pause before a call is tried again; a random time below it.
RETRY_DELAY_SECONDS_MAX: Final = 0.1


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process. A field's environment variable is its name in capitals.

    Units stand in the names, bounds in the types. `Settings()` gives the defaults, which are meant
    for AWS; the `local` stage in `.chalice/config.json` shortens times so that recovery can be
    watched.
    """

    #: The stage that this is a part of; `local` takes no authentication.
    stage: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "local"
    #: The DynamoDB table, and the SQS queue's URL. Unset, both are found by the stage's name.
    tasks_table_name: Annotated[str, Meta(max_length=1_024)] = ""
    tasks_queue_url: Annotated[str, Meta(max_length=1_024)] = ""

    #: Together they keep a call well below 3 s, so that a 503 comes fast. SDK defaults are 60 s.
    database_connect_timeout_seconds: AttemptSeconds = 0.5
    database_read_timeout_seconds: AttemptSeconds = 0.9
    #: Attempts of one call, the first included.
    database_attempts_max: Attempts = 2
    database_pool_connections_max: Connections = 16
    #: Pieces of one large circuit or result that are put or read at the same time.
    database_pieces_at_once: Annotated[int, Meta(ge=1, le=16)] = 4
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
    execution_concurrency: Annotated[int, Meta(ge=1, le=10)] = 3
    #: What runs circuits. The mock's counts mean nothing: it is for tests of load and protocol.
    executor: Name = "simulator"
    #: What one execution may use of the processor, and of memory on top of its process.
    execution_processor_seconds_max: Annotated[float, Meta(ge=0.1, le=880)] = 1.5
    execution_memory_mb_max: Megabytes = 448
    #: The largest state that is simulated: 2^24 amplitudes are 24 qubits, 384 MB.
    execution_amplitudes_max: Amplitudes = 1 << 24
    #: How long a request that prefers so waits for its task's end at most; 0 turns it off.
    wait_seconds_max: Annotated[int, Meta(ge=0, le=20)] = 2
    #: Members of one batch that are submitted at the same time; as many connections are needed.
    batch_members_at_once: Annotated[int, Meta(ge=1, le=64)] = 16
    #: The backoff after a transient error: a random time below base x 2^(attempt - 1).
    backoff_seconds_base: BackoffSeconds = 2.0
    backoff_seconds_max: BackoffSeconds = 900.0
    #: The longest time that a message is hidden because the database cannot be used.
    outage_backoff_seconds_max: BackoffSeconds = 3_600.0
    #: Whether failures are returned instead of raised. Only where the event source mapping is
    #: known to have ReportBatchItemFailures: without it the failed messages would be deleted.
    partial_batch_responses: bool = False

    #: How long after its submission the sweeper first checks a task, and its first interval.
    sweep_grace_seconds: SweepSeconds = 900.0
    sweep_interval_seconds_max: SweepSeconds = 3600.0
    #: Past this age a task is abandoned: 5 days, more than the queue keeps a message (4).
    sweep_age_seconds_max: SweepAgeSeconds = 432_000.0
    #: The most tasks that one run checks.
    sweep_tasks_max: Annotated[int, Meta(ge=1, le=100_000)] = 2_000

    #: Units of ten tasks that a run brings back at the same time.
    sweep_concurrency: Annotated[int, Meta(ge=1, le=16)] = 8

    #: The mock executor: how long an execution takes (a random time from the first to the
    #: second, if that is larger), and how often it fails. What begins with an executor's name is
    #: of no use to the others.
    mock_execution_seconds: Annotated[float, Meta(ge=0, le=900)] = 0.0
    mock_execution_seconds_max: Annotated[float, Meta(ge=0, le=900)] = 0.0
    mock_permanent_failure_rate: Rate = 0.0
    mock_transient_failure_rate: Rate = 0.0

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    @property
    def resource_name(self) -> str:
        """What table and queue are called, as the templates in `infra/` name them."""
        return f"quantum-tasks-{self.stage}"

    @property
    def database_call_seconds_max(self) -> float:
        """The longest that one call of the database takes, whatever it answers."""
        return _call_seconds_max(
            self.database_attempts_max,
            self.database_connect_timeout_seconds,
            self.database_read_timeout_seconds,
        )

    @property
    def queue_call_seconds_max(self) -> float:
        """The longest that one call of the queue takes, whatever it answers."""
        return _call_seconds_max(
            self.queue_attempts_max,
            self.queue_connect_timeout_seconds,
            self.queue_read_timeout_seconds,
        )

    @property
    def registered_executor(self) -> Registered:
        """What is known of the executor."""
        return EXECUTORS[self.executor]

    @property
    def execution_start_seconds_max(self) -> float:
        """The longest that an execution waits for its process, if it needs one."""
        return EXECUTOR_START_SECONDS_MAX if self.registered_executor.in_child else 0.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; what is not there, or blank, has its default.

        Raises:
            InvalidSetting: naming the variable, its value and what it must be.
        """
        values: dict[str, Any] = {}
        for field in structs.fields(cls):
            text = environment.get(field.name.upper(), "").strip()
            if text:
                values[field.name] = parse_setting(field.name.upper(), field.type, text)
        settings = cls(**values)
        _check_together(settings)
        return settings


#: What a circuit takes in addition to its state.
CIRCUIT_MB: Final = 64


_SHOWN_CHARACTERS_MAX: Final = 100
_BOOLEANS: Final = {"yes": "true", "no": "false"}


def _call_seconds_max(attempts: int, connect_seconds: float, read_seconds: float) -> float:
    return attempts * (connect_seconds + read_seconds) + (attempts - 1) * RETRY_DELAY_SECONDS_MAX


def parse_setting(name: str, kind: Any, text: str) -> Any:  # noqa: ANN401 - an annotation
    """Read one variable as its type and bounds say.

    Raises:
        InvalidSetting: naming the variable, its value and what it must be.
    """
    given = text
    if kind is bool:
        given = _BOOLEANS.get(text.lower(), text)
    elif get_origin(kind) is Literal:
        given = next((one for one in get_args(kind) if one.lower() == text.lower()), text)
    if "${" in text:
        shown = text[:_SHOWN_CHARACTERS_MAX]
        raise InvalidSetting(f"{name} must be filled in: {shown!r} is a placeholder")
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
    return f"{number} from {bounds.ge:.12g} to {bounds.le:.12g}"


#: What must not exceed what, where both may be set.
_ORDERED: Final = (
    ("backoff_seconds_base", "backoff_seconds_max"),
    ("backoff_seconds_base", "outage_backoff_seconds_max"),
    ("sweep_grace_seconds", "sweep_interval_seconds_max"),
    ("sweep_interval_seconds_max", "sweep_age_seconds_max"),
)


def _check_together(settings: Settings) -> None:
    """Refuse values that make no sense together."""
    ordered = list(_ORDERED)
    if settings.registered_executor.in_child:
        ordered.append(("execution_processor_seconds_max", "execution_seconds_max"))
        _check_amplitudes(settings)
    _check_of_other_executors(settings)
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


def _check_of_other_executors(settings: Settings) -> None:
    """Refuse what has no effect: a stage meant for tests would run circuits."""
    for field in structs.fields(Settings):
        value, owner = getattr(settings, field.name), field.name.partition("_")[0]
        is_anothers = owner in EXECUTORS and owner != settings.executor
        if is_anothers and value != field.default:
            message = f"is {value:g}, which EXECUTOR={settings.executor} does not use"
            raise InvalidSetting(f"{field.name.upper()} {message}; set EXECUTOR={owner}")


def _check_amplitudes(settings: Settings) -> None:
    """Refuse a state that could not be executed although it would be admitted."""
    needed = settings.execution_amplitudes_max * AMPLITUDE_BYTES / (1 << 20) + CIRCUIT_MB
    if needed > settings.execution_memory_mb_max:
        message = (
            f"takes {needed:.0f} MB ({AMPLITUDE_BYTES} bytes each, {CIRCUIT_MB} MB more), "
            f"more than EXECUTION_MEMORY_MB_MAX ({settings.execution_memory_mb_max} MB)"
        )
        raise InvalidSetting(f"EXECUTION_AMPLITUDES_MAX {message}")
