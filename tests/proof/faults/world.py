"""One world per test process: clients, a poller, workers and a sweeper on a simulated backend.

Everything in it is the service's own code on its own adapters and botocore's own clients; only
what lies beyond the wire is simulated. It can be saved and loaded between two steps.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import random
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any, Final

import boto3
import msgspec

from chalicelib import composition
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.adapters.sqs_queue import SqsTaskQueue
from chalicelib.adapters.telemetry import logger
from chalicelib.composition import Service
from chalicelib.domain.task import TaskRequest, TaskResult, TaskStatus
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.entrypoints.http import problems
from chalicelib.entrypoints.sweeper import handle_schedule
from chalicelib.entrypoints.worker import BatchFailed, handle_batch
from chalicelib.errors import (
    IdempotencyConflict,
    Kept,
    QueueUnavailable,
    ServiceUnavailable,
    StoreFull,
    SubmissionUnavailable,
    TaskAlreadyEnded,
    TaskNotFound,
)
from chalicelib.settings import Settings
from chalicelib.use_cases.submit import Submission
from chalicelib.use_cases.submit import Submitted as Accepted
from infra.audit.facts import TaskFacts
from infra.audit.rules import OPEN
from infra.local.settings import MAX_RECEIVE_COUNT
from infra.local.stand_ins.sqs_event import event_from, failed_message_ids, queue_arn
from tests.proof.faults.backend import (
    Message,
    QueuesState,
    SimulatedBackend,
    TableState,
    running_backend,
)
from tests.proof.faults.judge import (
    LATE_SECONDS_MAX,
    TAG,
    Answer,
    Judge,
    Known,
    Submitted,
    status_in,
)
from tests.proof.faults.kinds import Kind
from tests.proof.faults.wire import CallName, Held, ProcessDied, Sent, Wire
from tests.support.fakes import RecordingObserver, TrustingValidator
from tests.support.in_memory import FakeClock, a_result

OWNER: Final = "local"
#: How the tags of a batch's members begin that keep their place and their request.
MEMBER: Final = "m"
#: What an invocation may take, and what an execution may.
INVOCATION_SECONDS: Final = 10.0
#: Small, so that many pieces are little to keep; a side item may still be one of one piece.
PIECE_BYTES: Final = 4_096
LARGE_CHARACTERS: Final = 5_000
#: Tasks that the sweeper notes before it sends.
UNIT_TASKS: Final = 2
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
        self.partial_batches = False
        self.max_receive_count = MAX_RECEIVE_COUNT
        self.settings: Settings = backend.settings(
            executor="mock",
            attempts_max=3,
            execution_concurrency=1,
            execution_seconds_max=5.0,
            backoff_seconds_max=8.0,
            outage_backoff_seconds_max=8.0,
            sweep_grace_seconds=60.0,
            sweep_interval_seconds_max=240.0,
            sweep_concurrency=1,
            batch_members_at_once=1,
            database_pieces_at_once=1,
        )
        self.wire = Wire(backend.send, clock, self._on_sent)
        #: Another process's, in which nothing ever fails.
        self._calm_wire = Wire(backend.send, clock, self._on_calm_sent)
        self._receipts: dict[str, str] = {}
        #: What this run of the sweeper has sent; the SDK's repetitions are the same body.
        self._swept: set[str] = set()
        self._poller = boto3.client("sqs")
        backend.connect(self._poller)
        self._hand = boto3.client("dynamodb")
        backend.connect(self._hand)
        self.other = self._start_process(self._calm_wire)
        self._process = self._start_process(self.wire)
        self._process_faults = 0

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
        self._process_faults += len(self.wire.struck)
        if died or self._process_faults > _FAULTS_OF_A_PROCESS_MAX:
            self._process = self._start_process(self.wire)
            self._process_faults = 0
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
        self._receipts.clear()
        self.judge.begin(Known(), {})
        self.behaviours = {}
        self.wire.held = []
        if self.partial_batches != partial_batches:
            self.partial_batches = partial_batches
            self._process = self._start_process(self.wire)

    def save(self) -> Saved:
        """Return this world as it is, for `load`."""
        self.forget_stale_requests()
        held = tuple(self.wire.held)
        return Saved(
            self.clock.now(),
            deepcopy(self.known),
            self.backend.table,
            self.backend.queues,
            held,
            self._key(),
        )

    def load(self, saved: Saved) -> None:
        """Make the world what it was."""
        self.clock.advance((saved.now - self.clock.now()).total_seconds())
        self.backend.table, self.backend.queues = saved.table, saved.queues
        self.judge.begin(deepcopy(saved.known), self.backend.table.items)
        self.wire.held = list(saved.held)

    def forget_stale_requests(self) -> None:
        """Give up what is so late that AWS would not take it any more."""
        self.wire.held = [
            held
            for held in self.wire.held
            if (self.clock.now() - held.made_at).total_seconds() < LATE_SECONDS_MAX
        ]

    # --- clients -----------------------------------------------------------------------------

    def expect(self, tag: str, *, key: str | None = None, circuit: str = "h q;") -> None:
        """Make a client that is going to submit."""
        self.known.submissions[tag] = Submitted(key=key, circuit=circuit)

    def submit(self, tag: str, *, service: Service | None = None) -> None:
        """Submit, and remember the answer."""
        submission = self._begin_submission(tag)
        self.known.submissions[tag].answer = Answer.BROKEN_OFF
        outcome: Accepted | Exception
        try:
            outcome = (service or self._process).submit(submission)
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            outcome = exc
        self._note_answer(tag, outcome)

    def expect_batch(self, *tags: str, key: str | None = None) -> None:
        """Make a client that is going to submit these together; some may be known already."""
        for index, tag in enumerate(tags):
            if tag not in self.known.submissions:
                self.expect(tag, key=key)
                self.known.submissions[tag].index = index if key is not None else None
            self.known.submissions[tag].batch = tags

    def submit_batch(self, *tags: str) -> None:
        """Submit them in one call, and remember each member's answer."""
        members = [self._begin_submission(tag) for tag in tags]
        outcomes = self._process.submit_batch(
            members, surrounding=lambda _: contextlib.nullcontext()
        )
        for tag, outcome in zip(tags, outcomes, strict=True):
            self._note_answer(tag, outcome)
            if tag.startswith(MEMBER):
                conflict = self.known.submissions[tag].answer is Answer.CONFLICT
                self.judge.demand(not conflict, f"2: {tag} was answered 422 and had not changed")

    def _begin_submission(self, tag: str) -> Submission:
        submitted = self.known.submissions[tag]
        submitted.tries += 1
        if submitted.answer is not Answer.ACCEPTED:  # a batch that breaks off tells it nothing new
            submitted.answer = Answer.BROKEN_OFF
        return Submission(
            request=TaskRequest(circuit=submitted.circuit, shots=8, tags={TAG: tag}),
            owner=OWNER,
            correlation_id=f"correlation-of-{tag}",
            idempotency_key=submitted.key,
            batch_index=submitted.index,
        )

    def _note_answer(self, tag: str, outcome: Accepted | Exception) -> None:
        submitted = self.known.submissions[tag]
        if isinstance(outcome, SubmissionUnavailable):
            submitted.answer = {
                Kept.NO: Answer.NOT_KEPT,
                Kept.YES: Answer.KEPT,
                Kept.UNKNOWN: Answer.UNKNOWN,
            }[outcome.kept]
            problem = problems.problem_for(outcome, correlation_id="").problem
            submitted.task_id = problem.task_id if isinstance(problem.task_id, str) else None
        elif isinstance(outcome, StoreFull):
            submitted.answer = Answer.FULL
        elif isinstance(outcome, IdempotencyConflict):
            submitted.answer = Answer.CONFLICT
        elif isinstance(outcome, Exception):
            self.judge.demand(False, f"5: submit ended with {outcome!r}")
        else:
            submitted.answer = Answer.ACCEPTED
            submitted.task_id = outcome.task.task_id
        self.judge.judge_answer(tag, self.backend.table.items)

    def get(self, tag: str) -> None:
        """Read a task by the id that its client was told."""
        submitted = self.known.submissions[tag]
        try:
            self._process.get(submitted.task_id or "", owner=OWNER)
        except ServiceUnavailable:
            pass
        except TaskUnreadable as exc:
            self.judge.demand(exc.seen.task_id in self.known.spoilt, f"1: {tag}: {exc}")
        except TaskNotFound:
            accepted = submitted.answer in (Answer.ACCEPTED, Answer.KEPT)
            self.judge.demand(not accepted, f"1: {tag} was {submitted.answer} and cannot be read")
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self.judge.demand(False, f"5: get ended with {exc!r}")

    def cancel(self, tag: str, *, service: Service | None = None) -> None:
        """Cancel, and remember what was said."""
        submitted = self.known.submissions[tag]
        submitted.cancel_asked, submitted.cancelled = True, None
        task_id = submitted.task_id or ""
        before = self.status_of(tag)
        try:
            (service or self._process).cancel(task_id, owner=OWNER)
        except TaskUnreadable as exc:
            submitted.cancelled = False
            self.judge.demand(exc.seen.task_id in self.known.spoilt, f"1: {tag}: {exc}")
        except TaskAlreadyEnded:
            submitted.cancelled = False
            self.judge.demand(self.status_of(tag) in ("completed", "failed"), "6: 409 of no end")
        except TaskNotFound:
            submitted.cancelled = False
            accepted = submitted.answer in (Answer.ACCEPTED, Answer.KEPT)
            self.judge.demand(not accepted, f"1: {tag} was {submitted.answer} and is not found")
        except ServiceUnavailable as exc:
            done = before != "cancelled" and self.status_of(tag) == "cancelled"
            self.judge.demand(exc.in_doubt or not done, "6: said not to be cancelled, and was")
        except StoreFull:
            done = before != "cancelled" and self.status_of(tag) == "cancelled"
            self.judge.demand(not done, "6: said to be full, and was cancelled")
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self.judge.demand(False, f"5: cancel ended with {exc!r}")
        else:
            submitted.cancelled = True
            self.judge.demand(self.status_of(tag) == "cancelled", "2: said to be cancelled, is not")

    def check_health(self) -> None:
        """Ask for health, which always answers."""
        try:
            self._process.check_health()
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self.judge.demand(False, f"5: health ended with {exc!r}")

    # --- Lambda ------------------------------------------------------------------------------

    def deliver(
        self,
        *,
        service: Service | None = None,
        seconds: float = INVOCATION_SECONDS,
        messages_max: int = 10,
    ) -> None:
        """Receive what is visible and hand it to a worker, as Lambda's poller does."""
        url = self.backend.queue_url
        messages = self._poller.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=messages_max,
            WaitTimeSeconds=0,
            AttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return
        self._receipts |= {m["ReceiptHandle"]: m["Body"] for m in messages}
        invocation = self._invoke(event_from(messages, queue_arn(url)), service, seconds)
        failed = failed_message_ids(
            [m["MessageId"] for m in messages],
            invocation,
            reports_batch_item_failures=self.partial_batches,
        )
        for message in messages:
            if message["MessageId"] not in failed:
                self.judge.judge_deletion(message["Body"], self.backend.table.items)
                with contextlib.suppress(self._poller.exceptions.ReceiptHandleIsInvalid):
                    self._poller.delete_message(
                        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]
                    )

    def _invoke(self, event: dict[str, Any], service: Service | None, seconds: float) -> Any:  # noqa: ANN401
        context = types.SimpleNamespace(
            aws_request_id="faults", get_remaining_time_in_millis=lambda: int(seconds * 1000)
        )
        result: Any = None
        error: Mapping[str, Any] | None = None
        try:
            result = handle_batch(service or self._process, event, context)
        except BatchFailed:
            error = {"errorType": "BatchFailed"}
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            error = {"errorType": type(exc).__name__}
            self.judge.demand(False, f"5: the batch broke off with {exc!r}")
        return types.SimpleNamespace(result=result, error=error)

    def sweep(self, *, service: Service | None = None) -> None:
        """Run the sweeper once."""
        context = types.SimpleNamespace(
            aws_request_id="faults", get_remaining_time_in_millis=lambda: 60_000
        )
        notes = self._sweeps()
        self._swept.clear()
        dead = False
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # its metrics
                handle_schedule(service or self._process, context)
        except QueueUnavailable:
            dead = not self._swept
        except (ServiceUnavailable, StoreFull):
            pass
        except Exception as exc:  # noqa: BLE001 - it is what is looked for
            self.judge.demand(False, f"5: the sweep ended with {exc!r}")
        finally:
            noted = self._sweeps() - notes
            self.judge.demand(
                len(self._swept) <= noted, "10: the sweeper sent more than it had noted"
            )
            self.judge.demand(
                not dead or noted <= UNIT_TASKS, "10: a dead queue leaves more than a unit's notes"
            )

    def send_garbage(self, body: str) -> None:
        """Put something into the queue that is no message of the service."""
        self._poller.send_message(QueueUrl=self.backend.queue_url, MessageBody=body)

    def spoil(self, tag: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a task's item behind the service's back, so that it cannot be read."""
        task_id = self.known.submissions[tag].task_id or ""
        table, key = self.settings.tasks_table_name, {"task_id": {"S": task_id}}
        item = self._hand.get_item(TableName=table, Key=key)["Item"]
        change(item)
        self._hand.put_item(TableName=table, Item=item)
        self.known.spoilt.add(task_id)

    # --- looking -----------------------------------------------------------------------------

    def tasks(self) -> tuple[TaskFacts, ...]:
        """Every task in the table."""
        return self.backend.table.tasks

    def hidden_seconds(self, message: Message) -> float:
        """How long until a message can be received."""
        return max(0.0, message.visible_at_ms / 1000 - self.clock.now().timestamp())

    def status_of(self, tag: str) -> str | None:
        """Where a submission's task stands; None if there is none."""
        task_id = self.known.submissions[tag].task_id
        item = self.backend.table.items.get(task_id or "")
        return None if item is None else status_in(item)

    def open_tasks(self) -> list[TaskFacts]:
        """Tasks that have not ended."""
        return [task for task in self.tasks() if task.status in OPEN]

    def is_accepted(self, task: TaskFacts) -> bool:
        """Whether a client was told that it is accepted."""
        return any(
            s.task_id == task.task_id and s.answer is Answer.ACCEPTED
            for s in self.known.submissions.values()
        )

    def read_all(self) -> None:
        """Read every task as a client may: it must be whole."""
        for task in self.tasks():
            if task.task_id in self.known.spoilt:
                continue
            read = self.other.get(task.task_id, owner=OWNER)
            tag = read.request.tags[TAG]
            whole = (
                read.request.circuit == self.known.submissions[tag].circuit
                and (read.result is not None) == (read.status is TaskStatus.COMPLETED)
                and read.status.value == task.status
            )
            self.judge.demand(whole, f"1: {tag} cannot be read as it was written")

    # --- inside ------------------------------------------------------------------------------

    def _key(self) -> str:
        """Tell apart worlds that can go differently from here on.

        Times count by how far they are from now, and tokens only while a request is on its way
        that may have one: no new claim will.
        """
        held = [(h.call.operation, h.body, sorted(h.attempts.items())) for h in self.wire.held]
        items = [
            {
                name: _short(value["B"]) if "B" in value else value
                for name, value in item.items()
                if name not in _PAST and (held or name != "lease_owner")
            }
            | {
                "events": [entry["M"]["event"] for entry in item.get("history", {"L": ()})["L"]],
                "old": self._is_old(item),
            }
            for item in self.backend.table.items.values()
        ]
        messages = [
            sorted((m.receive_count, round(self.hidden_seconds(m), 2), m.body) for m in queue)
            for queue in (self.backend.queues.messages, self.backend.queues.dead_letters)
        ]
        submissions = [
            (tag, dataclasses.replace(known, circuit=""), _short(known.circuit.encode()))
            for tag, known in self.known.submissions.items()
        ]
        known = (submissions, self.known.swept, self.known.duplicates)
        return _TIME.sub(self._from_now, repr((known, items, messages, held)))

    def _from_now(self, match: re.Match[str]) -> str:
        at = datetime.fromisoformat(match.group())
        return f"{(at - self.clock.now()).total_seconds():.2f}"

    def _is_old(self, item: Mapping[str, Any]) -> bool:
        if "submitted_at" not in item:
            return False
        age = self.clock.now() - datetime.fromisoformat(item["submitted_at"]["S"])
        return age.total_seconds() > self.settings.sweep_age_seconds_max

    def _start_process(self, wire: Wire) -> Service:
        settings = msgspec.structs.replace(
            self.settings, partial_batch_responses=self.partial_batches
        )
        store = DynamoDbTaskStore(settings, piece_bytes=PIECE_BYTES, now=self.clock.now)
        queue = SqsTaskQueue(settings)
        for client in (store.client, queue.client):
            self.backend.disconnect(client)
            wire.attach(client)
        service = composition.build(
            settings,
            composition.Ports(
                validator=TrustingValidator(),
                store=store,
                queue=queue,
                executor=_Executor(self),
                clock=self.clock,
                observer=RecordingObserver(),
            ),
        )
        # Nothing is left to chance, so that the same step always makes the same calls.
        execute = service.execute
        backoff = dataclasses.replace(execute.policy.backoff, random=lambda: 0.5)
        outages = dataclasses.replace(execute.policy.outage_backoff, random=lambda: 0.5)
        submit = dataclasses.replace(
            service.submit, new_task_id=self._new_id, large_characters=LARGE_CHARACTERS
        )
        in_units = dataclasses.replace(service.sweep.policy, unit_tasks=UNIT_TASKS)
        return self._alter(
            dataclasses.replace(
                service,
                sweep=dataclasses.replace(service.sweep, policy=in_units),
                submit=submit,
                submit_batch=dataclasses.replace(service.submit_batch, submit=submit),
                execute=dataclasses.replace(
                    execute,
                    new_token=self._new_token,
                    policy=dataclasses.replace(
                        execute.policy, backoff=backoff, outage_backoff=outages
                    ),
                ),
            )
        )

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
                self._swept |= {entry["MessageBody"]} if sent.role == "sweeper" else set()
        if sent.operation.startswith("DeleteMessage"):
            entries = sent.parameters.get("Entries", [sent.parameters])
            for entry in entries:
                body = self._receipts[entry["ReceiptHandle"]]
                self.judge.judge_deletion(body, self.backend.table.items)
        return {}

    def _executions(self) -> int:
        return sum(s.executions for s in self.known.submissions.values())

    def _attempts(self) -> int:
        return sum(task.attempt for task in self.tasks() if task.task_id not in self.known.spoilt)

    def _sweeps(self) -> int:
        return sum(task.sweeps for task in self.tasks())

    def _judge_spent_attempts(self, executed: int, attempts: int, *, died: bool) -> None:
        """No attempt is without an execution (9), unless the process could not know of it."""
        if not died and all(kind.is_mended for _, kind in self.wire.struck):
            spent, run = self._attempts() - attempts, self._executions() - executed
            self.judge.demand(spent <= run, f"9: {spent} attempts were spent, {run} executed")


#: What happened to a task, and when, decides nothing any more.
_PAST: Final = frozenset(
    {
        "stored_at",
        "history",
        "submitted_at",
        "started_at",
        "completed_at",
        "error_message",
        "correlation_id",
    }
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+\d\d:?\d\d")


def _short(content: bytes) -> bytes:
    """Tell a circuit or a piece from others by its digest: much to look through for times."""
    return hashlib.blake2b(content, digest_size=16).digest()


class _Executor:
    """Hands executions to the world (`Executor`)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        del time_limit_seconds
        return self._world.execute(request)


#: After so many a process is replaced in any case: botocore's allowance for retries, which takes
#: 500 and is spent by 10 for each, runs out.
_FAULTS_OF_A_PROCESS_MAX: Final = 40


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
