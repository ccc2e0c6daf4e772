"""Invokes a Lambda handler in a sandbox process; enforces the function's timeout by killing it."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
import time
import uuid
from collections.abc import Mapping
from typing import Any

from chalicelib.warm_process import ProcessLost, WarmProcess, Watch
from infra.local.settings import ROOT
from infra.local.stand_ins.lambda_runtime.context import function_environment

#: Lambda gives a function's initialisation 10 s.
INIT_SECONDS_MAX = 10.0
#: How long a sandbox that has closed its pipe may take to end.
_END_SECONDS_MAX = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """How an invocation ended: with a result, or with an error in Lambda's form."""

    result: Any = None
    error: Mapping[str, Any] | None = None

    def log_error(self, logger: logging.Logger, **about: object) -> None:
        """Log why the invocation failed."""
        error = self.error or {}
        logger.error(
            "invocation failed: %s: %s",
            error.get("errorType"),
            error.get("errorMessage"),
            extra={**about, "stack_trace": error.get("stackTrace")},
        )


def _failed(error_type: str, message: str) -> Answer:
    return Answer(error={"errorType": error_type, "errorMessage": message, "stackTrace": []})


class SandboxTimeout(Exception):
    """The sandbox did not answer in time."""


class Invoker:
    """One execution environment of one function: an invocation at a time, warm in between.

    Use it from the thread that made it: the parent-death signal is tied to the thread that starts
    the sandbox.
    """

    def __init__(self, handler: str, *, function_name: str, timeout_seconds: float) -> None:
        """Take the handler as `module.attribute`; nothing is started yet."""
        self.handler = handler
        self.function_name = function_name
        self.timeout_seconds = timeout_seconds
        self._process: WarmProcess | None = None

    @property
    def pid(self) -> int | None:
        """The sandbox's process id, while there is one."""
        return self._process.pid if self._process is not None else None

    def warm_up(self) -> Answer:
        """Start the sandbox and import the handler, if need be. An error says why that fails."""
        if self._process is not None and self._process.exit_code(0) is None:
            return Answer(result=True)
        self.close()
        process = self._process = self._start()
        try:
            ready = json.loads(process.receive(_until(INIT_SECONDS_MAX)))
        except (ProcessLost, SandboxTimeout) as exc:
            self.close()
            why = str(exc) or "the process ended"
            return _failed("Runtime.InitError", f"{self.handler}: initialisation: {why}")
        if "error" in ready:
            self.close()
            return Answer(error=ready["error"])
        return Answer(result=True)

    def invoke(self, event: object) -> Answer:
        """Run one invocation to its end, its error or its timeout."""
        warm = self.warm_up()
        if warm.error is not None or self._process is None:
            return warm
        request_id = str(uuid.uuid4())
        request = {
            "request_id": request_id,
            "event": event,
            "timeout_seconds": self.timeout_seconds,
        }
        in_time = _until(self.timeout_seconds)
        try:
            self._process.send(json.dumps(request).encode() + b"\n", in_time)
            answer = json.loads(self._process.receive(in_time))
        except SandboxTimeout:
            self.close()
            return _failed(
                "Sandbox.Timedout",
                f"{request_id} task timed out after {self.timeout_seconds:.2f} seconds",
            )
        except ProcessLost:
            self._process.exit_code(_END_SECONDS_MAX)
            code = self.close()
            return _failed("Runtime.ExitError", f"{request_id} the process exited with code {code}")
        return Answer(result=answer.get("result"), error=answer.get("error"))

    def close(self) -> int | None:
        """End the sandbox, if there is one, and return how it ended."""
        process, self._process = self._process, None
        return None if process is None else process.end()

    def _start(self) -> WarmProcess:
        module = "infra.local.stand_ins.lambda_runtime.sandbox"
        return WarmProcess(
            [sys.executable, "-m", module, self.handler, str(os.getpid())],
            folder=ROOT,
            environment=os.environ | function_environment(self.function_name, self.handler),
        )


def _until(seconds: float) -> Watch:
    """Let an answer be waited for so long from now."""
    deadline = time.monotonic() + seconds

    def milliseconds_left() -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            message = f"no answer within {seconds:.2f} s"
            raise SandboxTimeout(message)
        return left * 1000

    return milliseconds_left
