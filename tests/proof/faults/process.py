"""A process of the service: its own code on its own adapters, with nothing left to chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import structs

from chalicelib import composition
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.adapters.sqs_queue import SqsTaskQueue
from chalicelib.composition import Service
from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.ports import Executor
from chalicelib.settings import Settings
from tests.proof.faults.backend import SimulatedBackend
from tests.proof.faults.wire import Wire
from tests.support.fakes import RecordingObserver, TrustingValidator
from tests.support.in_memory import FakeClock

#: Small, so that many pieces are little to keep; a side item may still be one of one piece.
PIECE_BYTES: Final = 4_096
LARGE_CHARACTERS: Final = 5_000
#: Tasks that the sweeper notes before it sends.
UNIT_TASKS: Final = 2


class HandsOn:
    """Hands executions on (`Executor`)."""

    def __init__(self, hand_on: Callable[[TaskRequest], TaskResult]) -> None:
        self._hand_on = hand_on

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        del time_limit_seconds
        return self._hand_on(request)


def start_process(
    settings: Settings,
    wire: Wire,
    *,
    clock: FakeClock,
    executor: Executor,
    new_task_id: Callable[[], str],
    new_token: Callable[[], str],
) -> Service:
    """Start a process whose requests go over this wire and nowhere else."""
    store = DynamoDbTaskStore(settings, piece_bytes=PIECE_BYTES, now=clock.now)
    queue = SqsTaskQueue(settings)
    for client in (store.client, queue.client):
        SimulatedBackend.disconnect(client)
        wire.attach(client)
    service = composition.build(
        settings,
        composition.Ports(
            validator=TrustingValidator(),
            store=store,
            queue=queue,
            executor=executor,
            clock=clock,
            observer=RecordingObserver(),
        ),
    )
    # Nothing is left to chance, so that the same step always makes the same calls.
    execute = service.execute
    backoff = structs.replace(execute.policy.backoff, random=lambda: 0.5)
    outages = structs.replace(execute.policy.outage_backoff, random=lambda: 0.5)
    submit = structs.replace(
        service.submit, new_task_id=new_task_id, large_characters=LARGE_CHARACTERS
    )
    in_units = structs.replace(service.sweep.policy, unit_tasks=UNIT_TASKS)
    return structs.replace(
        service,
        sweep=structs.replace(service.sweep, policy=in_units),
        submit=submit,
        submit_batch=structs.replace(service.submit_batch, submit=submit),
        execute=structs.replace(
            execute,
            new_token=new_token,
            policy=structs.replace(execute.policy, backoff=backoff, outage_backoff=outages),
        ),
    )


def settings_of(backend: SimulatedBackend) -> Settings:
    """Return settings under which little time passes and one thing is done after the other."""
    settings: Settings = backend.settings(
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
    return settings
