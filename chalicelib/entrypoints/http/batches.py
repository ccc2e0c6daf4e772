"""`POST /batches`: many tasks in one call, each with the answer that it alone would have had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from chalice.app import Response

from chalicelib.adapters.telemetry import emit_metrics, log_context
from chalicelib.entrypoints.http import parsing, schemas, views
from chalicelib.entrypoints.http.calls import (
    Call,
    body_of,
    endpoint,
    header_values,
    json_answer,
    problem_of,
)
from chalicelib.errors import InvalidRequest
from chalicelib.use_cases.submit import Submission
from chalicelib.use_cases.submit_batch import Member, Outcome


@endpoint()
def post_batch(call: Call) -> Response:
    """Submit up to 100 tasks; 200 whatever becomes of each."""
    parsing.check_content_type(call.request.headers.get("content-type", ""))
    key = parsing.parse_idempotency_key(header_values(call.request, parsing.IDEMPOTENCY_KEY))
    members = [
        _to_member(call, posted, key, index)
        for index, posted in enumerate(parsing.parse_post_batch(body_of(call.request)))
    ]

    @contextlib.contextmanager
    def context(index: int) -> Iterator[None]:
        with log_context(batch_index=str(index)):
            yield

    outcomes = call.service.submit_batch(members, context=context)
    members_views = [_view(call, index, outcome) for index, outcome in enumerate(outcomes)]
    failed = sum(view.status >= HTTPStatus.INTERNAL_SERVER_ERROR for view in members_views)
    emit_metrics(
        stage=call.service.settings.stage,
        batch_members=len(members_views),
        batch_members_failed=failed,
    )
    return json_answer(200, schemas.BatchView(tasks=members_views), {})


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


def _view(call: Call, index: int, outcome: Outcome) -> schemas.MemberView:
    if isinstance(outcome, Exception):
        problem = problem_of(outcome, call.correlation_id).problem
        return schemas.MemberView(index=index, status=problem.status, problem=problem)
    accepted = views.accepted(outcome, call.correlation_id)
    task = schemas.MemberAccepted(
        **{name: getattr(accepted, name) for name in accepted.__struct_fields__},
        replayed=outcome.replayed,
    )
    return schemas.MemberView(index=index, status=HTTPStatus.ACCEPTED, task=task)
