"""How long a worker's invocation may have to be, by its settings."""

from __future__ import annotations

from chalicelib.domain.payloads import PIECES_SECONDS_MAX
from chalicelib.settings import Settings


def seconds_to_begin(settings: Settings) -> float:
    """Return what must be left of an invocation, or the worker has its message redelivered."""
    return (
        settings.execution_start_seconds_max
        + settings.execution_seconds_max
        + settings.execution_margin_seconds
    )


def seconds_needed(settings: Settings) -> float:
    """Return how long the slowest execution takes, with claim and settle and their pieces."""
    calls = 2 * (settings.database_call_seconds_max + PIECES_SECONDS_MAX)
    return seconds_to_begin(settings) + calls
