"""A circuit's refusal, with its finding."""

from __future__ import annotations

from chalicelib.domain.validation import Finding
from chalicelib.errors import PermanentExecutionError


class CircuitRefused(PermanentExecutionError):
    """The circuit cannot be executed here."""

    def __init__(self, finding: Finding) -> None:
        """Take why."""
        super().__init__(str(finding))
        self.finding = finding
