"""Says gates in the words of the simulator's builder, Clifford gates by names that are such there.

The simulator takes `p(π/2)`, `rz(π/2)`, `u(π/2, 0, π)`, `cp(π)` and `cy` for gates that are not
Clifford, so transpiled Clifford circuits would be too large for it.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chalicelib.executors.openqasm.matrices import (
    IDENTITY,
    R,
    near,
    phase,
    product,
    scaled,
)
from chalicelib.executors.openqasm.program import Gate, Matrix, Turn, Unitary
from chalicelib.executors.openqasm.standard_gates import (
    COMPOSED,
    CONTROLLED,
    ONE,
    SX,
    SXDG,
    H,
    X,
    Y,
    Z,
    calls,
    parts,
)

#: A method of the builder, and its arguments: parameters first, then qubits.
Call = tuple[str, tuple[Any, ...]]
_EIGHTH: Final = math.pi / 4
_REMEMBERED_MAX: Final = 10_000

#: Standard gates that the builder has, by its method.
METHODS: Final[Mapping[str, str]] = {
    **{name: name for name in ("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg")},
    **{name: name for name in ("p", "rx", "ry", "rz", "cx", "cz", "ch", "crx", "cry", "crz")},
    **{name: name for name in ("swap", "ccx", "cswap")},
    "U": "u",
    "u": "u",
    "u3": "u",
    "u1": "p",
    "phase": "p",
    "CX": "cx",
    "cp": "cphase",
    "cphase": "cphase",
    "cu1": "cphase",
}
#: Methods whose gates the simulator knows as Clifford.
CLIFFORD_METHODS: Final = frozenset(
    ("x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "cx", "cz", "swap")
)
_NAMED: Final[Mapping[str, Matrix]] = {
    "id": IDENTITY,
    "x": X,
    "y": Y,
    "z": Z,
    "h": H,
    "s": phase(math.pi / 2),
    "sdg": phase(-math.pi / 2),
    "t": phase(_EIGHTH),
    "tdg": phase(-_EIGHTH),
    "sx": SX,
    "sxdg": SXDG,
}


def gate_calls(gate: Gate) -> Sequence[Call]:
    """Return how the builder makes a standard gate, but for a global phase."""
    return [
        (method, (*parameters, *(gate.qubits[at] for at in places)))
        for method, parameters, places in _plan(gate.name, gate.parameters)
    ]


_Plan = tuple[tuple[str, tuple[Any, ...], tuple[int, ...]], ...]


@functools.lru_cache(_REMEMBERED_MAX)
def _plan(name: str, parameters: tuple[float, ...]) -> _Plan:
    """Return methods with their parameters, and with places among the gate's qubits."""
    if name == "cy":
        return ("sdg", (), (1,)), ("cx", (), (0, 1)), ("s", (), (1,))
    if name in ("id", "u0"):
        return ()
    controls = CONTROLLED[name][0] if name in CONTROLLED else 0
    could_be_clifford = all(_is_eighth(parameter) for parameter in parameters)
    if parameters and could_be_clifford and (name in ONE or controls == 1):
        return _planned_by_matrix(Gate(name, parameters, tuple(range(controls + 1))))
    if name in METHODS:
        qubits = {"cswap": 3, "swap": 2}.get(name, controls + 1)
        return ((METHODS[name], parameters, tuple(range(qubits))),)
    if name in COMPOSED:
        gate = Gate(name, parameters, tuple(range(COMPOSED[name][1])))
        made: list[tuple[str, tuple[Any, ...], tuple[int, ...]]] = []
        for inner in calls(gate):
            steps = _plan(inner.name, inner.parameters)
            made += [(m, p, tuple(inner.qubits[at] for at in places)) for m, p, places in steps]
        return tuple(made)
    return _planned_by_matrix(Gate(name, parameters, tuple(range(5))))


def _is_eighth(angle: float) -> bool:
    return abs(angle / _EIGHTH - round(angle / _EIGHTH)) < 1e-9  # noqa: PLR2004


def _planned_by_matrix(gate: Gate) -> _Plan:
    made = []
    for part in parts(gate):
        for method, arguments in part_calls(part):
            qubits = _QUBITS_OF.get(method, 1)
            places = arguments[len(arguments) - qubits :]
            if method in ("mcu", "unitary"):
                made.append((method, arguments, ()))
            else:
                made.append((method, arguments[: len(arguments) - qubits], places))
    if any(method in ("mcu", "unitary") for method, _, _ in made):
        return tuple(("part", (at,), ()) for at in range(len(parts(gate))))
    return tuple(made)


#: Methods on more than one qubit.
_QUBITS_OF: Final = {"cx": 2, "cz": 2, "ch": 2, "cphase": 2, "ccx": 3}


def part_calls(part: Turn | Unitary) -> Iterator[Call]:
    """Yield how the builder makes a unitary under controls, but for a global phase."""
    if isinstance(part, Unitary):
        yield "unitary", _under_controls(part)
        return
    controls, matrix, target = part.controls, part.matrix, part.qubit
    if target is None:
        if not controls:
            return
        factor = matrix[0]
        (target, value), controls = controls[-1], controls[:-1]
        matrix = (1, 0, 0, factor) if value else (factor, 0, 0, 1)
    flipped = [("x", (qubit,)) for qubit, value in controls if not value]
    yield from flipped
    yield from _controlled([qubit for qubit, _ in controls], matrix, target)
    yield from flipped


def _under_controls(part: Unitary) -> tuple[Any, ...]:
    rows, qubits = part.rows, part.qubits
    for qubit, value in part.controls:
        size = len(rows)
        begin = size if value else 0
        acts = range(begin, begin + size)
        rows = tuple(
            tuple(
                rows[i - begin][j - begin] if i in acts and j in acts else complex(i == j)
                for j in range(2 * size)
            )
            for i in range(2 * size)
        )
        qubits = (qubit, *qubits)
    return rows, qubits


def _controlled(controls: list[int], matrix: Matrix, target: int) -> Iterator[Call]:
    if not controls:
        yield from _alone(matrix, target)
        return
    found = _known(matrix)
    is_diagonal = _is_zero(matrix[1]) and _is_zero(matrix[2])
    angle = found[1] if found else cmath.phase(matrix[0]) if is_diagonal else 0.0
    if abs(angle) > 1e-11:  # noqa: PLR2004 - exp(i angle) under control is a phase of the controls
        yield from _controlled(controls[:-1], phase(angle), controls[-1])
    matrix = _NAMED[found[0]] if found else scaled(matrix, -angle)
    name = found[0] if found else ""
    if name == "id":
        return
    if len(controls) == 1 and name == "y":
        yield "sdg", (target,)
        yield "cx", (controls[0], target)
        yield "s", (target,)
    elif len(controls) == 1 and name in ("x", "z", "h"):
        yield f"c{name}", (controls[0], target)
    elif len(controls) == 1 and is_diagonal:
        yield "cphase", (cmath.phase(matrix[3]), controls[0], target)
    elif len(controls) == 2 and name == "x":  # noqa: PLR2004
        yield "ccx", (*controls, target)
    else:
        a, b, c, d = matrix
        yield "mcu", ([[a, b], [c, d]], controls, target)


def _alone(matrix: Matrix, target: int) -> Iterator[Call]:
    a, b, c, d = (complex(x) for x in matrix)
    names = _clifford((a, b, c, d))
    if names is not None:
        yield from ((name, (target,)) for name in names)
    elif _is_zero(b) and _is_zero(c):
        yield "p", (cmath.phase(d / a), target)
    else:
        yield "u", (*_angles((a, b, c, d)), target)


def _is_zero(value: complex) -> bool:
    return abs(value) < 1e-12  # noqa: PLR2004


def _known(matrix: Matrix) -> tuple[str, float] | None:
    """Return (name, angle) if the matrix is exp(i angle) times a gate with a name."""
    for name, known in _NAMED.items():
        factor = _factor(matrix, known)
        if factor is not None:
            return name, cmath.phase(factor)
    return None


def _factor(matrix: Matrix, known: Matrix) -> complex | None:
    """Return the number of modulus 1 by which two matrices differ, if they do in nothing else."""
    at = max(range(4), key=lambda place: abs(known[place]))
    factor = matrix[at] / known[at]
    a, b, c, d = known
    scaled_ = (factor * a, factor * b, factor * c, factor * d)
    is_unit = abs(abs(factor) - 1) < 1e-9  # noqa: PLR2004
    return factor if is_unit and near(matrix, scaled_) else None


@functools.lru_cache(_REMEMBERED_MAX)
def _clifford(matrix: Matrix) -> tuple[str, ...] | None:
    """Return the names of gates that make the matrix but for a phase: Clifford, or t and tdg."""
    for names, known in _cliffords():
        if _factor(matrix, known) is not None:
            return names
    found = (name for name in ("t", "tdg") if _factor(matrix, _NAMED[name]) is not None)
    name = next(found, None)
    return None if name is None else (name,)


@functools.cache
def _cliffords() -> tuple[tuple[tuple[str, ...], Matrix], ...]:
    """Return the 24 Clifford gates on one qubit, each as the fewest gates with a name."""
    named = {name: matrix for name, matrix in _NAMED.items() if name not in ("t", "tdg")}
    found: list[tuple[tuple[str, ...], Matrix]] = [((name,), m) for name, m in named.items()]
    for first, a in named.items():
        for second, b in named.items():
            made = product(b, a)
            if not any(_factor(made, known) is not None for _, known in found):
                found.append(((first, second), made))
    return tuple((() if names == ("id",) else names, matrix) for names, matrix in found)


def _angles(matrix: tuple[complex, complex, complex, complex]) -> tuple[float, float, float]:
    """Return θ, φ, λ of a unitary but for its phase."""
    a, b, c, d = matrix
    theta = 2 * math.atan2(math.hypot(abs(b), abs(c)) * R, math.hypot(abs(a), abs(d)) * R)
    if _is_zero(a):
        return theta, 0.0, cmath.phase(-b) - cmath.phase(c)
    alpha = cmath.phase(a)
    if _is_zero(c):
        return theta, 0.0, cmath.phase(d) - alpha
    return theta, cmath.phase(c) - alpha, cmath.phase(-b) - alpha
