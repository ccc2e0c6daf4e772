"""What is wrong with a circuit, and where."""

from __future__ import annotations

import dataclasses
import enum

from chalicelib.errors import PermanentExecutionError


class Severity(enum.StrEnum):
    """Whether a circuit with such a finding runs."""

    #: It does not run.
    ERROR = "error"
    #: It runs, and may not do what was meant, or not run elsewhere.
    WARNING = "warning"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is noteworthy about a circuit."""

    severity: Severity = Severity.ERROR
    #: What is the matter, what the limit is, and what would do.
    message: str
    #: Where, from 1; None where there is no place, as for a circuit that measures nothing.
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return it as one line, the place first."""
        if self.line is None:
            return self.message
        if self.column is None:
            return f"line {self.line}: {self.message}"
        return f"line {self.line}, column {self.column}: {self.message}"


class CircuitRefused(PermanentExecutionError):
    """The circuit cannot be executed here."""

    def __init__(self, finding: Finding, *, is_about_size: bool = False) -> None:
        """Take why, and whether it is for the size of something that the circuit declares."""
        super().__init__(str(finding))
        self.finding = finding
        self.is_about_size = is_about_size


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Return the line and the column, both from 1, of a place in a text."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - text.rfind("\n", 0, offset)


def refusal(text: str, offset: int, message: str, *, is_about_size: bool = False) -> CircuitRefused:
    """Return the refusal of a circuit for what stands at this place."""
    line, column = place_of(text, offset)
    finding = Finding(message=message, line=line, column=column)
    return CircuitRefused(finding, is_about_size=is_about_size)
