"""What the clients submit. To the mock all are alike; a simulating worker's children are kept busy.

Most are Bells. Some take a child a part of a second, so that it can be killed in the middle, and a
few take more memory than it may have.
"""

from __future__ import annotations

import functools
from typing import Final

from tests.acceptance.stage import BELL_STATE

_EVERY_SLOW: Final = 5
_EVERY_HUNGRY: Final = 17
#: 20 qubits, the most that is admitted here: about 0.4 s.
_SLOW_QUBITS: Final = 20
_SLOW_LAYERS: Final = 30
_HUNGRY_LOOPS: Final = 5


def of(number: int) -> str:
    """Give the circuit of a submission."""
    if number % _EVERY_HUNGRY == _EVERY_HUNGRY - 1:
        return hungry()
    return slow() if number % _EVERY_SLOW == _EVERY_SLOW - 1 else BELL_STATE


@functools.cache
def slow() -> str:
    """A dense state, and many gates on it."""
    layer = [f"ry(0.{n + 1}) q[{n}];" for n in range(_SLOW_QUBITS)]
    layer += [f"cx q[{n}], q[{(n + 7) % _SLOW_QUBITS}];" for n in range(_SLOW_QUBITS)]
    lines = ["\n".join(layer)] * _SLOW_LAYERS
    return _program(_SLOW_QUBITS, "\n".join(lines))


@functools.cache
def hungry() -> str:
    """Loops whose gates, written out, fill the memory."""
    loops = "".join(f"for int i{n} in [0:40] {{ " for n in range(_HUNGRY_LOOPS))
    return _program(1, f"{loops}x q[0]; {'}' * _HUNGRY_LOOPS}")


def _program(qubits: int, body: str) -> str:
    return (
        f'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[{qubits}] q;\nbit[{qubits}] c;\n'
        f"{body}\nc = measure q;\n"
    )
