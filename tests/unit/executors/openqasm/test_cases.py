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


#: Words that OpenQASM 3 reserves or gives a meaning, and OpenQASM 2 does not.
WORDS = (
    "defcalgrammar def cal defcal extern box let break continue else end return for while in switch"
    " case default nop pragma input output const readonly mutable qubit bool bit int uint float"
    " angle complex array void duration stretch gphase inv pow ctrl negctrl durationof delay true"
    " false im tau euler dt ns us ms sizeof mod popcount arcsin"
)


@pytest.mark.parametrize("word", WORDS.split())
def test_openqasm_2_has_names_that_openqasm_3_reserves(word: str) -> None:
    """For registers of both kinds, gates, their parameters and their qubits."""
    head = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
    turn = f"({word}/2) b; rx({word}*0.5) b; }}"
    texts = (
        (
            f"qreg {word}[2];\ncreg c[2];\nx {word}[1];\ncx {word}[1],{word}[0];\n"
            f"measure {word} -> c;\n"
        ),
        (
            f"qreg q[2];\ncreg {word}[2];\nx q[1];\nmeasure q -> {word};\nif({word}==2) x q[0];\n"
            f"measure q -> {word};\n"
        ),
        (
            f"gate {word}(a) b {{ rx(a) b; }}\nqreg q[2];\ncreg c[2];\n{word}(pi) q[0];\n"
            f"{word}(pi) q[1];\nmeasure q -> c;\n"
        ),
        f"gate g({word}) b {{ rx{turn}\nqreg q[2];\ncreg c[2];\ng(pi) q;\nmeasure q -> c;\n",
        f"gate {word} in {{ x in; }}\nqreg q[2];\ncreg c[2];\n{word} q;\nmeasure q -> c;\n",
    )
    for text in texts:
        result = Simulator().execute(a_request(head + text, shots=20), time_limit_seconds=60)
        assert result.counts == {"11": 20}, text


def content(program: Program) -> object:
    """Return all that is in a program, to be compared."""
    outputs = [
        (output.name, [bit.node if isinstance(bit, Dynamic) else bit for bit in output.bits])
        for output in program.outputs
    ]
    return program.qubits, program.slots, list(program.operations), outputs, program.variables
