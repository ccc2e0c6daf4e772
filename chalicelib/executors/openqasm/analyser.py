"""Says what is wrong with a circuit before it runs, with the place. Only for a child process."""

from __future__ import annotations

from typing import Final

import msgspec
import openqasm
from msgspec import structs

from chalicelib.domain.task import Register
from chalicelib.domain.validation import Finding, Severity
from chalicelib.executors.openqasm.dialect import TreeEdit
from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.openqasm.operands import Operands
from chalicelib.executors.openqasm.semantics import check
from chalicelib.executors.openqasm.text_scan import Scan, scan

#: A longer text is scanned only: analysing takes about 1 s for so much.
ANALYSED_CHARACTERS_MAX: Final = 100_000
#: Of one circuit; the first ones tell what to mend.
FINDINGS_MAX: Final = 50


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a circuit without running it."""

    #: In the order of their places.
    findings: tuple[Finding, ...]
    scan: Scan
    #: Whether all checks were made; a longer text is only scanned.
    is_complete: bool = True
    #: What the simulator must be given in other words.
    edits: tuple[TreeEdit, ...] = ()
    #: Where it cannot be told whether a gate is given different qubits.
    unknown_operands: Finding | None = None
    #: The qubits of the largest part that gates join, as far as the text tells.
    part: int = 0

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings for which the circuit does not run."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def registers(self) -> tuple[Register, ...]:
        """The registers that a result would have."""
        return self.scan.registers


def analyse(text: str) -> Analysis:
    """Analyse a circuit. It never raises for what the text is, but it may need much time."""
    seen = scan(text)
    if seen.problem is not None:
        return Analysis(findings=(seen.problem.finding,), scan=seen)
    if len(text) > ANALYSED_CHARACTERS_MAX:
        message = (
            f"a circuit of more than {ANALYSED_CHARACTERS_MAX:,} characters is not analysed in"
            " detail: types, indices and names are checked when it runs"
        )
        finding = Finding(severity=Severity.WARNING, message=message)
        return Analysis(findings=(finding,), scan=seen, is_complete=False)
    try:
        return _analyse(text, seen)
    except openqasm.QasmError as exc:
        column = None if exc.column is None else exc.column + 1
        finding = Finding(message=exc.message, line=exc.line, column=column)
    except RecursionError:
        finding = Finding(message="the circuit is nested too deeply")
    return Analysis(findings=(finding,), scan=seen)


def _analyse(text: str, seen: Scan) -> Analysis:
    program = openqasm.parse(text)
    semantics = check(program)
    operands = Operands(program)
    # The simple cases of a repeated qubit are found by both.
    known = {(finding.line, finding.message) for finding in semantics.findings}
    findings = [
        *semantics.findings,
        *(f for f in operands.repeated.values() if (f.line, f.message) not in known),
    ]
    if not any(isinstance(node, openqasm.ast.MeasureExpression) for node in openqasm.walk(program)):
        findings.append(NOTHING_MEASURED)
    findings.sort(key=lambda finding: (finding.line or len(text), finding.column or 0))
    return Analysis(
        findings=tuple(findings[:FINDINGS_MAX]),
        scan=seen,
        edits=semantics.edits,
        unknown_operands=operands.unknown,
        part=operands.part,
    )


NOTHING_MEASURED: Final = Finding(
    message="the circuit measures nothing, so there is nothing to count; end it with c = measure q;"
)


def refuse(analysis: Analysis) -> None:
    """Refuse a circuit that has errors.

    Raises:
        CircuitRefused: naming the first, and how many more there are.
    """
    errors = analysis.errors
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        first = errors[0]
        raise CircuitRefused(structs.replace(first, message=f"{first.message[:500]}{more}"))
