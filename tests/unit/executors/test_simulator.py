"""The simulator: exact distributions, refusals that help, the same counts for the same seed."""

from __future__ import annotations

import math

import pytest

from chalicelib.domain.task import TaskResult
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors.simulator import Simulator
from tests.support.circuits import KNOWN, Known
from tests.support.in_memory import a_request
from tests.support.refused_circuits import REFUSED, Refused

SHOTS = 20_000


def simulate(text: str, *, shots: int = SHOTS, seed: int | None = 11) -> TaskResult:
    """Execute a circuit in this process."""
    return Simulator().execute(a_request(text, shots=shots, seed=seed), time_limit_seconds=60)


@pytest.mark.parametrize("circuit", KNOWN, ids=lambda circuit: circuit.name)
def test_a_circuit_has_its_exact_distribution(circuit: Known) -> None:
    """Each outcome as often as it should be, within five standard deviations, and no other."""
    result = simulate(circuit.text)
    assert set(result.counts) == set(circuit.expected)
    assert sum(result.counts.values()) == SHOTS
    for bits, probability in circuit.expected.items():
        deviation = math.sqrt(SHOTS * probability * (1 - probability))
        assert abs(result.counts[bits] - SHOTS * probability) <= 5 * deviation
    assert list(result.counts) == sorted(result.counts)


@pytest.mark.parametrize("circuit", REFUSED, ids=lambda circuit: circuit.name)
def test_a_circuit_that_cannot_be_executed_is_refused_with_its_reason(circuit: Refused) -> None:
    """For good, with the place where there is one, in a few words."""
    with pytest.raises(PermanentExecutionError) as refused:
        simulate(circuit.text, shots=100)
    assert circuit.message in str(refused.value)
    assert len(str(refused.value)) < 600
