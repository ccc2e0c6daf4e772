"""An executor whose executions run in child processes, so that each can be stopped and bounded.

A thread cannot be stopped, and native code can crash the process that it is in. So any executor
whose texts are not harmless is wrapped here by its import path; only a child imports it. A child is
kept warm, takes one execution at a time, and is killed and replaced when it overran a limit,
crashed or grew; the others notice nothing. When an execution has ended, its child is idle or gone:
no execution outlives its invocation.

Not `multiprocessing`: its queues need `/dev/shm`, which Lambda lacks.
"""

from __future__ import annotations

import collections
import contextlib
import queue
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
from chalicelib.executors.children import failures
from chalicelib.executors.children.child_process import ChildProcess, JobLimits
from chalicelib.executors.children.failures import LimitReached
from chalicelib.executors.children.jobs import Answer
from chalicelib.settings import EXECUTOR_START_SECONDS_MAX

_OPERATION: Final = "execute in a child process"
_CLOSED: Final = OSError("the pool of processes is closed")


_Waiter = queue.SimpleQueue["ChildProcess | OSError"]


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
        start_seconds_max: float = EXECUTOR_START_SECONDS_MAX,
    ) -> None:
        """Take the executor as `module:factory`; nothing is started yet.

        `children_max` is at least the number of threads that execute at once, so that none has to
        wait. A child's environment is `environment` and little else. Where none is idle, one is
        waited for and started within `start_seconds_max`.
        """
        self._factory = factory
        self._children_max = children_max
        self._limits = limits
        self._reporter = reporter
        self._start_seconds_max = start_seconds_max
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        #: A child is wanted (`_to_start`), or the pool was closed.
        self._wanted = threading.Condition(self._lock)
        #: The last one first, so that few executions at a time keep few children warm.
        self._idle: list[ChildProcess] = []
        #: Who waits for a child, the longest first. A child is handed to one of them, so that
        #: none overtakes; an error says that one could not be started.
        self._waiting: collections.deque[_Waiter] = collections.deque()
        #: Children that exist or are being started, and those being started.
        self._children = 0
        self._starting = 0
        self._to_start = 0
        self._is_closed = False
        self._starter: threading.Thread | None = None

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
        child = self._take(start_deadline)
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
            while self._waiting:
                self._waiting.popleft().put(_CLOSED)
            self._wanted.notify_all()
        for child in idle:
            child.end()

    def _take(self, deadline: float) -> ChildProcess:
        """Take an idle child, or wait for the first that is given back or started."""
        ended: list[ChildProcess] = []
        waiter: _Waiter = queue.SimpleQueue()
        with self._lock:
            taken: ChildProcess | OSError | None = self._pop_usable(ended)
            if taken is None:
                self._waiting.append(waiter)
                self._ask_for_one()
        for child in ended:
            child.end()
        if taken is None:
            taken = self._wait(waiter, deadline)
        if taken is None:
            raise failures.no_child_free(self._start_seconds_max)
        if isinstance(taken, OSError):
            raise failures.cannot_start(taken.strerror or str(taken)) from taken
        return taken

    def _pop_usable(self, ended: list[ChildProcess]) -> ChildProcess | OSError | None:
        """Take an idle child, putting those aside that ended while they were idle."""
        if self._is_closed:
            return _CLOSED
        while self._idle:
            child = self._idle.pop()
            if child.is_usable():
                return child
            ended.append(child)
            self._children -= 1
        return None

    def _ask_for_one(self) -> None:
        """Have a child started for the last who waits, if none is on its way and one may be."""
        if self._starting >= len(self._waiting) or self._children >= self._children_max:
            return
        self._children += 1
        self._starting += 1
        self._to_start += 1
        self._wanted.notify()
        if self._starter is None:
            self._starter = threading.Thread(target=self._start_children, daemon=True)
            self._starter.start()

    def _wait(self, waiter: _Waiter, deadline: float) -> ChildProcess | OSError | None:
        with contextlib.suppress(queue.Empty):
            return waiter.get(timeout=max(0.0, deadline - time.monotonic()))
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                return None
        return waiter.get()  # it came at the last moment

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
        with self._lock:
            self._starting -= 1
            if isinstance(child, OSError):
                self._children -= 1
                if self._waiting:
                    self._waiting.popleft().put(child)
                    self._ask_for_one()
                return
            is_kept = self._hand_on(child)
        if not is_kept:
            child.end()

    def _give_back(self, child: ChildProcess, *, is_reusable: bool) -> None:
        """Hand it on, or end it. Either is done before its execution is over for the caller."""
        with self._lock:
            if is_reusable and self._hand_on(child):
                return
        child.end()
        with self._lock:
            self._children -= 1
            if self._waiting:
                self._ask_for_one()

    def _hand_on(self, child: ChildProcess) -> bool:
        """Give it to who waits the longest, or make it idle; not when the pool is closed."""
        if self._is_closed:
            return False
        if self._waiting:
            self._waiting.popleft().put(child)
        else:
            self._idle.append(child)
        return True

    def _raise_what_it_says(self, answer: Answer) -> None:
        """Raise what the executor raised in the child."""
        if answer.result is not None or answer.document is not None:
            return
        if answer.out_of_memory:
            raise failures.memory_limit_reached(self._limits.memory_bytes_max)
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
