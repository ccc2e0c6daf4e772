"""Checks a circuit without running it. Only for a child process: analysing may take long."""

from __future__ import annotations

import os
from typing import Final

import msgspec
import openqasm

from chalicelib.domain.task import TaskRequest
from chalicelib.domain.validation import Estimate, Validation
from chalicelib.executors import cost
from chalicelib.executors.openqasm.analyser import Analysis, analyse

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
        """Analyse the circuit; the pool keeps the limit."""
        del time_limit_seconds
        analysis = analyse(request.circuit)
        validation = Validation(
            valid=not analysis.errors,
            findings=analysis.findings,
            registers=analysis.registers,
            qubits=analysis.scan.qubits,
            estimate=self._estimate(request, analysis),
        )
        return msgspec.json.encode(validation).decode()

    def _estimate(self, request: TaskRequest, analysis: Analysis) -> Estimate | None:
        if analysis.errors or not analysis.is_complete:
            return None
        kinds = [type(node) for node in openqasm.walk(openqasm.parse(request.circuit))]
        gates = kinds.count(openqasm.ast.GateCall)
        qubits = analysis.scan.qubits
        if qubits > self._qubits_max:
            return Estimate(gates=gates, memory_bytes=None, seconds=None, fits=False)
        needed = cost.estimate(
            qubits=qubits,
            gates=gates,
            shots=request.shots,
            has_feedback=openqasm.ast.If in kinds,
        )
        return Estimate(
            gates=gates,
            memory_bytes=needed.memory_bytes,
            seconds=float(f"{needed.seconds:.3g}"),
            fits=True,
        )
