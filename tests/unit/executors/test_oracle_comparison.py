"""The comparison with the oracle finds differences, and random programs are what they should be."""

from __future__ import annotations

import random

import pytest

from chalicelib.domain.task import TaskRequest
from chalicelib.executors.simulator import Simulator
from tests.proof.oracle.compare import compare
from tests.proof.oracle.programs import program

SHOTS = 10_000


def sample(weights: dict[str, float], seed: int) -> dict[str, int]:
    """Draw counts."""
    generator = random.Random(seed)  # noqa: S311 - test data
    drawn = generator.choices(list(weights), list(weights.values()), k=SHOTS)
    return {key: drawn.count(key) for key in weights if key in drawn}


@pytest.mark.parametrize(
    "weights",
    [{"0": 1.0}, {"0": 0.5, "1": 0.5}, {f"{n:05b}": n + 1.0 for n in range(32)}],
    ids=["certain", "a coin", "many"],
)
def test_samples_of_one_distribution_agree(weights: dict[str, float]) -> None:
    """However many outcomes there are."""
    for seed in range(20):
        assert compare(sample(weights, seed), sample(weights, 1_000 + seed)).agrees


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"0": 0.5, "1": 0.5}, {"0": 0.4, "1": 0.6}),
        ({"00": 0.5, "11": 0.5}, {"01": 0.5, "10": 0.5}),
        ({"00": 0.5, "11": 0.5}, {"00": 0.25, "01": 0.25, "10": 0.25, "11": 0.25}),
        ({"001": 1.0}, {"100": 1.0}),
        ({"0 01": 1.0}, {"00 1": 1.0}),
        ({"0 0": 1.0}, {"00": 1.0}),
    ],
    ids=["weights", "parity", "correlation", "order", "registers", "spaces"],
)
def test_samples_of_different_distributions_do_not(
    left: dict[str, float], right: dict[str, float]
) -> None:
    """A weight, an order of bits, a space in another place."""
    assert not compare(sample(left, 1), sample(right, 2)).agrees


def test_random_programs_run_and_are_the_same_for_the_same_number() -> None:
    """Of each version, with feedback and without; none is refused."""
    texts = [program(number) for number in range(60)]
    assert texts == [program(number) for number in range(60)]
    assert len(set(texts)) == 60
    for part in ("OPENQASM 2", "OPENQASM 3", "if(", "if (", "reset", "for int", "ctrl @", "inv @"):
        assert any(part in text for text in texts), part
    for text in texts:
        request = TaskRequest(circuit=text, shots=10, tags={}, seed=1)
        assert Simulator().execute(request, time_limit_seconds=9).shots == 10
