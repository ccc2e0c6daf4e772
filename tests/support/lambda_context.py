"""Lambda's context object for calls of the entry points in the test's own process."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """A Lambda context whose time stands still (`LambdaContext`)."""

    remaining_ms: int = 60_000
    aws_request_id: str = "0f2b1d7e-invocation"

    def get_remaining_time_in_millis(self) -> int:
        """Return what the test says."""
        return self.remaining_ms
