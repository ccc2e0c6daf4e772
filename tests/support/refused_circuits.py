"""Circuits that must not be executed, each with how what is said must begin: one circuit a line."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from tests.support.circuits import H2, H3

_BEFORE: Final = re.compile(r"^(line \d+(, column \d+)?: )?(gate '\w+': )?")


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """A circuit and how the message begins, with its place or behind it and the gate's name."""

    name: str
    text: str
    message: str

    def is_said_by(self, error: Exception) -> bool:
        """Whether the error's text begins so."""
        said = str(error)
        return said.startswith(self.message) or _BEFORE.sub("", said).startswith(self.message)


_TWICE: Final = "the same qubit is used more than once"
_QUBITS: Final = H3 + "qubit[4] q;\nbit[4] c;\nry(0.3) q[0];\n"
_COUNT: Final = "\nc = measure q;\n"
_WHILE: Final = "int n = 0;\nwhile (n < 2) { n = n + 1; "

# fmt: off
TWICE: Final = [
    Refused("named twice", _QUBITS + "cx q[0], q[0];" + _COUNT, "line 6, column 10: gate 'cx': " + _TWICE),
    Refused("twice by arithmetic", _QUBITS + "cx q[2], q[1 + 1];" + _COUNT, _TWICE),
    Refused("twice by a constant", _QUBITS + "const int k = 0;\ncx q[k], q[0];" + _COUNT, _TWICE),
    Refused("twice in a loop", _QUBITS + "for int i in [0:2] { cx q[i], q[0]; }" + _COUNT, "line 6, column 31: gate 'cx': " + _TWICE),
    Refused("twice in a loop downwards", _QUBITS + "for int i in [3:-1:0] { cx q[i], q[0]; }" + _COUNT, _TWICE),
    Refused("twice in a loop over a set", _QUBITS + "for int i in {1, 3} { cx q[i], q[3]; }" + _COUNT, _TWICE),
    Refused("twice in two loops", _QUBITS + "for int i in [0:1] { for int j in [1:2] { cz q[i], q[j]; } }" + _COUNT, _TWICE),
    Refused("twice by an alias", _QUBITS + "let a = q[0:1];\ncx a[0], q[0];" + _COUNT, "line 7, column 10: gate 'cx': " + _TWICE),
    Refused("twice by an alias of an alias", _QUBITS + "let a = q[1:3];\nlet b = a[1:2];\ncx b[0], q[2];" + _COUNT, _TWICE),
    Refused("twice by a joined alias", _QUBITS + "let a = q[0:0] ++ q[0:0];\ncx a[0], a[1];" + _COUNT, _TWICE),
    Refused("twice in a subroutine", H3 + "def f(qubit a, qubit b) { cx a, b; }\n" + _QUBITS[len(H3):] + "f(q[1], q[1]);" + _COUNT, "line 7, column 1: 'f': " + _TWICE),
    Refused("twice in a subroutine of a loop", H3 + "def f(qubit a, qubit b) { cx a, b; }\n" + _QUBITS[len(H3):] + "for int i in [0:3] { f(q[2], q[i]); }" + _COUNT, "line 7, column 22: 'f': " + _TWICE),
    Refused("twice in a subroutine's subroutine", H3 + "def f(qubit a, qubit b) { cx a, b; }\ndef g(qubit a) { f(a, a); }\n" + _QUBITS[len(H3):] + "g(q[2]);" + _COUNT, "line 4, column 18: 'f': " + _TWICE),
    Refused("twice in a gate's body", H3 + "gate g a, b { cx a, a; }\n" + _QUBITS[len(H3):] + "g q[0], q[1];" + _COUNT, _TWICE),
    Refused("a register with itself", _QUBITS + "cx q, q;" + _COUNT, _TWICE),
    Refused("a register with one of its own", _QUBITS + "cx q[0], q;" + _COUNT, _TWICE),
    Refused("a slice with one of its own", _QUBITS + "cx q[1], q[0:2];" + _COUNT, _TWICE),
    Refused("crossing slices", _QUBITS + "cx q[0:2], q[{1, 1, 3}];" + _COUNT, _TWICE),
    Refused("twice under a control", _QUBITS + "ctrl @ x q[0], q[0];" + _COUNT, _TWICE),
    Refused("twice under two controls", _QUBITS + "ctrl(2) @ x q[0], q[1], q[0];" + _COUNT, _TWICE),
    Refused("twice in a gate of three", _QUBITS + "ccx q[0], q[1], q[0];" + _COUNT, _TWICE),
    Refused("twice on a condition", _QUBITS + "c[0] = measure q[0];\nif (c[0]) { cx q[1], q[1]; }" + _COUNT, _TWICE),
    Refused("twice in a loop of unknown length", _QUBITS + _WHILE + "cx q[0], q[0]; }" + _COUNT, _TWICE),
    Refused("twice in loops of both kinds", _QUBITS + _WHILE + "for int i in [0:1] { cx q[i], q[0]; } }" + _COUNT, _TWICE),
    Refused("twice by an alias in a loop", _QUBITS + "let a = q[1:2];\n" + _WHILE + "cx a[0], q[1]; }" + _COUNT, _TWICE),
    Refused("twice in a subroutine in a loop", H3 + "def f(qubit a, qubit b) { cx a, b; }\n" + _QUBITS[len(H3):] + _WHILE + "f(q[1], q[1]); }" + _COUNT, "line 8, column 28: 'f': " + _TWICE),
    Refused("twice in a switch", _QUBITS + "c = measure q;\nswitch (c) { case 1 { cx q[0], q[0]; } default { } }" + _COUNT, _TWICE),
    Refused("twice among hardware qubits", H3 + "bit c;\ncx $1, $1;\nc = measure $1;\n", _TWICE),
    Refused("twice by a variable", _QUBITS + "int k = 0;\ncx q[k], q[0];" + _COUNT, "line 7, column 10: gate 'cx': " + _TWICE),
]
OTHERS: Final = [
    Refused("nothing is measured", H3 + "qubit[2] q;\nh q[0];\ncx q[0], q[1];\n", "the circuit measures nothing"),
    Refused("no bit is measured", H2 + "qreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\n", "the circuit measures nothing"),
    Refused("an empty text", " // nothing\n", "the circuit measures nothing"),
    Refused("no program", "hello world", "line 1, column "),
    Refused("a NUL", "OPENQASM 3;\x00\nqubit q;", "line 1, column 12: unexpected character '\\x00'"),
    Refused("an unknown gate", H3 + "qubit q;\nbit c;\nfoo q;\nc = measure q;\n", "line 5, column 1: undefined gate 'foo'"),
    Refused("an unknown name", H3 + "qubit q;\nbit c;\nx r;\nc = measure q;\n", "line 5, column 3: undefined identifier 'r'"),
    Refused("an index too large", H3 + "qubit[2] q;\nbit c;\nx q[2];\nc = measure q[0];\n", "line 5, column 5: index 2 is out of range for a register of size 2"),
    Refused("too few qubits", H3 + "qubit q;\nbit c;\ncx q;\nc = measure q;\n", "gate 'cx' acts on 2 qubits, but 1 was given"),
    Refused("too few angles", H3 + "qubit q;\nbit c;\nrx q;\nc = measure q;\n", "gate 'rx' takes 1 parameter"),
    Refused("registers that differ in size", H3 + "qubit[2] q;\nqubit[3] r;\nbit[3] c;\ncx q, r;\nc = measure r;\n", "line 6, column 1: gate 'cx' is given registers of different sizes (2, 3)"),
    Refused("a measurement that does not fit", H3 + "qubit[2] q;\nbit[3] c;\nc = measure q;\n", "cannot store the measurement of 2 qubits in bit[3]"),
    Refused("a missing semicolon", H3 + "qubit q\nbit c;\nc = measure q;\n", "line 4, column 1"),
    Refused("an input", H3 + "input float a;\nqubit q;\nbit c;\nrx(a) q;\nc = measure q;\n", "line 3, column 1: no value is given for the input 'a'"),
    Refused("another output", H3 + "output int n;\nqubit q;\nbit c;\nc = measure q;\n", "only bits and bit registers can be outputs"),
    Refused("an opaque gate", H2 + "opaque foo a;\nqreg q[1];\ncreg c[1];\nfoo q[0];\nmeasure q -> c;\n", "line 6, column 1: 'foo' is an opaque gate, which has no definition to execute"),
    Refused("an extern function", H3 + "extern f(int) -> int;\nqubit q;\nbit c;\nc = measure q;\n", "line 3, column 1: an extern function cannot be executed here"),
    Refused("a calibration", H3 + "defcal x $0 { }\nqubit q;\nbit c;\nc = measure q;\n", "a calibration cannot be executed here"),
    Refused("Braket's noise", _QUBITS + "#pragma braket noise depolarizing(0.1) q[0]" + _COUNT, "line 6, column 1: the pragma 'braket noise depolarizing(0.1) q[0]' may change what is counted"),
    Refused("a result of Braket's", _QUBITS + "#pragma braket result probability" + _COUNT, "line 6, column 1: the pragma 'braket result probability' may change what is counted"),
    Refused("a pragma of noise", _QUBITS + 'pragma simulator noise model "m"' + _COUNT, "line 6, column 1: the pragma 'simulator noise model \"m\"' may change what is counted"),
    Refused("a unitary that is none", _QUBITS + "#pragma braket unitary([[1, 0], [1, 0]]) q[0]" + _COUNT, "line 6, column 1: this matrix is not unitary"),
    Refused("a variable without a value", _QUBITS + "int n;\nif (n == 0) { x q[1]; }" + _COUNT, "line 7, column 5: this variable has no value yet"),
    Refused("a duration as a value", _QUBITS + "float f = durationof({ x q[0]; });" + _COUNT, "line 6, column 11: a duration has no value here"),
    Refused("a sine of what is measured", _QUBITS + "c[0] = measure q[0];\nrx(sin(c[0])) q[1];" + _COUNT, "line 7, column 4: sin of what is measured"),
    Refused("an index by what is measured", _QUBITS + "c[0] = measure q[0];\nx q[int(c[0])];" + _COUNT, "line 7, column 5: this depends on what is measured, and must be known before"),
    Refused("a phase by what is measured", _QUBITS + "c[0] = measure q[0];\ngphase(c[0] * pi);" + _COUNT, "line 7, column 1: a global phase that depends on what is measured"),
    Refused("a measured angle of another gate", _QUBITS + "c[0] = measure q[0];\ncu(c[0] * pi, 0, 0, 0) q[1], q[2];" + _COUNT, "line 7, column 1: an angle of cu that depends on what is measured"),
    Refused("a long loop that a measurement leaves", _QUBITS + "for int i in [0:150] { c[0] = measure q[0]; if (c[0]) { break; } h q[0]; }" + _COUNT, "line 6, column 1: a loop of more than 100 turns that a measurement may leave"),
    Refused("a switch of many cases", H3 + "qubit[8] q;\nbit[8] c;\nc = measure q;\nswitch (c) { " + "".join(f"case {n} {{ x q[0]; }} " for n in range(120)) + "}" + _COUNT, "line 6, column 1: a switch over what is measured has more than 100 cases"),
    Refused("arithmetic on many measured bits", H3 + "qubit[64] q;\nbit[64] c;\nc = measure q;\nif (c + 1 == 2) { x q[0]; }\n", "line 6, column 5: a register of more than 63 measured bits can be compared"),
    Refused("a fraction of a large gate", H3 + "gate g a, b, d, e, f { cx a, b; cx b, d; h d; cx d, e; cx e, f; }\nqubit[5] q;\nbit c;\npow(0.5) @ g q[0], q[1], q[2], q[3], q[4];\nc = measure q[0];\n", "line 6, column 1: a power that is no integer can be taken of a gate of at most 4 qubits"),
    Refused("an end that a measurement decides", _QUBITS + "c[0] = measure q[0];\nif (c[0]) { end; }" + _COUNT, "line 7, column 1: 'end' depends here on what is measured"),
    Refused("a gate that OpenQASM 2 does not have", H2 + "qreg q[1];\ncreg c[1];\nctrl @ x q[0];\nmeasure q -> c;\n", "line 5, column 6: expected"),
    Refused("an integer of 5,000 digits", _QUBITS + "rx(" + "9" * 5000 + ") q[0];" + _COUNT, "line 6, column 1: a number is too large"),
    Refused("a quotient that only a run can tell is by zero", _QUBITS + "c[0] = measure q[0];\nint n = 1 / int(c[1]);" + _COUNT, "line 7, column 9: this divides by zero"),
    Refused("registers of another width joined by and", _QUBITS + 'c = measure q;\nif ((c & "01") == 1) { x q[0]; }' + _COUNT, "line 7, column 5: & of registers of different widths (4 and 2)"),
    Refused("a readonly array that is assigned", H3 + "def f(readonly array[int[8], #dim = 1] a) { a[0] = 1; }\narray[int[8], 2] b = {0, 0};\nqubit q;\nbit c;\nf(b);\nc = measure q;\n", "line 3, column 45: a constant, an input or a readonly array cannot be assigned"),
    Refused("a readonly array that is passed as mutable", H3 + "def g(mutable array[int[8], #dim = 1] a) { a[0] = 1; }\ndef f(readonly array[int[8], #dim = 1] a) { g(a); }\narray[int[8], 2] b = {0, 0};\nqubit q;\nbit c;\nf(b);\nc = measure q;\n", "line 3, column 44: a constant, an input or a readonly array cannot be assigned"),
    Refused("an array of other dimensions", H3 + "def f(readonly array[int[8], #dim = 1] a) { }\narray[int[8], 2, 2] b;\nqubit q;\nbit c;\nf(b);\nc = measure q;\n", "line 7, column 3: this is an array of 2 x 2, which the subroutine does not take"),
    Refused("a subroutine that may end without its return", H3 + "def f(qubit a) -> bit { bit b = measure a; if (b) { return true; } }\nqubit q;\nbit c;\nc = f(q);\n", "'f' returns no value here; end it with a return"),
    Refused("a variable of outside in a subroutine", H3 + "int n = 1;\ndef f(qubit a) { if (n == 1) { x a; } }\nqubit q;\nbit c;\nf(q);\nc = measure q;\n", "line 4, column 22: 'n' stands outside of this definition"),
    Refused("a qubit of outside in a gate", H3 + "qubit r;\ngate g a { cx a, r; }\nqubit q;\nbit c;\ng q;\nc = measure q;\n", "line 4, column 18: 'r' stands outside of this definition"),
    Refused("a call of nothing", _QUBITS + "foo(q[0]);" + _COUNT, "line 6, column 1: 'foo' is neither a subroutine of this program nor a built-in function"),
    Refused("a duration that is compared", _QUBITS + "duration d = 10ns;\nif (d < 20ns) { x q[0]; }" + _COUNT, "line 7, column 5: a duration has no value here"),
    Refused("a range without a number of turns", _QUBITS + "for float f in [0:1e-300:1e300] { x q[0]; }" + _COUNT, "line 6, column 17: this range has no number of turns"),
    Refused("an integer that no float holds", _QUBITS + "int n = 0x" + "f" * 2000 + ";" + _COUNT, "line 6, column 1: a number here is too large"),
    Refused("brackets in a pragma of a block", _QUBITS + "if (true) {\npragma foo { (\nx q[0];\n}" + _COUNT, "line 7, column 1: pragmas must be global"),
    Refused("a modifier that the grammar reads as an annotation", _QUBITS + "ctrl @x q[0], q[1];" + _COUNT, "line 6, column 6: expected '@', found '@x'; write a blank after the @"),
    Refused("a pragma that names a qubit", _QUBITS + "pragma apply twist q[0]" + _COUNT, "line 6, column 1: the pragma 'apply twist q[0]' may change what is counted"),
    Refused("a pragma of relaxation", _QUBITS + "pragma thermal_relaxation 1 2" + _COUNT, "line 6, column 1: the pragma 'thermal_relaxation 1 2' may change what is counted"),
    Refused("a unitary of what is no number", _QUBITS + "#pragma braket unitary([[nan, 1], [1, 0]]) q[0]" + _COUNT, "line 6, column 1: this matrix is not unitary"),
    Refused("a unitary with a word between its rows", _QUBITS + "#pragma braket unitary([foo [0, 1], [1, 0]]) q[0]" + _COUNT, "line 6, column 1: between the rows of a unitary stand commas only"),
    Refused("a unitary with an entry missing", _QUBITS + "#pragma braket unitary([[0,, 1], [1, 0]]) q[0]" + _COUNT, "line 6, column 1: '' is no number"),
    Refused("a wide integer that a measurement decides", _QUBITS + "uint[100] n = 0;\nc[0] = measure q[0];\nif (c[0]) { n = 1; }" + _COUNT, "line 8, column 1: uint[100] cannot depend on what is measured; the limit is 64 bits"),
    Refused("a large power of what is measured", _QUBITS + "c[0] = measure q[0];\nint n = int(c) ** 65;" + _COUNT, "line 7, column 9: a power of what is measured goes up to 64"),
    Refused("a name that is taken", _QUBITS + "int q = 3;" + _COUNT, "line 6, column 5: 'q' is already declared in this scope"),
    Refused("an infinite angle", H3 + "qubit q;\nbit c;\nrx(9 ** 9 ** 9 ** 9) q;\nc = measure q;\n", "line 5"),
    Refused("a division by zero", H3 + "qubit q;\nbit c;\nrx(1/0) q;\nc = measure q;\n", "line 5, column 4: this divides by zero"),
    Refused("a gate within itself", "OPENQASM 3;\ngate f a { f a; }\nqubit q;\nbit c;\nf q;\nc = measure q;\n", "line 2, column 12: calls stand in calls more than 32 deep; a gate or a subroutine cannot call itself"),
    Refused("a subroutine within itself", "OPENQASM 3;\nqubit q;\nbit c;\ndef f(qubit a) { f(a); }\nf(q);\nc = measure q;\n", "line 4, column 18: calls stand in calls more than 32 deep; a gate or a subroutine cannot call itself"),
    Refused("gates in gates without end", H3 + "gate g0 a { x a; x a; }\n" + "".join(f"gate g{i} a {{ g{i - 1} a; g{i - 1} a; }}\n" for i in range(1, 40)) + "qubit q;\nbit c;\ng39 q;\nc = measure q;\n", "line 11, column 13: calls stand in calls more than 32 deep; a gate or a subroutine cannot call itself"),
    Refused("a loop too long", H3 + "qubit q;\nbit c;\nfor int i in [0:1000000000] { x q; }\nc = measure q;\n", "line 5, column 1: the program takes more than 200,000 statements and turns of loops; make its loops shorter"),
    Refused("a loop without end", H3 + "qubit q;\nbit c;\nwhile (c == false) { reset q; c = measure q; }\n", "a loop ran 20,000 times in one shot"),
    Refused("too many amplitudes", H3 + "qubit[40] q;\nbit[40] c;\nfor int k in [0:2] { for int i in [0:39] { ry(0.3) q[i]; } for int i in [0:38] { cx q[i], q[i+1]; } }\nc = measure q;\n", "the circuit needs 2^40 amplitudes, 24 TiB; this service simulates 2^24 unless the circuit is Clifford or falls apart"),
    Refused("too many amplitudes in a program", H3 + "qubit[30] q;\nbit[30] c;\nint n = 0;\nwhile (n < 2) { n = n + 1; for int i in [0:29] { ry(0.3) q[i]; } for int i in [0:28] { cx q[i], q[i+1]; } }\nc = measure q;\n", "the circuit needs 2^30 amplitudes, 24 GiB"),
]
# fmt: on

REFUSED: Final = [*TWICE, *OTHERS]
