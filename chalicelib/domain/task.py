"""A task and what it is made of.

All are frozen. Times are aware UTC. Nothing here does I/O or knows where a value is kept.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import structs

#: Counts the meaning of a stored item. Raise it when an old reader would misread a new item. This
#: is the newest that is understood here; an item has the oldest that says all that is in it.
SCHEMA_VERSION: Final = 3
#: A request may have a seed.
SCHEMA_WITH_SEED: Final = 2
#: A request may have inputs, which are kept with its circuit.
SCHEMA_WITH_INPUTS: Final = 3
#: JSON's readers keep integers exact up to here (RFC 8259, section 6).
SEED_MAX: Final = 2**53 - 1

#: Values of a program's `input`s, by name.
Inputs = Mapping[str, bool | int | float]


class TaskStatus(enum.StrEnum):
    """Where a task stands. Each constant says how a task leaves it."""

    #: Stored, not yet claimed. Leaves to processing (claim), cancelled (cancel), or failed
    #: (the sweeper abandons a task past its maximum age).
    PENDING = "pending"
    #: Claimed by an attempt. Leaves to completed or failed (settle, abandon) or cancelled. A
    #: release, a takeover or a retry stays here: a status never goes backwards.
    PROCESSING = "processing"
    #: Has its result. Never leaves.
    COMPLETED = "completed"
    #: Has its error message. Never leaves.
    FAILED = "failed"
    #: Ended by its owner. Never leaves.
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether a task with this status has ended; it then never changes."""
        return self not in OPEN_STATUSES


OPEN_STATUSES: Final = frozenset({TaskStatus.PENDING, TaskStatus.PROCESSING})


class TaskEvent(enum.StrEnum):
    """What made a task change. All but `POSTPONE` leave an entry in the history."""

    SUBMIT = "submit"
    CLAIM = "claim"
    COMPLETE = "complete"
    FAIL = "fail"
    RELEASE = "release"
    #: Stored as `give_up`, its name in items of version 0.1.
    ABANDON = "give_up"
    CANCEL = "cancel"
    SWEEP = "sweep"
    #: The sweeper found a live lease and only moves `due_at` behind it.
    POSTPONE = "postpone"


class TaskRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for; immutable for the life of the task."""

    #: The circuit's text, OpenQASM 3 by expectation; nothing on the way to the executor parses it.
    circuit: str
    #: How often to sample it.
    shots: int
    #: The client's own labels.
    tags: Mapping[str, str]
    #: What the executor's randomness is to start from, 0 to `SEED_MAX`; None leaves it to the
    #: circuit and the shots.
    seed: int | None = None
    #: Values for the circuit's `input`s: one object, or a list of them, each of which is a point
    #: that is executed with all the shots. Kept with the circuit.
    inputs: Inputs | tuple[Inputs, ...] | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical request: tells a replay from a reused idempotency key."""
        fields: dict[str, object] = {
            "circuit": self.circuit,
            "shots": self.shots,
            "tags": dict(self.tags),
        }
        if self.seed is not None:
            # A request without one keeps the fingerprint that it had before there were seeds.
            fields["seed"] = self.seed
        if self.inputs is not None:
            fields["inputs"] = _canonical(self.inputs)
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def effective_seed(self) -> int:
        """The seed, or what stands for it: the same for the same circuit, shots and inputs."""
        if self.seed is not None:
            return self.seed
        start = f"{self.shots}\n{self.circuit}"
        if self.inputs is not None:
            start += f"\n{json.dumps(_canonical(self.inputs), sort_keys=True)}"
        return int.from_bytes(hashlib.sha256(start.encode()).digest()[:4])

    @property
    def points(self) -> tuple[Inputs, ...]:
        """The inputs of each point; a request without a list has one."""
        if isinstance(self.inputs, tuple):
            return self.inputs
        return (self.inputs or {},)

    @property
    def schema_version(self) -> int:
        """The schema that an item with this request needs."""
        if self.inputs is not None:
            return SCHEMA_WITH_INPUTS
        return 1 if self.seed is None else SCHEMA_WITH_SEED


def _canonical(inputs: Inputs | tuple[Inputs, ...]) -> object:
    """Return inputs with one form for equal numbers: whole ones are integers, and 0 has no sign."""
    if isinstance(inputs, tuple):
        return [_canonical(point) for point in inputs]
    return {
        name: int(value) if isinstance(value, float) and _is_whole(value) else value
        for name, value in inputs.items()
    }


def _is_whole(value: float) -> bool:
    return value.is_integer() and abs(value) <= SEED_MAX


def seed_of_point(seed: int, point: int) -> int:
    """Return what a point's randomness starts from: the seed itself for the first.

    The others have a hash: with `seed + point`, two sweeps would share samples.
    """
    if point == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}\n{point}".encode()).digest()[:7]) >> 3


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A classical register of a circuit."""

    name: str
    #: Its bits; a lone bit is a register of one.
    size: int


class PointResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one of a list of inputs yields."""

    #: As those of a `TaskResult`.
    counts: Mapping[str, int]
    seed: int


class TaskResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an execution yields."""

    #: Bit string to number of times it was seen, sorted by bit string; the numbers add up to
    #: `shots`. Empty where there are `points`. In a bit string the last declared register is
    #: leftmost, in each register the bit with the highest index, and there is a space between
    #: registers: "1 01".
    counts: Mapping[str, int]
    shots: int
    executor: str
    executor_version: str
    #: What the executor's randomness started from, so that a result can be made again.
    seed: int
    #: The registers of the bit strings, in the order of declaration. None in a result from before
    #: they were kept.
    registers: tuple[Register, ...] | None = None
    #: The results of a list of inputs, in its order; None where the request has no list.
    points: tuple[PointResult, ...] | None = None


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right of one attempt to execute a task until it expires."""

    #: A token that is unique per claim (never per process): it proves whose lease this is.
    holder: str
    expires_at: datetime


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One transition, as it is remembered permanently."""

    event: TaskEvent
    #: The task's status after the event.
    status: TaskStatus
    transitioned_at: datetime
    #: Claims so far, this one included. Not stored: counted from the events before it.
    attempt: int
    notes: str | None = None


def derive_history(entries: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Fill in what a stored history leaves out: attempt numbers, and why a claim was repeated.

    A claim is one write that reads nothing, so it cannot know which attempt it makes, nor
    whether it takes over; the entries before it tell.
    """
    numbered: list[HistoryEntry] = []
    attempt = 0
    for entry in entries:
        notes = entry.notes
        if entry.event is TaskEvent.CLAIM:
            notes = notes or _why_claimed_again(attempt, numbered)
            attempt += 1
        numbered.append(structs.replace(entry, attempt=attempt, notes=notes))
    return tuple(numbered)


def _why_claimed_again(attempt: int, before: Sequence[HistoryEntry]) -> str | None:
    if attempt == 0:
        return None
    ended_by = next(e.event for e in reversed(before) if e.event is not TaskEvent.SWEEP)
    if ended_by is TaskEvent.RELEASE:
        return f"attempt {attempt + 1}: retry after attempt {attempt} was released"
    return f"attempt {attempt + 1}: took over, the lease of attempt {attempt} had expired"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task, whole. It is one item in the store, its history inside it."""

    task_id: str
    #: Who may see and cancel it.
    owner: str
    request: TaskRequest
    #: Of the request that made the task. Kept apart, since it outlives changes of its formula.
    request_fingerprint: str
    correlation_id: str
    status: TaskStatus
    submitted_at: datetime
    #: When its first attempt was claimed.
    started_at: datetime | None = None
    #: When it ended, in whichever way.
    completed_at: datetime | None = None
    #: Claims so far. The current attempt's number is its fencing token.
    attempt: int = 0
    lease: Lease | None = None
    result: TaskResult | None = None
    error_message: str | None = None
    #: Oldest first, never empty.
    history: tuple[HistoryEntry, ...] = ()
    #: When the sweeper should check it next; None once it has ended.
    due_at: datetime | None = None
    #: Notes that the sweeper has left on it.
    sweeps: int = 0
    schema_version: int = 1

    @property
    def previous_status(self) -> TaskStatus | None:
        """The status before the last transition; None for a task just submitted."""
        return self.history[-2].status if len(self.history) > 1 else None
