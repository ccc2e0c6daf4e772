"""Checks a circuit without running it. Only for a child process: reading may take long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import msgspec

from chalicelib.domain.task import TaskRequest
from chalicelib.domain.validation import Estimate, Finding, Severity, Validation
from chalicelib.executors import cost
from chalicelib.executors.openqasm.needs import Needs, needs_of
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
        needs = None if reading.program is None else needs_of(reading.program)
        warnings = () if needs is None else tuple(self._warnings(needs))
        validation = Validation(
            valid=not reading.errors,
            findings=reading.findings + warnings,
            registers=reading.registers,
            qubits=reading.qubits,
            estimate=None if needs is None else self._estimate(needs, request.shots),
        )
        return msgspec.json.encode(validation).decode()

    def _warnings(self, needs: Needs) -> Iterator[Finding]:
        """Yield what only a run can tell."""
        for line in needs.loops:
            message = (
                "only the run tells how often this loop turns: the estimate counts one turn, and"
                f" after {cost.STEPS_MAX:,} in one shot the execution fails"
            )
            yield Finding(severity=Severity.WARNING, message=message, line=line)
        if needs.part > self._qubits_max and not needs.is_clifford:
            message = cost.needs_amplitudes(needs.part, self._qubits_max)
            yield Finding(severity=Severity.WARNING, message=message)

    def _estimate(self, needs: Needs, shots: int) -> Estimate:
        if needs.qubits > self._qubits_max:
            return Estimate(gates=needs.gates, memory_bytes=None, seconds=None, fits=False)
        needed = cost.estimate(
            qubits=needs.qubits, gates=needs.gates, shots=shots, has_feedback=needs.has_feedback
        )
        return Estimate(
            gates=needs.gates,
            memory_bytes=needed.memory_bytes,
            seconds=float(f"{needed.seconds:.3g}"),
            fits=True,
        )
