"""Checks a circuit without running it. Only for a child process: reading may take long."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import structs

from chalicelib.domain.task import TaskRequest
from chalicelib.domain.validation import Estimate, Finding, Severity, Validation
from chalicelib.executors import cost, points
from chalicelib.executors.openqasm.needs import Needs, needs_of
from chalicelib.executors.openqasm.reader import Reading, read

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
        first = read(request.circuit, request.points[0])
        warnings: dict[Finding, None] = {}
        estimates: list[Estimate] = []
        for number, inputs in enumerate(request.points):
            reading = read(request.circuit, inputs) if number else first
            if reading.program is None:
                return _document(first, points.named_findings(request, number, reading.findings))
            if reading.registers != first.registers:
                findings = points.named_findings(request, number, [points.OTHER_REGISTERS])
                return _document(first, findings)
            needs = needs_of(reading.program)
            warnings |= dict.fromkeys((*reading.findings, *self._warnings(needs)))
            estimates.append(self._estimate(needs, request.shots))
        warnings |= dict.fromkeys(points.warnings(request, first.registers))
        return _document(first, tuple(warnings), _of_all(estimates))

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
        return cost.estimate(
            qubits=needs.qubits,
            gates=needs.gates,
            shots=shots,
            has_feedback=needs.has_feedback,
            qubits_max=self._qubits_max,
        )


def _document(
    first: Reading, findings: tuple[Finding, ...], estimate: Estimate | None = None
) -> str:
    """Return the answer; a circuit without an estimate does not run."""
    validation = Validation(
        valid=estimate is not None,
        findings=findings,
        registers=first.registers,
        qubits=first.qubits,
        estimate=estimate,
    )
    return msgspec.json.encode(validation).decode()


def _of_all(estimates: Sequence[Estimate]) -> Estimate:
    """Add the points of a request up; they are executed one after another."""
    largest = max(estimates, key=lambda estimate: estimate.memory_bytes or math.inf)
    seconds = [estimate.seconds for estimate in estimates]
    return structs.replace(
        largest,
        gates=sum(estimate.gates for estimate in estimates),
        seconds=None
        if largest.seconds is None
        else float(f"{math.fsum(filter(None, seconds)):.3g}"),
    )
