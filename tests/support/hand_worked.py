"""Circuits whose distributions were worked out by hand from the specification: one table."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.circuits import Known

_TABLE: Final = (
    Path(__file__).parents[1] / "unit" / "executors" / "openqasm" / "cases" / "cases.json"
)
HAND_WORKED: Final = [
    Known(case["name"], case["circuit"], case["distribution"])
    for case in json.loads(_TABLE.read_text())
]


def is_within(counts: Mapping[str, int], expected: Mapping[str, float], *, shots: int) -> bool:
    """Whether each outcome is as often as it should be, within six deviations, and no other is."""
    return set(counts) == set(expected) and all(
        abs(counts[bits] - shots * probability)
        <= 6 * math.sqrt(shots * probability * (1 - probability))
        for bits, probability in expected.items()
    )
