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
from typing import Final, Protocol

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.errors import (
    ExecutionError,
    PermanentExecutionError,
    TransientExecutionError,
)
from chalicelib.executors import endings
from chalicelib.executors.child_process import ChildProcess, JobLimits
from chalicelib.executors.endings import LimitReached
from chalicelib.executors.jobs import Answer

_OPERATION: Final = "execute in a child process"


class Reporter(Protocol):
    """Is told of executors' faults: the part of `Observer` that is needed here."""

    def problem(self, operation: str, error: Exception) -> None:
        """Something went wrong that a person may have to know of."""


class ProcessPool:
    """Runs another executor in children (`Executor`)."""

    def __init__(
        self,
        factory: str,
        *,
        children_max: int,
        limits: JobLimits,
        reporter: Reporter,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take the executor as `module:factory`; nothing is started yet.

        `children_max` is at least the number of threads that execute at once, so that none has to
        wait. A child's environment is `environment` and little else.
        """
        self._factory = factory
        self._children_max = children_max
        self._limits = limits
        self._reporter = reporter
        self._environment = dict(environment or {})
        lock = threading.Lock()
        #: A child is idle, or could not be started; a child is wanted.
        self._arrived = threading.Condition(lock)
        self._wanted = threading.Condition(lock)
        #: The last one first, so that few executions at a time keep few children warm.
        self._idle: list[ChildProcess | OSError] = []
        #: Children that exist or are being started, those being started, and who waits for one.
        self._children = 0
        self._starting = 0
        self._waiting = 0
        self._to_start = 0
        self._is_closed = False
        self._starter: threading.Thread | None = None

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        deadline = time.monotonic() + time_limit_seconds
        child = self._take(deadline, time_limit_seconds)
        is_reusable = False
        try:
            answer = child.run(request, deadline=deadline, seconds_max=time_limit_seconds)
            is_reusable = not answer.worn_out
        except LimitReached:
            raise
        except ExecutionError as exc:
            self._report(exc, child.printed)
            raise
        finally:
            self._give_back(child, is_reusable=is_reusable)
        return self._result_of(answer)

    def idle_pids(self) -> frozenset[int]:
        """The process ids of the children that wait for an execution."""
        with self._arrived:
            return frozenset(child.pid for child in self._idle if isinstance(child, ChildProcess))

    def close(self) -> None:
        """End the idle children now and the others when they are given back; start no more."""
        with self._arrived:
            self._is_closed = True
            idle = [child for child in self._idle if isinstance(child, ChildProcess)]
            self._idle.clear()
            self._arrived.notify_all()
            self._wanted.notify_all()
        for child in idle:
            child.end()

    def _take(self, deadline: float, seconds_max: float) -> ChildProcess:
        """Take an idle child, or wait for the first that is given back or started."""
        ended: list[ChildProcess] = []
        try:
            with self._arrived:
                while True:
                    child = self._pop_usable(ended)
                    if child is not None:
                        return child
                    if not self._wait_for_one(deadline):
                        raise endings.no_child_free(seconds_max)
        finally:
            for child in ended:
                child.end()

    def _pop_usable(self, ended: list[ChildProcess]) -> ChildProcess | None:
        """Take an idle child, putting those aside that ended while they were idle."""
        if self._is_closed:
            raise endings.cannot_start("the pool of processes is closed")
        while self._idle:
            child = self._idle.pop()
            if isinstance(child, OSError):
                raise endings.cannot_start(child.strerror or str(child)) from child
            if child.is_usable():
                return child
            ended.append(child)
            self._children -= 1
        return None

    def _wait_for_one(self, deadline: float) -> bool:
        """Wait until there may be an idle child; have one started if none is on its way."""
        self._waiting += 1
        if self._starting < self._waiting and self._children < self._children_max:
            self._children += 1
            self._starting += 1
            self._to_start += 1
            self._wanted.notify()
            if self._starter is None:
                self._starter = threading.Thread(target=self._start_children, daemon=True)
                self._starter.start()
        try:
            return self._arrived.wait(deadline - time.monotonic())
        finally:
            self._waiting -= 1

    def _start_children(self) -> None:
        """Start what is asked for, in the one thread that lives as long as the process.

        A child is told to die with its parent, and the kernel takes the thread for the parent; the
        threads of a batch end with it.
        """
        while True:
            with self._wanted:
                while not (self._to_start or self._is_closed):
                    self._wanted.wait()
                if self._is_closed:
                    return
                self._to_start -= 1
            try:
                child: ChildProcess | OSError = ChildProcess(
                    self._factory, self._limits, self._environment
                )
            except OSError as exc:
                child = exc
            self._arrive(child)

    def _arrive(self, child: ChildProcess | OSError) -> None:
        with self._arrived:
            self._starting -= 1
            is_idle = not self._is_closed
            if isinstance(child, OSError):
                self._children -= 1
                is_idle = is_idle and self._waiting > 0
            if is_idle:
                self._idle.append(child)
                self._arrived.notify()
        if not is_idle and isinstance(child, ChildProcess):
            child.end()

    def _give_back(self, child: ChildProcess, *, is_reusable: bool) -> None:
        """Make it idle, or end it. Either is done before its execution is over for the caller."""
        with self._arrived:
            is_idle = is_reusable and not self._is_closed
            if is_idle:
                self._idle.append(child)
                self._arrived.notify()
        if is_idle:
            return
        child.end()
        with self._arrived:
            self._children -= 1
            self._arrived.notify()

    def _result_of(self, answer: Answer) -> TaskResult:
        """Return the result, or raise what the executor raised in the child."""
        if answer.result is not None:
            return answer.result
        if answer.permanent is not None:
            raise PermanentExecutionError(answer.permanent)
        if answer.transient is not None:
            raise TransientExecutionError(answer.transient)
        error = endings.unexpected(answer.unexpected or "no result")
        self._report(error, answer.traceback)
        raise error

    def _report(self, error: ExecutionError, details: str) -> None:
        """Tell what an operator may have to know of, with what the child wrote about it."""
        cause = f" ({error.__cause__})" if error.__cause__ is not None else ""
        told = RuntimeError(f"{error}{cause}: {details}" if details else f"{error}{cause}")
        self._reporter.problem(_OPERATION, told)
