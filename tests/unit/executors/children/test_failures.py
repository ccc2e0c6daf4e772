"""How an execution that gave no answer has ended, in words for a client."""

from __future__ import annotations

import signal

import pytest

from chalicelib.errors import ExecutionError, PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children import failures
from chalicelib.executors.children.failures import LimitReached

PROCESSOR = "the circuit needs more than the 2.5 s of processor time that one execution may take"
MEMORY = "the circuit needs more than the 1,024 MB of memory that its execution may take"
PERMANENT, TRANSIENT = PermanentExecutionError, TransientExecutionError


@pytest.mark.parametrize(
    ("code", "printed", "kind", "words"),
    [
        (0, "", TRANSIENT, "the executor's process ended with exit code 0 and gave no result"),
        (3, "MemoryError", TRANSIENT, "the executor's process ended with exit code 3 and gave no"),
        (-signal.SIGXCPU, "", LimitReached, PROCESSOR),
        (-signal.SIGABRT, "memory allocation of 9 bytes failed", LimitReached, MEMORY),
        (-signal.SIGABRT, "what():  std::bad_alloc", LimitReached, MEMORY),
        (-signal.SIGABRT, "Fatal: MemoryError", LimitReached, MEMORY),
        (-signal.SIGABRT, "memory", PERMANENT, "the executor crashed on this circuit (SIGABRT)"),
        (
            -signal.SIGSEGV,
            "MemoryError",
            PERMANENT,
            "the executor crashed on this circuit (SIGSEGV)",
        ),
        (-signal.SIGBUS, "", PERMANENT, "the executor crashed on this circuit (SIGBUS)"),
        (-signal.SIGILL, "", PERMANENT, "the executor crashed on this circuit (SIGILL)"),
        (-signal.SIGFPE, "", PERMANENT, "the executor crashed on this circuit (SIGFPE)"),
        (-signal.SIGKILL, "", TRANSIENT, "the executor's process was ended from outside (SIGKILL)"),
        (-signal.SIGHUP, "", TRANSIENT, "the executor's process was ended from outside (SIGHUP)"),
        (-99, "", TRANSIENT, "the executor's process was ended from outside (signal 99)"),
    ],
)
def test_a_process_that_ended_says_what_its_code_means(
    code: int, printed: str, kind: type[ExecutionError], words: str
) -> None:
    """What its own code did would happen again; what came from outside may not."""
    error = failures.process_ended(
        code,
        b"before\n" + printed.encode() + b"\nafter",
        processor_seconds_max=2.5,
        memory_bytes_max=1 << 30,
    )
    assert type(error) is kind
    assert str(error).startswith(words)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            failures.wall_reached(30.0, 0.26, 12.5),
            TRANSIENT,
            "the execution did not finish within 30 s; it had 0.3 of its 12.5 s of the processor",
        ),
        (
            failures.wall_reached(1.5, None, 12.5),
            TRANSIENT,
            "the execution did not finish within 1.5 s",
        ),
        (
            failures.too_much_output(1_000),
            PERMANENT,
            "the executor printed more than 1,000 bytes during one execution",
        ),
        (
            failures.answer_too_long(1_000),
            PERMANENT,
            "the executor's answer is longer than 1,000 bytes",
        ),
        (
            failures.pipe_closed(),
            TRANSIENT,
            "the executor closed its connection and gave no result",
        ),
        (failures.answer_unreadable(), TRANSIENT, "the executor's answer cannot be read"),
        (failures.unexpected("KeyError"), TRANSIENT, "the executor failed unexpectedly (KeyError)"),
        (failures.cannot_start("why"), TRANSIENT, "the executor cannot be started: why"),
    ],
)
def test_every_other_failure_has_its_words_and_says_whether_it_may_be_tried_again(
    error: ExecutionError, kind: type[ExecutionError], words: str
) -> None:
    """Bounds are in the text, in the units that are set."""
    assert type(error) is kind
    assert str(error) == words
