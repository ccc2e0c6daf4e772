"""What a task costs and what a function imports is known exactly, and the pages say so."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import cost, counts, imports, pages
from benchmarks.cost import COUNTS
from benchmarks.simulation import Capacity, simulate
from chalicelib.domain import payloads

HOW = "if this is meant, run: make benchmark ARGS=pages"
KEPT: dict[str, Any] = json.loads(COUNTS.read_text())


@pytest.fixture
def _environment() -> Iterator[None]:
    """Counting sets variables of this process; put them back."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("_environment")
def test_calls_units_and_log_bytes_of_a_task_are_as_counted() -> None:
    """For each step and circuit: one call, unit or byte more is seen here."""
    assert pages.count_tasks() == KEPT["tasks"], HOW


@pytest.mark.parametrize("function", imports.FUNCTIONS)
def test_what_a_function_imports_is_as_counted(function: str) -> None:
    """Files and bytes of each distribution: a new import costs every cold start."""
    assert imports.count(function) == KEPT["imports"][function], HOW


def test_no_function_imports_what_only_children_or_tools_need() -> None:
    """Neither a simulator nor the SDK's second half; the API no executor either."""
    for function in imports.FUNCTIONS:
        found = imports.count(function)
        assert found.keys().isdisjoint({"boto3", "s3transfer", "openqasm", "prism_q", "numpy"})


@pytest.mark.parametrize("path", pages.rendered(), ids=lambda path: path.name)
def test_a_page_says_what_is_counted(path: Any) -> None:  # noqa: ANN401 - a path, by the id
    """`docs/cost.md`, `docs/scale.md` and their pictures are made, and made of this code."""
    assert path.read_text() == pages.rendered()[path], HOW


def test_a_small_task_writes_six_units() -> None:
    """Put, claim and settle, and three entries of indexes."""
    assert sum(step["write_units"] for step in KEPT["tasks"]["Bell"].values()) == 6


def test_the_formula_of_units_agrees_with_what_is_counted() -> None:
    """The mean over QASMBench's sizes rests on it."""
    for circuit, given in counts.CIRCUITS.items():
        packed = len(payloads.pack(counts.text_of(given)))
        for step, counted in KEPT["tasks"][circuit].items():
            assert cost.write_units(step, packed) == counted["write_units"], (circuit, step)
            assert cost.read_units(step, packed) == counted["read_units"], (circuit, step)


CAPACITY = Capacity(
    requests_per_second=100,
    workers_max=10,
    width=4,
    vcpus=1,
    sweep_grace_seconds=900,
    sweep_tasks_max=2_000,
)


@pytest.mark.parametrize(("arriving", "grows"), [(50, False), (99, True)])
def test_a_backlog_grows_only_where_more_comes_than_is_done(
    arriving: float, *, grows: bool
) -> None:
    """Ten workers of one processor do 83 tasks of 100 ms (and 20 ms of their own) a second."""
    series = simulate(
        CAPACITY, lambda _: arriving, duration=600, seconds=0.1, waits=False, owners=1
    )
    assert (series[-1].backlog > series[300].backlog) is grows
    assert series[-1].refused == 0


def test_what_is_above_the_stages_rate_is_refused_and_never_waits() -> None:
    """A throttle answers 429; the queue sees what is admitted."""
    series = simulate(CAPACITY, lambda _: 250.0, duration=10, seconds=0.1, waits=True, owners=1)
    assert {second.refused for second in series} == {150.0}
