"""What a circuit is rewritten to for the simulator's reader, text by text."""

from __future__ import annotations

import pytest
from openqasm import ast

from chalicelib.executors.openqasm.dialect import Edit, Rewritten, check_quotients, rewrite
from chalicelib.executors.openqasm.findings import CircuitRefused

PRELUDE = " gate cu1(l) a, b { cp(l) a, b; } gate cu3(t, f, l) a, b { cu(t, f, l, 0) a, b; }"
LONG = " " * 500


@pytest.mark.parametrize(
    ("version", "text", "expected"),
    [
        (3, 'include "stdgates.inc";', 'include "stdgates.inc";'),
        (3, "include 'stdgates.inc';", 'include "stdgates.inc";'),
        (2, "include 'qelib1.inc';", 'include "qelib1.inc";' + PRELUDE),
        (2, 'include "qelib1.inc"; include "qelib1.inc";', None),
        (3, "creg c;", "creg c[1];"),
        (3, "creg c[2];", "creg c[2];"),
        (3, "bit c;", "bit c;"),
        (2, "rx(2^3) q[0];", "rx(2**3) q[0];"),
        (3, "rx(2^3) q[0];", "rx(2^3) q[0];"),
        (None, "rx(2^3) q[0];", "rx(2^3) q[0];"),
        (3, "bit c = measure q;", "bit c; c = measure q;"),
        (3, "bit[2] c = measure q;", "bit[2] c; c = measure q;"),
        (3, "bit[n+1] c = measure q;", "bit[n+1] c; c = measure q;"),
        (3, "bit[-n+1+1] c = measure q;", "bit[-n+1+1] c; c = measure q;"),
        (3, "bit[n+1+1+1] c = measure q;", "bit[n+1+1+1] c = measure q;"),
        (3, "c = measure q;", "c = measure q;"),
        (3, "bit c; measure q -> c;", "bit c; measure q -> c;"),
        (3, "bit a; bit[2] c; x[0] c = measure q;", "bit a; bit[2] c; x[0] c = measure q;"),
        (3, f"c ={LONG}measure q;", f"c ={LONG}measure q;"),
        (3, f"{{ x = measure q;{LONG}}}", f"{{ x = measure q;{LONG}}}"),
        (3, "ctrl(2) @ x a, b, c;", "ctrl @ ctrl @ x a, b, c;"),
        (3, "negctrl(1) @ x a, b;", "negctrl @ x a, b;"),
        (3, "ctrl(0) @ x a;", "ctrl(0) @ x a;"),
        (3, "ctrl(64) @ x a;", "ctrl @ " * 64 + "x a;"),
        (3, "ctrl(65) @ x a;", "ctrl(65) @ x a;"),
        (3, "ctrl(1000) @ x a;", "ctrl(1000) @ x a;"),
        (3, "ctrl(n) @ x a;", "ctrl(n) @ x a;"),
        (3, "pow(2) @ x a;", "pow(2) @ x a;"),
        (3, "ctrl @ x a, b;", "ctrl @ x a, b;"),
        (3, 'if (c == "10") x q;', "if (c == 2) x q;"),
        (3, 'if (c != "0_11") x q;', "if (c != 3) x q;"),
        (3, 'if (c == "") x q;', 'if (c == "") x q;'),
        (3, 'if (c == "12") x q;', 'if (c == "12") x q;'),
        (3, 'if (c < "10") x q;', 'if (c < "10") x q;'),
        (3, "@note bit[3] d;\nx q;", "\nx q;"),
        (3, "  pragma a\nx q;", "\nx q;"),
        (3, "#pragma a\nx q;", "\nx q;"),
        (3, "pragmatic q;", "pragmatic q;"),
    ],
)
def test_a_text_is_rewritten(version: int | None, text: str, expected: str | None) -> None:
    """As OpenQASM means it and the simulator's reader takes it; all else stays as it is."""
    if expected is None:
        expected = text.replace(";", ";" + PRELUDE, 1)
    assert rewrite(text, version=version).text == expected


def test_edits_that_cross_are_applied_once_and_those_that_touch_both() -> None:
    """The outer one of two that begin at one place counts, and the first of two that cross."""
    assert Rewritten("abcdef", [Edit(1, 2, "X"), Edit(2, 2, "Y")]).text == "aXdef"
    assert Rewritten("abcdef", [Edit(1, 1, "X"), Edit(1, 3, "Y")]).text == "aYef"
    assert Rewritten("abcdef", [Edit(3, 1, "Y"), Edit(1, 2, "X")]).text == "aXYef"
    assert Rewritten("abcdef", [Edit(0, 0, "X"), Edit(6, 0, "Y")]).text == "XabcdefY"


def test_a_column_is_carried_back_to_the_text_that_was_sent() -> None:
    """From any line: an edit moves what comes after it in its own line, and nothing else."""
    text = "creg a; x a;\ncreg b; x b; creg c; x c;\nx d;\n"
    rewritten = rewrite(text, version=3)
    sent, made = text.splitlines(), rewritten.text.splitlines()
    for line, (before, after) in enumerate(zip(sent, made, strict=True), start=1):
        for name in ("x a", "x b", "x c", "x d"):
            if name in before:
                column = rewritten.source_column(line, after.index(name) + 1)
                assert column == before.index(name) + 1
    assert rewritten.source_column(1, 1) == 1
    assert rewritten.source_column(1, 0) == 1


def test_what_is_replaced_across_lines_leaves_its_lines_behind() -> None:
    """What follows stays in its line."""
    text = "a(7 /\n 2) b;\nc(9/2) d;\n"
    tree = [(ast.Span(1, 2, 2, 2), "(3)"), (ast.Span(3, 2, 3, 5), "(4)")]
    assert rewrite(text, version=3, tree=tree).text == "a((3)\n) b;\nc((4)) d;\n"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("rx(7/2) q;", 4),
        ("rx(6/2) q;", None),
        ("rx(1/0) q;", 4),
        ("rx(7/2.0) q;", None),
        ("rx(pi/2) q;", None),
        ("rx(3*pi/4) q;", None),
        ("rx(2*3/4) q;", 6),
        ("rx(2*4/4) q;", None),
        ("rx(8/4/2) q;", None),
        ("rx(0/1) q;", None),
        ("/2", None),
        ("7/2", 1),
        ("rx(2*3*5/4) q;", 8),
        ("rx(7/2*2.0) q;", 4),
    ],
)
def test_a_quotient_of_integers_is_refused_where_it_is_none(text: str, column: int | None) -> None:
    """By its place; a quotient that is an integer, or has a float in it, is what it looks like."""
    check_quotients(text, version=2)
    if column is None:
        check_quotients(text, version=3)
        return
    with pytest.raises(CircuitRefused) as refused:
        check_quotients(text, version=3)
    assert (refused.value.finding.line, refused.value.finding.column) == (1, column)
