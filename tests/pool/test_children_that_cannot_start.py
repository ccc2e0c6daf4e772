"""A machine that can start no process."""

from __future__ import annotations

import sys

import pytest

from chalicelib.errors import TransientExecutionError
from tests.pool.conftest import MakePool, run, run_batch


def test_every_execution_is_told_at_once_and_the_next_one_tries_again(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the system's own words; none waits until its time is over."""
    pool = make_pool()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/no/such/python")
        for ending in run_batch(pool, ["quick"] * 5):
            assert isinstance(ending, TransientExecutionError)
            assert str(ending) == "the executor cannot be started: No such file or directory"
    assert not isinstance(run(pool, "quick"), TransientExecutionError)


def test_what_finds_no_child_in_time_may_be_tried_again(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for as long as its neighbour may run, and the pool serves the next one."""
    pool = make_pool()
    run(pool, "quick")
    monkeypatch.setattr(pool, "_start_seconds_max", 0.2)
    said = sorted(str(ending) for ending in run_batch(pool, ["sleep", "sleep"], seconds_max=1))
    assert said[0] == "the execution could not begin within 0.2 s"
    assert said[1].startswith("the execution did not finish within 1 s")
    monkeypatch.undo()
    assert not isinstance(run(pool, "quick"), TransientExecutionError)
