"""Large jobs, and what a child prints: it is read as long as it comes, and is not waited for."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children.child_process import OUTPUT_BYTES_MAX, ChildProcess
from tests.pool.conftest import (
    PATIENCE_SECONDS,
    MakeChild,
    MakePool,
    Problems,
    pid_of,
    request_for,
    run,
)

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="opens a process's pipe by /proc")
LARGE = "quick " + "0" * 1_000_000


def execute(child: ChildProcess, circuit: str) -> object:
    """Have a child run a circuit, with time enough."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    return child.run(request_for(circuit), deadline=deadline, seconds_max=1).result


def test_a_job_that_is_larger_than_a_pipe_is_sent_whole(make_pool: MakePool) -> None:
    """As the child takes it."""
    pool = make_pool(processor_seconds_max=60)
    assert pid_of(run(pool, LARGE)) == pid_of(run(pool, LARGE))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSTOP, "the execution did not finish within 1 s; it had 0.0 of its 0.5 s"),
        (signal.SIGKILL, "the executor's process was ended from outside (SIGKILL)"),
    ],
)
def test_a_job_that_is_not_taken_ends_as_one_that_is_not_answered(
    make_child: MakeChild, number: signal.Signals, words: str
) -> None:
    """At the wall, or when the child is gone."""
    child = make_child()
    child.wait_until_ready(time.monotonic() + PATIENCE_SECONDS)
    os.kill(child.pid, number)
    with pytest.raises(TransientExecutionError) as raised:
        child.run(request_for(LARGE), deadline=time.monotonic() + 1, seconds_max=1)
    assert str(raised.value).startswith(words)


def test_each_execution_may_print_up_to_the_limit_and_no_more(make_pool: MakePool) -> None:
    """What the one before has printed does not count."""
    pool = make_pool(processor_seconds_max=60)
    pids = {pid_of(run(pool, f"print_bytes {OUTPUT_BYTES_MAX}")) for _ in range(2)}
    assert len(pids) == 1
    outcome = run(pool, f"print_bytes {OUTPUT_BYTES_MAX + 1}")
    assert isinstance(outcome, PermanentExecutionError)
    assert str(outcome) == "the executor printed more than 1,000,000 bytes during one execution"


def test_an_operator_reads_the_end_of_what_the_execution_printed(
    make_pool: MakePool, problems: Problems
) -> None:
    """Two thousand bytes of it, whatever they are, and nothing of an earlier execution's."""
    pool = make_pool()
    said = "execute in a child process: the executor's process ended with exit code 3"
    end = "\N{REPLACEMENT CHARACTER} the last words"
    for circuit in ("print_last_words 5000", "print_bytes 9", "print_last_words 0"):
        run(pool, circuit)
    long, short = problems.told
    assert short == f"{said} and gave no result: {end}"
    assert long == f"{said} and gave no result: {'x' * (2_000 - len(end))}{end}"


@ON_LINUX
def test_a_pipe_that_another_process_holds_open_does_not_hold_up_the_end(
    make_child: MakeChild,
) -> None:
    """The child has ended, so what it printed last is there; the pipe may never be closed."""
    child = make_child()
    execute(child, "quick")
    held = os.open(f"/proc/{child.pid}/fd/2", os.O_WRONLY)
    with pytest.raises(TransientExecutionError, match="ended with exit code 3"):
        execute(child, "leave 3")
    os.write(held, b"still open")
    os.close(held)


@ON_LINUX
def test_what_was_printed_late_is_not_said_to_be_the_next_ones_and_does_not_count(
    make_child: MakeChild,
) -> None:
    """An answer may be read ahead of the output: a report must not quote a stranger's circuit."""
    child = make_child()
    execute(child, f"print_bytes {OUTPUT_BYTES_MAX}")
    for circuit in ("quick", "leave 3"):
        Path(f"/proc/{child.pid}/fd/2").write_text("printed late by the first")
        if circuit == "quick":
            assert execute(child, circuit) is not None
        else:
            with pytest.raises(TransientExecutionError, match="ended with exit code 3") as raised:
                execute(child, circuit)
            assert "first" not in str(raised.value)
        assert child.printed == ""
