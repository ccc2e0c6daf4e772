"""Puts the service together from its settings. The only place that builds adapters.

Nothing is built on import, since `app.py` is imported to package it, with no environment.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import uuid
from typing import Final

import msgspec
from botocore.exceptions import NoRegionError

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.adapters.sqs_queue import SqsTaskQueue
from chalicelib.adapters.telemetry import TelemetryObserver, logger
from chalicelib.domain.retry_policy import OUTAGE_GROWTH, Backoff
from chalicelib.executors.first_use import BuiltOnFirstUse, ValidatorOnFirstUse
from chalicelib.ports import Clock, Executor, Observer, TaskQueue, TaskStore, Validator
from chalicelib.runtime_checks import check_runtime
from chalicelib.settings import InvalidSetting, Settings
from chalicelib.use_cases.cancel import CancelTask
from chalicelib.use_cases.execute import ExecuteTask, ExecutionPolicy
from chalicelib.use_cases.health import CheckHealth
from chalicelib.use_cases.list_tasks import ListTasks
from chalicelib.use_cases.read import GetTask
from chalicelib.use_cases.submit import SubmitTask
from chalicelib.use_cases.submit_batch import SubmitBatch
from chalicelib.use_cases.sweep import SweepPolicy, SweepTasks
from chalicelib.use_cases.wait import WaitForEnd

#: No member of a batch, and no call of a list, begins after this. With what then is under way they
#: stay within the API's timeout: doctor's rule `functions/api-timeout` adds it up.
BATCH_BEGIN_SECONDS_MAX: Final = 6.0
LIST_BEGIN_SECONDS_MAX: Final = 6.0


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The outside world, as the use cases see it."""

    store: TaskStore
    queue: TaskQueue
    executor: Executor
    validator: Validator
    clock: Clock
    observer: Observer


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """The use cases, ready to be called, and what the entrypoints need with them."""

    settings: Settings
    ports: Ports
    submit: SubmitTask
    submit_batch: SubmitBatch
    get: GetTask
    wait: WaitForEnd
    list: ListTasks
    cancel: CancelTask
    check_health: CheckHealth
    execute: ExecuteTask
    sweep: SweepTasks


def build_ports(settings: Settings) -> Ports:
    """Build the adapters for AWS, or for whatever the SDK's endpoint variables point to.

    Raises:
        InvalidSetting: nothing says in which region table and queue are.
    """
    observer = TelemetryObserver(stage=settings.stage)
    try:
        store, queue = DynamoDbTaskStore(settings), SqsTaskQueue(settings)
    except NoRegionError as exc:
        raise InvalidSetting("AWS_DEFAULT_REGION must name a region; none is set") from exc
    return Ports(
        store=store,
        queue=queue,
        executor=BuiltOnFirstUse(settings, observer),
        validator=ValidatorOnFirstUse(settings, observer),
        clock=SystemClock(),
        observer=observer,
    )


def build(settings: Settings, ports: Ports) -> Service:
    """Build the use cases on these ports."""
    store, queue, clock, observer = ports.store, ports.queue, ports.clock, ports.observer
    submit = SubmitTask(
        store=store,
        queue=queue,
        clock=clock,
        observer=observer,
        sweep_grace_seconds=settings.sweep_grace_seconds,
        new_task_id=_new_id,
    )
    return Service(
        settings=settings,
        ports=ports,
        submit=submit,
        submit_batch=SubmitBatch(
            submit=submit,
            clock=clock,
            observer=observer,
            members_at_once=settings.batch_members_at_once,
            begin_seconds_max=BATCH_BEGIN_SECONDS_MAX,
        ),
        get=GetTask(store=store, observer=observer),
        wait=WaitForEnd(
            store=store,
            clock=clock,
            observer=observer,
            seconds_max=settings.wait_seconds_max,
        ),
        list=ListTasks(store=store, clock=clock, begin_seconds_max=LIST_BEGIN_SECONDS_MAX),
        cancel=CancelTask(store=store, clock=clock, observer=observer),
        check_health=CheckHealth(store=store, queue=queue),
        execute=ExecuteTask(
            store=store,
            executor=ports.executor,
            clock=clock,
            observer=observer,
            policy=ExecutionPolicy(
                attempts_max=settings.attempts_max,
                start_seconds_max=settings.execution_start_seconds_max,
                execution_seconds_max=settings.execution_seconds_max,
                margin_seconds=settings.execution_margin_seconds,
                backoff=Backoff(
                    base_seconds=settings.backoff_seconds_base,
                    seconds_max=settings.backoff_seconds_max,
                    random=random.random,
                ),
                outage_backoff=Backoff(
                    base_seconds=settings.backoff_seconds_base,
                    seconds_max=settings.outage_backoff_seconds_max,
                    random=random.random,
                    growth=OUTAGE_GROWTH,
                ),
            ),
            new_token=_new_id,
        ),
        sweep=SweepTasks(
            store=store,
            queue=queue,
            clock=clock,
            observer=observer,
            policy=SweepPolicy(
                grace_seconds=settings.sweep_grace_seconds,
                interval_seconds_max=settings.sweep_interval_seconds_max,
                age_seconds_max=settings.sweep_age_seconds_max,
                tasks_max=settings.sweep_tasks_max,
                margin_seconds=2 * settings.database_call_seconds_max
                + settings.queue_call_seconds_max,
                concurrency=settings.sweep_concurrency,
            ),
        ),
    )


def _new_id() -> str:
    return str(uuid.uuid4())


class _Process(msgspec.Struct):
    """This process's service; None until the first call that needs it."""

    lock: threading.Lock = msgspec.field(default_factory=threading.Lock)
    service: Service | None = None


_process = _Process()


def get_service() -> Service:
    """Return this process's service. It is built once; a Lambda keeps it for all invocations.

    Raises:
        InvalidSetting: a setting is missing or wrong.
    """
    with _process.lock:
        if _process.service is None:
            settings = Settings.from_environment(os.environ)
            check_runtime(settings, os.environ)
            logger.setLevel(settings.log_level)
            _process.service = build(settings, build_ports(settings))
        return _process.service


def override_service(service: Service | None) -> None:
    """Use this service from now on, or with None build one on the next call: for tests."""
    with _process.lock:
        _process.service = service


def warm_up() -> None:
    """Build this process's service now if it is a Lambda function, else on the first call.

    A function's import runs in its INIT phase, with a full processor and outside the first
    request's time. Elsewhere `app.py` may be imported only to be packaged.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        # Each invocation says it again; here it would end the process, and `/health` with it.
        with contextlib.suppress(InvalidSetting):
            get_service()
