"""A warm process, from both sides. What executors and functions do in one, their tests say."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager

import pytest

from chalicelib.executors.children.child import BOOTSTRAP
from chalicelib.warm_process import LineTooLong, ProcessLost, WarmProcess
from infra.local.settings import ROOT
from infra.waiting import wait_for
from tests.support.processes import is_running, started

ECHO = """
import os, sys
from chalicelib.warm_process import Asker
asker = Asker(int(sys.argv[1]))
for line in asker.requests():
    if line == b"end\\n":
        os._exit(7)
    print("printed", flush=True)
    asker.answer(line)
"""


def wait_long() -> float:
    """Let an answer be waited for (`Watch`)."""
    return 120_000.0


def an_echo(printed: list[bytes] | None = None) -> WarmProcess:
    """Start a process that answers with what it is asked."""
    return WarmProcess(
        [sys.executable, "-c", ECHO, str(os.getpid())],
        environment={"PYTHONPATH": str(ROOT)},
        on_output=None if printed is None else printed.append,
    )


def test_a_line_is_answered_with_a_line_and_what_is_printed_is_given_on() -> None:
    """Until it ends; it says how."""
    printed: list[bytes] = []
    process = an_echo(printed)
    for line in (b"a\n", b"b" * 1_000_000 + b"\n"):
        process.send(line, wait_long)
        assert process.receive(wait_long) == line
    assert not process.has_written()
    assert process.exit_code(0) is None
    process.send(b"end\n", wait_long)
    with pytest.raises(ProcessLost):
        process.receive(wait_long)
    assert process.exit_code(60) == 7
    while process.read_output():
        pass
    assert b"".join(printed) == b"printed\n" * 2
    with pytest.raises(ProcessLost):
        process.send(b"c\n", wait_long)
    assert process.end() == 7


def test_without_a_listener_it_prints_where_its_parent_prints(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """As the functions do, whose lines are the log."""
    process = an_echo()
    process.send(b"a\n", wait_long)
    assert process.receive(wait_long) == b"a\n"
    assert process.read_output() is False
    process.end()
    assert capfd.readouterr() == ("printed\n", "")


def test_a_line_that_is_too_long_is_not_read_to_its_end() -> None:
    """A process could fill this one's memory."""
    process = an_echo()
    process.send(b"b" * 1_000_000 + b"\n", wait_long)
    with pytest.raises(LineTooLong):
        process.receive(wait_long, bytes_max=100_000)
    process.end()


def test_a_process_to_which_nothing_refers_any_more_is_ended() -> None:
    """None is left over by an object that is dropped."""
    process = an_echo()
    pid = process.pid
    assert is_running(pid)
    del process
    gc.collect()
    assert not is_running(pid)


#: Starts a child that is told to die with it, says the child's number, and waits to be killed.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
print(child.pid, child.stdout.readline().decode(), end="", flush=True)
sys.stdin.read()
"""
CHILD = """
import os, threading
from chalicelib import warm_process
warm_process._IS_LINUX = False
warm_process._LOOK_SECONDS = 0.05
warm_process.Asker(os.getppid()).answer(b"is bound\\n")
threading.Event().wait(600)
"""


def test_elsewhere_a_child_looks_whether_its_parent_lives() -> None:
    """It lives as long as that, and no longer, whatever it does."""
    with started(
        *(sys.executable, "-c", PARENT, CHILD),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT)},
    ) as parent:
        assert parent.stdout
        pid, _, said = parent.stdout.readline().decode().partition(" ")
        assert said == "is bound\n"
        assert is_running(int(pid))
        parent.kill()
    wait_for(lambda: not is_running(int(pid)), "the child to end")


def a_child(
    parent: int, factory: str = "tests.pool.factories:build"
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run the program of a child."""
    return started(
        *(sys.executable, "-I", "-S", "-B", "-c", BOOTSTRAP),
        *(json.dumps([str(ROOT), *sys.path]), str(parent), factory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_a_child_whose_parent_ended_before_it_could_be_told_ends_by_itself() -> None:
    """It is another process's child then, and says nothing."""
    with a_child(os.getppid()) as child:
        said, _ = child.communicate(timeout=60)
    assert (child.returncode, said) == (1, b"")


def test_a_child_ends_well_when_it_is_given_no_more_jobs() -> None:
    """The pipe's end is the end, whatever an executor's threads still do."""
    with a_child(os.getpid(), "tests.pool.factories:build_with_a_thread") as child:
        assert child.stdout
        assert child.stdout.readline() == b"{}\n"
        said, _ = child.communicate(timeout=60)
    assert (child.returncode, said) == (0, b"")
