"""One child process, seen from the function's: start it, give it a job, keep its limits, end it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Final

import msgspec

from chalicelib.domain.task import TaskRequest
from chalicelib.errors import ExecutionError
from chalicelib.executors.children import failures
from chalicelib.executors.children.child import BOOTSTRAP
from chalicelib.executors.children.grants import READING_BYTES_MAX, granted
from chalicelib.executors.children.jobs import (
    ANSWER_BYTES_MAX,
    Answer,
    Grant,
    Job,
    answer_decoder,
    line_of,
    started_decoder,
)
from chalicelib.executors.children.limits import processor_seconds_of
from chalicelib.warm_process import LineTooLong, ProcessLost, WarmProcess

#: What an executor may print during one execution. The end of it is kept for the log.
OUTPUT_BYTES_MAX: Final = 1_000_000
_OUTPUT_BYTES_KEPT: Final = 2_000
#: How long a process that has closed its pipe may take to end.
_END_SECONDS_MAX: Final = 1.0
#: What importing an executor may use of the processor.
_START_PROCESSOR_SECONDS_MAX: Final = 10.0
#: The least time between two readings of the child's processor time.
_LOOK_SECONDS_MIN: Final = 0.005
#: What a child keeps of the environment. Nothing else: it has no business with credentials.
_KEPT_VARIABLES: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
#: One thread, since the other cores are for other executions; one arena of memory, since each
#: further one would reserve what the limit counts.
_OWN_VARIABLES: Final = {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


class JobLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one execution may take, the same for all."""

    processor_seconds_max: float
    #: On top of what the child has when it is idle.
    memory_bytes_max: int


class ChildProcess:
    """A warm child. Used by one thread at a time."""

    def __init__(self, factory: str, limits: JobLimits, environment: Mapping[str, str]) -> None:
        """Start it. The thread that does must live as long as the child is to."""
        self._limits = limits
        self._output = _Output()
        self._process = WarmProcess(
            [sys.executable, "-I", "-S", "-B", "-c", BOOTSTRAP, *_arguments(factory)],
            environment=_environment() | dict(environment),
            on_output=self._output.add,
        )
        self._is_ready = self._asks_for_memory = False
        self._number = 0
        #: What the job under way may use.
        self._memory_bytes_max = limits.memory_bytes_max

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def printed(self) -> str:
        """The end of what it has printed during its last execution."""
        return self._output.end.decode(errors="replace")

    def is_usable(self) -> bool:
        """Whether it waits for a job: it has neither ended nor written anything since its last."""
        return not (self._is_ready and self._process.has_written())

    def wait_until_ready(self, deadline: float) -> None:
        """Wait until it has built its executor, if it has not yet.

        Raises:
            ExecutionError: it has ended, or is not ready by the deadline (monotonic time).
        """
        if self._is_ready:
            return
        seconds_max = deadline - time.monotonic()
        watch = _Watch(self.pid, deadline, seconds_max, _START_PROCESSOR_SECONDS_MAX)
        try:
            started = started_decoder.decode(self._receive(watch))
        except (ExecutionError, msgspec.DecodeError) as exc:
            raise failures.cannot_start("its process did not become ready") from exc
        if started.error is not None:
            raise failures.cannot_start(started.error)
        self._is_ready, self._asks_for_memory = True, started.asks_for_memory

    def run(self, request: TaskRequest, *, deadline: float, seconds_max: float) -> Answer:
        """Run one job until the deadline (monotonic time), which was set so many seconds before.

        After an error the child is of no use and must be ended.

        Raises:
            ExecutionError: there is no answer; the message says why.
        """
        self.wait_until_ready(deadline)
        self._number += 1
        self._read_rest()  # which is not this execution's
        self._output.begin()
        limits = self._limits
        watch = _Watch(self.pid, deadline, seconds_max, limits.processor_seconds_max)
        self._memory_bytes_max = limits.memory_bytes_max
        if self._asks_for_memory:
            self._memory_bytes_max = min(limits.memory_bytes_max, READING_BYTES_MAX)
        job = Job(
            number=self._number,
            request=request,
            time_limit_seconds=watch.seconds_left(),
            processor_seconds_max=limits.processor_seconds_max,
            memory_bytes_max=self._memory_bytes_max,
        )
        answer = self._exchange(job, watch)
        while answer.needs is not None:
            grant = granted(answer.needs, request.shots, memory_bytes_max=limits.memory_bytes_max)
            self._memory_bytes_max = max(self._memory_bytes_max, grant)
            answer = self._exchange(Grant(memory_bytes_max=self._memory_bytes_max), watch)
        if answer.out_of_memory:
            raise failures.memory_limit_reached(self._memory_bytes_max)
        return answer

    def _exchange(self, message: Job | Grant, watch: _Watch) -> Answer:
        """Send a line, and return the answer to it."""
        try:
            self._process.send(line_of(message), watch)
        except ProcessLost:
            raise self._lost() from None
        try:
            answer = answer_decoder.decode(self._receive(watch))
        except msgspec.DecodeError as exc:
            raise failures.answer_unreadable() from exc
        if answer.number != self._number:
            raise failures.answer_unreadable()
        return answer

    def end(self) -> None:
        """Kill it, whatever it does, and reap it."""
        self._process.end()

    def _receive(self, watch: _Watch) -> bytes | bytearray:
        """Read one line; keep the limits meanwhile."""
        try:
            return self._process.receive(watch, bytes_max=ANSWER_BYTES_MAX)
        except ProcessLost:
            raise self._lost() from None
        except LineTooLong:
            raise failures.answer_too_long(ANSWER_BYTES_MAX) from None

    def _read_rest(self) -> None:
        """Read what it has printed so far, or so much that the rest says nothing more."""
        with contextlib.suppress(ExecutionError):
            while self._process.read_output():
                pass

    def _lost(self) -> ExecutionError:
        """Say why nothing comes from it any more."""
        code = self._process.exit_code(_END_SECONDS_MAX)
        if code is None:
            return failures.pipe_closed()
        self._read_rest()  # such as why it aborted
        return failures.process_ended(
            code,
            bytes(self._output.end),
            processor_seconds_max=self._limits.processor_seconds_max,
            memory_bytes_max=self._memory_bytes_max,
        )


class _Output:
    """What a child prints during one execution: its size is bounded, and its end is kept."""

    def __init__(self) -> None:
        self.end = bytearray()
        self._bytes = 0

    def begin(self) -> None:
        """Forget what an earlier execution has printed."""
        self.end.clear()
        self._bytes = 0

    def add(self, chunk: bytes) -> None:
        """Take what was printed.

        Raises:
            ExecutionError: it is too much.
        """
        self._bytes += len(chunk)
        self.end += chunk
        del self.end[:-_OUTPUT_BYTES_KEPT]
        if self._bytes > OUTPUT_BYTES_MAX:
            raise failures.too_much_output(OUTPUT_BYTES_MAX)


class _Watch:
    """The limits of one exchange with a child, kept by the thread that waits for it."""

    __slots__ = ("_began", "_deadline", "_pid", "_processor_seconds_max", "_seconds_max")

    def __init__(
        self, pid: int, deadline: float, seconds_max: float, processor_seconds_max: float
    ) -> None:
        """Count the child's processor time from now."""
        self._pid = pid
        self._deadline = deadline
        self._seconds_max = seconds_max
        self._processor_seconds_max = processor_seconds_max
        self._began = processor_seconds_of(pid)

    def seconds_left(self) -> float:
        """Until the wall."""
        return self._deadline - time.monotonic()

    def __call__(self) -> float:
        """Return how many milliseconds may be waited until the next look.

        The processor comes first: at the wall, what used it up is not said to have been too slow.

        Raises:
            ExecutionError: a limit is reached.
        """
        used = self._processor_seconds()
        if used is not None and used >= self._processor_seconds_max:
            raise failures.processor_limit_reached(self._processor_seconds_max)
        left = self.seconds_left()
        if left <= 0:
            raise failures.wall_reached(self._seconds_max, used, self._processor_seconds_max)
        if used is not None:
            left = min(left, max(self._processor_seconds_max - used, _LOOK_SECONDS_MIN))
        return left * 1000

    def _processor_seconds(self) -> float | None:
        now = processor_seconds_of(self._pid)
        return None if now is None or self._began is None else now - self._began


def _arguments(factory: str) -> list[str]:
    paths = [path or os.getcwd() for path in sys.path]  # noqa: PTH109 - an empty one means it
    return [json.dumps(paths), str(os.getpid()), factory]


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | _OWN_VARIABLES
