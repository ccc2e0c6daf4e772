"""What goes over HTTP, as types: they validate what comes in and shape what goes out.

A field's `description` says what it must be; the same words stand in the error that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.domain.task import SEED_MAX, TaskRequest, TaskStatus
from chalicelib.domain.validation import Severity

SHOTS_DEFAULT: Final = 1024
SHOTS_MAX: Final = 100_000
TAGS_MAX: Final = 50
#: Of a list of inputs; and shots of all its points.
POINTS_MAX: Final = 1_000
SHOTS_OF_POINTS_MAX: Final = 1_000_000
INPUTS_MAX: Final = 1_000
#: What an integer of an input may be, so that 64 bits hold it.
INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**64 - 1
BATCH_MEMBERS_MAX: Final = 100
#: Names and values together, as UTF-8: tags stand in the item, which every transition rewrites.
TAGS_BYTES_MAX: Final = 2_048

Circuit = Annotated[
    str, Meta(pattern=r"\S", description="a string that is not blank (OpenQASM 3 is expected)")
]
Shots = Annotated[int, Meta(ge=1, le=SHOTS_MAX, description=f"an integer from 1 to {SHOTS_MAX}")]
Seed = Annotated[
    Annotated[int, Meta(ge=0, le=SEED_MAX)] | None,
    Meta(description=f"an integer from 0 to {SEED_MAX} (2^53 - 1), or null"),
]
Tags = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=128)],
        Annotated[str, Meta(max_length=256)],
    ],
    Meta(
        max_length=TAGS_MAX,
        description=(
            f"an object of at most {TAGS_MAX} string values, names of 1 to 128 characters, values "
            f"of at most 256, and {TAGS_BYTES_MAX:,} bytes of UTF-8 in all"
        ),
    ),
]

InputsOfPoint = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=255)], bool | int | float],
    Meta(max_length=INPUTS_MAX),
]
Inputs = Annotated[
    InputsOfPoint
    | Annotated[list[InputsOfPoint], Meta(min_length=1, max_length=POINTS_MAX)]
    | None,
    Meta(
        description=(
            f"an object of at most {INPUTS_MAX:,} values for the circuit's inputs (finite numbers,"
            " integers of 64 bits, true or false; names of 1 to 255 characters), a list of 1 to"
            f" {POINTS_MAX:,} such objects, or null"
        )
    ),
]


class PostTask(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /tasks`."""

    circuit: Circuit
    shots: Shots = SHOTS_DEFAULT
    tags: Tags = msgspec.field(default_factory=dict)
    seed: Seed = None
    inputs: Inputs = None

    def to_request(self) -> TaskRequest:
        """Return what is asked for: the fields that a task's request has, by their names."""
        return msgspec.convert(self, TaskRequest, from_attributes=True)


IdempotencyKey = Annotated[
    Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,255}$")] | None,
    Meta(description="1 to 255 visible ASCII characters, or null"),
]


class BatchMember(PostTask, kw_only=True, forbid_unknown_fields=True):
    """One member of the body of `POST /batches`."""

    #: With exactly the meaning of the header of `POST /tasks`.
    idempotency_key: IdempotencyKey = None


class PostBatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /batches`. Its members are read one by one: each has its own answer."""

    tasks: Annotated[list[BatchMember], Meta(min_length=1, max_length=BATCH_MEMBERS_MAX)]


class Accepted(msgspec.Struct, kw_only=True):
    """What is said of each task that is accepted."""

    task_id: str
    status: TaskStatus
    submitted_at: str
    message: str
    correlation_id: str


class TaskAccepted(Accepted, kw_only=True):
    """The answer to `POST /tasks`; the task is as `GET` shows it, if the request saw its end."""

    task: TaskView | UnsetType = UNSET


class TaskCancelledUnreadable(msgspec.Struct, kw_only=True):
    """The answer to a cancel of a task that cannot be shown, since its item cannot be read."""

    task_id: str
    status: TaskStatus
    message: str
    correlation_id: str


class FieldErrorView(msgspec.Struct, kw_only=True):
    """One thing that is wrong with one field."""

    field: str
    message: str


class Problem(msgspec.Struct, kw_only=True):
    """A problem document (RFC 9457). What does not apply is left out."""

    type: str
    title: str
    status: int
    detail: str
    correlation_id: str
    errors: list[FieldErrorView] | UnsetType = UNSET
    #: Of a submission that was answered 503: whether the task was kept, and its id.
    kept: str | UnsetType = UNSET
    task_id: str | UnsetType = UNSET


class MemberAccepted(Accepted, kw_only=True):
    """What `POST /tasks` would have answered for a member, and what it says in a header."""

    replayed: bool


class MemberView(msgspec.Struct, kw_only=True):
    """What became of one member of a batch: a task or a problem."""

    #: Its place in the batch, from 0.
    index: int
    #: The HTTP status that the member alone would have had.
    status: int
    task: MemberAccepted | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class BatchView(msgspec.Struct, kw_only=True):
    """The answer to `POST /batches`: its members, in the order given."""

    tasks: list[MemberView]


class UsageView(msgspec.Struct, kw_only=True):
    """How long a task waited and executed, in milliseconds, summed over its attempts.

    What is not known yet is null: the wait before the first claim, the execution before the first
    attempt has ended. A takeover counts as the end of the attempt that it takes over.
    """

    queued_ms: int | None
    execution_ms: int | None
    attempts: int


class HistoryView(msgspec.Struct, kw_only=True):
    """One entry of a task's history."""

    status: TaskStatus
    transitioned_at: str
    notes: str | None
    attempt: int


class RegisterView(msgspec.Struct, kw_only=True):
    """A classical register of the circuit."""

    name: str
    size: int


class PointView(msgspec.Struct, kw_only=True):
    """The result for one of a list of inputs."""

    counts: Mapping[str, int]
    seed: int


class ResultView(msgspec.Struct, kw_only=True):
    """A task's result.

    In the bit strings of `counts` the last register is leftmost, in each register the bit with the
    highest index, and there is a space between registers: with registers `a` of size 2 and `b` of
    size 1, `"1 01"` is b[0] = 1, a[1] = 0, a[0] = 1. The registers are null in a result from before
    they were kept.
    """

    counts: Mapping[str, int]
    registers: list[RegisterView] | None
    shots: int
    executor: str
    executor_version: str
    seed: int
    #: Where the request has a list of inputs: one result for each, in its order, with `shots` each;
    #: `counts` is empty then. Null otherwise.
    points: list[PointView] | None


class TaskSummary(msgspec.Struct, kw_only=True):
    """A task in a list: everything but circuit, result and history."""

    task_id: str
    status: TaskStatus
    shots: int
    tags: Mapping[str, str]
    seed: int | None
    submitted_at: str
    started_at: str | None
    completed_at: str | None
    attempt: int
    error_message: str | None
    usage: UsageView
    correlation_id: str


class TaskView(TaskSummary, kw_only=True):
    """A whole task. One shape in every state; what is not there yet is null."""

    circuit: str
    inputs: Inputs
    result: ResultView | None
    status_history: list[HistoryView]


class TaskListView(msgspec.Struct, kw_only=True):
    """A page of tasks, newest first. A page may be short or empty and still have a next one."""

    tasks: list[TaskSummary]
    #: Give it as `cursor`, with the same filters; null on the last page.
    next_cursor: str | None
    #: Tasks whose items cannot be read; left out where there are none.
    unreadable: list[str] | UnsetType = UNSET


class FindingView(msgspec.Struct, kw_only=True):
    """One thing that is noteworthy about a circuit, with its place where there is one (from 1)."""

    severity: Severity
    message: str
    line: int | None
    column: int | None


class EstimateView(msgspec.Struct, kw_only=True):
    """What a run costs at most, if all amplitudes are kept; many circuits need far less."""

    gates: int
    memory_bytes: int | None
    seconds: float | None
    fits: bool


class ValidationView(msgspec.Struct, kw_only=True):
    """The answer to `POST /validations`: whether the circuit would run here."""

    valid: bool
    #: The circuit was read to its end: if not, nothing is said of the rest.
    complete: bool
    findings: list[FindingView]
    registers: list[RegisterView]
    qubits: int | None
    estimate: EstimateView | None


class HealthView(msgspec.Struct, kw_only=True):
    """The answer to `GET /health`."""

    status: str
    database_status: str
    queue_status: str
    timestamp: str
