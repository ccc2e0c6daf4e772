"""The process that holds an imported Lambda handler and runs one invocation after another.

`python -m infra.local.stand_ins.lambda_runtime.sandbox HANDLER READ_FD WRITE_FD`.
Requests come in and answers go out as one JSON object per line on pipes of their own;
stdout and stderr stay the handler's, and end in the
log. A process and not a thread, since a Lambda timeout kills what it interrupts; kept warm between
invocations, as Lambda keeps its execution environments.

Nothing orphaned goes on executing: a thread ends the process at once when the request pipe closes,
which the kernel does for a parent that dies in any way; on Linux the parent-death signal does it
even while the handler holds the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.lambda_runtime.context import LambdaContext

#: `prctl`'s option that asks for a signal when the parent dies (linux/prctl.h).
PR_SET_PDEATHSIG = 1

Handler = Callable[[Any, LambdaContext], Any]


def load_handler(path: str) -> Handler:
    """Import `package.module.attribute`, as Lambda's runtime does with a handler's name."""
    module, _, attribute = path.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), attribute)
    return handler


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process with its parent; only Linux does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)


def read_requests(descriptor: int, requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Hand on what the parent sends; when the pipe ends, the parent is gone and so are we."""
    with os.fdopen(descriptor, "rb") as pipe:
        for line in pipe:
            requests.put(json.loads(line))
    os._exit(1)


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


def main() -> None:
    """Import the handler, say so, and answer requests until the parent goes."""
    handler_path, requests_fd, answers_fd, parent = sys.argv[1], *map(int, sys.argv[2:5])
    die_with_parent(parent)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=read_requests, args=(requests_fd, requests), daemon=True).start()
    with os.fdopen(answers_fd, "w") as answers:

        def answer(message: dict[str, Any]) -> None:
            answers.write(json.dumps(message) + "\n")
            answers.flush()

        try:
            handler = load_handler(handler_path)
        except Exception as exc:  # noqa: BLE001  a module may raise anything when it is imported
            answer({"error": describe(exc, "Runtime.ImportModuleError")})
            return
        answer({"ready": True})
        while True:
            outcome = invoke(handler, requests.get())
            sys.stdout.flush()
            answer(outcome)


if __name__ == "__main__":
    # The parent asks this process to end by closing the pipe; a terminal's or a supervisor's signal
    # is not for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
