"""The process that holds an imported Lambda handler and runs one invocation after another.

`python -m infra.local.stand_ins.lambda_runtime.sandbox HANDLER PARENT`. Requests come in and
answers go out as one JSON object a line; what the handler prints ends in the log. A process and not
a thread, since a Lambda timeout kills what it interrupts; kept warm between invocations, as Lambda
keeps its execution environments.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from chalicelib.warm_process import Asker
from infra.local.stand_ins.lambda_runtime.context import LambdaContext

Handler = Callable[[Any, LambdaContext], Any]


def load(path: str) -> Any:  # noqa: ANN401 - whatever it names
    """Import `package.module.attribute`, as Lambda's runtime does with a handler's name."""
    module, _, attribute = path.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def describe(error: BaseException, error_type: str | None = None) -> dict[str, Any]:
    """An error as Lambda's runtime API reports it."""
    return {
        "errorType": error_type or type(error).__name__,
        "errorMessage": str(error),
        "stackTrace": traceback.format_exception(error),
    }


def invoke(handler: Handler, request: dict[str, Any]) -> dict[str, Any]:
    """Run one invocation and give its answer: a result that JSON can carry, or an error."""
    context = LambdaContext(
        os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
        request["request_id"],
        time.monotonic() + request["timeout_seconds"],
    )
    try:
        result = handler(request["event"], context)
    except Exception as exc:  # noqa: BLE001  whatever it is, the invocation failed
        return {"error": describe(exc)}
    try:
        json.dumps(result)
    except (TypeError, ValueError) as exc:
        return {"error": describe(exc, "Runtime.MarshalError")}
    return {"result": result}


def main(handler_path: str, parent: int) -> None:
    """Import the handler, say so, and answer requests until the parent goes."""
    asker = Asker(parent)

    def answer(message: dict[str, Any]) -> None:
        sys.stdout.flush()
        asker.answer(json.dumps(message).encode() + b"\n")

    try:
        handler: Handler = load(handler_path)
    except Exception as exc:  # noqa: BLE001  a module may raise anything when it is imported
        answer({"error": describe(exc, "Runtime.ImportModuleError")})
        return
    answer({"ready": True})
    for line in asker.requests():
        answer(invoke(handler, json.loads(line)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
