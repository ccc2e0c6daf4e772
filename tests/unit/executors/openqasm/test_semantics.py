"""What the analyser leaves to an implementation: includes, divisions, what cannot be executed."""

from __future__ import annotations

import pytest

from chalicelib.domain.validation import Severity
from chalicelib.executors.openqasm.analyser import analyse
from chalicelib.executors.openqasm.dialect import rewrite
from tests.support.circuits import H2, H3

END = "qubit[2] q;\nbit[2] c;\nc = measure q;\n"


def messages(text: str) -> list[str]:
    """Return the errors of a circuit."""
    return [finding.message for finding in analyse(text).errors]


def test_a_circuit_leaves_nothing_behind_for_the_next() -> None:
    """Standard gates are read once for all; one circuit's second include must not change them."""
    redefines = f"{H3}gate cphase(l) a, b {{ }}\n{END}"
    before = messages(redefines)
    assert before
    assert not messages(f'{H3}include "qelib1.inc";\n{END}')
    assert messages(redefines) == before


@pytest.mark.parametrize(
    ("head", "divided", "said"),
    [
        (H3, "rx(7/2) q[0];", 0),
        (H3, "rx(7/2.0) q[0];", 0),
        (H3, "rx(1/0) q[0];", 1),
        (H3, "rx(1.0/0) q[0];", 1),
        (H3, "for int i in [0:1] { rx(i/2) q[0]; }", 1),
        (H3, "for int i in [0:1] { rx(i/2.0) q[0]; }", 0),
        (H3, "for int i in [0:1] { rx(i*2) q[0]; }", 0),
        (H2, "rx(7/2) q[0];", 0),
    ],
)
def test_a_quotient_that_cannot_be_told_is_the_only_one_refused(
    head: str, divided: str, said: int
) -> None:
    """Constants are divided here, floats by the simulator; nothing divides by zero."""
    registers = "qreg q[2];\ncreg c[2];\n" if head is H2 else "qubit[2] q;\nbit[2] c;\n"
    assert len(messages(f"{head}{registers}{divided}\nmeasure q -> c;\n")) == said


@pytest.mark.parametrize("kind", ["int", "uint", "int[8]"])
@pytest.mark.parametrize("declared", ["", "const "])
def test_an_integer_made_of_a_float_is_cut_if_its_value_can_be_told(
    kind: str, declared: str
) -> None:
    """The simulator is given the integer; an unknown value is refused."""
    analysis = analyse(f"{H3}{declared}{kind} n = 3.9;\n{END}")
    assert analysis.errors == ()
    assert [text for _, text in analysis.edits] == ["(3)"]
    unknown = f"{H3}float f = 1.5;\nint n = f;\n{END}"
    assert "write one of them as a float" in messages(unknown)[0]


@pytest.mark.parametrize(
    ("statement", "is_refused"),
    [
        ("ctrl @ ph q[0], q[1];", True),
        ("negctrl @ ph q[0], q[1];", True),
        ("ctrl @ outer q[0], q[1];", True),
        ("inv @ ph q[0];", False),
        ("ph q[0];", False),
        ("ctrl @ plain q[0], q[1];", False),
    ],
)
def test_only_a_controlled_gate_with_a_phase_inside_is_refused(
    statement: str,
    is_refused: bool,  # noqa: FBT001
) -> None:
    """Also where the phase is in a gate of the gate; without a control it means nothing."""
    gates = "gate ph a { gphase(pi/3); x a; }\ngate outer a { ph a; }\ngate plain a { x a; }\n"
    text = f"{H3}{gates}qubit[2] q;\nbit[2] c;\n{statement}\nc = measure q;\n"
    assert [m for m in messages(text) if "gphase inside" in m] == messages(text)
    assert bool(messages(text)) is is_refused


def test_a_forgotten_include_is_a_warning_with_its_place() -> None:
    """The gate is taken from where it is defined; a gate of no library is an error."""
    analysis = analyse("OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\n  h q[0];\nc = measure q;\n")
    (finding,) = analysis.findings
    assert (finding.severity, finding.line, finding.column) == (Severity.WARNING, 4, 3)
    assert finding.message == "gate 'h' is taken from \"stdgates.inc\", which is not included"
    assert messages("OPENQASM 3.0;\nqubit q;\nbit c;\nhh q;\nc = measure q;\n") == [
        "undefined gate 'hh'"
    ]


def test_findings_come_in_the_order_of_their_places() -> None:
    """By line, and in a line by column, whichever check found them."""
    text = f"{H3}qubit[2] q;\nbit[2] c;\nrx(1/0) q[0]; foo q[0];\ncx q[1], q[1];\nfoo q[1];\n"
    found = analyse(f"{text}c = measure q;\n").findings
    places = [(finding.line or 0, finding.column or 0) for finding in found]
    assert places == sorted(places)
    assert [line for line, _ in places] == [5, 5, 6, 7]


@pytest.mark.parametrize(
    ("statements", "is_refused"),
    [
        ("bit d;\nd = 1;", True),
        ("bit[2] d;\nd[0] = 1;", True),
        ("bit d;\nd = measure q[0];", False),
        ("int d;\nd = 1;", False),
    ],
)
def test_bits_are_set_by_measurements_only(statements: str, is_refused: bool) -> None:  # noqa: FBT001
    """One bit of a register as the whole; numbers are free."""
    text = f"{H3}qubit[2] q;\nbit[2] c;\n{statements}\nc = measure q;\n"
    assert bool([m for m in messages(text) if "measurements only" in m]) is is_refused


@pytest.mark.parametrize("body", ["{}", "{ }", "{\n}"])
def test_a_gate_without_a_body_is_given_one_that_does_nothing(body: str) -> None:
    """The simulator takes no empty ones; lines stay in their place."""
    text = f"{H3}gate g a {body}\n{END}"
    rewritten = rewrite(text, version=3, tree=analyse(text).edits).text
    assert rewritten == text.replace(f"{body}\n{END}", f"{body[:-1]} U(0, 0, 0) a; }}\n{END}")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("cal { }", "a calibration cannot be executed here"),
        ("defcal x $0 { }", "a calibration cannot be executed here"),
        ("end;", "'end' cannot be executed here"),
        ("extern f(int) -> int;", "an extern function cannot be executed here"),
    ],
)
def test_what_has_no_meaning_here_is_named(statement: str, said: str) -> None:
    """Each is legal OpenQASM."""
    assert messages(f"{H3}{statement}\n{END}") == [said]


def test_a_quotient_over_two_lines_leaves_the_rest_where_it_is() -> None:
    """The reader's lines are those of the text that was sent."""
    text = f"{H3}qubit[2] q;\nbit[2] c;\nrx(7 /\n2) q[0]; rx(9/2) q[1];\nc = measure q;\n"
    rewritten = rewrite(text, version=3, tree=analyse(text).edits).text
    assert rewritten == text.replace("7 /\n2", "(3)\n").replace("9/2", "(4)")
