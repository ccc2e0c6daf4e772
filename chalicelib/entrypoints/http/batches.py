"""`POST /batches`: many tasks in one call, each with the answer that it alone would have had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from chalice.app import Response

from chalicelib.adapters.telemetry import emit_metrics, log_context
from chalicelib.entrypoints.http import answers, parsing, reading, schemas, views
from chalicelib.entrypoints.http.calls import Call, endpoint
from chalicelib.errors import InvalidRequest
from chalicelib.use_cases.submit import Submission
from chalicelib.use_cases.submit_batch import Member, MemberResult


@endpoint
def post_batch(call: Call) -> Response:
    """Submit up to 100 tasks; 200 whatever becomes of each."""
    posted = parsing.to_batch(reading.json_of(call.request))
    key = reading.idempotency_key_of(call.request)
    members = [_to_member(call, member, key, index) for index, member in enumerate(posted)]
    outcomes = call.service.submit_batch(members, context=_log_context)
    shown = [_view(call, index, outcome) for index, outcome in enumerate(outcomes)]
    failed = sum(view.status >= HTTPStatus.INTERNAL_SERVER_ERROR for view in shown)
    emit_metrics(
        stage=call.service.settings.stage, batch_members=len(shown), batch_members_failed=failed
    )
    return answers.json_answer(200, schemas.BatchView(tasks=shown), {})


@contextlib.contextmanager
def _log_context(index: int) -> Iterator[None]:
    with log_context(batch_index=str(index)):
        yield


def _to_member(
    call: Call, posted: schemas.BatchMember | InvalidRequest, batch_key: str | None, index: int
) -> Member:
    if isinstance(posted, InvalidRequest):
        return posted
    own_key = posted.idempotency_key
    return Submission(
        request=posted.to_request(),
        owner=call.owner,
        correlation_id=call.correlation_id,
        idempotency_key=own_key or batch_key,
        batch_index=index if own_key is None and batch_key is not None else None,
    )


def _view(call: Call, index: int, outcome: MemberResult) -> schemas.MemberView:
    if isinstance(outcome, Exception):
        problem = answers.problem_of(outcome, call.correlation_id)
        return schemas.MemberView(index=index, status=problem.status, problem=problem)
    task = views.accepted_member(outcome, call.correlation_id)
    return schemas.MemberView(index=index, status=HTTPStatus.ACCEPTED, task=task)
