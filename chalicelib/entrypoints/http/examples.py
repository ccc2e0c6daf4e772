"""Examples of requests and answers, for OpenAPI's document.

They are made as the service makes its answers, of one task that goes through its life, so a new
field is in them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from chalicelib.domain import lifecycle
from chalicelib.domain.task import Lease, Register, TaskResult
from chalicelib.domain.validation import Finding, Validation
from chalicelib.entrypoints.http import parsing, problems, schemas, views
from chalicelib.errors import InvalidRequest
from chalicelib.use_cases.submit import Submitted

#: What executes the tasks of a stage by default; a test holds it to the executor itself.
EXECUTOR: Final = "prism-q"
EXECUTOR_VERSION: Final = "0.35.0+reader.2"

_ID: Final = "1f0b3a9e-6d1c-5c57-9a43-0f0f6e2c7d11"
_CORRELATION: Final = "0c3b1b7e-4f0e-4a53-8f4e-0a4a6f1f7f10"
_SUBMITTED: Final = datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)
_STARTED: Final = _SUBMITTED.replace(microsecond=250_000)
_ENDED: Final = _SUBMITTED.replace(microsecond=300_000)

#: Two registers that are not symmetric, so that the order of bits can be seen.
CIRCUIT: Final = (
    'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[2] a; bit b; '
    "x q[0]; x q[2]; a[0] = measure q[0]; a[1] = measure q[1]; b = measure q[2];"
)
POST_TASK: Final[dict[str, Any]] = {"circuit": CIRCUIT, "shots": 1024, "tags": {"team": "a"}}
POST_BATCH: Final[dict[str, Any]] = {"tasks": [POST_TASK, {"circuit": "", "idempotency_key": "b"}]}

_REQUEST: Final = parsing.to_post_task(POST_TASK).to_request()
_PENDING: Final = lifecycle.submit(
    _REQUEST,
    task_id=_ID,
    owner="",
    correlation_id=_CORRELATION,
    now=_SUBMITTED,
    sweep_grace_seconds=0,
)
_COMPLETED: Final = lifecycle.after(
    lifecycle.after(
        _PENDING,
        lifecycle.claim_if_available(
            _ID, lease=Lease(holder="", expires_at=_ENDED), now=_STARTED, attempts_max=1
        ),
    ),
    lifecycle.complete_if_current_attempt(
        _ID,
        attempt=1,
        result=TaskResult(
            counts={"1 01": _REQUEST.shots},
            shots=_REQUEST.shots,
            executor=EXECUTOR,
            executor_version=EXECUTOR_VERSION,
            seed=_REQUEST.effective_seed,
            registers=(Register(name="a", size=2), Register(name="b", size=1)),
        ),
        now=_ENDED,
    ),
)
_SUBMISSION: Final = Submitted(task=_PENDING, replayed=False)


def _member(index: int, posted: schemas.BatchMember | InvalidRequest) -> schemas.MemberView:
    if isinstance(posted, InvalidRequest):
        problem = problems.problem_for(posted, correlation_id=_CORRELATION)
        return schemas.MemberView(index=index, status=problem.status, problem=problem)
    task = views.accepted_member(_SUBMISSION, _CORRELATION)
    return schemas.MemberView(index=index, status=202, task=task)


ACCEPTED: Final = msgspec.to_builtins(views.accepted(_SUBMISSION, _CORRELATION))
TASK: Final = msgspec.to_builtins(views.shown(_COMPLETED, schemas.TaskView))
TASK_LIST: Final = msgspec.to_builtins(
    schemas.TaskListView(tasks=[views.shown(_COMPLETED, schemas.TaskSummary)], next_cursor=None)
)
BATCH: Final = msgspec.to_builtins(
    schemas.BatchView(
        tasks=[_member(n, posted) for n, posted in enumerate(parsing.to_batch(POST_BATCH))]
    )
)
VALIDATION: Final = msgspec.to_builtins(
    msgspec.convert(
        Validation(
            valid=False,
            findings=(
                Finding(message="undefined identifier 'r'; declare it first", line=5, column=3),
            ),
            registers=(Register(name="c", size=2),),
            qubits=2,
        ),
        schemas.ValidationView,
        from_attributes=True,
    )
)
HEALTH: Final = msgspec.to_builtins(
    schemas.HealthView(
        status="healthy",
        database_status="healthy",
        queue_status="healthy",
        timestamp=views.timestamp(_SUBMITTED),
    )
)


def problem_example(slug: str, title: str, status: int) -> dict[str, Any]:
    """Return an example of a problem document."""
    return {
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        "detail": "what exactly was wrong, and the limit",
        "correlation_id": _CORRELATION,
    }
