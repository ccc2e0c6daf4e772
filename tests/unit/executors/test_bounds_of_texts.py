"""The bounds of a circuit's text: usable at the bound, refused with its number past it."""

from __future__ import annotations

import pytest

from chalicelib.executors import simulator
from chalicelib.executors.openqasm.analyser import analyse, refuse
from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.openqasm.text_scan import PLAIN_STATEMENT, scan
from chalicelib.executors.openqasm.tokens import tokenize
from tests.support.circuits import H3

V3 = "OPENQASM 3.0;\n"


def said(text: str) -> str | None:
    """Return what is said against a text."""
    problem = scan(text).problem
    return None if problem is None else problem.finding.message


@pytest.mark.parametrize(
    ("usable", "refused", "message"),
    [
        (
            f"{V3}rx({'(' * 199}1{')' * 199}) q;",
            f"{V3}rx({'(' * 200}1{')' * 200}) q;",
            "brackets are nested more than 200 deep",
        ),
        (
            f"{V3}rx(1{'+1' * 200}) q;",
            f"{V3}rx(1{'+1' * 201}) q;",
            "more than 200 operators, modifiers or conditions in a row; split the expression or",
        ),
        (
            f"{V3}{'if(c){} else ' * 200}{{}}",
            f"{V3}{'if(c){} else ' * 201}{{}}",
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
            f"{V3}bit {'a ' * 19_999};",
            f"{V3}bit {'a ' * 20_000};",
            "a declaration has more than 20,000 words and symbols",
        ),
        (
            f"{V3}rx(1{'+1' * 150}, 1{'+1' * 150}) q;",
            f"{V3}rx(1{'+1' * 150} + 1{'+1' * 150}) q;",
            "more than 200 operators",
        ),
        (
            "OPENQASM 3.1;",
            f"OPENQASM {'3' * 30};",
            f"OPENQASM must be 2.0 or 3.0, not {'3' * 20}",
        ),
        ("OPENQASM 2;", "OPENQASM;", "OPENQASM must be 2.0 or 3.0, not nothing"),
        (
            f'{V3}include "qelib1.inc";',
            f'{V3}include "{"x" * 200}";',
            f'only "qelib1.inc" and "stdgates.inc" can be included, not "{"x" * 99}',
        ),
        (
            f"{V3}bit[1] c;",
            f"{V3}bit[0] {'c' * 50};",
            f"the size of {'c' * 40} mu",
        ),
    ],
)
def test_a_text_is_read_up_to_its_bound(usable: str, refused: str, message: str) -> None:
    """The same with one more is refused, and the bound is in the message."""
    assert said(usable) is None
    found = said(refused)
    assert found is not None
    assert found.startswith(message)


def test_long_messages_are_cut_where_the_page_says() -> None:
    """A name of a file after a hundred characters."""
    found = said(f'{V3}include "{"x" * 200}";')
    assert found is not None
    assert found.endswith('not "' + "x" * 99)


@pytest.mark.parametrize(("version", "number"), [("2", 2), ("2.0", 2), ("3", 3), ("3.1", 3)])
def test_the_version_is_the_first_digit(version: str, number: int) -> None:
    """A text without the statement has none."""
    assert scan(f"OPENQASM {version};").version == number
    assert scan("qubit q;").version is None


def test_a_text_of_100_000_characters_is_analysed_and_a_longer_one_is_scanned() -> None:
    """What is not analysed is said, with the limit; it is no error."""
    text = f"{H3}qubit q;\nbit c;\nc = measure q;\n// "
    analysed = analyse(text + "x" * (100_000 - len(text)))
    assert (analysed.is_complete, analysed.findings) == (True, ())
    scanned = analyse(text + "x" * (100_001 - len(text)))
    assert (scanned.is_complete, scanned.errors) == (False, ())
    (finding,) = scanned.findings
    assert finding.message.startswith("a circuit of more than 100,000 characters is not analysed")


def test_fifty_findings_are_kept_and_the_first_is_named_with_how_many_there_are() -> None:
    """A list of thousands would tell no more."""
    lines = "foo q;\n" * 60
    analysis = analyse(f"{H3}qubit q;\nbit c;\n{lines}c = measure q;\n")
    assert [finding.line for finding in analysis.findings] == list(range(5, 55))
    with pytest.raises(CircuitRefused, match=r"line 5, column 1: undefined gate 'foo' \(and 49 mo"):
        refuse(analysis)
    one = analyse(f"{H3}qubit q;\nbit c;\nfoo q;\nc = measure q;\n")
    with pytest.raises(CircuitRefused) as caught:
        refuse(one)
    assert str(caught.value) == "line 5, column 1: undefined gate 'foo'"
    long = analyse(f"{H3}qubit q;\nbit c;\n{'f' * 600} q;\nc = measure q;\n")
    with pytest.raises(CircuitRefused) as caught:
        refuse(long)
    assert caught.value.finding.message == f"undefined gate '{'f' * 484}"


def test_what_has_no_place_comes_last() -> None:
    """That nothing is measured is said behind what is wrong in a line."""
    found = analyse(f"{H3}qubit q;\nfoo q;\n").findings
    assert [finding.line for finding in found] == [4, None]


def test_a_plain_statement_of_400_characters_is_skipped_and_a_longer_one_is_read() -> None:
    """It may be a chain of operators, which is counted."""

    def words(statement: str) -> list[str]:
        return [token.text for token in tokenize(statement, skip=PLAIN_STATEMENT)]

    short = "x q" + "q" * 396 + ";"
    assert len(short) == 400
    assert words(short) == []
    assert words("q" + short)[-1] == ";"
    assert words("x q;y q;z q;") == []
    assert words("bit c;" * 100 + short) == ["bit", "c", ";"] * 100
    assert words("bit c; x q;\n{ y q; } z q;") == ["bit", "c", ";", "{", "}"]


def test_short_circuits_are_prepared_once_and_long_ones_each_time() -> None:
    """What is remembered is bounded: 64 of at most 10,000 characters."""
    text = f"{H3}qubit q;\nbit c;\nc = measure q;\n// "
    longest = text + "x" * (10_000 - len(text))
    assert simulator.prepared(longest) is simulator.prepared(longest)
    assert simulator.prepared(longest + "x") is not simulator.prepared(longest + "x")
    for number in range(63):
        simulator.prepared(f"{text}{number}")
    first = simulator.prepared(longest)
    assert simulator.prepared(longest) is first
    for number in range(64):
        simulator.prepared(f"{text}other {number}")
    assert simulator.prepared(longest) is not first
