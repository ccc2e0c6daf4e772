"""Circuits that keep a simulator's process busy, or fill its memory. To the mock all are alike."""

from __future__ import annotations

import functools
from typing import Final

_HUNGRY_LOOPS: Final = 5


@functools.cache
def dense(qubits: int, layers: int) -> str:
    """A dense state, and many gates on it: 20 qubits take about 20 ms a layer."""
    layer = [f"ry(0.{n + 1}) q[{n}];" for n in range(qubits)]
    layer += [f"cx q[{n}], q[{(n + 7) % qubits}];" for n in range(qubits)]
    return _program(qubits, "\n".join(layer * layers))


@functools.cache
def hungry() -> str:
    """Loops whose gates, written out, fill 100 MB."""
    loops = "".join(f"for int i{n} in [0:40] {{ " for n in range(_HUNGRY_LOOPS))
    return _program(1, f"{loops}x q[0]; {'}' * _HUNGRY_LOOPS}")


def _program(qubits: int, body: str) -> str:
    return (
        f'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[{qubits}] q;\nbit[{qubits}] c;\n'
        f"{body}\nc = measure q;\n"
    )
