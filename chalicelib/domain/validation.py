"""What is known of a circuit without running it."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from chalicelib.domain.task import Register

#: What a child process may take for one circuit.
VALIDATION_SECONDS_MAX: Final = 2.0


class Severity(enum.StrEnum):
    """Whether a circuit with such a finding runs."""

    #: It does not run.
    ERROR = "error"
    #: It runs, and may not do what was meant, or not run elsewhere.
    WARNING = "warning"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
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


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a run costs at most, if all amplitudes are kept. Many circuits need far less."""

    #: Gates that are run; a loop whose turns only the run tells counts as one turn.
    gates: int
    #: None where the circuit does not fit: then only one of Clifford gates, or that falls apart,
    #: runs.
    memory_bytes: int | None
    seconds: float | None
    #: Whether all amplitudes fit what this service keeps.
    fits: bool


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a circuit would run here."""

    #: No finding is an error.
    valid: bool
    #: The circuit was read to its end: if not, nothing is said of the rest.
    complete: bool = True
    findings: tuple[Finding, ...] = ()
    #: The registers that a result would have.
    registers: tuple[Register, ...] = ()
    #: None where the text could not be read so far.
    qubits: int | None = None
    estimate: Estimate | None = None
