"""The sweeper's entrypoint: one scheduled event in, one bounded run."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from chalicelib.adapters.telemetry import emit_metrics, log_context, logger
from chalicelib.composition import Service
from chalicelib.entrypoints.lambda_context import LambdaContext


def handle_schedule(service: Service, context: LambdaContext) -> dict[str, Any]:
    """Sweep once and return what was done.

    Raises:
        ServiceUnavailable: database or queue failed; Lambda records the failure, and the next
            run starts over.
    """
    with log_context(function_request_id=context.aws_request_id):
        report = service.sweep(seconds_left=lambda: context.get_remaining_time_in_millis() / 1000)
        done = structs.asdict(report)
        logger.info("swept", extra={**done, "function_request_id": context.aws_request_id})
    emit_metrics(stage=service.settings.stage, sweeps=1, swept_tasks=report.resent)
    return done
