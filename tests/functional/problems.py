"""What a problem document holds, and what it never shows."""

from __future__ import annotations

from tests.functional.conftest import Answer

MISSING_ID = "11111111-2222-4333-8444-555555555555"


def assert_problem(answer: Answer, status: int, *said: str) -> None:
    """Check that an answer is a problem document that says certain things, and no more."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "correlation_id"} <= set(answer.body)
    assert answer.body["status"] == status
    assert answer.headers["X-Correlation-ID"] == answer.body["correlation_id"]
    shown = str(answer.body)
    for text in said:
        assert text in shown
    for leak in ("Traceback", "botocore", "pynamodb", "An error occurred", "amazonaws", 'File "'):
        assert leak not in shown
