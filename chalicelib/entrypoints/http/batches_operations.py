"""The operation on batches, as OpenAPI's document describes it."""

from __future__ import annotations

from typing import Final

from chalicelib.entrypoints.http import examples, schemas
from chalicelib.entrypoints.http.operation import (
    CORRELATION_ID,
    IDEMPOTENCY_KEY,
    OF_A_BODY,
    Operation,
)

_FIRST_OF_BATCH: Final = {"task_id": "$response.body#/tasks/0/task/task_id"}

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/batches",
        name="submitBatch",
        summary="Submit 1 to 100 circuits; each member has its own status",
        answers=[schemas.BatchView],
        example=examples.BATCH,
        request=schemas.PostBatch,
        request_example=examples.POST_BATCH,
        parameters=(IDEMPOTENCY_KEY, CORRELATION_ID),
        links={"getTask": _FIRST_OF_BATCH, "cancelTask": _FIRST_OF_BATCH},
        errors=OF_A_BODY,
    ),
)
