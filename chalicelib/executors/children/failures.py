"""What it means when an execution ended without an answer, in words for a client. Pure.

What an execution did itself within its bounds would happen again: permanent. What may have come
from outside, or from a broken build, may not: transient.
"""

from __future__ import annotations

import signal
from typing import Final

from chalicelib.errors import ExecutionError, PermanentExecutionError, TransientExecutionError

#: Signals that a process gets for what its own code did.
_CRASHES: Final = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
)
#: What native code writes before it aborts since an allocation failed: Rust, C++, CPython.
_MEMORY_WORDS: Final = (b"memory allocation of ", b"std::bad_alloc", b"MemoryError")
_MEGABYTE: Final = 1 << 20


class LimitReached(PermanentExecutionError):
    """The circuit needs more than one execution may take: no fault of the executor's."""


def processor_limit_reached(seconds_max: float) -> ExecutionError:
    """The execution used up its processor time."""
    return LimitReached(
        f"the circuit needs more than the {seconds_max:g} s of processor time "
        "that one execution may take"
    )


def memory_limit_reached(bytes_max: int) -> ExecutionError:
    """The execution wanted more memory than it may have."""
    return LimitReached(
        f"the circuit needs more than the {bytes_max / _MEGABYTE:,.0f} MB of memory "
        "that its execution may take"
    )


def wall_reached(
    seconds_max: float, processor_seconds: float | None, processor_seconds_max: float
) -> ExecutionError:
    """The time was over before the processor time was: others had the processor, or it waited."""
    had = (
        ""
        if processor_seconds is None
        else f"; it had {processor_seconds:.1f} of its {processor_seconds_max:g} s of the processor"
    )
    return TransientExecutionError(f"the execution did not finish within {seconds_max:g} s{had}")


def process_ended(
    code: int, stderr: bytes, *, processor_seconds_max: float, memory_bytes_max: int
) -> ExecutionError:
    """The process ended in the middle of the execution, with this `Popen.returncode`."""
    if code >= 0:
        return TransientExecutionError(
            f"the executor's process ended with exit code {code} and gave no result"
        )
    if -code == signal.SIGXCPU:
        return processor_limit_reached(processor_seconds_max)
    if -code == signal.SIGABRT and any(words in stderr for words in _MEMORY_WORDS):
        return memory_limit_reached(memory_bytes_max)
    if -code in _CRASHES:
        return PermanentExecutionError(f"the executor crashed on this circuit ({_name(-code)})")
    return TransientExecutionError(
        f"the executor's process was ended from outside ({_name(-code)})"
    )


def too_much_output(bytes_max: int) -> ExecutionError:
    """The executor printed on and on."""
    return PermanentExecutionError(
        f"the executor printed more than {bytes_max:,} bytes during one execution"
    )


def answer_too_long(bytes_max: int) -> ExecutionError:
    """The child's line did not end where the longest answer ends."""
    return PermanentExecutionError(f"the executor's answer is longer than {bytes_max:,} bytes")


def pipe_closed() -> ExecutionError:
    """The process runs on, but nothing can come from it any more."""
    return TransientExecutionError("the executor closed its connection and gave no result")


def answer_unreadable() -> ExecutionError:
    """The child's line is no answer to its job."""
    return TransientExecutionError("the executor's answer cannot be read")


def unexpected(error_type: str) -> ExecutionError:
    """The executor raised what its port does not allow: a bug in the executor."""
    return TransientExecutionError(f"the executor failed unexpectedly ({error_type})")


def cannot_start(why: str) -> ExecutionError:
    """There is no child to execute anything."""
    return TransientExecutionError(f"the executor cannot be started: {why}")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
