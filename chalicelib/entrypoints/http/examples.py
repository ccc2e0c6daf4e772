"""Examples of requests and answers, for OpenAPI's document. Tests hold them to the schemas."""

from __future__ import annotations

from typing import Any, Final

_ID: Final = "1f0b3a9e-6d1c-5c57-9a43-0f0f6e2c7d11"
_CORRELATION: Final = "0c3b1b7e-4f0e-4a53-8f4e-0a4a6f1f7f10"
_SUBMITTED: Final = "2026-01-01T12:00:00.000001Z"
_STARTED: Final = "2026-01-01T12:00:00.250000Z"
_ENDED: Final = "2026-01-01T12:00:00.300000Z"

#: Two registers that are not symmetric, so that the order of bits can be seen.
CIRCUIT: Final = (
    'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[2] a; bit b; '
    "x q[0]; x q[2]; a[0] = measure q[0]; a[1] = measure q[1]; b = measure q[2];"
)
POST_TASK: Final[dict[str, Any]] = {"circuit": CIRCUIT, "shots": 1024, "tags": {"team": "a"}}
ACCEPTED: Final[dict[str, Any]] = {
    "task_id": _ID,
    "status": "pending",
    "submitted_at": _SUBMITTED,
    "message": "the task is accepted",
    "correlation_id": _CORRELATION,
}
SUMMARY: Final[dict[str, Any]] = {
    "task_id": _ID,
    "status": "completed",
    "shots": 1024,
    "tags": {"team": "a"},
    "seed": None,
    "submitted_at": _SUBMITTED,
    "started_at": _STARTED,
    "completed_at": _ENDED,
    "attempt": 1,
    "error_message": None,
    "usage": {"queued_ms": 250, "execution_ms": 50, "attempts": 1},
    "correlation_id": _CORRELATION,
}
TASK_LIST: Final[dict[str, Any]] = {"tasks": [SUMMARY], "next_cursor": None}
TASK: Final[dict[str, Any]] = {
    **SUMMARY,
    "circuit": CIRCUIT,
    "result": {
        "counts": {"1 01": 1024},
        "registers": [{"name": "a", "size": 2}, {"name": "b", "size": 1}],
        "shots": 1024,
        "executor": "simulator",
        "executor_version": "1.0.0",
        "seed": 4_611_686_018_427,
    },
    "status_history": [
        {"status": status, "transitioned_at": at, "notes": None, "attempt": attempt}
        for status, at, attempt in (
            ("pending", _SUBMITTED, 0),
            ("processing", _STARTED, 1),
            ("completed", _ENDED, 1),
        )
    ],
}
POST_BATCH: Final[dict[str, Any]] = {"tasks": [POST_TASK, {"circuit": "", "idempotency_key": "b"}]}
BATCH: Final[dict[str, Any]] = {
    "tasks": [
        {"index": 0, "status": 202, "task": {**ACCEPTED, "replayed": False}},
        {
            "index": 1,
            "status": 400,
            "problem": {
                "type": "/problems/invalid-request",
                "title": "The request is not valid",
                "status": 400,
                "detail": "circuit: must be a string that is not blank",
                "correlation_id": _CORRELATION,
                "errors": [{"field": "circuit", "message": "must be a string that is not blank"}],
            },
        },
    ]
}
VALIDATION: Final[dict[str, Any]] = {
    "valid": False,
    "complete": True,
    "findings": [
        {
            "severity": "error",
            "message": "undefined identifier 'r'; declare it first",
            "line": 5,
            "column": 3,
        }
    ],
    "registers": [{"name": "c", "size": 2}],
    "qubits": 2,
    "estimate": None,
}
HEALTH: Final[dict[str, Any]] = {
    "status": "healthy",
    "database_status": "healthy",
    "queue_status": "healthy",
    "timestamp": _SUBMITTED,
}


def problem(slug: str, title: str, status: int) -> dict[str, Any]:
    """Return an example of a problem document."""
    return {
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        "detail": "what exactly was wrong, and the limit",
        "correlation_id": _CORRELATION,
    }
