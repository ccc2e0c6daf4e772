"""What a problem document holds, and what it never shows."""

from __future__ import annotations

import json

from tests.functional.conftest import Answer

MISSING_ID = "11111111-2222-4333-8444-555555555555"
#: An answer to bad input stays below this, whatever came in.
ANSWER_BYTES_MAX = 8_000


def assert_problem(answer: Answer, status: int, *said: str) -> None:
    """Check that an answer is a small problem document that says certain things, and no more."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "correlation_id"} <= set(answer.body)
    assert answer.body["status"] == status
    assert answer.headers["X-Correlation-ID"] == answer.body["correlation_id"]
    shown = json.dumps(answer.body, ensure_ascii=False)
    assert len(shown) < ANSWER_BYTES_MAX
    for text in said:
        assert text in str(answer.body)
    for leak in ("Traceback", "botocore", "pynamodb", "An error occurred", "amazonaws", 'File "'):
        assert leak not in shown


def errors_of(answer: Answer) -> dict[str, str]:
    """Return the errors of a 400 by field."""
    assert_problem(answer, 400)
    return {error["field"]: error["message"] for error in answer.body["errors"]}
