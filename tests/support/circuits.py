"""Circuits with their exact distributions, keys as a result has them: one circuit a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

H2: Final = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
H3: Final = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """A circuit whose distribution was worked out by hand."""

    name: str
    text: str
    #: Probability by bit string.
    expected: Mapping[str, float]


BELL: Final = f"{H3}qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n"
#: A Bell pair in a text that is too large for its task's own item, however it is packed.
LARGE: Final = BELL + "".join(f"// {n * 7919 % 100_003:x}{n * n:x}\n" for n in range(3_000))
_BELL_PAIR: Final = {"00": 0.5, "11": 0.5}

# fmt: off
_ORDER: Final = [
    Known("a Bell pair", BELL, _BELL_PAIR),
    Known("the highest index leftmost", H2 + 'qreg q[3];\ncreg c[3];\nx q[0];\nmeasure q -> c;\n', {"001": 1}),
    Known("three registers, the last leftmost", H3 + 'qubit[4] q;\nbit[2] a;\nbit[1] b;\nbit[3] d;\nx q[0];\nh q[1];\ncx q[1], q[2];\na[1] = measure q[0];\nb[0] = measure q[1];\nd[2] = measure q[2];\nd[0] = measure q[3];\n', {"000 0 10": 0.5, "100 1 10": 0.5}),
    Known("a lone bit after a register", H3 + 'qubit[3] q;\nbit[2] a;\nbit b;\nx q[0];\nx q[2];\na[0] = measure q[0];\na[1] = measure q[1];\nb = measure q[2];\n', {"1 01": 1}),
    Known("qubits that are not measured", H3 + 'qubit[3] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\ncx q[1], q[2];\nc[0] = measure q[1];\n', {"00": 0.5, "01": 0.5}),
    Known("measured across and again", H3 + 'qubit[2] q;\nbit[2] c;\nx q[0];\nc[0] = measure q[0];\nc[0] = measure q[1];\nc[1] = measure q[0];\n', {"10": 1}),
    Known("a slice is measured into a slice", H3 + 'qubit[3] q;\nbit[3] c;\nx q[2];\nc[0:1] = measure q[1:2];\n', {"010": 1}),
    Known("a set is measured into a set", H3 + 'qubit[3] q;\nbit[3] c;\nx q[2];\nc[{0, 2}] = measure q[{2, 1}];\n', {"001": 1}),
    Known("registers that are declared after use", H3 + 'qubit[2] q;\nbit a;\nx q[0];\na = measure q[0];\nbit[2] b;\nb[1] = measure q[0];\n', {"10 1": 1}),
    Known("only outputs are given back", H3 + 'qubit[2] q;\noutput bit a;\nbit[2] scratch;\noutput bit b;\nh q[0];\nx q[1];\nscratch = measure q;\na = measure q[1];\nb = measure q[0];\n', {"0 1": 0.5, "1 1": 0.5}),
    Known("a register of another name for each bit", H2 + 'qreg q[2];\ncreg a[1];\ncreg b[1];\nx q[1];\nmeasure q[0] -> a[0];\nmeasure q[1] -> b[0];\n', {"1 0": 1}),
    Known("two quantum registers into one", H3 + 'qubit[2] q;\nqubit r;\nbit[3] c;\nx r;\nc[0:1] = measure q;\nc[2] = measure r;\n', {"100": 1}),
    Known("hardware qubits", H3 + 'bit[2] c;\nx $1;\nc[0] = measure $1;\nc[1] = measure $0;\n', {"01": 1}),
]
_FEEDBACK: Final = [
    Known("measured, reset, measured", H2 + 'qreg q[1];\ncreg c[3];\nry(pi/3) q[0];\nmeasure q[0] -> c[0];\nreset q[0];\nmeasure q[0] -> c[1];\nx q[0];\nmeasure q[0] -> c[2];\n', {"100": 0.75, "101": 0.25}),
    Known("teleportation of a weight", H3 + 'qubit[3] q;\nbit[2] m;\nbit[1] o;\nry(pi/3) q[0];\nh q[1];\ncx q[1], q[2];\ncx q[0], q[1];\nh q[0];\nm[0] = measure q[0];\nm[1] = measure q[1];\nif (m[1] == 1) { x q[2]; }\nif (m[0] == 1) { z q[2]; }\no[0] = measure q[2];\n', {"0 00": 0.1875, "0 01": 0.1875, "0 10": 0.1875, "0 11": 0.1875, "1 00": 0.0625, "1 01": 0.0625, "1 10": 0.0625, "1 11": 0.0625}),
    Known("teleportation of a phase", H3 + 'qubit[3] q;\nbit[2] m;\nbit[1] o;\nrx(pi/3) q[0];\nh q[1];\ncx q[1], q[2];\ncx q[0], q[1];\nh q[0];\nm[0] = measure q[0];\nm[1] = measure q[1];\nif (m[1]) x q[2];\nif (m[0]) z q[2];\nrx(-pi/3) q[2];\no[0] = measure q[2];\n', {"0 00": 0.25, "0 01": 0.25, "0 10": 0.25, "0 11": 0.25}),
    Known("a condition on a register, OpenQASM 2", H2 + 'qreg q[3];\ncreg a[2];\ncreg b[1];\nh q[0];\nx q[1];\nmeasure q[0] -> a[0];\nmeasure q[1] -> a[1];\nif(a==3) x q[2];\nmeasure q[2] -> b[0];\n', {"0 10": 0.5, "1 11": 0.5}),
    Known("if and else", H3 + 'qubit[2] q;\nbit[2] c;\nbit[1] d;\nh q[0];\nc[0] = measure q[0];\nif (c == 1) {\n  x q[1];\n} else {\n  ry(pi/3) q[1];\n}\nd[0] = measure q[1];\n', {"0 00": 0.375, "1 00": 0.125, "1 01": 0.5}),
    Known("a condition on a bit string", H3 + 'qubit[2] q;\nbit[2] c;\nbit d;\nx q[1];\nc = measure q;\nif (c == "10") { x q[0]; }\nd = measure q[0];\n', {"1 10": 1}),
    Known("a condition that is not so", H3 + 'qubit[2] q;\nbit c;\nbit d;\nh q[0];\nc = measure q[0];\nif (!c) { x q[1]; }\nd = measure q[1];\n', {"1 0": 0.5, "0 1": 0.5}),
    Known("a condition of two bits", H3 + 'qubit[3] q;\nbit[2] c;\nbit d;\nh q[0];\nh q[1];\nc = measure q[0:1];\nif (c[0] && c[1]) { x q[2]; }\nd = measure q[2];\n', {"0 00": 0.25, "0 01": 0.25, "0 10": 0.25, "1 11": 0.25}),
    Known("repeat until success, at most twice more", H3 + 'qubit[1] q;\nbit[1] c;\nint n = 0;\nh q[0];\nc[0] = measure q[0];\nwhile (c[0] == 0 && n < 2) {\n  h q[0];\n  c[0] = measure q[0];\n  n = n + 1;\n}\n', {"0": 0.125, "1": 0.875}),
    Known("a loop that breaks", H3 + 'qubit[1] q;\nbit c;\nint n = 0;\nwhile (true) {\n  x q[0];\n  n = n + 1;\n  if (n == 3) { break; }\n}\nc = measure q[0];\n', {"1": 1}),
    Known("a loop that goes on", H3 + 'qubit[1] q;\nbit c;\nint n = 0;\nwhile (n < 5) {\n  n = n + 1;\n  if (n > 1) { continue; }\n  x q[0];\n}\nc = measure q[0];\n', {"1": 1}),
    Known("a reset of half a pair", H3 + 'qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nreset q[0];\nc = measure q;\n', {"00": 0.5, "10": 0.5}),
    Known("a reset of a register", H3 + 'qubit[2] q;\nbit[2] c;\nx q;\nreset q;\nc = measure q;\n', {"00": 1}),
    Known("a correction until it is right", H3 + 'qubit q;\nbit c;\nh q;\nc = measure q;\nwhile (c) { x q; c = measure q; }\n', {"0": 1}),
    Known("a comparison of a register", H3 + 'qubit[3] q;\nbit[2] c;\nbit d;\nx q[1];\nc = measure q[0:1];\nif (c > 1) { x q[2]; }\nd = measure q[2];\n', {"1 10": 1}),
]
_STRUCTURE: Final = [
    Known("a gate of one's own in loops", H3 + 'gate third(a) q { ry(a/3) q; }\nqubit[2] q;\nbit[2] c;\nfor int i in [0:2] {\n  third(pi/3) q[0];\n}\nfor int i in [1:3] { x q[1]; }\nc = measure q;\n', {"10": 0.75, "11": 0.25}),
    Known("a subroutine with a loop", H3 + 'const int n = 3;\ndef turn(qubit a, float t) {\n  for int i in [1:n] { ry(t/n) a; }\n}\nqubit[2] q;\nbit[2] c;\nturn(q[0], pi/3);\nturn(q[1], pi);\nc = measure q;\n', {"10": 0.75, "11": 0.25}),
    Known("a subroutine that measures", H3 + 'def flip_and_read(qubit a) -> bit {\n  x a;\n  return measure a;\n}\nqubit[2] q;\nbit[2] c;\nc[0] = flip_and_read(q[0]);\nc[1] = measure q[1];\n', {"01": 1}),
    Known("a subroutine in a subroutine", H3 + 'def f(qubit a) { x a; }\ndef g(qubit a, qubit b) { f(a); f(b); }\nqubit[5] q;\nbit[5] c;\ng(q[1], q[3]);\nc = measure q;\n', {"01010": 1}),
    Known("a loop over a set", H3 + 'qubit[5] q;\nbit[5] c;\nfor int i in {1, 3} { x q[i]; }\nc = measure q;\n', {"01010": 1}),
    Known("a loop with a step", H3 + 'qubit[5] q;\nbit[5] c;\nfor int i in [0:2:4] { x q[i]; }\nc = measure q;\n', {"10101": 1}),
    Known("a loop downwards", H3 + 'qubit[5] q;\nbit[5] c;\nfor int i in [4:-2:1] { x q[i]; }\nc = measure q;\n', {"10100": 1}),
    Known("a loop in a loop", H3 + 'qubit[4] q;\nbit[4] c;\nfor int i in [0:1] {\n  for int j in [0:1] { if (i == j) { x q[2*i + j]; } }\n}\nc = measure q;\n', {"1001": 1}),
    Known("a chain of a loop", H3 + 'qubit[4] q;\nbit[4] c;\nh q[0];\nfor uint i in [0:2] { cx q[i], q[i + 1]; }\nc = measure q;\n', {"0000": 0.5, "1111": 0.5}),
    Known("an alias with a step", H3 + 'qubit[4] q;\nbit[2] c;\nlet odd = q[1:2:3];\nx odd[1];\nh odd[0];\nc = measure odd;\n', {"10": 0.5, "11": 0.5}),
    Known("an alias of two registers", H3 + 'qubit[2] q;\nqubit[2] r;\nbit[2] c;\nlet a = q[0:0] ++ r[1:1];\nx a[1];\nc = measure r;\n', {"10": 1}),
    Known("an alias of an alias", H3 + 'qubit[4] q;\nbit[4] c;\nlet a = q[1:3];\nlet b = a[1:2];\nx b[0];\nc = measure q;\n', {"0100": 1}),
    Known("a gate on a register", H3 + 'qubit[3] q;\nbit[3] c;\nx q;\nc = measure q;\n', {"111": 1}),
    Known("a gate between registers", H3 + 'qubit[2] q;\nqubit[2] r;\nbit[2] a;\nbit[2] b;\nh q;\ncx q, r;\na = measure q;\nb = measure r;\n', {"00 00": 0.25, "01 01": 0.25, "10 10": 0.25, "11 11": 0.25}),
    Known("one qubit with a register", H3 + 'qubit q;\nqubit[3] r;\nbit[3] c;\nx q;\ncx q, r;\nc = measure r;\n', {"111": 1}),
    Known("qubits by a set", H3 + 'qubit[4] q;\nbit[4] c;\nx q[{0, 2}];\nc = measure q;\n', {"0101": 1}),
    Known("gates of one's own in each other", H3 + 'gate mine a { x a; }\ngate yours a { mine a; mine a; mine a; }\nqubit q;\nbit c;\nyours q;\nc = measure q;\n', {"1": 1}),
    Known("a gate without a body", H3 + 'gate nothing a { }\nqubit q;\nbit c;\nnothing q;\nx q;\nc = measure q;\n', {"1": 1}),
    Known("a box, a barrier and a delay", H3 + 'qubit[2] q;\nbit[2] c;\nbox { x q[0]; }\nbarrier q;\ndelay[10ns] q[0];\nc = measure q;\n', {"01": 1}),
    Known("an int that chooses", H3 + 'qubit[2] q;\nbit[2] c;\nuint[8] v = 3;\nif (v > 2) { x q[0]; } else { x q[1]; }\nc = measure q;\n', {"01": 1}),
]
_GATES: Final = [
    Known("controls, powers and inverses", H3 + 'qubit[3] q;\nbit[3] c;\nh q[0];\nctrl @ pow(0.5) @ x q[0], q[1];\ninv @ s q[1];\nnegctrl @ x q[0], q[2];\nc = measure q;\n', {"100": 0.5, "001": 0.25, "011": 0.25}),
    Known("a phase that a control makes seen", H3 + 'qubit[2] q;\nbit[2] c;\nh q[0];\nctrl @ rz(2*pi/3) q[0], q[1];\nh q[0];\nc = measure q;\n', {"00": 0.75, "01": 0.25}),
    Known("two controls at once", H3 + 'qubit[3] q;\nbit[3] c;\nx q[0];\nx q[1];\nctrl(2) @ x q[0], q[1], q[2];\nc = measure q;\n', {"111": 1}),
    Known("two controls that are not so", H3 + 'qubit[3] q;\nbit[3] c;\nnegctrl(2) @ x q[0], q[1], q[2];\nc = measure q;\n', {"100": 1}),
    Known("phase estimation", H2 + 'qreg q[4];\ncreg c[3];\nx q[3];\nh q[0];\nh q[1];\nh q[2];\ncu1(2*pi*5/8) q[0],q[3];\ncu1(4*pi*5/8) q[1],q[3];\ncu1(8*pi*5/8) q[2],q[3];\nswap q[0],q[2];\nh q[0];\ncu1(-pi/2) q[0],q[1];\nh q[1];\ncu1(-pi/4) q[0],q[2];\ncu1(-pi/2) q[1],q[2];\nh q[2];\nmeasure q[0] -> c[0];\nmeasure q[1] -> c[1];\nmeasure q[2] -> c[2];\n', {"101": 1}),
    Known("the gates u1, u2, u3 and cu3", H2 + 'qreg q[3];\ncreg c[3];\nu3(pi/3,0.2,0.7) q[0];\nu2(0,pi) q[1];\nu1(pi) q[1];\nu2(0,pi) q[1];\ncu3(pi/3,0,0) q[1],q[2];\nmeasure q -> c;\n', {"010": 0.5625, "011": 0.1875, "110": 0.1875, "111": 0.0625}),
    Known("the gates U and CX", 'OPENQASM 3;\ninclude "stdgates.inc";\nqreg q[2];\ncreg c[2];\nU(pi/2, 0, pi) q[0];\nCX q[0], q[1];\nbarrier q;\nmeasure q -> c;\n', _BELL_PAIR),
    Known("Toffoli and Fredkin", H3 + 'qubit[3] q;\nbit[3] c;\nx q[0];\nx q[1];\nccx q[0], q[1], q[2];\nx q[1];\ncswap q[0], q[1], q[2];\nc = measure q;\n', {"011": 1}),
    Known("a root of a gate, twice", H3 + 'qubit q;\nbit c;\nsx q;\npow(1/2.0) @ x q;\nc = measure q;\n', {"1": 1}),
    Known("an inverse undoes", H3 + 'gate g(a) q { rx(a) q; h q; t q; }\nqubit q;\nbit c;\nx q;\ng(0.3) q;\ninv @ g(0.3) q;\nc = measure q;\n', {"1": 1}),
    Known("a 30-qubit cat", H3 + 'qubit[30] q;\nbit[30] c;\nh q[0];\nfor int i in [0:28] { cx q[i], q[i+1]; }\nc = measure q;\n', {"0" * 30: 0.5, "1" * 30: 0.5}),
    Known("60 qubits that fall apart", H3 + 'qubit[60] q;\nbit c;\nbit d;\nfor int i in [0:29] { ry(pi/3) q[2*i]; cx q[2*i], q[2*i+1]; ry(0.1*i) q[2*i+1]; ry(-0.1*i) q[2*i+1]; }\nc = measure q[58];\nd = measure q[59];\n', {"0 0": 0.75, "1 1": 0.25}),
]
_ARITHMETIC: Final = [
    Known("sizes with arithmetic", H3 + 'const uint n = 5;\nqubit[n - 2] q;\nbit[2 ** 2 - 1] c;\nx q[n % 3];\nc = measure q;\n', {"100": 1}),
    Known("sizes in hexadecimal", H3 + 'qubit[0x3] q;\nbit[0b11] c;\nx q[0o1];\nc = measure q;\n', {"010": 1}),
    Known("numbers with underscores", H3 + 'qubit[1_0] q;\nbit[1_0] c;\nx q[0_9];\nc = measure q;\n', {"1000000000": 1}),
    Known("integers are divided as integers", H3 + 'qubit[7/2] q;\nbit[7/2] c;\nrx(7/4*pi) q[0];\nx q[5/2];\nc = measure q;\n', {"101": 1}),
    Known("negative integers are divided towards zero", H3 + 'qubit q;\nbit c;\nrx(-7/4*pi) q;\nc = measure q;\n', {"1": 1}),
    Known("numbers are divided as numbers in OpenQASM 2", H2 + 'qreg q[1];\ncreg c[1];\nrx(1/2*pi) q[0];\nrx(1/2*pi) q[0];\nmeasure q -> c;\n', {"1": 1}),
    Known("a caret is a power in OpenQASM 2", H2 + 'qreg q[1];\ncreg c[1];\nrx(2^3*pi/8) q[0];\nmeasure q -> c;\n', {"1": 1}),
    Known("a caret is an exclusive or in OpenQASM 3", H3 + 'qubit q;\nbit c;\nrx((2^3)*pi) q;\nc = measure q;\n', {"1": 1}),
    Known("powers bind most and to the right", H3 + 'qubit q;\nbit c;\nrx(2**3**0*pi/2) q;\nrx(-2**2*pi/4) q;\nrx(pi) q;\nc = measure q;\n', {"1": 1}),
    Known("functions and constants", H3 + 'qubit q;\nbit c;\nrx(2*arccos(0)*sqrt(4)/2 + tau*floor(1.5) - sin(0)) q;\nc = measure q;\n', {"1": 1}),
    Known("a constant of a constant", H3 + 'const float third = pi/3;\nconst float all = 3*third;\nqubit q;\nbit c;\nrx(all) q;\nc = measure q;\n', {"1": 1}),
    Known("a constant integer is cut", H3 + 'const int n = 1.9;\nqubit q;\nbit c;\nrx(n*pi) q;\nc = measure q;\n', {"1": 1}),
    Known("floats without digits on a side", H3 + 'qubit q;\nbit c;\nrx(.5*pi) q;\nrx(5.e-1*pi) q;\nc = measure q;\n', {"1": 1}),
    Known("an index that a loop computes", H3 + 'const int n = 4;\nqubit[n] q;\nbit[n] c;\nfor int i in [0:n-1] { if (i % 2 == 1) { x q[n - 1 - i]; } }\nc = measure q;\n', {"0101": 1}),
]
_SPELLINGS: Final = [
    Known("no blanks", 'OPENQASM 3.0;include"stdgates.inc";qubit[2]q;bit[2]c;h q[0];cx q[0],q[1];c=measure q;', _BELL_PAIR),
    Known("no version line", 'include "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n', _BELL_PAIR),
    Known("no include", 'OPENQASM 3;\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n', _BELL_PAIR),
    Known("version 3.1 and comments", 'OPENQASM 3.1; // bit[9] x;\n/* include "other.inc"; */ include "stdgates.inc";\nqubit /* two */ [2] q; bit[2] c; // and\nh q[0]; cx q[0], /* ctrl */ q[1];\nc = measure q; // done', _BELL_PAIR),
    Known("lines end as on Windows", BELL.replace("\n", "\r\n"), _BELL_PAIR),
    Known("annotations and pragmas", H3 + 'pragma bit[7] no;\n#pragma x\nqubit[2] q;\n@note bit[3] d;\nbit[2] c;\n@a.b\nh q[0];\ncx q[0], q[1];\nc = measure q;\n', _BELL_PAIR),
    Known("measured where it is declared", H3 + 'qubit[2] q;\nh q[0];\ncx q[0], q[1];\nbit[2] c = measure q;\n', _BELL_PAIR),
    Known("bits measured where they are declared", H3 + 'qubit[2] q;\nx q[0];\nbit a = measure q[0];\nbit b = measure q[1];\n', {"0 1": 1}),
    Known("creg without a size", H3 + 'qubit q;\ncreg a;\nx q;\na = measure q;\n', {"1": 1}),
    Known("the old arrow", H3 + 'qubit[3] q;\nbit[3] c;\nx q[2];\nmeasure q[2] -> c[0];\n', {"001": 1}),
    Known("all in one line with odd blanks", "OPENQASM  3.0 ;include\t'stdgates.inc' ; qubit [ 2 ] q ; bit [2] c ; h q [ 0 ] ; cx q [0] , q [1] ; c = measure q ;", _BELL_PAIR),
    Known("names of other scripts", H3 + 'qubit[2] qubits;\nbit[2] Bits_2;\nh qubits[0];\ncx qubits[0], qubits[1];\nBits_2 = measure qubits;\n', _BELL_PAIR),
    Known("a broken line within an expression", H3 + 'qubit q;\nbit c;\nrx(\n  7 /\n  4 * pi\n) q;\nc = measure q;\n', {"1": 1}),
]
# fmt: on

KNOWN: Final = [*_ORDER, *_FEEDBACK, *_STRUCTURE, *_GATES, *_ARITHMETIC, *_SPELLINGS]
