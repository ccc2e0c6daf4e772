"""What a child is started with, and what it does before its first job."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from chalicelib.domain.task import TaskResult
from chalicelib.errors import TransientExecutionError
from chalicelib.executors.children import child_process
from chalicelib.executors.children.child_process import ChildProcess, JobLimits
from chalicelib.executors.children.pool import ProcessPool
from infra.waiting import wait_for
from tests.pool.conftest import (
    FACTORY,
    MEMORY_BYTES_MAX,
    PATIENCE_SECONDS,
    MakeChild,
    MakePool,
    Problems,
    pid_of,
    request_for,
    run,
)

KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
NOT_READY = "the executor cannot be started: its process did not become ready"


def test_a_child_knows_little_of_the_functions_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """How programs run here, what it is given, and nothing that a circuit could carry away."""
    kept = dict(
        zip(KEPT, ("/bin", str(tmp_path), "C.UTF-8", "C.UTF-8", "UTC", "/tmp"), strict=True)
    )
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LD_PRELOAD_LIST", "of no use")
    own = {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    limits = JobLimits(processor_seconds_max=5, memory_bytes_max=MEMORY_BYTES_MAX)
    pool = ProcessPool(
        FACTORY,
        children_max=1,
        limits=limits,
        reporter=Problems(),
        environment={"EXECUTION_AMPLITUDES_MAX": "16"},
    )
    ending = run(pool, "environment")
    pool.close()
    assert isinstance(ending, TaskResult)
    expected = kept | own | {"EXECUTION_AMPLITUDES_MAX": "16"}
    assert dict(line.split("=", 1) for line in ending.counts) == expected


def test_a_variable_that_the_function_lacks_its_child_lacks(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is made up, but for the encoding that Python sets itself."""
    for name in KEPT:
        monkeypatch.delenv(name, raising=False)
    ending = run(make_pool(), "environment")
    assert isinstance(ending, TaskResult)
    assert {line.partition("=")[0] for line in ending.counts} - {"LC_CTYPE"} == {
        "RAYON_NUM_THREADS",
        "OMP_NUM_THREADS",
        "MALLOC_ARENA_MAX",
    }


def test_a_child_imports_from_the_functions_folders_alone(make_pool: MakePool) -> None:
    """No variable, no user's folder and no file where it runs changes that; none is left behind."""
    ending = run(make_pool(), "flags")
    assert isinstance(ending, TaskResult)
    assert ending.counts == {"isolated": 1, "no_site": 1, "dont_write_bytecode": 1}


def test_a_child_finds_what_the_function_finds_where_it_runs(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An empty path is the current folder, as it is for the function."""
    (tmp_path / "own_executor.py").write_text("from tests.pool.factories import build\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    pool = make_pool("own_executor:build")
    assert isinstance(run(pool, "quick"), TaskResult)


@pytest.mark.parametrize(
    ("factory", "seconds"), [("build_slowly", 0.3), ("scribble_while_building", PATIENCE_SECONDS)]
)
def test_a_child_that_does_not_become_ready_is_an_error(factory: str, seconds: float) -> None:
    """It is late, or says what no child says; an operator reads which."""
    limits = JobLimits(processor_seconds_max=5, memory_bytes_max=MEMORY_BYTES_MAX)
    child = ChildProcess(f"tests.pool.factories:{factory}", limits, {})
    with pytest.raises(TransientExecutionError) as raised:
        child.wait_until_ready(time.monotonic() + seconds)
    child.end()
    assert str(raised.value) == NOT_READY
    cause = str(raised.value.__cause__)
    assert cause.startswith("the execution did not finish within 0." if seconds < 1 else "JSON is")


def test_what_an_executor_uses_to_start_is_bounded(
    make_pool: MakePool, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its import is no endless loop that holds a place of a function's."""
    monkeypatch.setattr(child_process, "_START_PROCESSOR_SECONDS_MAX", 0.5)
    ending = run(make_pool("tests.pool.factories:build_slowly"), "quick")
    assert isinstance(ending, TransientExecutionError)
    assert str(ending) == NOT_READY
    (told,) = problems.told
    assert "needs more than the 0.5 s of processor time" in told


def test_what_is_said_of_a_build_that_failed_is_cut(make_pool: MakePool) -> None:
    """It goes into each task that waited."""
    ending = run(make_pool("tests.pool.factories:refuse_to_build_at_length"), "quick")
    said = str(ending).removeprefix("the executor cannot be started: ")
    assert (said[:14], len(said)) == ("RuntimeError: ", 1_000)


def test_a_child_that_has_said_that_it_is_ready_is_usable(make_child: MakeChild) -> None:
    """Also where no execution waited for that; its line is no answer."""
    child = make_child()
    answers = child._answers  # noqa: SLF001 - to know that the line is there
    wait_for(lambda: select.select([answers], [], [], 0)[0], "its first line")
    assert child.is_usable()
    deadline = time.monotonic() + PATIENCE_SECONDS
    assert child.run(request_for("quick"), deadline=deadline, seconds_max=1).result is not None
    assert child.is_usable()


LARGE = "quick " + "0" * 1_000_000


def test_a_job_that_is_larger_than_a_pipe_is_sent_whole(make_pool: MakePool) -> None:
    """As the child takes it."""
    pool = make_pool(children_max=1, processor_seconds_max=60)
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
