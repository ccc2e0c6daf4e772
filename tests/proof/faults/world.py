"""One world per test process: clients, a poller, workers and a sweeper on a simulated backend.

Everything in it is the service's own code on its own adapters and botocore's own clients; only
what lies beyond the wire is simulated. It can be saved and loaded between two steps.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import boto3
from msgspec import structs

from chalicelib.adapters.telemetry import logger
from chalicelib.composition import Service
from chalicelib.domain.task import TaskRequest, TaskResult
from infra.audit.facts import TaskFacts
from infra.audit.rules import OPEN
from infra.local.settings import MAX_RECEIVE_COUNT
from tests.proof.faults.backend import (
    Message,
    QueuesState,
    SimulatedBackend,
    TableState,
    running_backend,
)
from tests.proof.faults.clients import Clients
from tests.proof.faults.judge import LATE_SECONDS_MAX, TAG, Judge, Known
from tests.proof.faults.keys import hidden_seconds, key_of
from tests.proof.faults.kinds import Kind
from tests.proof.faults.platform import Platform
from tests.proof.faults.process import HandsOn, settings_of, start_process
from tests.proof.faults.wire import CallName, Held, ProcessDied, Sent, Wire
from tests.support.in_memory import FakeClock, a_result

#: Makes a service different: in one guard, to see what finds that.
Alteration = Callable[[Service], Service]
#: What an executor does next: returns a result, raises, or is a hook that decides.
Behaviour = TaskResult | BaseException | Callable[["World"], TaskResult]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation of one process, in which calls are counted and may fail."""

    name: str
    role: str
    run: Callable[[World], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Saved:
    """A world between two steps."""

    now: datetime
    known: Known
    table: TableState
    queues: QueuesState
    held: tuple[Held, ...]
    #: Tells apart what can go differently from here on, and nothing else.
    key: str

    def with_duplicates(self, number: int) -> Saved:
        """Return the same world, in which so many deliveries are to come before their time."""
        if number == self.known.duplicates:
            return self
        known = dataclasses.replace(self.known, duplicates=number)
        return dataclasses.replace(self, known=known, key=f"{number} duplicates {self.key}")


class World:
    """The world; see the module. Build it with `running_world`."""

    def __init__(self, backend: SimulatedBackend, clock: FakeClock, alter: Alteration) -> None:
        self.backend = backend
        self._alter = alter
        self.clock = clock
        self.judge = Judge()
        #: What executions of a submission do, in turn; the last one again and again.
        self.behaviours: dict[str, Sequence[Behaviour]] = {}
        self.max_receive_count = MAX_RECEIVE_COUNT
        self.settings = settings_of(backend)
        self.wire = Wire(backend.send, clock, self._on_sent)
        #: Another process's, in which nothing ever fails.
        self._calm_wire = Wire(backend.send, clock, self._on_calm_sent)
        self.platform = Platform(backend, self.judge, lambda: self._process)
        self._hand = boto3.client("dynamodb")
        backend.connect(self._hand)
        self.other = self._start_process(self._calm_wire)
        self._process = self._start_process(self.wire)
        self.clients = Clients(backend, self.judge, lambda: self._process, self.other)

    # --- steps -------------------------------------------------------------------------------

    @property
    def known(self) -> Known:
        """What is known so far."""
        return self.judge.known

    def take(self, step: Step, plan: Mapping[CallName, Kind]) -> list[str]:
        """Run one step under these faults and return what does not hold after it."""
        self.clock.advance(1)
        random.seed(0)
        self.judge.begin(self.known, self.backend.table.items)
        self.wire.begin(step.role, plan)
        self._calm_wire.begin("other", {})
        executed_before = self._executions()
        attempts_before = self._attempts()
        died = False
        try:
            step.run(self)
        except ProcessDied:
            died = True
        self._judge_spent_attempts(executed_before, attempts_before, died=died)
        if died:
            self._process = self._start_process(self.wire)
        return self.judge.violations

    def let_arrive(self, number: int) -> list[str]:
        """Let one request arrive that was on its way."""
        self.judge.begin(self.known, self.backend.table.items)
        self.wire.let_arrive(self.wire.held[number])
        return self.judge.violations

    def reset(self, *, max_receive_count: int, partial_batches: bool) -> None:
        """Begin again: nothing stored, nothing sent, the clock where it is.

        How batches with failures end is set in function and mapping.
        """
        self.max_receive_count = max_receive_count
        self.backend.clear(max_receive_count=max_receive_count)
        self.platform.receipts.clear()
        self.judge.begin(Known(), {})
        self.behaviours = {}
        self.wire.held = []
        if self.platform.partial_batches != partial_batches:
            self.platform.partial_batches = partial_batches
            self._process = self._start_process(self.wire)

    def save(self) -> Saved:
        """Return this world as it is, for `load`."""
        self.forget_stale_requests()
        held = tuple(self.wire.held)
        return Saved(
            self.clock.now(),
            self.known.copied(),
            self.backend.table,
            self.backend.queues,
            held,
            self._key(),
        )

    def load(self, saved: Saved) -> None:
        """Make the world what it was."""
        self.clock.advance((saved.now - self.clock.now()).total_seconds())
        self.backend.table, self.backend.queues = saved.table, saved.queues
        self.judge.begin(saved.known.copied(), self.backend.table.items)
        self.wire.held = list(saved.held)

    def forget_stale_requests(self) -> None:
        """Give up what is so late that AWS would not take it any more."""
        self.wire.held = [
            held
            for held in self.wire.held
            if (self.clock.now() - held.made_at).total_seconds() < LATE_SECONDS_MAX
        ]

    def send_garbage(self, body: str) -> None:
        """Put something into the queue that is no message of the service."""
        self.platform.poller.send_message(QueueUrl=self.backend.queue_url, MessageBody=body)

    def make_corrupt(self, tag: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a task's item behind the service's back, so that it cannot be read."""
        task_id = self.known.submissions[tag].task_id or ""
        table, key = self.settings.tasks_table_name, {"task_id": {"S": task_id}}
        item = self._hand.get_item(TableName=table, Key=key)["Item"]
        change(item)
        self._hand.put_item(TableName=table, Item=item)
        self.known.corrupt.add(task_id)

    # --- looking -----------------------------------------------------------------------------

    def tasks(self) -> tuple[TaskFacts, ...]:
        """Every task in the table."""
        return self.backend.table.tasks

    def hidden_seconds(self, message: Message) -> float:
        """How long until a message can be received."""
        return hidden_seconds(message, self.clock.now())

    def open_tasks(self) -> list[TaskFacts]:
        """Tasks that have not ended."""
        return [task for task in self.tasks() if task.status in OPEN]

    # --- inside ------------------------------------------------------------------------------

    def _key(self) -> str:
        return key_of(
            self.known,
            self.wire.held,
            self.backend.table,
            self.backend.queues,
            now=self.clock.now(),
            age_seconds_max=self.settings.sweep_age_seconds_max,
        )

    def _start_process(self, wire: Wire) -> Service:
        partial = self.platform.partial_batches
        service = start_process(
            structs.replace(self.settings, partial_batch_responses=partial),
            wire,
            clock=self.clock,
            executor=HandsOn(self.execute),
            new_task_id=self._new_id,
            new_token=self._new_token,
        )
        return self._alter(service)

    def _new_id(self) -> str:
        self.known.ids += 1
        return f"00000000-0000-4000-8000-{self.known.ids:012}"

    def _new_token(self) -> str:
        self.known.tokens += 1
        return f"token-{self.known.tokens}"

    def execute(self, request: TaskRequest) -> TaskResult:
        """Do what was lined up for this submission's next execution."""
        tag = request.tags[TAG]
        submitted = self.judge.judge_execution(tag)
        right = request.circuit == submitted.circuit
        self.judge.demand(right, f"1: {tag} was executed with another circuit")
        behaviours = self.behaviours.get(tag, (a_result(),))
        behaviour = behaviours[min(submitted.executions, len(behaviours)) - 1]
        if isinstance(behaviour, BaseException):
            raise behaviour
        return behaviour if isinstance(behaviour, TaskResult) else behaviour(self)

    def _on_sent(self, sent: Sent) -> None:
        claimed = self._judge_sent(sent)
        if not sent.late:
            self.wire.attempts.update(claimed)

    def _on_calm_sent(self, sent: Sent) -> None:
        self._calm_wire.attempts.update(self._judge_sent(sent))

    def _judge_sent(self, sent: Sent) -> dict[str, int]:
        if sent.service == "dynamodb":
            return self.judge.judge_write(sent, self.backend.table.items, self.clock.now())
        for entry in sent.parameters.get("Entries", [sent.parameters]):
            if "MessageBody" in entry:
                self.judge.judge_send(sent, entry, self.backend.table.items)
                self.platform.swept |= {entry["MessageBody"]} if sent.role == "sweeper" else set()
        if sent.operation.startswith("DeleteMessage"):
            entries = sent.parameters.get("Entries", [sent.parameters])
            for entry in entries:
                body = self.platform.receipts[entry["ReceiptHandle"]]
                self.judge.judge_deletion(body, self.backend.table.items)
        return {}

    def _executions(self) -> int:
        return sum(s.executions for s in self.known.submissions.values())

    def _attempts(self) -> int:
        return sum(task.attempt for task in self.tasks() if task.task_id not in self.known.corrupt)

    def _judge_spent_attempts(self, executed: int, attempts: int, *, died: bool) -> None:
        """No attempt is without an execution (9), unless the process could not know of it."""
        if not died and all(kind.is_mended for _, kind in self.wire.struck):
            spent, run = self._attempts() - attempts, self._executions() - executed
            self.judge.demand(spent <= run, f"9: {spent} attempts were spent, {run} executed")


@contextlib.contextmanager
def running_world(alter: Alteration = lambda service: service) -> Iterator[World]:
    """Make a world, silent, for as long as the block lasts."""
    clock = FakeClock()
    level = logger.log_level
    logger.setLevel("CRITICAL")
    try:
        with running_backend(clock) as backend:
            yield World(backend, clock, alter)
    finally:
        logger.setLevel(level)
