"""What a child is started with, and what is said when it does not start."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

import pytest

from chalicelib.errors import TransientExecutionError
from chalicelib.executors.children import child_process
from infra.waiting import wait_for
from tests.pool.conftest import (
    MEMORY_BYTES_MAX,
    PATIENCE_SECONDS,
    MakeChild,
    MakePool,
    Problems,
    counts_of,
    pid_of,
    request_for,
    run,
    run_batch,
)

KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
OWN = {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
FLAGS = {"isolated", "no_site", "dont_write_bytecode"}
FACTORIES = "tests.pool.factories"
NOT_READY = "the executor cannot be started: its process did not become ready"


def test_a_child_knows_little_of_the_functions_environment(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """How programs run here, what it is given, and nothing that a circuit could carry away."""
    kept = dict(
        zip(KEPT, ("/bin", str(tmp_path), "C.UTF-8", "C.UTF-8", "UTC", "/tmp"), strict=True)
    )
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LD_PRELOAD_LIST", "of no use")
    given = {"EXECUTION_AMPLITUDES_MAX": "16"}
    counts = counts_of(run(make_pool(environment=given), "environment"))
    assert [counts[flag] for flag in FLAGS] == [1, 1, 1], "it imports what the function imports"
    assert dict(line.split("=", 1) for line in set(counts) - FLAGS) == kept | OWN | given
    for name in KEPT:
        monkeypatch.delenv(name)
    lacking = set(counts_of(run(make_pool(), "environment"))) - FLAGS
    # Python sets the encoding itself.
    assert {line.partition("=")[0] for line in lacking} - {"LC_CTYPE"} == set(OWN)


def test_a_child_finds_what_the_function_finds_where_it_runs(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An empty path is the current folder, as it is for the function."""
    (tmp_path / "own_executor.py").write_text("from tests.pool.factories import build\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert pid_of(run(make_pool("own_executor:build"), "quick"))


def test_a_child_has_the_limits_that_the_kernel_keeps(make_pool: MakePool) -> None:
    """Those that nothing in it can raise, and those that are set again for each job."""
    pool = make_pool(processor_seconds_max=100)
    for _ in range(2):
        limits = counts_of(run(pool, "limits"))
        for kind in ("CORE", "FSIZE"):
            assert (limits[f"{kind} soft"], limits[f"{kind} hard"]) == (0, 0)
        # Half as much again, in whole seconds, on top of what it has used.
        assert 150 < limits["CPU soft"] <= 153
        assert limits["CPU hard"] == resource.getrlimit(resource.RLIMIT_CPU)[1]
        if sys.platform == "linux":
            more = limits["used"] + MEMORY_BYTES_MAX - limits["AS soft"]
            assert 0 <= more < 4 << 20
            # As the kernel says it: a filter is 2; without the first, only root may set one.
            assert (limits["NoNewPrivs"], limits["Seccomp"]) == (1, 2)


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        ("tests.pool.no_such_module:build", "ModuleNotFoundError: No module named"),
        (f"{FACTORIES}:no_such_factory", "AttributeError: module"),
        (f"{FACTORIES}:refuse_to_build", "RuntimeError: no license for this simulatorxxx"),
        (f"{FACTORIES}:crash_while_building", "its process did not become ready"),
    ],
)
def test_an_executor_that_cannot_be_built_says_why(
    make_pool: MakePool, factory: str, why: str
) -> None:
    """A broken build fails no task for good; what it says goes into each task, and is cut."""
    pool = make_pool(factory)
    for outcome in run_batch(pool, ["quick"] * 2):
        assert isinstance(outcome, TransientExecutionError)
        said = str(outcome).removeprefix("the executor cannot be started: ")
        assert said.startswith(why)
        assert len(said) == 1_000 or "xxx" not in said
    assert pool.idle_pids() == frozenset()


def test_where_no_process_can_be_started_each_execution_is_told_and_the_next_tries_again(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the system's own words."""
    pool = make_pool()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/no/such/python")
        for outcome in run_batch(pool, ["quick"] * 3):
            assert isinstance(outcome, TransientExecutionError)
            assert str(outcome) == "the executor cannot be started: No such file or directory"
    assert pid_of(run(pool, "quick"))


@pytest.mark.parametrize(
    ("factory", "seconds", "cause"),
    [
        ("build_never", 0.2, "the execution did not finish within 0."),
        ("scribble_while_building", PATIENCE_SECONDS, "JSON is malformed"),
    ],
)
def test_a_child_that_does_not_become_ready_is_an_error(
    make_child: MakeChild, factory: str, seconds: float, cause: str
) -> None:
    """It is late, or says what no child says; an operator reads which."""
    child = make_child(f"{FACTORIES}:{factory}")
    with pytest.raises(TransientExecutionError) as raised:
        child.wait_until_ready(time.monotonic() + seconds)
    assert str(raised.value) == NOT_READY
    assert str(raised.value.__cause__).startswith(cause)


def test_what_an_executor_uses_to_start_is_bounded(
    make_pool: MakePool, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its import is no endless loop that holds a place of a function's."""
    monkeypatch.setattr(child_process, "_START_PROCESSOR_SECONDS_MAX", 0.2)
    assert str(run(make_pool(f"{FACTORIES}:build_endlessly"), "quick")) == NOT_READY
    (told,) = problems.told
    assert "needs more than the 0.2 s of processor time" in told


def test_a_child_that_has_said_that_it_is_ready_is_usable(make_child: MakeChild) -> None:
    """Also where no execution waited for that; its line is no answer."""
    child = make_child()
    process = child._process  # noqa: SLF001 - to know that the line is there
    wait_for(process.has_written, "its first line")
    assert child.is_usable()
    deadline = time.monotonic() + PATIENCE_SECONDS
    assert child.run(request_for("quick"), deadline=deadline, seconds_max=1).result is not None
    assert child.is_usable()
    assert child.pid != os.getpid()
