"""An executor whose executions run in child processes, so that each can be stopped and bounded.

A thread cannot be stopped, and native code can crash the process that it is in. So any executor
whose texts are not harmless is wrapped here by its import path; only a child imports it. A child is
kept warm, takes one execution at a time, and is killed and replaced when it overran a limit,
crashed or grew; the others notice nothing. When an execution has ended, its child is idle or gone:
no execution outlives its invocation.

Not `multiprocessing`: its queues need `/dev/shm`, which Lambda lacks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.errors import (
    ExecutionError,
    PermanentExecutionError,
    TransientExecutionError,
)
from chalicelib.executors.children import failures
from chalicelib.executors.children.child_process import ChildProcess, JobLimits
from chalicelib.executors.children.failures import LimitReached
from chalicelib.executors.children.jobs import Answer
from chalicelib.executors.children.linux_sandbox import hide_from_children
from chalicelib.settings import EXECUTOR_START_SECONDS_MAX

_OPERATION: Final = "execute in a child process"


class Reporter(Protocol):
    """Is told of executors' faults: the part of `Observer` that is needed here."""

    def problem(self, operation: str, error: Exception) -> None:
        """Something went wrong that a person may have to know of."""


class ProcessPool:
    """Runs another executor in children (`Executor`), as many as there are threads that ask.

    Those bound it: a worker executes `EXECUTION_CONCURRENCY` tasks at the same time.
    """

    def __init__(
        self,
        factory: str,
        *,
        limits: JobLimits,
        reporter: Reporter,
        environment: Mapping[str, str] | None = None,
        start_seconds_max: float = EXECUTOR_START_SECONDS_MAX,
    ) -> None:
        """Take the executor as `module:factory`; nothing is started yet.

        A child's environment is `environment` and little else. It has `start_seconds_max` to start.
        From now on no child can read what this process holds.
        """
        hide_from_children()
        self._factory = factory
        self._limits = limits
        self._reporter = reporter
        self._start_seconds_max = start_seconds_max
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        #: The last one first, so that few executions at a time keep few children warm.
        self._idle: list[ChildProcess] = []
        self._is_closed = False
        #: One thread that lives as long as the process starts them all: a child dies with its
        #: parent, for which the kernel takes the thread, and a batch's threads end with the batch.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="start-children")

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        result = self.ask(request, time_limit_seconds=time_limit_seconds).result
        if result is None:
            raise failures.unexpected("a document instead of a result")
        return result

    def ask(self, request: TaskRequest, *, time_limit_seconds: float) -> Answer:
        """Return what a child answers, within the limits.

        An execution's time begins when its child is ready: a machine that is slow to start ten
        processes is no fault of the circuits that wait for them.

        Raises:
            ExecutionError: there is no answer; the message says why.
        """
        start_deadline = time.monotonic() + self._start_seconds_max
        child = self._take()
        is_reusable = False
        try:
            child.wait_until_ready(start_deadline)
            deadline = time.monotonic() + time_limit_seconds
            answer = child.run(request, deadline=deadline, seconds_max=time_limit_seconds)
            is_reusable = not answer.must_be_replaced
        except LimitReached:
            raise
        except ExecutionError as exc:
            self._report(exc, child.printed)
            raise
        finally:
            self._give_back(child, is_reusable=is_reusable)
        self._raise_what_it_says(answer)
        return answer

    def idle_pids(self) -> frozenset[int]:
        """The process ids of the children that wait for an execution."""
        with self._lock:
            return frozenset(child.pid for child in self._idle)

    def close(self) -> None:
        """End the idle children now and the others when they are given back; start no more."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            self._starter.shutdown(wait=False)
        for child in idle:
            child.end()

    def _take(self) -> ChildProcess:
        """Take an idle child, or start one; what ended while it was idle is reaped."""
        while (child := self._pop_idle()) is not None:
            if child.is_usable():
                return child
            child.end()
        return self._start()

    def _pop_idle(self) -> ChildProcess | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _start(self) -> ChildProcess:
        with self._lock:
            if self._is_closed:
                raise failures.cannot_start("the pool of processes is closed")
            starting = self._starter.submit(
                ChildProcess, self._factory, self._limits, self._environment
            )
        try:
            return starting.result()
        except OSError as exc:
            raise failures.cannot_start(exc.strerror or str(exc)) from exc

    def _give_back(self, child: ChildProcess, *, is_reusable: bool) -> None:
        """Keep it, or end it. Either is done before its execution is over for the caller."""
        with self._lock:
            is_kept = is_reusable and not self._is_closed
            if is_kept:
                self._idle.append(child)
        if not is_kept:
            child.end()

    def _raise_what_it_says(self, answer: Answer) -> None:
        """Raise what the executor raised in the child."""
        if answer.result is not None or answer.document is not None:
            return
        if answer.permanent is not None:
            raise PermanentExecutionError(answer.permanent)
        if answer.transient is not None:
            raise TransientExecutionError(answer.transient)
        error = failures.unexpected(answer.unexpected or "no result")
        self._report(error, answer.traceback)
        raise error

    def _report(self, error: ExecutionError, details: str) -> None:
        """Tell what an operator may have to know of, with what the child wrote about it."""
        cause = f" ({error.__cause__})" if error.__cause__ is not None else ""
        told = RuntimeError(f"{error}{cause}: {details}" if details else f"{error}{cause}")
        self._reporter.problem(_OPERATION, told)
