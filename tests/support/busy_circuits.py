"""Circuits that keep a simulator's process busy, or fill its memory. To the mock all are alike."""

from __future__ import annotations

import functools


@functools.cache
def dense(qubits: int, layers: int) -> str:
    """A dense state, and many gates on it: 20 qubits take about 20 ms a layer."""
    layer = [f"ry(0.{n + 1}) q[{n}];" for n in range(qubits)]
    layer += [f"cx q[{n}], q[{(n + 7) % qubits}];" for n in range(qubits)]
    return _program(qubits, "\n".join(layer * layers))


@functools.cache
def hungry() -> str:
    """A loop whose gates, written out, fill 100 MB."""
    registers = "qubit[4999] r;\nqubit[4999] s;\n"
    return _program(1, f"{registers}for int i in [0:180] {{ cx r, s; }}")


def _program(qubits: int, body: str) -> str:
    return (
        f'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[{qubits}] q;\nbit[{qubits}] c;\n'
        f"{body}\nc = measure q;\n"
    )
