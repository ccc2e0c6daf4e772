"""An exact simulator of a few qubits, made for these tests alone: amplitudes in a list."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Sequence

#: Controls (qubit, value), a matrix row by row, and its qubit; without a qubit, a phase.
Part = tuple[tuple[tuple[int, int], ...], tuple[complex, ...], int | None]

_R = math.sqrt(0.5)
_I = 1j


def u(theta: float, phi: float, lam: float) -> tuple[complex, ...]:
    """The specification's U, as it is printed there."""
    e, f, g = cmath.exp(1j * theta), cmath.exp(1j * phi), cmath.exp(1j * lam)
    return (1 + e) / 2, -_I * g * (1 - e) / 2, _I * f * (1 - e) / 2, f * g * (1 + e) / 2


def _times(angle: float, matrix: Sequence[complex]) -> tuple[complex, ...]:
    return tuple(cmath.exp(1j * angle) * x for x in matrix)


def one(name: str, *p: float) -> tuple[complex, ...]:  # noqa: PLR0911 - a gate a line
    """Return the matrix of a gate on one qubit, by its definition in stdgates.inc."""
    half = math.pi / 2
    fixed = {
        "x": (0, 1, 1, 0),
        "y": (0, -_I, _I, 0),
        "z": (1, 0, 0, -1),
        "h": (_R, _R, _R, -_R),
        "s": (1, 0, 0, _I),
        "sdg": (1, 0, 0, -_I),
        "t": (1, 0, 0, cmath.exp(_I * math.pi / 4)),
        "tdg": (1, 0, 0, cmath.exp(-_I * math.pi / 4)),
        "sx": ((1 + _I) / 2, (1 - _I) / 2, (1 - _I) / 2, (1 + _I) / 2),
        "id": (1, 0, 0, 1),
    }
    if name in fixed:
        return fixed[name]
    if name == "U":
        return u(*p)
    if name in ("p", "phase", "u1"):
        return 1, 0, 0, cmath.exp(_I * p[0])
    if name == "rx":
        return _times(-p[0] / 2, u(p[0], -half, half))
    if name == "ry":
        return _times(-p[0] / 2, u(p[0], 0, 0))
    if name == "rz":
        return _times(-p[0] / 2, u(0, 0, p[0]))
    if name == "u2":
        return _times(-(p[0] + p[1] + half) / 2, u(half, *p))
    assert name == "u3"
    return _times(-(p[0] + p[1] + p[2]) / 2, u(*p))


def standard(name: str, parameters: Sequence[float], qubits: Sequence[int]) -> list[Part]:
    """Return a standard gate as parts."""
    if name == "swap":
        a, b = qubits
        return [part for c, t in ((a, b), (b, a), (a, b)) for part in standard("cx", (), (c, t))]
    if name == "cswap":
        return controlled(standard("swap", (), qubits[1:]), [(qubits[0], 1)])
    if name == "gphase":
        return [((), (cmath.exp(1j * parameters[0]),) * 2, None)]
    controls = {"ccx": 2}.get(name, 1 if name[0] == "c" else 0)
    base = name[controls:]
    under = tuple((qubit, 1) for qubit in qubits[:controls])
    return [(under, one(base, *parameters), qubits[controls])]


def controlled(parts: Iterable[Part], controls: Sequence[tuple[int, int]]) -> list[Part]:
    """Return parts under further controls."""
    return [((*controls, *under), matrix, qubit) for under, matrix, qubit in parts]


def inverse(parts: Sequence[Part]) -> list[Part]:
    """Return the parts that undo others."""
    made = []
    for under, matrix, qubit in reversed(parts):
        m = [complex(x).conjugate() for x in matrix]
        made.append((under, tuple(m) if qubit is None else (m[0], m[2], m[1], m[3]), qubit))
    return made


def root(parts: Sequence[Part]) -> list[Part]:
    """Return the principal square root of one part: (M + s) / t by Cayley and Hamilton."""
    ((under, (a, b, c, d), qubit),) = parts
    first, second = _eigenvalues(a, b, c, d)
    s = _principal_root(first) * _principal_root(second)
    t = _principal_root(first) + _principal_root(second)
    return [(under, ((a + s) / t, b / t, c / t, (d + s) / t), qubit)]


def _eigenvalues(a: complex, b: complex, c: complex, d: complex) -> tuple[complex, complex]:
    mean, spread = (a + d) / 2, cmath.sqrt(((a - d) / 2) ** 2 + b * c)
    return mean + spread, mean - spread


def _principal_root(value: complex) -> complex:
    angle = cmath.phase(value)
    return cmath.exp(0.5j * (math.pi if angle < -math.pi + 1e-9 else angle))


class State:
    """The state of some qubits, the first the lowest bit of an index."""

    def __init__(self, qubits: int) -> None:
        self.amplitudes = [1 + 0j] + [0j] * (2**qubits - 1)

    def apply(self, parts: Iterable[Part]) -> None:
        """Apply parts one after another."""
        amplitudes = self.amplitudes
        for under, matrix, qubit in parts:
            for at in range(len(amplitudes)):
                if any(at >> control & 1 != value for control, value in under):
                    continue
                if qubit is None:
                    amplitudes[at] *= matrix[0]
                elif not at >> qubit & 1:
                    other = at | 1 << qubit
                    x, y = amplitudes[at], amplitudes[other]
                    amplitudes[at] = matrix[0] * x + matrix[1] * y
                    amplitudes[other] = matrix[2] * x + matrix[3] * y

    def probability(self, qubit: int) -> float:
        """Return how probable a 1 is."""
        return sum(abs(x) ** 2 for at, x in enumerate(self.amplitudes) if at >> qubit & 1)

    def collapse(self, qubit: int, outcome: int, probability: float) -> None:
        """Go on with one outcome."""
        scale = 1 / math.sqrt(probability)
        self.amplitudes = [
            x * scale if at >> qubit & 1 == outcome else 0j for at, x in enumerate(self.amplitudes)
        ]
