"""How long the random tests look: the same each time by default, further with `full`."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings

from tests.support.evidence import FULL

#: The machines take their own time per step; they share one simulated backend.
_COMMON: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    max_examples=10,
    stateful_step_count=25,
    **_COMMON,
)
#: Another seed each time, so each run adds to those before it.
settings.register_profile(
    "full", max_examples=400, stateful_step_count=50, print_blob=True, **_COMMON
)
settings.load_profile("full" if FULL else "repeatable")
