"""Holds what is counted against `counts.json` and the pages: `make benchmark ARGS=check`.

A test runs this program. It prints each difference, and its exit code says whether there is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from benchmarks import cost, counts, imports, pages
from benchmarks.simulation import Capacity, Second, simulate
from chalicelib.domain import payloads

_WRITE_UNITS: Final = 6
#: A simulator and the second half of the SDK are for children and tools.
_FOR_OTHERS: Final = frozenset({"boto3", "s3transfer", "openqasm", "prism_q", "numpy"})
#: Ten workers of one processor do 83 tasks of 100 ms (and 20 ms of their own) a second.
_CAPACITY: Final = Capacity(
    requests_per_second=100,
    workers_max=10,
    width=4,
    vcpus=1,
    sweep_grace_seconds=900,
    sweep_tasks_max=2_000,
)
_ADMITTED: Final = 50
_TOO_MANY: Final = 99
_REFUSED: Final = 250


def check() -> int:
    """Print what differs, and return the program's exit code."""
    differences = list(_differences(json.loads(cost.COUNTS.read_text())))
    for difference in differences:
        print(difference)
    if differences:
        print("If this is meant, run: make benchmark ARGS=pages")
    return 1 if differences else 0


def _differences(kept: dict[str, Any]) -> Iterator[str]:
    """Count again, and name what is not as it was kept."""
    for circuit, steps in pages.count_tasks().items():
        for step, counted in steps.items():
            for name, value in counted.items():
                if (before := kept["tasks"][circuit][step][name]) != value:
                    yield f"{circuit}, {step}, {name}: {value}, kept as {before}"
    for function in imports.FUNCTIONS:
        found = imports.count(function)
        if found != kept["imports"][function]:
            yield f"the imports of {function}: {found}, kept as {kept['imports'][function]}"
        if unwanted := _FOR_OTHERS & found.keys():
            yield f"{function} imports {', '.join(sorted(unwanted))}"
    for path, text in pages.rendered().items():
        if path.read_text() != text:
            yield f"docs/{path.name} says something else than the counts"
    yield from _formulas(kept["tasks"])
    yield from _simulation()


def _formulas(tasks: dict[str, Any]) -> Iterator[str]:
    """Hold the formula of units, on which the cost page's mean rests, against what is counted."""
    if (units := sum(step["write_units"] for step in tasks["Bell"].values())) != _WRITE_UNITS:
        yield f"a small task writes {units} units"
    for circuit, given in counts.CIRCUITS.items():
        packed = len(payloads.pack(counts.text_of(given)))
        for step, counted in tasks[circuit].items():
            units = (cost.write_units(step, packed), cost.read_units(step, packed))
            if units != (counted["write_units"], counted["read_units"]):
                yield f"the formula of units for {circuit}, {step}: {units}"


def _simulation() -> Iterator[str]:
    """A backlog grows only where more comes than is done; what is above the rate is refused."""
    for arriving in (_ADMITTED, _TOO_MANY):
        series = _simulated(arriving, duration=600, waits=False)
        grows = series[-1].backlog > series[300].backlog
        if grows is not (arriving == _TOO_MANY) or series[-1].refused:
            yield f"the simulation of {arriving} tasks a second"
    series = _simulated(_REFUSED, duration=10, waits=True)
    if {second.refused for second in series} != {float(_REFUSED - _CAPACITY.requests_per_second)}:
        yield "the simulation of more than the stage's rate"


def _simulated(arriving: float, *, duration: int, waits: bool) -> list[Second]:
    return simulate(
        _CAPACITY, lambda _: arriving, duration=duration, seconds=0.1, waits=waits, owners=1
    )
