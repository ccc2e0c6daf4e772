"""Texts meant to hang, crash, fill memory or read files, and how each must end."""

from __future__ import annotations

from typing import Final

from tests.support.circuits import H2, H3

_ONE: Final = "qubit q;\nbit c;\n"
_COUNT: Final = "c = measure q;\n"


def _nested(head: str, body: str, times: int) -> str:
    return head * times + body + "}" * times


def _doubled(kind: str, first: str, call: str, times: int) -> str:
    """Definitions of which each uses the one before twice."""
    more = (
        kind.format(n=n, body=f"{call.format(n=n - 1)} {call.format(n=n - 1)}")
        for n in range(1, times)
    )
    return kind.format(n=0, body=first) + "".join(more)


_DENSE: Final = (
    "for int k in [0:400] {{ for int i in [0:{last}] {{ ry(0.1) q[i]; }}"
    " for int i in [0:{last} - 1] {{ cx q[i], q[i + 1]; }} }}\n"
)

#: By what they try; each is a circuit's text. Where nothing is in the way of a result, one may come.
HOSTILE: Final = {
    "a thousand million qubits": f"{H3}qubit[1000000000] q;\nbit c;\nx q[0];\nc = measure q[0];\n",
    "a thousand million bits": f"{H3}qubit q;\nbit[1000000000] c;\nx q;\nc[0] = measure q;\n",
    "a huge loop": f"{H3}{_ONE}for int i in [0:1000000000] {{ x q; }}\n{_COUNT}",
    "nested loops": f"{H3}{_ONE}{_nested('for int i in [0:99] {', 'x q;', 6)}\n{_COUNT}",
    "gates made of gates": H3
    + _doubled("gate g{n} a {{ {body} }}\n", "x a; x a;", "g{n} a;", 40)
    + f"{_ONE}g39 q;\n{_COUNT}",
    "a loop without end": f"{H3}{_ONE}while (c == false) {{ reset q; c = measure q; }}\n",
    "a subroutine in itself": f"{H3}{_ONE}def f(qubit a) {{ f(a); }}\nf(q);\n{_COUNT}",
    "a gate in itself": f"OPENQASM 3;\ngate f a {{ f a; }}\n{_ONE}f q;\n{_COUNT}",
    "deep brackets": f"{H3}{_ONE}rx({'(' * 50_000}1{')' * 50_000}) q;\n{_COUNT}",
    "deep braces": f"{H3}{_ONE}{_nested('if (c == true) {', 'x q;', 20_000)}\n{_COUNT}",
    "a file of the system": f'OPENQASM 3;\ninclude "/etc/passwd";\n{_ONE}{_COUNT}',
    "a file of the system, version 2": 'OPENQASM 2.0;\ninclude "/etc/passwd";\nqreg q[1];\n',
    "a huge power of a gate": f"{H3}{_ONE}pow(1000000000) @ x q;\n{_COUNT}",
    "a tower of powers": f"{H3}{_ONE}rx(9 ** 9 ** 9 ** 9) q;\n{_COUNT}",
    "a division by zero": f"{H3}{_ONE}rx(1/0) q;\n{_COUNT}",
    "too many amplitudes": f"{H3}qubit[40] q;\nbit[40] c;\n{_DENSE.format(last=39)}{_COUNT}",
    "no program": "hello world",
    "nothing": "// nothing\n",
    "a letter of another script": "OPENQASM 3;\nqubit ψ;\nbit c;\nc = measure ψ;\n",
    "a NUL": "OPENQASM 3;\x00\nqubit q;",
    "a constant of a thousand million bits": (
        "OPENQASM 3;\nconst uint n = 2 ** 1000000000;\nbit[n] c;\n"
    ),
    "30 kB of +1": f"{H3}{_ONE}rx(1{'+1' * 15_000}) q;\n{_COUNT}",
    # Ten kinds more.
    "comments that do not end": "/* " * 60_000,
    "blanks in a declaration": f"OPENQASM 3.0;\nbit{' ' * 60_000};",
    "an index of a thousand million bits": f"{H3}{_ONE}x q[2 ** 1000000000];\n{_COUNT}",
    "a shift of a thousand million places": f"{H3}{_ONE}rx(1 << 1000000000) q;\n{_COUNT}",
    "aliases that double": f"{H3}qubit[2] q;\nbit c;\nlet a0 = q[0:1];\n"
    + "".join(f"let a{n} = a{n - 1} ++ a{n - 1};\n" for n in range(1, 40))
    + "x a39;\nc = measure q[0];\n",
    "subroutines that double": H3
    + _doubled("def f{n}(qubit a) {{ {body} }}\n", "x a; x a;", "f{n}(a);", 30)
    + f"{_ONE}f29(q);\n{_COUNT}",
    "24 dense qubits for minutes": f"{H3}qubit[24] q;\nbit[24] c;\n{_DENSE.format(last=23)}{_COUNT}",
    "ten thousand random bits a shot": (
        f"{H3}qubit[10000] q;\nbit[10000] c;\nh q;\nc = measure q;\n"
    ),
    "else if without end": f"{H3}{_ONE}{'if (c) { x q; } else ' * 20_000}{{ x q; }}\n{_COUNT}",
    "a gate with many controls": f"{H3}qubit[65] q;\nbit c;\nctrl(64) @ x "
    + ",".join(f"q[{n}]" for n in range(65))
    + ";\nc = measure q[0];\n",
    "a name of a megabyte": f"{H2}qreg {'a' * 1_000_000}[1];\ncreg c[1];\n",
    "quotes that do not match": H3 + 'include "' * 20_000,
}
