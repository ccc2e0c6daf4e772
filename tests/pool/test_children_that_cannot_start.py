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
    pool = make_pool(children_max=2)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/no/such/python")
        for ending in run_batch(pool, ["quick"] * 5):
            assert isinstance(ending, TransientExecutionError)
            assert str(ending) == "the executor cannot be started: No such file or directory"
    assert not isinstance(run(pool, "quick"), TransientExecutionError)
