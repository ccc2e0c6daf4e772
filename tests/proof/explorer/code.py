"""Which code is explored: the real use cases, or a mutant's variation of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from chalicelib import composition
from chalicelib.composition import Ports, Service
from chalicelib.domain.retry_policy import Backoff
from chalicelib.domain.transition import Transition
from chalicelib.entrypoints import worker
from chalicelib.entrypoints.lambda_context import LambdaContext
from chalicelib.settings import Settings
from chalicelib.use_cases.cancel import CancelTask
from chalicelib.use_cases.execute import ExecuteTask
from chalicelib.use_cases.submit import SubmitTask
from chalicelib.use_cases.sweep import SweepTasks
from tests.support.alike import convert_to
from tests.support.in_memory import InMemoryTaskStore

#: The id of the one task when its client gave no key.
UNKEYED_TASK_ID = "00000000-0000-4000-8000-000000000001"

HandleBatch = Callable[[Service, Mapping[str, Any], LambdaContext], dict[str, Any] | None]


def as_decided(transition: Transition) -> Transition:
    """Leave a transition as the lifecycle made it."""
    return transition


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The parts that a mutant may exchange. The defaults are what the service runs."""

    submit: type[SubmitTask] = SubmitTask
    execute: type[ExecuteTask] = ExecuteTask
    sweep: type[SweepTasks] = SweepTasks
    cancel: type[CancelTask] = CancelTask
    store: type[InMemoryTaskStore] = InMemoryTaskStore
    handle_batch: HandleBatch = worker.handle_batch
    #: Takes a clause out of a transition's condition.
    weaken: Callable[[Transition], Transition] = as_decided
    #: Whether each claim gets a token of its own, or each process has one.
    token_per_claim: bool = True
    #: What the platform does: whether the mapping has `ReportBatchItemFailures`.
    mapping_reports_failures: bool = True
    #: Whether there is a sweeper at all.
    sweeps: bool = True

    def build(
        self, settings: Settings, ports: Ports, new_token: Callable[[], str], *, pieces: bool
    ) -> Service:
        """Build the service as the composition does, but for randomness and exchanged parts."""
        service = composition.build(settings, ports)
        steady = Backoff(
            base_seconds=settings.backoff_seconds_base,
            seconds_max=settings.backoff_seconds_max,
            random=lambda: 0.5,
        )
        outages = structs.replace(service.execute.policy.outage_backoff, random=lambda: 0.5)
        execution = structs.replace(service.execute.policy, backoff=steady, outage_backoff=outages)
        submit = convert_to(
            self.submit,
            service.submit,
            new_task_id=lambda: UNKEYED_TASK_ID,
            large_characters=0 if pieces else service.submit.large_characters,
        )
        return structs.replace(
            service,
            submit=submit,
            submit_batch=structs.replace(service.submit_batch, submit=submit),
            execute=convert_to(
                self.execute, service.execute, policy=execution, new_token=new_token
            ),
            sweep=convert_to(self.sweep, service.sweep),
            cancel=convert_to(self.cancel, service.cancel),
        )


#: What the service runs.
REAL = Code()
