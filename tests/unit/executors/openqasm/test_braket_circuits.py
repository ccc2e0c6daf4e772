"""Texts that the Amazon Braket SDK makes of a `Circuit`, which is what `client.run` sends.

Each gate, modifier, matrix and measurement of version 1.127.5, with the distribution that its own
simulator gives (1.41.2), its bit strings turned round. `U` under controls is left out: it has no
factor exp(iθ/2) there (docs/executors.md).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.simulator import Simulator
from chalicelib.executors.validator import Validator
from tests.support.hand_worked import is_within
from tests.support.in_memory import a_request

SHOTS: Final = 20_000
CASES: Final[dict[str, list[dict[str, Any]]]] = json.loads(
    (Path(__file__).with_name("cases") / "braket.json").read_text()
)


@pytest.mark.parametrize("case", CASES["run"], ids=lambda case: case["name"])
def test_a_circuit_of_brakets_counts_as_its_simulator_says(case: dict[str, Any]) -> None:
    """Parameters that are free are the request's inputs."""
    request = a_request(case["circuit"], shots=SHOTS, seed=3, inputs=case.get("inputs"))
    counts = Simulator().execute(request, time_limit_seconds=60).counts
    assert is_within(counts, case["distribution"], shots=SHOTS), counts


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["name"])
def test_noise_and_results_of_brakets_are_refused(case: dict[str, Any]) -> None:
    """They would change what is counted; a validation names the same line."""
    request = a_request(case["circuit"])
    with pytest.raises(
        CircuitRefused, match=r"the pragma 'braket (noise|result) .* may change what"
    ):
        Simulator().execute(request, time_limit_seconds=60)
    said = json.loads(Validator(qubits_max=24).execute(request, time_limit_seconds=60))
    line = next(found["line"] for found in said["findings"] if found["severity"] == "error")
    assert case["circuit"].splitlines()[line - 1].startswith("#pragma braket")
