"""What is told of a circuit from its text: registers, sizes, limits, in linear time."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from chalicelib.executors.openqasm.text_scan import scan

_PLACE = re.compile(r"^line \d+, column \d+: ")
V3 = "OPENQASM 3.0;\n"
V2 = "OPENQASM 2.0;\n"

SPELLINGS = [
    ("bit[2] c;", [("c", 2)]),
    (f"{V3}bit c;", [("c", 1)]),
    (f"{V3}bit[3] a;\nbit[ 4 ] b;", [("a", 3), ("b", 4)]),
    (f'{V2}include "qelib1.inc";\nqreg q[5];\ncreg c[5];', [("c", 5)]),
    (f"{V3}const uint n = 5; bit[n] c;", [("c", 5)]),
    (f"{V3}const int[32] n = 2; const uint m = n ** 3 - 1; bit[m] c;", [("c", 7)]),
    (f"{V3}const float f = 2.5; const int n = 4.9; bit[n] c;", [("c", 4)]),
    (f"{V3}const float f = 2.5; bit[int(f * 2)] c; bit[int[8](f)] d;", [("c", 5), ("d", 2)]),
    (f"{V3}bit[2*2] c;", [("c", 4)]),
    (f"{V3}const int n = -(-3); bit[n] c; bit[2 * -(-n)] d;", [("c", 3), ("d", 6)]),
    (f"{V3}bit[0x4] c; bit[0b11] d; bit[0o17] e;", [("c", 4), ("d", 3), ("e", 15)]),
    (f"{V3}bit[1_0] c;", [("c", 10)]),
    (f"{V3}bit[3]c;", [("c", 3)]),
    (f"{V3}bit\n[ // three\n 3 /* or so */ ]\n c ;", [("c", 3)]),
    (f"{V3}creg a;", [("a", 1)]),
    (f"{V3}creg a[2]; bit b = measure q[0];", [("a", 2), ("b", 1)]),
    (f'{V3}bit[3] c = "101";', [("c", 3)]),
    (f"{V3}bit[-2 + 2 ** 3 ** 1 % 5 - (7 / 2 - 3)] c;", [("c", 1)]),
    (f"{V3}bit[1 << 2 | 1] c; bit[mod(7, 4) + popcount(3)] d;", [("c", 5), ("d", 5)]),
    (f"{V3}bit[ceiling(pi)] c; bit[1 + (3 > 2) + (true && !false)] d;", [("c", 4), ("d", 3)]),
    (f"{V3}bit[1000] c; bit[100] d;", [("c", 1000), ("d", 100)]),
    (f"{V3}output bit[2] c; bit[3] scratch;", [("c", 2)]),
    (f"{V3}bit[3] scratch; output bit c; output bit[2] d;", [("c", 1), ("d", 2)]),
    (f"{V3}input bit[4] a; bit b;", [("b", 1)]),
    (
        f"{V3}def f(bit[3] a, qubit q) -> bit[2] {{ bit[4] local; return local; }} bit c;",
        [("c", 1)],
    ),
    (f"{V3}gate g(a) q {{ rx(a) q; }} bit c; if (true) {{ bit[2] d; }}", [("c", 1)]),
    (f"{V3}if (true) bit[2] d; else bit e; for int i in [0:1] bit f; bit c;", [("c", 1)]),
    (f"{V3}box {{ bit d; }} {{ bit e; }} bit c;", [("c", 1)]),
    ("// bit[9] c;\n/* bit[8] d; */\nbit[2] c;", [("c", 2)]),
    (f"{V3}pragma bit[9] a;\n#pragma bit[9] b;\n@note bit[9] d;\nbit[2] c;", [("c", 2)]),
    (f"{V3}pragma ([ a\n@note {{\nbit[2] c;", [("c", 2)]),
    (f"{V3}box {{ pragma ( }}\n@note {{\n}} bit[2] c;", [("c", 2)]),
    (f'{V3}extern f(bit[3]) -> bit; let a = "bit[3] d;"; bit[2] c;', [("c", 2)]),
    (f"{V3}int[5] bits; qubit[3] q; bit π; ", [("π", 1)]),
    (f"{V2}qreg bit[2]; creg c[2]; bit bit[0];", [("c", 2)]),
    (f"{V3}const int n = 2; {{ const int n = 3; bit[n] d; }} bit[n] c;", [("c", 2)]),
    ("/**/bit[2] c;", [("c", 2)]),
    (f"{V3}x = a */ b; /* c */bit[2] c;", [("c", 2)]),
    (f"{V3}bit c; pragma bit d;", [("c", 1)]),
    ("bit by bit this is a poem", []),
    ("", []),
]


@pytest.mark.parametrize(("circuit", "registers"), SPELLINGS)
def test_registers_are_the_programs_outputs(circuit: str, registers: list[tuple[str, int]]) -> None:
    """Names and sizes in order, however they are written; nothing of blocks, inputs, comments."""
    seen = scan(circuit)
    assert [(register.name, register.size) for register in seen.registers] == registers
    assert seen.problem is None


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (
            f"{V3}bit[2] c;\n  rx(((1) q;",
            "line 3, column 6: the bracket ( that opens here is not closed",
        ),
        (f"{V3}rx((1; 2)) q;", "line 2, column 4: the bracket ( that opens here is not closed"),
        (f"{V3}x q];", "line 2, column 4: the bracket ] does not close"),
        (f"{V3}/* x q;", "line 2, column 1: the comment that begins here has no end"),
        (
            f"{V3}bit[10001] c;",
            "line 2, column 5: a size of 10,001 is too large; the limit is 10,000",
        ),
        (f"{V3}qubit[1000000000] q;", "a size of 1,000,000,000 is too large"),
        (f"{V3}qubit[6000] q; qubit[6000] r;", "12,000 qubits are too many; the limit is 10,000"),
        (f"{V3}bit[6000] q; bit[6000] r;", "12,000 bits are too many; the limit is 10,000"),
        (f"{V3}def f() {{ bit[1000000000] c; }}", "a size of 1,000,000,000 is too large"),
        (f"{V3}def f(qubit[20000] a) {{ }}", "a size of 20,000 is too large"),
        (f"{V3}for uint[90000] i in [0:1] {{ }}", "a size of 90,000 is too large"),
        (f"{V3}array[int[8], 3, 90000] a;", "a size of 90,000 is too large"),
        (f"{V3}c = bit[1000000000](x);", "a size of 1,000,000,000 is too large"),
        (
            f"{V3}const uint n = 2 ** 1000000000; bit[n] c;",
            "line 2, column 1: this constant is too large: it has a number of more than 64 bits",
        ),
        (
            f"{V3}bit[9 ** 9 ** 9 ** 9] c;",
            "this size is too large: it has a number of more than 64 bits; the limit is 10,000",
        ),
        (f"{V3}bit[1 << 1000000000] c;", "this size is too large: it has"),
        (f"{V3}bit[{'9' * 100_000}] c;", "this size is too large: it has"),
        (f"{V3}bit[1e400] c;", "this size is too large: it has"),
        (f"{V3}bit[1{'+1' * 15_000}] c;", "more than 200 operators"),
        (f"{V3}bit[0] c;", "the size of c must be an integer from 1, not 0"),
        (f"{V3}bit[2.5] c;", "the size of c must be an integer from 1, not 2.5"),
        (f"{V3}bit[1 - 3] c;", "the size of c must be an integer from 1, not -2"),
        (f"{V3}bit[n] c;", "the size of c cannot be told: 'n' is no constant"),
        (f"{V3}bit[1 / 0] c;", "the size of c cannot be told: / has no value here"),
        (f"{V3}bit[] c;", "the size of c cannot be told: it is not complete"),
        (f"{V3}bit[1 +] c;", "the size of c cannot be told: it is not complete"),
        (f"{V3}rx({'(' * 50_000}1{')' * 50_000}) q;", "brackets are nested more than 200 deep"),
        (f"{V3}{'if(c==true){' * 20_000}x q;{'}' * 20_000}", "brackets are nested more than 200"),
        (f"{V3}{'if(c) ' * 20_000}x q;", "more than 200 operators, modifiers or conditions"),
        (f"{V3}{'if(c){} else ' * 20_000}{{}}", "more than 200 operators, modifiers or conditions"),
        (f"{V3}rx({'-' * 20_000}1) q;", "more than 200 operators"),
        (f"{V3}rx(1{'**1' * 20_000}) q;", "more than 200 operators"),
        (f"{V3}{'ctrl @ ' * 20_000}x q;", "more than 200 operators"),
        (f"{V3}bit {'a ' * 30_000};", "a declaration has more than 20,000 words"),
        (f'{V3}include "/etc/passwd";', 'line 2, column 9: only "qelib1.inc" and'),
        (f'{V3}include "stdgates.inc\n;', 'only "qelib1.inc" and'),
        ("OPENQASM 4.0;", "line 1, column 1: OPENQASM must be 2.0 or 3.0, not 4.0"),
        (f"{V3}output int n;", "only bits and bit registers can be outputs"),
        (f"{V3}output;", "line 2, column 8: only bits and bit registers can be outputs here"),
        (
            f"{V3}if (true) {{ x q;",
            "line 2, column 11: the bracket { that opens here is not closed",
        ),
    ],
)
def test_what_later_parts_cannot_do_safely_is_refused(circuit: str, message: str) -> None:
    """With the place, the limit and what is wrong, and nothing is computed that has no bound."""
    problem = scan(circuit).problem
    assert problem is not None
    said = str(problem)
    assert message in (said[: len(message)], _PLACE.sub("", said)[: len(message)])
    assert len(str(problem)) < 300


def test_bounds_that_are_just_kept_are_accepted() -> None:
    """At the limit of each bound a circuit is read."""
    deep = f"{V3}bit[9999] c; qubit[10000] q; bit d; rx({'(' * 198}1{')' * 198}) q[0];"
    long = f"{V3}qubit q; rx(1{'+1' * 200}) q; bit c;"
    assert (scan(deep).problem, scan(deep).qubits) == (None, 10_000)
    assert (scan(long).problem, len(scan(long).registers)) == (None, 1)


CHAINED = [
    *(
        f"1 {symbol} "
        for symbol in ("+", "-", "*", "/", "%", "**", "++", "&", "|", "^", "&&", "||")
    ),
    *(f"1 {symbol} " for symbol in ("<<", ">>", "==", "!=", "<", ">", "<=", ">=")),
    *("!", "~", "inv @ ", "if (c) ", "for int i in c ", "while (c) ", "switch (c) "),
]


@pytest.mark.parametrize("link", CHAINED)
def test_two_hundred_of_whatever_parsers_recurse_on_may_follow_each_other(link: str) -> None:
    """And no more; each alone."""
    assert scan(f"{V3}if (c) {{ return {link * 200}1; }}").problem is None
    problem = scan(f"{V3}if (c) {{ return {link * 201}1; }}").problem
    assert problem is not None
    assert problem.finding.message.startswith("more than 200 operators, modifiers or conditions")


@pytest.mark.parametrize("between", [", ", " : ", " = ", " -> ", "; ", " { ", " } { "])
def test_a_chain_ends_where_an_expression_does(between: str) -> None:
    """Two that are long are none that is too long."""
    chain = "1 + " * 150 + "1"
    text = f"{V3}if (c) {{ a {chain}{between}{chain}; }}"
    text += " }" * (text.count("{") - text.count("}"))
    assert scan(text).problem is None


#: Repeated to 1 MB each. On most of them a pattern that backtracks would run for hours.
PATTERNS = [
    *("/* ", "/*", "*/", "/*/", "//", "// \n", "/", "'", '"', "\"'", '\n"', "'\n", "\\", "#", "@"),
    *("bit ", "bit[", "bit[1]", "bit[1] c", "bit c;", "bit\n", "creg c", "creg c[", "const ", "= "),
    *("1", "1_", "0x", "0b_", "1e", "1e+", "1.", ".", "..", "_", "a", "a ", "é", "\u2028", "\x00"),
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "()",
        "[]",
        "{}",
        "([{",
        ";",
        ",",
        "a;",
        "a,",
        "a[1],",
        "a[1] ",
    ),
    *("-", "->", "- ", "**", "*=", "<<", "&", "|", "!", "$", "$1", "if(", "if(a)", "else ", "x @ "),
    *("else if(a){}", "OPENQASM 3;", "OPENQASM ", "include ", "pragma ", "@a\n", "output bit "),
    *("rx(", "rx(1", "rx(1)", "rx(1/", "rx(1) q", "rx(1) q;", "x q[0]", "x q[0];", "x q[123456];"),
    *("bit[2] c;\n", "const int n = 2;", "gate g a { x a; }", "def f(bit[3] a) { }", "int[8] i;"),
]
PROGRAM = """
import json, resource, sys
from chalicelib.domain.task import TaskRequest
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors.mock import MockExecutor
from chalicelib.settings import Settings

resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
executor = MockExecutor(Settings())
for text in json.load(sys.stdin):
    try:
        executor.execute(TaskRequest(circuit=text, shots=1, tags={}), time_limit_seconds=1)
    except PermanentExecutionError:
        pass
print("all read")
"""


def test_no_text_takes_more_than_linear_time() -> None:
    """300 KB of each pattern within a processor limit that anything quadratic passes by far."""
    texts = [pattern * (300_000 // len(pattern)) for pattern in PATTERNS]
    texts += [f"{V3}bit{blank * 300_000};" for blank in (" ", "\n", "\t", "[", "1", "_")]
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(texts),
        capture_output=True,
        check=False,
        text=True,
    )
    assert (ended.stdout, ended.returncode) == ("all read\n", 0), ended.stderr
