"""Each hand-worked circuit has its distribution, and both ways to read it make one program."""

from __future__ import annotations

import json

import pytest

from chalicelib.executors.openqasm.program import Program
from chalicelib.executors.openqasm.reader import read
from chalicelib.executors.openqasm.values import Dynamic
from chalicelib.executors.simulator import Simulator
from chalicelib.executors.validator import Validator
from tests.support.circuits import KNOWN, Known
from tests.support.hand_worked import HAND_WORKED, is_within
from tests.support.in_memory import a_request

SHOTS = 4_000


@pytest.mark.parametrize("case", HAND_WORKED, ids=lambda case: case.name)
def test_a_circuit_has_the_distribution_that_the_specification_gives_it(case: Known) -> None:
    """By both ways to read it, and a validation says that it runs, with the same registers."""
    request = a_request(case.text, shots=SHOTS, seed=7)
    result = Simulator().execute(request, time_limit_seconds=60)
    assert is_within(result.counts, case.expected, shots=SHOTS), result.counts
    said = json.loads(Validator(qubits_max=24).execute(request, time_limit_seconds=2))
    assert (said["valid"], said["complete"]) == (True, True), said["findings"]
    assert [r["size"] for r in said["registers"]] == [r.size for r in result.registers or ()]


@pytest.mark.parametrize("case", [*HAND_WORKED, *KNOWN], ids=lambda case: case.name)
def test_plain_statements_make_what_the_parser_would_make(case: Known) -> None:
    """The pattern is only faster: operations and what the bits hold are the same."""
    assert content(read(case.text).required()) == content(
        read(case.text, by_plain=False).required()
    )


def content(program: Program) -> object:
    """Return all that is in a program, to be compared."""
    outputs = [
        (output.name, [bit.node if isinstance(bit, Dynamic) else bit for bit in output.bits])
        for output in program.outputs
    ]
    return program.qubits, program.slots, list(program.operations), outputs, program.variables
