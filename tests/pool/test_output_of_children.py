"""What a child prints is read as long as it comes, and is not waited for."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children.child_process import OUTPUT_BYTES_MAX
from tests.pool.conftest import (
    PATIENCE_SECONDS,
    MakeChild,
    MakePool,
    Problems,
    pid_of,
    request_for,
    run,
)


@pytest.mark.skipif(sys.platform != "linux", reason="opens a process's pipe by /proc")
def test_a_pipe_that_another_process_holds_open_does_not_hold_up_the_end(
    make_child: MakeChild,
) -> None:
    """The child has ended, so what it printed last is there; the pipe may never be closed."""
    child = make_child()
    deadline = time.monotonic() + PATIENCE_SECONDS
    child.run(request_for("quick"), deadline=deadline, seconds_max=1)
    held = os.open(f"/proc/{child.pid}/fd/2", os.O_WRONLY)
    with pytest.raises(TransientExecutionError, match="ended with exit code 3"):
        child.run(request_for("leave 3"), deadline=deadline, seconds_max=1)
    os.write(held, b"still open")
    os.close(held)


def test_each_execution_may_print_up_to_the_limit_and_no_more(make_pool: MakePool) -> None:
    """What the one before has printed does not count."""
    pool = make_pool(processor_seconds_max=60)
    pids = {pid_of(run(pool, f"print_bytes {OUTPUT_BYTES_MAX}")) for _ in range(2)}
    assert len(pids) == 1
    ending = run(pool, f"print_bytes {OUTPUT_BYTES_MAX + 1}")
    assert isinstance(ending, PermanentExecutionError)
    assert str(ending) == "the executor printed more than 1,000,000 bytes during one execution"


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


@pytest.mark.skipif(sys.platform != "linux", reason="opens a process's pipe by /proc")
def test_what_was_printed_before_an_execution_is_not_said_to_be_its_own(
    make_child: MakeChild,
) -> None:
    """An answer may be read ahead of the output: a report must not quote a stranger's circuit."""
    child = make_child()
    deadline = time.monotonic() + PATIENCE_SECONDS
    child.run(request_for("quick"), deadline=deadline, seconds_max=1)
    Path(f"/proc/{child.pid}/fd/2").write_text("printed late by the first")
    with pytest.raises(TransientExecutionError, match="ended with exit code 3") as raised:
        child.run(request_for("leave 3"), deadline=deadline, seconds_max=1)
    assert "first" not in str(raised.value)
    assert child.printed == ""


@pytest.mark.skipif(sys.platform != "linux", reason="opens a process's pipe by /proc")
def test_what_was_printed_late_does_not_count_for_the_next(make_child: MakeChild) -> None:
    """It may be more than an execution may print: the next one has printed none of it."""
    child = make_child()
    deadline = time.monotonic() + PATIENCE_SECONDS
    child.run(request_for(f"print_bytes {OUTPUT_BYTES_MAX}"), deadline=deadline, seconds_max=1)
    Path(f"/proc/{child.pid}/fd/2").write_text("printed late by the first")
    answer = child.run(request_for("quick"), deadline=deadline, seconds_max=1)
    assert answer.result is not None
    assert child.printed == ""
