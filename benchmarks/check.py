"""Holds what is counted against `counts.json` and the pages: `make benchmark ARGS=check`.

A test runs this program. It prints each difference, and its exit code says whether there is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from benchmarks import pages
from benchmarks.cost import COUNTS

#: A simulator and the second half of the SDK are for children and tools.
_FOR_OTHERS: Final = frozenset({"boto3", "s3transfer", "openqasm", "prism_q", "numpy"})


def check() -> int:
    """Print what differs, and return the program's exit code."""
    differences = list(_differences(json.loads(COUNTS.read_text())))
    for difference in differences:
        print(difference)
    if differences:
        print("If this is meant, run: make benchmark ARGS=pages")
    return 1 if differences else 0


def _differences(kept: dict[str, Any]) -> Iterator[str]:
    """Count again, and name what is not as it was kept."""
    found = pages.count()
    for circuit, steps in found["tasks"].items():
        for step, counted in steps.items():
            if counted != (before := kept["tasks"][circuit][step]):
                yield f"{circuit}, {step}: {counted}, kept as {before}"
    for function, imported in found["imports"].items():
        if imported != kept["imports"][function]:
            yield f"the imports of {function}: {imported}, kept as {kept['imports'][function]}"
        if unwanted := _FOR_OTHERS.intersection(imported):
            yield f"{function} imports {', '.join(sorted(unwanted))}"
    units = sum(step["write_units"] for step in found["tasks"]["Bell"].values())
    if units != pages.WRITE_UNITS:
        yield f"a small task writes {units} units"
    for path, text in pages.rendered().items():
        if path.read_text() != text:
            yield f"docs/{path.name} says something else than the counts"
