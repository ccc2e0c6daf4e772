"""What a program needs, counted from its operations."""

from __future__ import annotations

import pytest

from chalicelib.executors.openqasm.needs import Needs, needs_of
from chalicelib.executors.openqasm.reader import read
from tests.support.circuits import H3


def needs(text: str) -> Needs:
    """Return what a circuit needs."""
    return needs_of(read(H3 + text).required())


@pytest.mark.parametrize(
    ("text", "gates"),
    [
        ("qubit[3] q;\nbit c;\nfor int i in [0:2] { h q[i]; x q[i]; }\nc = measure q[0];\n", 6),
        ("qubit q;\nbit c;\nint n = 0;\nwhile (n < 50) { n += 1; h q; }\nc = measure q;\n", 50),
        ("gate g a { h a; x a; }\nqubit[3] q;\nbit c;\ng q;\nc = measure q[0];\n", 6),
        ("qubit q;\nbit c;\nc = measure q;\nif (c) { x q; y q; } else { z q; }\n", 3),
        ("qubit q;\nbit c;\nc = measure q;\nwhile (c) { x q; c = measure q; }\n", 1),
        ("qubit[2] q;\nbit c;\nbarrier q;\nreset q;\nc = measure q[0];\n", 0),
    ],
)
def test_gates_are_counted_as_they_are_run(text: str, gates: int) -> None:
    """Loops and gates written out, both bodies of a condition, one turn of an open loop."""
    assert needs(text).gates == gates


def test_the_largest_part_is_that_which_gates_join() -> None:
    """A barrier and a condition join nothing; a gate does, wherever it stands."""
    text = "qubit[6] q;\nbit c;\ncx q[0], q[1];\nbarrier q;\nc = measure q[5];\n"
    assert needs(text).part == 2
    assert needs(f"{text}if (c) {{ ccx q[1], q[2], q[3]; }}\n").part == 4


def test_feedback_and_open_loops_are_told() -> None:
    """With the lines of the loops."""
    plain = needs("qubit q;\nbit c;\nh q;\nc = measure q;\n")
    assert (plain.has_feedback, plain.loops, plain.is_clifford) == (False, (), True)
    found = needs("qubit q;\nbit c;\nh q;\nc = measure q;\nwhile (c) { t q; c = measure q; }\n")
    assert (found.has_feedback, found.loops, found.is_clifford) == (True, (7,), False)


@pytest.mark.parametrize(
    ("gate", "is_clifford"),
    [
        ("rz(pi/2) q[0];", True),
        ("p(pi/4) q[0];", False),
        ("cp(pi) q[0], q[1];", True),
        ("cy q[0], q[1];", True),
        ("ctrl @ ctrl @ x q[0], q[1], q[2];", False),
        ("u3(pi/2, 0, pi) q[0];", True),
        ("pow(0.5) @ x q[0];", True),
    ],
)
def test_clifford_gates_are_known_however_they_are_written(gate: str, is_clifford: bool) -> None:  # noqa: FBT001
    """By their matrices."""
    text = f"qubit[3] q;\nbit c;\n{gate}\nc = measure q[0];\n"
    assert needs(text).is_clifford is is_clifford
