"""What the explorer speaks of: calls of ports, their replies, actors' programs, violations."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any, NamedTuple

from chalicelib.domain.transition import Transition
from chalicelib.ports import TaskStore


class Actor(enum.IntEnum):
    """Who calls. The value is the actor's place in a state."""

    SUBMITTER = 0
    WORKER = 1
    SWEEPER = 2
    CANCELLER = 3


class Operation(enum.StrEnum):
    """What is called, one for each method of a port."""

    KEEP = "put the pieces"
    CREATE = "put"
    GET = "read"
    LOOK = "read without payloads"
    APPLY = "apply"
    APPLY_TO_UNREADABLE = "apply to unreadable"
    DELETE = "delete if pending"
    DUE = "list what is due"
    SEND = "send"
    SEND_BATCH = "send in a batch"
    REDELIVER = "redeliver"
    ACKNOWLEDGE = "acknowledge"
    EXECUTE = "execute"


#: Calls that change something, so that it matters whether and when they are applied.
WRITES = frozenset(
    {
        Operation.CREATE,
        Operation.APPLY,
        Operation.APPLY_TO_UNREADABLE,
        Operation.DELETE,
        Operation.SEND,
        Operation.SEND_BATCH,
    }
)


#: Calls that put messages into the queue.
SENDS = frozenset({Operation.SEND, Operation.SEND_BATCH})


class Fault(enum.StrEnum):
    """What may go wrong. Each costs one of a configuration's budget."""

    #: Not applied, and the caller is told so (every attempt of the SDK was refused).
    REFUSED = "refused"
    #: Applied, and the caller is left in doubt.
    LOST = "reply lost"
    #: The SDK's first attempt gets no answer, and the SDK makes a second one by itself.
    RETRIED = "retried by the SDK"
    #: Times out and stays in the network: it is applied at any later time, or never.
    LATE = "applied late"
    #: The process dies, before the call or after it.
    CRASH = "crash"
    #: The queue loses a message (retention).
    LOSS = "message lost"
    #: The store refuses a write since it is full.
    FULL = "store full"


@dataclasses.dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Call:
    """One call of a port, with its arguments. Interned: the same call is the same object."""

    number: int
    actor: Actor
    operation: Operation
    #: For traces.
    text: str
    #: Does it to a store; None for calls of queue and executor.
    on_store: Callable[[TaskStore], object] | None = None
    #: What `apply` or `apply_to_unreadable` was given.
    transition: Transition | None = None
    #: The attempt that the calling worker holds; 0 if none.
    attempt: int = 0
    #: The token that the call bears; 0 if none.
    token: int = 0
    #: Who is cancelling.
    owner: str = ""
    #: The places in its batch of the deliveries that are acknowledged.
    deliveries: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """What a call returned or raised. Interned by its text."""

    text: str
    value: object = None
    error: Callable[[], Exception] | None = None


class Program(NamedTuple):
    """What an actor runs, from its beginning."""

    actor: Actor
    #: Which of the configuration's request bodies a submitter sends.
    body: str = ""
    #: For each delivery of a worker's batch: the token of its claim and its receive count.
    deliveries: tuple[tuple[int, int], ...] = ()
    #: Who a canceller says that it is.
    owner: str = ""


class Answer(enum.StrEnum):
    """What a submitter's client is told."""

    ACCEPTED = "202"
    NOT_KEPT = "503 kept=no"
    KEPT = "503 kept=yes"
    UNKNOWN = "503 kept=unknown"
    CONFLICT = "422"
    FULL = "507"
    UNREADABLE = "500 unreadable"
    #: Of a cancel: "it was not cancelled", and not "it may have been".
    NOT_CANCELLED = "503 not cancelled"


@dataclasses.dataclass(frozen=True, slots=True)
class Violation:
    """A property that does not hold."""

    #: Its number in the list of properties, and a word.
    name: str
    message: str


class Ended(NamedTuple):
    """How a program ended."""

    #: What the client of a submitter or a canceller was told.
    answer: Answer | None = None
    #: Which of a worker's deliveries Lambda is to delete now.
    deletes: tuple[bool, ...] = ()
    #: What is wrong with its answer, whatever the state.
    violation: Violation | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """How far an actor has come: its program and the replies that it has got decide it."""

    program: Program
    #: The calls that it has made and what came back, oldest first.
    past: tuple[tuple[Call, Reply], ...]
    #: The call that it makes next; None at the end.
    call: Call | None
    ended: Ended | None
    children: dict[Reply, int] = dataclasses.field(default_factory=dict)


class ExplorerError(BaseException):
    """The explorer cannot go on: one of its own assumptions is wrong.

    Not an `Exception`, so that no error handling of the code under test answers it.
    """


class Calls:
    """All calls that were met, each once."""

    def __init__(self) -> None:
        self._by_key: dict[object, Call] = {}
        self.all: list[Call] = []

    def get(self, key: object, actor: Actor, operation: Operation, **fields: Any) -> Call:  # noqa: ANN401
        """Return the call with this key, made of the fields if it is new."""
        call = self._by_key.get((actor, operation, key))
        if call is None:
            call = Call(number=len(self.all), actor=actor, operation=operation, **fields)
            self._by_key[actor, operation, key] = call
            self.all.append(call)
        return call
