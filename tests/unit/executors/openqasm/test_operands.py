"""What is told of a circuit's operands by going through it: bounds, and what is not known."""

from __future__ import annotations

import openqasm
import pytest

from chalicelib.executors.openqasm.operands import CALLS_MAX, STEPS_MAX, Operands
from tests.support.circuits import H3

QUBITS = f"{H3}qubit[4] q;\nbit[4] c;\n"


#: A subroutine that joins two qubits, in line 6, and gives back a bit.
JOINED = "def joined(qubit a, qubit b) -> bit {\ncx a, b;\nbit r;\nr = measure a;\nreturn r;\n}\n"


def operands(text: str) -> Operands:
    """Go through a circuit."""
    return Operands(openqasm.parse(text))


@pytest.mark.parametrize(("more", "is_known"), [(0, True), (1, False)])
def test_a_circuit_is_gone_through_up_to_its_bound(more: int, is_known: bool) -> None:  # noqa: FBT001
    """Declarations, the include and the loop are steps too; one step more is too many."""
    times = STEPS_MAX - 4 + more
    seen = operands(f"{QUBITS}for int i in [1:{times}] {{ x q[0]; }}\n")
    assert (seen.unknown is None) is is_known
    if seen.unknown is not None:
        assert seen.unknown.message == "the circuit is too long to be checked beyond 200,000 steps"
        assert (seen.unknown.line, seen.unknown.column) == (5, 27)


def test_the_first_unknown_place_is_named_although_more_follows() -> None:
    """Also where the circuit is too long in addition."""
    seen = operands(
        f"{QUBITS}int n = 1;\ncx q[n], q[0];\ncx q[0], q[n];\n"
        f"for int i in [1:{STEPS_MAX}] {{ x q[0]; }}\n"
    )
    assert seen.unknown is not None
    assert seen.unknown.line == 6
    assert "it cannot be told whether gate 'cx' is given different qubits" in seen.unknown.message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", 1),
        ("x q[0];", 1),
        ("cx q[0], q[1];", 2),
        ("cx q[0], q[1];\ncx q[2], q[3];", 2),
        ("cx q[0], q[1];\ncx q[2], q[1];", 3),
        ("cx q[3], q[0];\ncx q[1], q[2];\ncx q[2], q[0];", 4),
        ("ccx q[0], q[1], q[2];", 3),
        ("cx q[0], q[1:3];", 4),
        ("cx q[0:1], q[2:3];", 2),
        ("cx $0, $1;", 2),
    ],
)
def test_the_largest_part_is_what_gates_join(text: str, part: int) -> None:
    """A gate on registers joins them pair by pair, one qubit with a register all of them."""
    assert operands(QUBITS + text).part == part


def test_without_qubits_there_is_no_part() -> None:
    """A circuit of bits alone joins nothing."""
    assert operands(f"{H3}bit c;\n").part == 0


@pytest.mark.parametrize(
    ("text", "qubits"),
    [
        ("q[-1], q[3]", 1),
        ("q[-4], q[0]", 1),
        ("q[0:2:2], q[2]", 1),
        ("q[:1], q[1]", 1),
        ("q[2:], q[3]", 1),
        ("q[-2:-1], q[3]", 1),
        ("q[3:-1:2], q[2]", 1),
        ("q[0:2:3], q[3]", 0),
        ("q[3:-1:2], q[1]", 0),
        ("q[1:1], q[0]", 0),
    ],
)
def test_slices_end_where_openqasm_ends_them(text: str, qubits: int) -> None:
    """Their end is included, whichever way they go, and negative numbers count from the end."""
    assert len(operands(f"{QUBITS}cx {text};\n").repeated) == qubits


@pytest.mark.parametrize("text", ["q[4], q[0]", "q[-5], q[0]", "q[0:0:1], q[1]"])
def test_indices_that_are_none_leave_it_unknown(text: str) -> None:
    """Past either end, and in steps of zero."""
    seen = operands(f"{QUBITS}cx {text};\n")
    assert (seen.unknown is not None, seen.repeated) == (True, {})


def test_a_repeated_qubit_is_kept_once_for_each_place_and_only_for_so_many() -> None:
    """A loop finds the same place again and again; the first twenty places tell what to mend."""
    looped = operands(f"{QUBITS}for int i in [0:3] {{ cx q[i], q[i]; }}\n")
    assert [finding.line for finding in looped.repeated.values()] == [5]
    many = operands(QUBITS + "cx q[0], q[0];\n" * 21)
    assert [finding.line for finding in many.repeated.values()] == list(range(5, 25))


@pytest.mark.parametrize(("depth", "is_found"), [(CALLS_MAX, True), (CALLS_MAX + 1, False)])
def test_calls_in_calls_are_followed_up_to_their_bound(depth: int, is_found: bool) -> None:  # noqa: FBT001
    """Deeper, it cannot be told what happens, and that is said."""
    calls = "def f1(qubit a) { cx a, a; }\n" + "".join(
        f"def f{n}(qubit a) {{ f{n - 1}(a); }}\n" for n in range(2, depth + 1)
    )
    seen = operands(f"{H3}{calls}qubit[2] q;\nbit[2] c;\nf{depth}(q[0]);\n")
    assert (len(seen.repeated) == 1) is is_found
    assert (seen.unknown is None) is is_found


@pytest.mark.parametrize(
    "block",
    [
        "{ cx q[0], q[0]; }",
        "box { cx q[0], q[0]; }",
        "while (n < 2) { cx q[0], q[0]; }",
        "if (n < 2) { cx q[0], q[0]; }",
        "if (n < 2) { } else { cx q[0], q[0]; }",
        "switch (n) { case 1 { cx q[0], q[0]; } default { } }",
        "switch (n) { case 1 { } default { cx q[0], q[0]; } }",
        "for int i in [0:0] { cx q[0], q[0]; }",
        "for int i in {4} { cx q[0], q[0]; }",
    ],
)
def test_every_kind_of_block_is_gone_through_once(block: str) -> None:
    """With names of its own, which end with it."""
    seen = operands(f"{QUBITS}int n = 1;\n{block}\ncx q[1], q[1];\n")
    assert [finding.line for finding in seen.repeated.values()] == [6, 7]
    hidden = block.replace("cx q[0], q[0];", "let a = q[1]; cx a, q[0];")
    assert not operands(f"{QUBITS}int n = 1;\nlet a = q[0];\n{hidden}\n").repeated
    after = operands(f"{QUBITS}int n = 1;\nlet a = q[0];\n{hidden}\ncx a, q[0];\n")
    assert [finding.line for finding in after.repeated.values()] == [8]


def test_a_loops_variable_hides_a_constant_only_inside_it() -> None:
    """Behind the loop the name means what it did before."""
    text = f"{QUBITS}const int i = 3;\nfor int i in [0:0] {{ cx q[i], q[3]; }}\ncx q[i], q[3];\n"
    assert [finding.line for finding in operands(text).repeated.values()] == [7]


_PAIR = "def f(qubit a, qubit b) -> bit { cx a, b; return measure a; }\n"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("const int k = 1.9;\ncx q[k], q[1];", [(6, 1)]),
        ("cx q[0:1][1], q[1];", [(5, 1)]),
        ("let a = q[0:1] ++ q[2:3];\ncx a[2], q[2];", [(6, 1)]),
        ("cx q[0:1], q[{2, 1}];", [(5, 1)]),
        ("cx q[0], q[1], q[0];", [(5, 1)]),
        ("cx $1, $1;", [(5, 1)]),
        ("box[10ns] { cx q[0], q[0]; }", [(5, 13)]),
        (f"{_PAIR}bit d = f(q[0], q[0]);", [(5, 34)]),
        (f"{_PAIR}c[0] = f(q[0], q[0]);", [(5, 34)]),
        (f"{_PAIR}f(q[0], q[0]);", [(5, 34)]),
        (f"{_PAIR}f(q[0], q[1]);", []),
        ("def g(int n, qubit a, qubit b) { cx a, b; }\ng(1) q[0], q[0];", [(5, 34)]),
        ("def g(int n, qubit a) { cx q[n], a; }\ng(2, q[2]);", [(5, 25)]),
        ("def g(int n, qubit a) { cx q[n], a; }\ng(1, q[2]);", []),
        ("cx $0, q[0];\ncx $1, q[0];\ncx $0, $1;", []),
        ("reset q[0];\nbarrier q[0], q[0];", []),
        ("cx q[0:1], q[1:3];", []),
    ],
)
def test_a_repeated_qubit_is_found_by_whatever_name(
    text: str, places: list[tuple[int, int]]
) -> None:
    """Where a subroutine's gate repeats it, its place is in the subroutine."""
    seen = operands(f"{QUBITS}{text}\n")
    assert [(finding.line, finding.column) for finding in seen.repeated.values()] == places
    assert seen.unknown is None
    message = "gate 'cx': the same qubit is used more than once"
    assert {finding.message for finding in seen.repeated.values()} <= {message}


def test_a_phase_is_checked_as_a_gate() -> None:
    """Its controls are qubits too."""
    seen = operands(f"{QUBITS}ctrl @ gphase(1) q[0], q[1];\nctrl @ gphase(1) q[0], q[0];\n")
    (finding,) = seen.repeated.values()
    assert finding.message == "gphase: the same qubit is used more than once"
    assert (finding.line, seen.part) == (6, 2)


@pytest.mark.parametrize(
    "text",
    [
        "const float k = 1.0;\ncx q[k], q[1];",
        "const bool k = true;\ncx q[k], q[1];",
        "const int k = 2 / 0;\ncx q[k], q[1];",
        "cx q[tau], q[1];",
        "int k = 0;\ncx q[k], q[1];",
        "for int i in c { cx q[i], q[0]; }",
        "for int i in [0:n] { cx q[i], q[0]; }",
        "def g(int n, qubit a) { cx q[n], a; }\nint m = 2;\ng(m, q[2]);",
    ],
)
def test_what_is_no_constant_integer_leaves_it_unknown(text: str) -> None:
    """A variable, a value that there is not, a number of another type."""
    seen = operands(f"{QUBITS}{text}\n")
    assert seen.repeated == {}
    assert seen.unknown is not None
    assert seen.unknown.message == (
        "it cannot be told whether gate 'cx' is given different qubits here;"
        " write the indices as constants"
    )


def test_a_subroutine_sees_the_names_of_the_program_and_not_its_callers() -> None:
    """And when it has ended the caller's names are as before."""
    text = (
        "let a = q[1];\ndef g(qubit b) { cx a, b; }\n"
        "{ let a = q[0]; g(q[0]); cx a, q[0]; }\ncx a, q[1];\n"
    )
    assert [finding.line for finding in operands(QUBITS + text).repeated.values()] == [7, 8]


@pytest.mark.parametrize(
    "text",
    [
        "joined(q[0], q[0]);",
        "c[0] = joined(q[0], q[0]);",
        "bit b = joined(q[0], q[0]);",
        "bool b = !joined(q[0], q[0]);",
        "int n = 1 + int(joined(q[0], q[0]));",
        "rx(1.0 * joined(q[0], q[0])) q[1];",
        "if (joined(q[0], q[0])) { x q[1]; }",
        "if (c[0] == 1) { if (joined(q[1], q[1])) { x q[2]; } }",
        "while (joined(q[0], q[0])) { x q[1]; }",
        "switch (int(joined(q[0], q[0]))) { case 1 { x q[1]; } }",
        "for int i in [0:int(joined(q[0], q[0]))] { x q[1]; }",
        "def other(qubit a) -> bit { return joined(a, a); }\nif (other(q[2])) { x q[0]; }",
        "def other(bit b) -> bit { return b; }\nc[0] = other(joined(q[0], q[0]));",
    ],
)
def test_a_call_is_entered_wherever_it_stands(text: str) -> None:
    """A gate that is given one qubit twice is counted wrongly, so none may be overlooked."""
    found = operands(f"{QUBITS}{JOINED}{text}").repeated
    assert [finding.line for finding in found.values()] == [6]


def test_a_call_with_two_qubits_joins_them() -> None:
    """It repeats none."""
    seen = operands(f"{QUBITS}{JOINED}if (joined(q[0], q[1])) {{ x q[1]; }}")
    assert (seen.repeated, seen.part) == ({}, 2)
