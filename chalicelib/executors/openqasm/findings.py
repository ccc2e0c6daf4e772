"""What is wrong with a circuit, and where."""

from __future__ import annotations

from chalicelib.domain.validation import Finding
from chalicelib.errors import PermanentExecutionError


class CircuitRefused(PermanentExecutionError):
    """The circuit cannot be executed here."""

    def __init__(self, finding: Finding, *, is_about_size: bool = False) -> None:
        """Take why, and whether it is for the size of something that the circuit declares."""
        super().__init__(str(finding))
        self.finding = finding
        self.is_about_size = is_about_size


def location_of_arn(text: str, offset: int) -> tuple[int, int]:
    """Return the line and the column, both from 1, of a place in a text."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - text.rfind("\n", 0, offset)


def refusal(text: str, offset: int, message: str, *, is_about_size: bool = False) -> CircuitRefused:
    """Return the refusal of a circuit for what stands at this place."""
    line, column = location_of_arn(text, offset)
    finding = Finding(message=message, line=line, column=column)
    return CircuitRefused(finding, is_about_size=is_about_size)
