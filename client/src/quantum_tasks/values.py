"""What the service answers, as values. Names that are not known are left alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from quantum_tasks.reading import Document
from quantum_tasks.result import Register, Result

#: The statuses of a task that goes on, and of one that has ended.
GOING_ON: Final = frozenset({"pending", "processing"})
ENDED: Final = frozenset({"completed", "failed", "cancelled"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One transition of a task."""

    status: str
    transitioned_at: datetime
    #: Why, where there is something to say.
    notes: str | None
    #: The number of the execution, from 1; 0 before the first.
    attempt: int

    @classmethod
    def read(cls, document: Document) -> HistoryEntry:
        """Read one entry of `status_history`."""
        return cls(
            status=document.text("status"),
            transitioned_at=document.time("transitioned_at"),
            notes=document.text_or_none("notes"),
            attempt=document.integer("attempt"),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a task took, summed over its attempts; None is what is not known yet."""

    queued_ms: int | None = None
    execution_ms: int | None = None
    attempts: int | None = None

    @classmethod
    def read(cls, document: Document | None) -> Usage:
        """Read `usage`; older services have none."""
        if document is None:
            return cls()
        return cls(
            queued_ms=document.integer_or_none("queued_ms"),
            execution_ms=document.integer_or_none("execution_ms"),
            attempts=document.integer_or_none("attempts"),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaskData:
    """A task as the service described it last.

    A submission's answer and a list have less than the whole: there `circuit` is None and the
    history empty until the task is read.
    """

    id: str
    status: str
    correlation_id: str | None = None
    shots: int | None = None
    seed: int | None = None
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    circuit: str | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    attempt: int = 0
    result: Result | None = None
    error_message: str | None = None
    history: tuple[HistoryEntry, ...] = ()
    usage: Usage = Usage()
    #: Of a submission: the task was there before.
    replayed: bool = False
    #: The document itself, with all that the service said.
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Tell whether the task has ended, in whichever way."""
        return self.status in ENDED

    @classmethod
    def read(cls, document: Document) -> TaskData:
        """Read a whole task, a summary, or the answer to a submission."""
        result = document.document_or_none("result")
        return cls(
            id=document.text("task_id"),
            status=document.text("status"),
            correlation_id=document.text_or_none("correlation_id"),
            shots=document.integer_or_none("shots"),
            seed=document.integer_or_none("seed"),
            tags=document.texts("tags"),
            circuit=document.text_or_none("circuit"),
            submitted_at=document.time_or_none("submitted_at"),
            started_at=document.time_or_none("started_at"),
            completed_at=document.time_or_none("completed_at"),
            attempt=document.integer_or_none("attempt") or 0,
            result=None if result is None else Result.read(result),
            error_message=document.text_or_none("error_message"),
            history=tuple(HistoryEntry.read(e) for e in document.documents("status_history")),
            usage=Usage.read(document.document_or_none("usage")),
            replayed=document.truth("replayed"),
            document=document.values,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; it may be empty and still have a next one."""

    tasks: tuple[TaskData, ...]
    next_cursor: str | None
    #: Ids of tasks that are there but cannot be read.
    unreadable: tuple[str, ...]

    @classmethod
    def read(cls, document: Document) -> Page:
        """Read the answer to `GET /tasks`."""
        return cls(
            tasks=tuple(TaskData.read(task) for task in document.documents("tasks")),
            next_cursor=document.text_or_none("next_cursor"),
            unreadable=document.text_list("unreadable"),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a validation found in a circuit."""

    #: "error" makes the circuit invalid; anything else does not.
    severity: str
    message: str
    #: Counted from 1; None where the place is not known.
    line: int | None
    column: int | None

    @classmethod
    def read(cls, document: Document) -> Finding:
        """Read one of `findings`."""
        return cls(
            severity=document.text("severity"),
            message=document.text("message"),
            line=document.integer_or_none("line"),
            column=document.integer_or_none("column"),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What the service says of a circuit without executing it."""

    valid: bool
    findings: tuple[Finding, ...]
    #: The classical registers that a result would have.
    registers: tuple[Register, ...]
    qubits: int | None
    #: What an execution would need, as the service says it.
    estimate: Mapping[str, Any] | None
    document: Mapping[str, Any] = dataclasses.field(repr=False)

    @classmethod
    def read(cls, document: Document) -> Validation:
        """Read the answer to `POST /validations`."""
        estimate = document.document_or_none("estimate")
        return cls(
            valid=document.truth("valid"),
            findings=tuple(Finding.read(entry) for entry in document.documents("findings")),
            registers=tuple(Register.read(entry) for entry in document.documents("registers")),
            qubits=document.integer_or_none("qubits"),
            estimate=None if estimate is None else estimate.values,
            document=document.values,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the service can be used: `healthy`, `degraded` or `unavailable`."""

    status: str
    database_status: str
    queue_status: str
    timestamp: datetime
    document: Mapping[str, Any] = dataclasses.field(repr=False)

    @classmethod
    def read(cls, document: Document) -> Health:
        """Read the answer to `GET /health`."""
        return cls(
            status=document.text("status"),
            database_status=document.text("database_status"),
            queue_status=document.text("queue_status"),
            timestamp=document.time("timestamp"),
            document=document.values,
        )
