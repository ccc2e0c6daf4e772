"""The operations that make no task, as OpenAPI's document describes them."""

from __future__ import annotations

from typing import Final

from chalicelib.entrypoints.http import examples, schemas
from chalicelib.entrypoints.http.operation import CORRELATION_ID, OF_A_BODY, Operation

OPERATIONS: Final = (
    Operation(
        method="post",
        path="/validations",
        name="validateCircuit",
        summary="Check a circuit without running it",
        answers=[schemas.ValidationView],
        example=examples.VALIDATION,
        request=schemas.PostTask,
        request_example=examples.POST_TASK,
        parameters=(CORRELATION_ID,),
        errors=OF_A_BODY,
    ),
    Operation(
        method="get",
        path="/health",
        name="getHealth",
        summary="Whether the service can work; 503 only without the database",
        answers=[schemas.HealthView],
        example=examples.HEALTH,
        parameters=(CORRELATION_ID,),
        also={503: "The database cannot be used"},
        is_signed=False,
    ),
)
