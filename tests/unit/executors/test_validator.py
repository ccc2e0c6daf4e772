"""What a validation says a run would cost."""

from __future__ import annotations

import json
from typing import Any

from chalicelib import settings
from chalicelib.executors import cost
from chalicelib.executors.validator import Validator
from tests.support.in_memory import a_request

BELL = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n'
    "h q[0];\ncx q[0], q[1];\nc = measure q;\n"
)


def validation(text: str, *, qubits_max: int = 24, shots: int = 8) -> dict[str, Any]:
    """Validate, and return what the child would answer."""
    answer = Validator(qubits_max=qubits_max).execute(
        a_request(text, shots=shots), time_limit_seconds=2
    )
    read: dict[str, Any] = json.loads(answer)
    return read


def test_a_valid_circuit_has_its_registers_qubits_and_an_estimate() -> None:
    """Two gates on two qubits fit."""
    said = validation(BELL)
    assert (said["valid"], said["findings"], said["qubits"]) == (True, [], 2)
    assert said["registers"] == [{"name": "c", "size": 2}]
    assert (said["estimate"]["gates"], said["estimate"]["fits"]) == (2, True)
    assert said["estimate"]["memory_bytes"] > 4 * 16
    assert said["estimate"]["seconds"] > 0


def test_a_circuit_at_the_limit_fits_and_one_qubit_more_does_not() -> None:
    """What does not fit has no figures."""
    assert validation(BELL, qubits_max=2)["estimate"]["fits"] is True
    over = validation(BELL, qubits_max=1)
    assert over["valid"] is True
    assert over["estimate"] == {
        "gates": 2,
        "memory_bytes": None,
        "seconds": None,
        "fits": False,
    }


def test_a_wrong_circuit_has_findings_and_no_estimate() -> None:
    """The name of the gate is said with its place."""
    said = validation(BELL.replace("h q", "hh q"))
    assert (said["valid"], said["estimate"]) == (False, None)
    (finding,) = said["findings"]
    assert "hh" in finding["message"]
    assert (finding["severity"], finding["line"]) == ("error", 5)


def test_feedback_costs_every_shot() -> None:
    """Without it all shots are drawn from one state."""
    feedback = BELL.replace("cx q[0], q[1];", "c[0] = measure q[0];\nif (c[0]) x q[1];")
    once, often = (validation(feedback, shots=shots)["estimate"] for shots in (1, 1_000_000))
    assert often["seconds"] > 100 * once["seconds"]
    plain = {validation(BELL, shots=shots)["estimate"]["seconds"] for shots in (1, 1_000_000)}
    assert len(plain) == 1


def test_cost_doubles_with_each_qubit() -> None:
    """Memory by amplitude, time by gate and amplitude."""
    small, large = (
        cost.estimate(qubits=qubits, gates=10, shots=1, has_feedback=False) for qubits in (20, 21)
    )
    assert (small.qubits, small.amplitudes, large.amplitudes) == (20, 2**20, 2**21)
    assert large.memory_bytes - small.memory_bytes == cost.AMPLITUDE_BYTES * 2**20
    assert 1.9 < large.seconds / small.seconds < 2


def test_sizes_are_said_in_the_largest_unit_that_fits() -> None:
    """Each 1,024 of the next smaller one."""
    said = [cost.needs_amplitudes(qubits, 24) for qubits in (24, 30, 36, 60)]
    for text, unit in zip(said, ("MiB", "GiB", "TiB", "more memory than there is"), strict=True):
        assert unit in text
    assert "2^30 amplitudes" in said[1]
    assert "simulates 2^24 unless" in said[1]


def test_an_estimate_counts_an_amplitude_as_the_worker_grants_it() -> None:
    """A circuit that is said to fit must fit: both count the probability next to the state."""
    assert cost.AMPLITUDE_BYTES == settings.AMPLITUDE_BYTES
    assert "24 GiB" in cost.needs_amplitudes(30, 24)
