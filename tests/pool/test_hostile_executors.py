"""Whatever an executor does in a child, it ends by itself with a true reason, and alone."""

from __future__ import annotations

import os
import resource
import signal
import time

import pytest

from chalicelib.domain.task import TaskRequest
from chalicelib.errors import ExecutionError, PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children.jobs import (
    ANSWER_BYTES_MAX,
    MESSAGE_CHARACTERS_MAX,
    Answer,
    line_of,
)
from chalicelib.executors.children.pool import ProcessPool
from infra.waiting import wait_for
from tests.pool.conftest import (
    MEMORY_BYTES_MAX,
    PATIENCE_SECONDS,
    MakeChild,
    MakePool,
    Outcome,
    Problems,
    counts_of,
    pid_of,
    request_for,
    run,
    run_batch,
)
from tests.support.processes import children_of, is_running

PERMANENT, TRANSIENT = PermanentExecutionError, TransientExecutionError
PROCESSOR = "the circuit needs more than the 0.5 s of processor time that one execution may take"
MEMORY = "the circuit needs more than the 64 MB of memory that its execution may take"

#: What the executor does; how the execution ends. Which signal means what, `test_failures` says.
HOSTILE = {
    "endless_python": (PERMANENT, PROCESSOR),
    "endless_c": (PERMANENT, PROCESSOR),
    "fill_memory": (PERMANENT, MEMORY),
    "abort_without_memory": (PERMANENT, MEMORY),
    "segfault": (PERMANENT, "the executor crashed on this circuit (SIGSEGV)"),
    f"signalled {signal.SIGXCPU:d}": (PERMANENT, PROCESSOR),
    f"signalled {signal.SIGKILL:d}": (TRANSIENT, "ended from outside (SIGKILL)"),
    "leave 3": (TRANSIENT, "ended with exit code 3 and gave no result"),
    "panic": (TRANSIENT, "the executor failed unexpectedly (Panic)"),
    "unprintable": (TRANSIENT, "the executor failed unexpectedly (Unprintable)"),
    "wrong": (TRANSIENT, "the executor's answer cannot be read"),
    "scribble": (TRANSIENT, "the executor's answer cannot be read"),
    "answer_as_another_job": (TRANSIENT, "the executor's answer cannot be read"),
    f"answer_bytes {ANSWER_BYTES_MAX}": (TRANSIENT, "the executor's answer cannot be read"),
    "answer_bytes 9000000": (PERMANENT, "the executor's answer is longer than 8,000,000 bytes"),
    "large 100000": (PERMANENT, "the result takes 10,"),
    "print_gigabyte": (PERMANENT, "printed more than 1,000,000 bytes during one execution"),
    "close_pipes": (TRANSIENT, "the executor closed its connection and gave no result"),
    "fork": (TRANSIENT, "the executor failed unexpectedly (PermissionError)"),
    "start_program": (TRANSIENT, "the executor failed unexpectedly (PermissionError)"),
    "write_file": (TRANSIENT, "the executor failed unexpectedly (OSError)"),
    "refuse": (PERMANENT, "no such gate"),
    "try_later": (TRANSIENT, "no device"),
}


@pytest.mark.parametrize("behaviour", HOSTILE)
def test_each_ends_by_itself_and_its_nine_neighbours_complete(
    pool: ProcessPool, foreign_children: frozenset[int], behaviour: str
) -> None:
    """The hostile one fails for a reason that says what it did; the others never notice."""
    kind, words = HOSTILE[behaviour]
    outcomes = run_batch(pool, ["quick"] * 4 + [behaviour] + ["quick"] * 5)
    outcome = outcomes.pop(4)
    assert isinstance(outcome, kind), outcome
    assert words in str(outcome)
    pids = {pid_of(neighbour) for neighbour in outcomes}
    assert len(pids - pool.idle_pids()) <= 1, "more children have ended than the hostile one's"
    wait_for(
        lambda: children_of(os.getpid()) - foreign_children == pool.idle_pids(),
        "no children but idle ones to be left",
    )


@pytest.mark.parametrize("behaviour", ["sleep", "stop"])
def test_what_does_nothing_ends_at_the_wall_and_may_be_tried_again(
    pool: ProcessPool, behaviour: str
) -> None:
    """It used no processor time, which may be another's fault; who waits for it uses none."""
    run(pool, "quick")
    before = time.thread_time()
    outcome = run(pool, behaviour, seconds_max=1)
    assert time.thread_time() - before < 0.3
    assert isinstance(outcome, TransientExecutionError)
    assert str(outcome) == (
        "the execution did not finish within 1 s; it had 0.0 of its 0.5 s of the processor"
    )


@pytest.mark.parametrize("behaviour", ["print_garbage", "read_stdin", "start_thread", "interrupt"])
def test_what_is_harmless_completes(pool: ProcessPool, behaviour: str) -> None:
    """Printing, reading and threads are an executor's own business."""
    assert pid_of(run(pool, behaviour)) in pool.idle_pids()


def test_what_goes_on_in_the_background_is_ended(make_pool: MakePool) -> None:
    """A thread that an executor left behind ends with its child, without another execution."""
    pid = pid_of(run(make_pool(processor_seconds_max=600), "leave_thread_behind"))
    assert wait_for(lambda: not is_running(pid), "the kernel to end the busy idle child")


def test_a_child_that_wrote_more_than_its_answer_gets_no_job(make_child: MakeChild) -> None:
    """A line left behind could be taken for the next job's answer."""
    child = make_child()
    deadline = time.monotonic() + PATIENCE_SECONDS
    request = request_for("scribble_later")
    assert child.run(request, deadline=deadline, seconds_max=1).result is not None
    wait_for(lambda: not child.is_usable(), "the line behind the answer to be seen")


@pytest.mark.parametrize("behaviour", ["refuse 1000000", "try_later 1000000"])
def test_messages_of_an_executor_are_cut(pool: ProcessPool, behaviour: str) -> None:
    """An error's text goes into an item: a megabyte does not."""
    outcome = run(pool, behaviour)
    assert isinstance(outcome, ExecutionError)
    assert len(str(outcome)) == MESSAGE_CHARACTERS_MAX


def test_faults_of_an_executor_are_reported_with_what_it_printed(
    make_pool: MakePool, problems: Problems
) -> None:
    """An operator reads more than the client: the end of the traceback, and the last words."""
    pool = make_pool()
    for behaviour in ("bug", f"signalled {signal.SIGABRT:d}", "bug 1000000", "refuse"):
        run(pool, behaviour)
    bug, abort, long = problems.told
    assert "tests/pool/factories.py" in bug
    assert "KeyError: 'q the last words'" in bug
    assert abort.endswith("(SIGABRT)")
    assert long.endswith("x the last words'\n")
    assert len(long.partition("(KeyError): ")[2]) == 4_000


def test_a_child_that_is_not_trusted_any_more_is_replaced(make_pool: MakePool) -> None:
    """It lacked memory, has a large result in its memory, or failed in the middle of something."""
    pool = make_pool()
    pids = set()
    for behaviour in ("fill_memory", "large 100000", "bug"):
        pids.add(pid_of(run(pool, "quick")))
        assert isinstance(run(pool, behaviour), ExecutionError)
    assert len(pids) == 3
    assert not any(map(is_running, pids))


def test_an_answer_is_as_long_as_it_may_be_and_no_longer(make_pool: MakePool) -> None:
    """At the limit it is given whole; a byte more is refused for good, with both sizes."""
    pool = make_pool()
    room = ANSWER_BYTES_MAX - len(line_of(Answer(number=1, document="")))
    answer = pool.ask(request_for(f"document {room}"), time_limit_seconds=PATIENCE_SECONDS)
    assert answer.document == "x" * room
    with pytest.raises(PermanentExecutionError) as refused:
        pool.ask(request_for(f"document {room + 1}"), time_limit_seconds=PATIENCE_SECONDS)
    assert str(refused.value) == "the result takes 8,000,001 bytes; at most 8,000,000 can be kept"


def test_memory_of_both_processes_stays_bounded(make_pool: MakePool) -> None:
    """Neither a gigabyte printed nor one allocated shows in the peak of parent or child."""
    pool = make_pool(processor_seconds_max=10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run_batch(pool, ["fill_memory", "print_gigabyte", "answer_bytes 1e9"] * 3)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown << 10 < 9 * 3 * 8_000_000


@pytest.mark.parametrize(
    ("qubits", "may", "may_not"), [(1, 200, 300), (2, 200, 300), (22, 400, 500), (40, 600, 800)]
)
def test_a_child_takes_no_more_memory_than_its_program_is_granted(
    make_pool: MakePool, qubits: int, may: int, may_not: int
) -> None:
    """256 MB for reading, 48 bytes an amplitude on top, and 700 MB in all."""
    limits = {"processor_seconds_max": 60, "memory_bytes_max": 700 << 20}
    pool = make_pool("tests.pool.factories:build_asking", **limits)
    granted = min(700, 256 + (48 * 2**qubits >> 20))

    def grow(megabytes: int) -> Outcome:
        request = TaskRequest(circuit=f"grow {megabytes}", shots=qubits, tags={})
        try:
            return pool.execute(request, time_limit_seconds=PATIENCE_SECONDS)
        except ExecutionError as exc:
            return exc

    assert counts_of(grow(may))
    assert f"more than the {granted} MB of memory that" in str(grow(may_not))
    assert counts_of(grow(may))


def test_a_child_takes_no_more_memory_than_its_limit(make_pool: MakePool) -> None:
    """What fits its limit completes, and half as much again does not."""
    megabytes = MEMORY_BYTES_MAX >> 20
    pool = make_pool()
    assert counts_of(run(pool, f"grow {megabytes * 0.8}"))
    assert isinstance(run(pool, f"grow {megabytes * 1.5}"), PermanentExecutionError)
