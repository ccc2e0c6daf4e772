"""What a simulation costs, by measurement. The figures are in docs/executors.md."""

from __future__ import annotations

from typing import Final

from chalicelib.domain.validation import Estimate
from chalicelib.registry import AMPLITUDE_BYTES

#: Of a child process without its amplitudes.
BASE_BYTES: Final = 36 * 2**20
#: Per gate and amplitude, the most that was measured between 16 and 26 qubits on one thread.
SECONDS_PER_GATE_AND_AMPLITUDE: Final = 0.48e-9
#: The same and per shot, where gates depend on what was measured.
SECONDS_PER_GATE_AMPLITUDE_AND_SHOT: Final = 0.30e-9
SECONDS_PER_GATE: Final = 1e-6
#: Steps that loops whose turns only the run tells may make in one shot.
STEPS_MAX: Final = 20_000


def estimate(
    *, qubits: int, gates: int, shots: int, has_feedback: bool, qubits_max: int
) -> Estimate:
    """Estimate a circuit. One of Clifford gates or that falls apart costs less, often far less."""
    if qubits > qubits_max:
        return Estimate(gates=gates, memory_bytes=None, seconds=None, fits=False)
    amplitudes = 2**qubits
    by_amplitude = SECONDS_PER_GATE_AND_AMPLITUDE * amplitudes
    if has_feedback:
        by_amplitude = SECONDS_PER_GATE_AMPLITUDE_AND_SHOT * amplitudes * shots
    return Estimate(
        gates=gates,
        memory_bytes=BASE_BYTES + AMPLITUDE_BYTES * amplitudes,
        seconds=float(f"{gates * (SECONDS_PER_GATE + by_amplitude):.3g}"),
        fits=True,
    )


def needs_amplitudes(qubits: int, qubits_max: int) -> str:
    """Say that a circuit is too large, and what would fit."""
    return (
        f"the circuit needs 2^{qubits} amplitudes, {_in_units(AMPLITUDE_BYTES * 2**qubits)}; this"
        f" service simulates 2^{qubits_max} unless the circuit is Clifford or falls apart into"
        f" parts of at most {qubits_max} qubits"
    )


def _in_units(size: int) -> str:
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size //= 1024
        if size < 1024:  # noqa: PLR2004 - the next unit's size in this one
            return f"{max(size, 1)} {unit}"
    return "more memory than there is"
