"""What makes no task: whether a circuit would run, and whether the service can work."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from chalice.app import Request, Response

from chalicelib.composition import get_service
from chalicelib.entrypoints.http import answers, parsing, reading, schemas, views
from chalicelib.entrypoints.http.calls import Call, answering, endpoint
from chalicelib.settings import InvalidSetting
from chalicelib.use_cases.health import Health


@endpoint
def post_validation(call: Call) -> Response:
    """Tell whether a circuit would run, without making a task."""
    posted = parsing.to_post_task(reading.json_of(call.request))
    validation = call.service.ports.validator.validate(posted.to_request())
    view = msgspec.convert(validation, schemas.ValidationView, from_attributes=True)
    return answers.json_answer(200, view, {"Cache-Control": "no-store"})


@answering
def get_health(request: Request, correlation_id: str) -> Response:
    """Tell any caller whether database and queue can be used; 503 only if the database cannot.

    It answers also where no service can be built, for want of a setting.
    """
    del request, correlation_id
    try:
        service = get_service()
        health, now = service.check_health(), service.ports.clock.now()
    except InvalidSetting as exc:
        answers.log_invalid_setting(exc)
        health, now = Health(database=False, queue=False), datetime.now(UTC)
    status = "healthy" if health.queue else "degraded"
    view = schemas.HealthView(
        status=status if health.database else "unavailable",
        database_status="healthy" if health.database else "unavailable",
        queue_status="healthy" if health.queue else "unavailable",
        timestamp=views.timestamp(now),
    )
    headers = {"Cache-Control": "no-store"}
    return answers.json_answer(200 if health.database else 503, view, headers)
