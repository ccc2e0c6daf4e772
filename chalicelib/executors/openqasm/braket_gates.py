"""Amazon Braket's gates, which its SDK writes without an include."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from typing import Final

from chalicelib.executors.openqasm.matrices import R, Rows

_I: Final = 1j * R
_ECR: Final[Rows] = ((0, 0, R, _I), (0, 0, _I, R), (R, -_I, 0, 0), (-_I, R, 0, 0))


def _diagonal(*angles: float) -> Rows:
    size = range(len(angles))
    return tuple(tuple(cmath.exp(1j * angles[i]) if i == j else 0 for j in size) for i in size)


def _middle(a: complex, b: complex) -> Rows:
    return (1, 0, 0, 0), (0, a, b, 0), (0, b, a, 0), (0, 0, 0, 1)


def _crossed(theta: float, outer: complex, inner: complex) -> Rows:
    """Return cos θ/2, and on the other diagonal -i sin θ/2 times phases."""
    cos, sin = math.cos(theta / 2), -1j * math.sin(theta / 2)
    a, b = outer * sin, inner * sin
    c, d = complex(inner).conjugate() * sin, complex(outer).conjugate() * sin
    return (cos, 0, 0, a), (0, cos, b, 0), (0, c, cos, 0), (d, 0, 0, cos)


#: Braket's gates on two qubits, of which the first counts most: parameters, and the matrix.
BRAKET_TWO: Final[Mapping[str, tuple[int, Callable[..., Rows]]]] = {
    "ecr": (0, lambda: _ECR),
    "pswap": (1, lambda a: _middle(0, cmath.exp(1j * a))),
    "xy": (1, lambda a: _middle(math.cos(a / 2), 1j * math.sin(a / 2))),
    "xx": (1, lambda a: _crossed(a, 1, 1)),
    "yy": (1, lambda a: _crossed(a, -1, 1)),
    "zz": (1, lambda a: _diagonal(-a / 2, a / 2, a / 2, -a / 2)),
    "cphaseshift00": (1, lambda a: _diagonal(a, 0, 0, 0)),
    "cphaseshift01": (1, lambda a: _diagonal(0, a, 0, 0)),
    "cphaseshift10": (1, lambda a: _diagonal(0, 0, a, 0)),
    "ms": (
        3,
        lambda f, g, t: _crossed(t, cmath.exp(-1j * (f + g)), cmath.exp(-1j * (f - g))),
    ),
}
#: Braket's other names.
BRAKET_NAMES: Final = {
    "i": "id",
    "si": "sdg",
    "ti": "tdg",
    "v": "sx",
    "vi": "sxdg",
    "phaseshift": "p",
    "cnot": "cx",
    "ccnot": "ccx",
    "cv": "csx",
    "cphaseshift": "cp",
}
