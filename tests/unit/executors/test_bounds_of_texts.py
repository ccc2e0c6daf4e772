"""The bounds of a circuit's text: usable at the bound, refused with its number past it."""

from __future__ import annotations

import pytest

from chalicelib.executors import simulator
from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.openqasm.reader import read
from chalicelib.executors.openqasm.registers import registers_of
from tests.support.circuits import H3

V3 = "OPENQASM 3.0;\n"
ONE = f"{H3}qubit q;\nbit c;\n"


def doubled(times: int) -> str:
    """Return gates of which each is the one before twice: the last is 2^times gates."""
    more = (f"gate g{n} a {{ g{n - 1} a; g{n - 1} a; }}\n" for n in range(1, times))
    return "gate g0 a { x a; x a; }\n" + "".join(more)


def said(text: str) -> list[str]:
    """Return what is said against a text that lacks a measurement at least."""
    return [finding.message for finding in read(text).findings]


@pytest.mark.parametrize(
    ("usable", "refused", "message"),
    [
        (
            f"{ONE}rx({'(' * 199}1{')' * 199}) q;",
            f"{ONE}rx({'(' * 200}1{')' * 200}) q;",
            "brackets are nested more than 200 deep",
        ),
        (
            f"{ONE}rx(1{'+1' * 200}) q;",
            f"{ONE}rx(1{'+1' * 201}) q;",
            "more than 200 operators, modifiers or conditions in a row; split the expression or",
        ),
        (
            f"{ONE}{'if(c){} else ' * 200}{{}}",
            f"{ONE}{'if(c){} else ' * 201}{{}}",
            "more than 200 operators, modifiers or conditions in a row",
        ),
        (f"{V3}bit[10000] c;", f"{V3}bit[10001] c;", "a size of 10,001 is too large; the limit is"),
        (
            f"{V3}bit[9999] c; bit d;",
            f"{V3}bit[9999] c; bit d; bit e;",
            "10,001 bits are too many; the limit is 10,000",
        ),
        (
            f"{V3}qubit[9999] q; qubit r;",
            f"{V3}qubit[9999] q; qubit[2] r;",
            "10,001 qubits are too many; the limit is 10,000",
        ),
        (
            f"{ONE}U(1{'+1' * 150}, 1{'+1' * 150}, 0) q;",
            f"{ONE}U(1{'+1' * 150} + 1{'+1' * 150}, 0, 0) q;",
            "more than 200 operators",
        ),
        ("OPENQASM 3.1;", f"OPENQASM {'3' * 30};", f"OPENQASM must be 2.0 or 3.0, not {'3' * 20}"),
        ("OPENQASM 2;", "OPENQASM;", "expected a version number after 'OPENQASM'"),
        (
            f'{V3}include "qelib1.inc";',
            f'{V3}include "{"x" * 200}";',
            f'only "qelib1.inc" and "stdgates.inc" can be included, not "{"x" * 98}"',
        ),
        (f"{V3}bit[1] c;", f"{V3}bit[0] c;", "a size must be an integer from 1, not 0"),
        (
            f"{ONE}for int i in [1:190000] {{}}",
            f"{ONE}for int i in [1:210000] {{}}",
            "the program takes more than 200,000 statements and turns of loops",
        ),
        (
            f"{ONE}qubit r;\ngate g a, b {{ cx a, b; h a; }}\npow(50000) @ g q, r;",
            f"{ONE}qubit r;\ngate g a, b {{ cx a, b; h a; }}\npow(50001) @ g q, r;",
            "this power makes more than 100,000 gates",
        ),
        (
            f"{ONE}{doubled(16)}g15 q;",
            f"{ONE}{doubled(17)}g16 q;",
            "this gate makes more than 100,000 gates",
        ),
        (
            f"{H3}qubit[2] r;\nlet a0 = r;\n"
            + "".join(f"let a{n} = a{n - 1} ++ a{n - 1};\n" for n in range(1, 13)),
            f"{H3}qubit[2] r;\nlet a0 = r;\n"
            + "".join(f"let a{n} = a{n - 1} ++ a{n - 1};\n" for n in range(1, 14)),
            "16,384 elements are too many; the limit is 10,000",
        ),
        (
            f"{V3}// {'x' * 600_000}",
            f"{V3}gate g a {{ {'h a;' * 130_000} }}",
            "a statement has more than 500,000 characters; split it",
        ),
        (
            f"{V3}/* {'@' * 600_000} */",
            f"{V3}{'@' * 600_000}\nqubit q;",
            "a statement has more than 500,000 characters; split it",
        ),
    ],
)
def test_a_text_is_read_up_to_its_bound(usable: str, refused: str, message: str) -> None:
    """The same with one more is refused, and the bound is in the message."""
    assert all(one.startswith("the circuit measures nothing") for one in said(usable))
    assert said(refused)[0].startswith(message)


def test_the_operations_of_a_program_are_bounded() -> None:
    """A million; they are counted where loops and gates have been written out."""
    text = f"{H3}qubit[10000] q;\nbit c;\nc = measure q[0];\n"
    assert read(text + "h q;\n" * 99).errors == ()
    over = read(text + "h q;\n" * 101).errors
    assert [str(error) for error in over] == [
        "line 105, column 1: the program makes more than 1,000,000 gates and measurements"
    ]


def test_the_statement_that_is_one_too_many_is_named() -> None:
    """Where no loop is what is too long."""
    text = f"{ONE}for int i in [1:199990] {{}}\n" + "rx(0.5 + 0.5) q;\n" * 20 + "c = measure q;\n"
    (over,) = read(text).errors
    assert (over.line, over.column) == (15, 1)
    assert over.message.startswith("the program takes more than 200,000 statements")


def test_what_depends_on_measurements_is_bounded() -> None:
    """A condition on ten thousand measured bits has some sixty thousand operators."""
    text = f"{H3}qubit[9999] q;\nqubit r;\nbit[9999] c;\nc = measure q;\n"
    assert read(text + "if (c < 5) { x r; }\n").errors == ()
    (over,) = read(text + "if (c < 5) { x r; }\n" * 9).errors
    assert over.message.startswith("the conditions and values that depend on measurements have")
    assert over.line is not None


def test_fifty_findings_are_kept_and_the_first_is_named_with_how_many_there_are() -> None:
    """A list of thousands would tell no more."""
    lines = "foo q;\n" * 60
    reading = read(f"{ONE}{lines}c = measure q;\n")
    assert [finding.line for finding in reading.findings] == list(range(5, 55))
    first = "line 5, column 1: undefined gate 'foo'; define it, or use one of"
    with pytest.raises(CircuitRefused, match=first) as caught:
        reading.required()
    assert str(caught.value).endswith(" (and 49 more)")
    one = read(f"{ONE}foo q;\nc = measure q;\n")
    with pytest.raises(CircuitRefused) as caught:
        one.required()
    assert str(caught.value).startswith(first)
    assert "more)" not in str(caught.value)
    long = read(f"{ONE}{'f' * 600} q;\nc = measure q;\n")
    assert long.findings[0].message == f"undefined gate '{'f' * 484}"


def test_what_has_no_place_comes_last() -> None:
    """That nothing is measured is said behind what is wrong in a line."""
    found = read(f"{H3}qubit q;\nfoo q;\n").findings
    assert [finding.line for finding in found] == [4, None]


def test_short_circuits_are_prepared_once_and_long_ones_each_time() -> None:
    """What is remembered is bounded: 64 of at most 10,000 characters."""
    text = f"{H3}qubit q;\nbit c;\nc = measure q;\n// "
    longest = text + "x" * (10_000 - len(text))
    assert simulator.prepared(longest, {}) is simulator.prepared(longest, {})
    assert simulator.prepared(longest + "x", {}) is not simulator.prepared(longest + "x", {})
    for number in range(63):
        simulator.prepared(f"{text}{number}", {})
    first = simulator.prepared(longest, {})
    assert simulator.prepared(longest, {}) is first
    for number in range(64):
        simulator.prepared(f"{text}other {number}", {})
    assert simulator.prepared(longest, {}) is not first


def test_comments_that_do_not_end_are_read_once() -> None:
    """Whatever looks for comments: searched again from each of these, the text would take hours."""
    text = "/* " * 160_000
    assert str(read(text).findings[0]) == "line 1, column 1: unterminated block comment"
    assert registers_of(text) == ()
