"""Checks a circuit without running it. Only for a child process: reading may take long."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from chalicelib.domain.task import TaskRequest
from chalicelib.domain.validation import Estimate, Finding, Severity, Validation
from chalicelib.executors import cost
from chalicelib.executors.openqasm.needs import needs_of
from chalicelib.executors.openqasm.program import Program
from chalicelib.executors.openqasm.reader import read

_AMPLITUDES_VARIABLE: Final = "EXECUTION_AMPLITUDES_MAX"


def build() -> Validator:
    """Build the validator from the environment of its process."""
    amplitudes = int(os.environ[_AMPLITUDES_VARIABLE])
    return Validator(qubits_max=amplitudes.bit_length() - 1)


class Validator:
    """Answers a request with a `Validation` as JSON."""

    def __init__(self, *, qubits_max: int) -> None:
        """Take the largest number of qubits whose amplitudes are all kept."""
        self._qubits_max = qubits_max

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> str:
        """Read the circuit as an execution does; the pool keeps the limit."""
        del time_limit_seconds
        reading = read(request.circuit)
        findings, estimate = reading.findings, None
        if reading.program is not None:
            estimate, further = self._estimate(request, reading.program)
            findings += further
        validation = Validation(
            valid=not reading.errors,
            findings=findings,
            registers=reading.registers,
            qubits=reading.qubits,
            estimate=estimate,
        )
        return msgspec.json.encode(validation).decode()

    def _estimate(
        self, request: TaskRequest, program: Program
    ) -> tuple[Estimate, tuple[Finding, ...]]:
        needs = needs_of(program)
        loops = tuple(
            Finding(
                severity=Severity.WARNING,
                message="only the run tells how often this loop turns; the estimate counts one",
                line=line,
            )
            for line in needs.loops
        )
        if needs.part > self._qubits_max:
            warning = Finding(
                severity=Severity.WARNING,
                message=cost.needs_amplitudes(needs.part, self._qubits_max),
            )
            estimate = Estimate(gates=needs.gates, memory_bytes=None, seconds=None, fits=False)
            return estimate, (*loops, warning)
        needed = cost.estimate(
            qubits=needs.qubits,
            gates=needs.gates,
            shots=request.shots,
            has_feedback=needs.has_feedback,
        )
        return Estimate(
            gates=needs.gates,
            memory_bytes=needed.memory_bytes,
            seconds=float(f"{needed.seconds:.3g}"),
            fits=needs.qubits <= self._qubits_max,
        ), loops
