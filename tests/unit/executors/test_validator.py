"""What a validation says a run would cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.executors import cost
from chalicelib.executors.validator import Validator, build
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


def test_a_division_that_measurements_may_make_one_by_zero_is_a_warning() -> None:
    """At its place, once however often it is evaluated; where it cannot be zero there is none."""
    loop = "for int i in [1:3] { n /= %s; }\n"
    for divisor, places in (("int(c)", [(9, 22)]), ("(int(c) + 1)", [])):
        text = f"{BELL}int n = 8;\n{loop % divisor}if (n == 1) {{ x q[0]; }}\n"
        said = validation(text)
        assert said["valid"] is True
        found = [(one["line"], one["column"]) for one in said["findings"]]
        assert found == places
        assert all(one["severity"] == "warning" for one in said["findings"])
        assert all("by zero" in one["message"] for one in said["findings"])


def test_feedback_costs_every_shot() -> None:
    """Without it all shots are drawn from one state."""
    feedback = BELL.replace("cx q[0], q[1];", "c[0] = measure q[0];\nif (c[0]) x q[1];")
    once, often = (validation(feedback, shots=shots)["estimate"] for shots in (1, 1_000_000))
    assert often["seconds"] > 100 * once["seconds"]
    plain = {validation(BELL, shots=shots)["estimate"]["seconds"] for shots in (1, 1_000_000)}
    assert len(plain) == 1


@pytest.mark.parametrize(("shots", "by_shot"), [(1, 1), (1_000, 1_000)])
def test_a_cost_is_what_was_measured(shots: int, by_shot: int) -> None:
    """Memory by amplitude, time by gate and amplitude; and by shot, where gates depend on one."""
    plain, with_feedback = (
        cost.estimate(qubits=20, gates=10, shots=shots, has_feedback=has_feedback, qubits_max=20)
        for has_feedback in (False, True)
    )
    amplitudes = 1_048_576
    assert plain.memory_bytes == with_feedback.memory_bytes == 24 * amplitudes + 37_748_736
    seconds = 10 * (1e-6 + 0.48e-9 * amplitudes), 10 * (1e-6 + 0.30e-9 * amplitudes * by_shot)
    assert (plain.seconds, with_feedback.seconds) == pytest.approx(seconds, rel=5e-3)


@pytest.mark.parametrize(
    ("qubits", "size"),
    [
        (5, "1 KiB"),
        (6, "1 KiB"),
        (7, "3 KiB"),
        (15, "768 KiB"),
        (16, "1 MiB"),
        (25, "768 MiB"),
        (26, "1 GiB"),
        (35, "768 GiB"),
        (36, "1 TiB"),
        (45, "768 TiB"),
        (46, "more memory than there is"),
    ],
)
def test_a_size_is_said_in_the_largest_unit_that_it_fills(qubits: int, size: str) -> None:
    """Each 1,024 of the next smaller one, and at least one of the smallest."""
    assert cost.needs_amplitudes(qubits, 3) == (
        f"the circuit needs 2^{qubits} amplitudes, {size}; this service simulates 2^3 unless the"
        " circuit is Clifford or falls apart into parts of at most 3 qubits"
    )


@pytest.mark.parametrize(("amplitudes", "fits"), [(3, False), (4, True), (7, True), (8, True)])
def test_a_validator_knows_from_its_environment_what_fits(
    monkeypatch: pytest.MonkeyPatch,
    amplitudes: int,
    fits: bool,  # noqa: FBT001
) -> None:
    """A power of two that is reached."""
    monkeypatch.setenv("EXECUTION_AMPLITUDES_MAX", str(amplitudes))
    answer = build().execute(a_request(BELL), time_limit_seconds=2)
    assert json.loads(answer)["estimate"]["fits"] is fits


def test_seconds_are_said_in_three_digits() -> None:
    """More would say more than is known."""
    said = validation(BELL.replace("qubit[2] q;", "qubit[21] r;\nqubit[2] q;"))
    assert said["qubits"] == 23
    assert said["estimate"]["seconds"] == 0.00806
    assert said["estimate"]["memory_bytes"] == 24 * 2**23 + 37_748_736


def test_a_refusal_counts_the_probability_next_to_the_amplitude() -> None:
    """As settings and grants do."""
    assert "24 GiB" in cost.needs_amplitudes(30, 24)
