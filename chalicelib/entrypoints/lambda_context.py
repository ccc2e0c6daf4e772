"""What the entrypoints need of Lambda's context object."""

from __future__ import annotations

from typing import Protocol


class LambdaContext(Protocol):
    """What the entrypoints need of Lambda's context object."""

    @property
    def aws_request_id(self) -> str:
        """Return the invocation's id; Lambda's own lines about it carry it too."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
