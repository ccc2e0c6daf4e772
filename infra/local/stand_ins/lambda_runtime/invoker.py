"""Invokes a Lambda handler in a sandbox process; enforces the function's timeout by killing it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from typing import Any

from infra.local.settings import ROOT
from infra.local.stand_ins.lambda_runtime.context import function_environment

#: Lambda gives a function's initialisation 10 s.
INIT_SECONDS_MAX = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """How an invocation ended: with a result, or with an error in Lambda's form."""

    result: Any = None
    error: Mapping[str, Any] | None = None


def _failed(error_type: str, message: str) -> Answer:
    return Answer(error={"errorType": error_type, "errorMessage": message, "stackTrace": []})


class SandboxLost(Exception):
    """The sandbox's process has ended."""


class SandboxTimeout(SandboxLost):
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
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = -1
        self._answers = -1
        self._unread = b""

    @property
    def pid(self) -> int | None:
        """The sandbox's process id, while there is one."""
        return self._process.pid if self._process is not None else None

    def warm_up(self) -> Answer:
        """Start the sandbox and import the handler, if need be. An error says why that fails."""
        if self._process is not None and self._process.poll() is None:
            return Answer(result=True)
        self._kill()
        self._start()
        try:
            ready = self._receive(INIT_SECONDS_MAX)
        except SandboxLost as lost:
            self._kill()
            return _failed("Runtime.InitError", f"{self.handler}: initialisation: {lost}")
        if "error" in ready:
            self._kill()
            return Answer(error=ready["error"])
        return Answer(result=True)

    def invoke(self, event: object) -> Answer:
        """Run one invocation to its end, its error or its timeout."""
        warm = self.warm_up()
        if warm.error is not None:
            return warm
        request_id = str(uuid.uuid4())
        request = {
            "request_id": request_id,
            "event": event,
            "timeout_seconds": self.timeout_seconds,
        }
        try:
            self._send(json.dumps(request).encode() + b"\n")
            answer = self._receive(self.timeout_seconds)
        except SandboxTimeout:
            self._kill()
            return _failed(
                "Sandbox.Timedout",
                f"{request_id} task timed out after {self.timeout_seconds:.2f} seconds",
            )
        except (SandboxLost, BrokenPipeError):
            code = self._exit_code()
            return _failed("Runtime.ExitError", f"{request_id} the process exited with code {code}")
        return Answer(result=answer.get("result"), error=answer.get("error"))

    def close(self) -> None:
        """End the sandbox. Nothing is running in it when this is called between invocations."""
        self._kill()

    def _start(self) -> None:
        requests_read, self._requests = os.pipe()
        self._answers, answers_write = os.pipe()
        self._unread = b""
        command = [
            sys.executable,
            "-m",
            "infra.local.stand_ins.lambda_runtime.sandbox",
            self.handler,
            str(requests_read),
            str(answers_write),
        ]
        try:
            self._process = subprocess.Popen(
                [*command, str(os.getpid())],
                cwd=ROOT,
                env=os.environ | function_environment(self.function_name, self.handler),
                stdin=subprocess.DEVNULL,
                pass_fds=(requests_read, answers_write),
            )
        finally:
            os.close(requests_read)
            os.close(answers_write)

    def _send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._requests, data) :]

    def _receive(self, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._unread:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([self._answers], [], [], remaining)[0]:
                message = f"no answer within {seconds:.2f} s"
                raise SandboxTimeout(message)
            chunk = os.read(self._answers, 1 << 16)
            if not chunk:
                message = "the process ended"
                raise SandboxLost(message)
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _exit_code(self) -> int | None:
        """How a sandbox that ended by itself did so."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        return self._kill()

    def _kill(self) -> int | None:
        """Make sure that no sandbox is left, and return how the last one ended."""
        if self._process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                self._process.kill()
        code = self._process.wait()
        os.close(self._requests)
        os.close(self._answers)
        self._process = None
        return code
