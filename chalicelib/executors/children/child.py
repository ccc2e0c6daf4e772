"""The program of a child process: builds an executor and runs one job after another.

    python -I -S -B -c BOOTSTRAP PATHS PARENT FACTORY

`PATHS` is the parent's `sys.path` as JSON, for `-S` leaves out site-packages and a Lambda function
has its modules in folders of its own. Jobs come in and answers go out as one JSON object a line.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from typing import Final, Protocol, runtime_checkable

from msgspec import structs

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children.grants import AskForMemory, ProgramSize
from chalicelib.executors.children.jobs import (
    ANSWER_BYTES_MAX,
    Answer,
    Job,
    Started,
    grant_decoder,
    job_decoder,
    line_of,
    shortened,
)
from chalicelib.executors.children.limits import JobBounds, bound_process
from chalicelib.registry import imported
from chalicelib.warm_process import Asker


class Runnable(Protocol):
    """An executor, or what answers a request with a document instead of a result."""

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult | str:
        """Run it; errors are as an executor's."""


@runtime_checkable
class Asking(Runnable, Protocol):
    """One whose jobs begin with the memory for reading a circuit; it asks before it uses more.

    Any other has all that an execution may use from the beginning.
    """

    ask_for_memory: AskForMemory


#: What `-c` runs. The name of this module in it tells people and tests what the process is.
BOOTSTRAP: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from chalicelib.executors.children.child import main; main(int(sys.argv[2]), sys.argv[3])"
)
#: Of a traceback, its end says most.
_TRACEBACK_CHARACTERS_MAX: Final = 4_000


def main(parent: int, factory: str) -> None:
    """Build the executor, say so, and answer jobs until the parent closes the pipe."""
    asker = Asker(parent)
    bound_process()
    try:
        executor: Runnable = imported(factory)()
    except BaseException as exc:  # noqa: BLE001 - a module may raise anything when it is imported
        asker.answer(line_of(Started(error=_name_and_text(exc))))
        return
    bounds, lines = JobBounds(), asker.requests()
    asker.answer(line_of(Started(asks_for_memory=isinstance(executor, Asking))))
    for line in lines:
        job = job_decoder.decode(line)
        if isinstance(executor, Asking):
            executor.ask_for_memory = _asking(asker, lines, bounds, job.number)
        asker.answer(_answer(executor, bounds, job))


def _asking(asker: Asker, lines: Iterator[bytes], bounds: JobBounds, number: int) -> AskForMemory:
    """Return what asks the parent for memory in the middle of a job."""

    def ask(needs: ProgramSize) -> None:
        asker.answer(line_of(Answer(number=number, needs=needs)))
        bounds.grant(grant_decoder.decode(next(lines)).memory_bytes_max)

    return ask


def _answer(executor: Runnable, bounds: JobBounds, job: Job) -> bytes:
    """Run a job and encode its answer, all within the job's bounds."""
    bounds.begin(
        processor_seconds_max=job.processor_seconds_max, memory_bytes_max=job.memory_bytes_max
    )
    try:
        answer = _execute(executor, job)
        must_be_replaced = bounds.end() or answer.must_be_replaced
        line = line_of(
            structs.replace(answer, must_be_replaced=must_be_replaced)
            if must_be_replaced
            else answer
        )
    except MemoryError:
        bounds.lift()
        return line_of(Answer(number=job.number, out_of_memory=True, must_be_replaced=True))
    if len(line) > ANSWER_BYTES_MAX:
        message = f"the result takes {len(line):,} bytes; at most {ANSWER_BYTES_MAX:,} can be kept"
        return line_of(Answer(number=job.number, permanent=message, must_be_replaced=True))
    return line


def _execute(executor: Runnable, job: Job) -> Answer:
    try:
        result = executor.execute(job.request, time_limit_seconds=job.time_limit_seconds)
    except PermanentExecutionError as exc:
        return Answer(number=job.number, permanent=shortened(str(exc)))
    except TransientExecutionError as exc:
        return Answer(number=job.number, transient=shortened(str(exc)))
    except MemoryError:
        raise
    except BaseException as exc:  # noqa: BLE001 - a native library's panic is no Exception
        return _unexpected(job, exc)
    if isinstance(result, str):
        return Answer(number=job.number, document=result)
    return Answer(number=job.number, result=result)


def _unexpected(job: Job, error: BaseException) -> Answer:
    """Describe what the executor should not have raised. Its state is not trusted any more."""
    trace = ""
    with contextlib.suppress(Exception):
        trace = "".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS_MAX:]
    return Answer(
        number=job.number, unexpected=type(error).__name__, traceback=trace, must_be_replaced=True
    )


def _name_and_text(error: BaseException) -> str:
    return shortened(f"{type(error).__name__}: {error}")
