"""Executing, and ending a batch, without one of their guards."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.composition import Service
from chalicelib.domain.ending import Ending
from chalicelib.domain.message import (
    Acknowledge,
    Delivery,
    Disposition,
    Redeliver,
    TaskMessage,
)
from chalicelib.domain.task import Task
from chalicelib.domain.unreadable import StoredTask
from chalicelib.entrypoints import worker
from chalicelib.entrypoints.lambda_context import LambdaContext
from chalicelib.entrypoints.worker import BatchFailed
from chalicelib.errors import QueueUnavailable
from chalicelib.use_cases.execute import ExecuteTask

_T = TypeVar("_T")


class ForgetsItsClaim(ExecuteTask, frozen=True):
    """Does not know its own token again."""

    def _after_refused_claim(self, delivery: Delivery, token: str) -> Task | Ending | Disposition:
        return super()._after_refused_claim(delivery, "another")


class ClaimsBlindly(ExecuteTask, frozen=True):
    """Takes a refused claim for another worker's success, without reading."""

    def _after_refused_claim(self, delivery: Delivery, token: str) -> Task | Ending | Disposition:
        return Acknowledge("a worker has it")


class AcknowledgesLeased(ExecuteTask, frozen=True):
    """Takes a live lease for an execution that is sure to end."""

    def _after_refused_claim(self, delivery: Delivery, token: str) -> Task | Ending | Disposition:
        return _acknowledged_if(
            super()._after_refused_claim(delivery, token), "another attempt is at work"
        )


class AcknowledgesRaced(ExecuteTask, frozen=True):
    """Leaves a task alone that changed while it was refused."""

    def _after_refused_claim(self, delivery: Delivery, token: str) -> Task | Ending | Disposition:
        return _acknowledged_if(
            super()._after_refused_claim(delivery, token), "the task changed meanwhile"
        )


class AcknowledgesUnreachable(ExecuteTask, frozen=True):
    """Is done with a delivery though the database did not answer."""

    def __call__(self, delivery: Delivery, *, seconds_left: Any) -> Disposition:  # noqa: ANN401
        """Handle one delivery."""
        return _acknowledged_if(
            super().__call__(delivery, seconds_left=seconds_left), "the database cannot be used"
        )


class NeverGivesUp(ExecuteTask, frozen=True):
    """Gives a delivery back though its task has no attempt left."""

    def _after_refused_claim(self, delivery: Delivery, token: str) -> Task | Ending | Disposition:
        step = super()._after_refused_claim(delivery, token)
        return Redeliver("no attempt is left", 1) if isinstance(step, Ending) else step


class SettlesBlindly(ExecuteTask, frozen=True):
    """Takes a refused settle or release for the task's end, without reading."""

    def _after_refused_settle(self, ending: Ending) -> Disposition:
        return Acknowledge("a worker has settled it")


class SparesTheUnreadable(ExecuteTask, frozen=True):
    """Gives back what it holds and cannot read."""

    def _after_unreadable_claim(
        self, delivery: Delivery, stored: StoredTask, token: str
    ) -> Ending | Disposition:
        return super()._after_unreadable_claim(delivery, stored, "another")


class SparesTheExhausted(ExecuteTask, frozen=True):
    """Gives back what it cannot read though no attempt is left."""

    def _abandon_unreadable(self, stored: StoredTask, now: datetime) -> Disposition:
        return Redeliver("no attempt is left", 1)


class AcknowledgesUnreadable(ExecuteTask, frozen=True):
    """Is done with what it cannot read and does not hold."""

    def _leave_unreadable(self, stored: StoredTask, delay: int) -> Disposition:
        return Acknowledge("it cannot be read")


def _acknowledged_if(disposition: _T, reason: str) -> _T | Acknowledge:
    redelivered = isinstance(disposition, Redeliver) and disposition.reason == reason
    return Acknowledge(reason) if redelivered else disposition


def acknowledging_first(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Delete the messages, then handle them."""
    _acknowledge_all(service, event)
    return worker.handle_batch(service, event, context)


def never_failing(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Handle the messages, and answer that all is well."""
    with contextlib.suppress(BatchFailed):
        return worker.handle_batch(service, event, context)
    return None


def sending_again(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Send a new message for one that failed, then delete the old one."""
    try:
        return worker.handle_batch(service, event, context)
    except BatchFailed:
        _send_all(service, event)
        return None


def deleting_and_sending_again(
    service: Service, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any] | None:
    """Delete a message that failed, then send a new one."""
    try:
        return worker.handle_batch(service, event, context)
    except BatchFailed:
        _acknowledge_all(service, event)
        _send_all(service, event)
        return None


def _acknowledge_all(service: Service, event: Mapping[str, Any]) -> None:
    handles = [record["receiptHandle"] for record in event["Records"]]
    try:
        service.ports.queue.acknowledge(handles)
    except QueueUnavailable as exc:
        raise BatchFailed from exc


def _send_all(service: Service, event: Mapping[str, Any]) -> None:
    try:
        for record in event["Records"]:
            service.ports.queue.send(TaskMessage.from_json(record["body"]))
    except QueueUnavailable as exc:
        raise BatchFailed from exc
