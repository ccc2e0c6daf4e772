"""Small unitary matrices without numpy: products, adjoints and powers."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Final

from chalicelib.executors.openqasm.program import Matrix, Turn, Unitary
from chalicelib.executors.openqasm.values import Refused

Rows = tuple[tuple[complex, ...], ...]
R: Final = math.sqrt(0.5)
IDENTITY: Final[Matrix] = (1, 0, 0, 1)


def rotation(theta: float, phi: float, lam: float) -> Matrix:
    """Return Qiskit's U: the specification's without its factor exp(i θ/2)."""
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    return (
        cos,
        -cmath.exp(1j * lam) * sin,
        cmath.exp(1j * phi) * sin,
        cmath.exp(1j * (phi + lam)) * cos,
    )


def scaled(matrix: Matrix, angle: float) -> Matrix:
    """Return the matrix times exp(i angle)."""
    factor = cmath.exp(1j * angle)
    a, b, c, d = matrix
    return factor * a, factor * b, factor * c, factor * d


def phase(angle: float) -> Matrix:
    """Return the phase gate."""
    return 1, 0, 0, cmath.exp(1j * angle)


def product(left: Matrix, right: Matrix) -> Matrix:
    """Return the product: the right one acts first."""
    a, b, c, d = left
    e, f, g, h = right
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def adjoint(matrix: Matrix) -> Matrix:
    """Return the inverse of a unitary."""
    a, b, c, d = (complex(x).conjugate() for x in matrix)
    return a, c, b, d


def rows_adjoint(rows: Rows) -> Rows:
    """Return the inverse of a unitary of several qubits."""
    return tuple(
        tuple(complex(x).conjugate() for x in column) for column in zip(*rows, strict=True)
    )


def near(left: Matrix, right: Matrix) -> bool:
    """Whether two are the same but for rounding."""
    return all(abs(x - y) < 1e-10 for x, y in zip(left, right, strict=True))  # noqa: PLR2004


def principal(value: complex, power: float) -> complex:
    """Return the principal power of a number of modulus 1; -1 counts as half a turn."""
    angle = cmath.phase(value)
    if angle < -math.pi + 1e-9:
        angle = math.pi
    return cmath.exp(1j * power * angle)


def power(matrix: Matrix, exponent: float) -> Matrix:
    """Return the principal power of a unitary: its eigenvalues' angles are in (-π, π]."""
    a, b, c, d = (complex(x) for x in matrix)
    mean, determinant = (a + d) / 2, a * d - b * c
    root = cmath.sqrt(mean * mean - determinant)
    if abs(root) < 1e-9:  # noqa: PLR2004 - one eigenvalue, twice
        value = principal(mean, exponent)
        return value, 0, 0, value
    first, second = mean + root, mean - root
    p, q = principal(first, exponent), principal(second, exponent)
    slope = (p - q) / (first - second)
    rest = p - slope * first
    return slope * a + rest, slope * b, slope * c, slope * d + rest


def dense(parts: Sequence[Turn | Unitary], qubits: Sequence[int]) -> Rows:
    """Return the matrix of parts that act one after another; the first qubit counts most."""
    columns = []
    for start in range(2 ** len(qubits)):
        state = [0j] * 2 ** len(qubits)
        state[start] = 1
        for part in parts:
            state = _applied(part, state, qubits)
        columns.append(state)
    return tuple(zip(*columns, strict=True))


def _applied(part: Turn | Unitary, state: list[complex], qubits: Sequence[int]) -> list[complex]:
    place = {qubit: len(qubits) - 1 - at for at, qubit in enumerate(qubits)}
    if isinstance(part, Unitary):
        targets, rows = part.qubits, part.rows
    elif part.qubit is None:
        targets, rows = (), ((part.matrix[0],),)
    else:
        a, b, c, d = part.matrix
        targets, rows = (part.qubit,), ((a, b), (c, d))
    shifts = [place[qubit] for qubit in reversed(targets)]
    mask = sum(1 << shift for shift in shifts)

    def index(base: int, number: int) -> int:
        return base | sum((number >> at & 1) << shift for at, shift in enumerate(shifts))

    made = list(state)
    for base in range(len(state)):
        acts = all(base >> place[qubit] & 1 == value for qubit, value in part.controls)
        if acts and not base & mask:
            old = [state[index(base, number)] for number in range(len(rows))]
            for number, row in enumerate(rows):
                made[index(base, number)] = sum(x * y for x, y in zip(row, old, strict=True))
    return made


def dense_power(rows: Rows, exponent: float) -> Rows:
    """Return the principal power of a unitary: by the eigenvectors of a mix of its Hermitian parts.

    Raises:
        Refused: its eigenvectors could not be told apart.
    """
    for mix in (0.7, 0.31, 1.1):
        vectors = _eigenvectors(_hermitian(rows, mix))
        back = rows_adjoint(vectors)
        diagonal = _multiplied(_multiplied(back, rows), vectors)
        size = range(len(rows))
        if sum(abs(diagonal[i][j]) for i in size for j in size if i != j) < 1e-8:  # noqa: PLR2004
            powers = tuple(
                tuple(principal(diagonal[i][i], exponent) if i == j else 0 for j in size)
                for i in size
            )
            return _multiplied(_multiplied(vectors, powers), back)
    raise Refused("this power could not be computed; write it out")


def turns_of(rows: Rows, qubits: Sequence[int]) -> list[Turn]:
    """Return a unitary as turns of one qubit, each under all the others as controls.

    States in the order of Gray's code differ in one bit from the next, so that Givens' rotations
    of neighbours, which make the matrix diagonal, are such turns.
    """
    size, last = len(rows), len(qubits) - 1
    order = [at ^ at >> 1 for at in range(size)]
    left = [[complex(rows[i][j]) for j in order] for i in order]

    def controls(state: int, but: int = 0) -> tuple[tuple[int, int], ...]:
        places = ((qubit, last - at) for at, qubit in enumerate(qubits))
        return tuple((qubit, state >> bit & 1) for qubit, bit in places if not but >> bit & 1)

    made: list[Turn] = []
    for column in range(size):
        for at in range(size - 1, column, -1):
            x, y = left[at - 1][column], left[at][column]
            length = math.hypot(abs(x), abs(y))
            if abs(y) < 1e-14:  # noqa: PLR2004 - it is zero already
                continue
            a, b = x.conjugate() / length, y.conjugate() / length
            upper, lower = left[at - 1], left[at]
            left[at - 1] = [a * u + b * w for u, w in zip(upper, lower, strict=True)]
            left[at] = [
                a.conjugate() * w - b.conjugate() * u for u, w in zip(upper, lower, strict=True)
            ]
            back: Matrix = (a.conjugate(), -b, b.conjugate(), a)
            differs = order[at - 1] ^ order[at]
            if order[at - 1] & differs:
                back = (back[3], back[2], back[1], back[0])
            qubit = qubits[last - (differs.bit_length() - 1)]
            made.append(Turn(controls(order[at], differs), back, qubit))
    for at, state in enumerate(order):
        factor = left[at][at]
        made.append(Turn(controls(state), (factor, 0, 0, factor), None))
    return made[::-1]


def _multiplied(left: Rows, right: Rows) -> Rows:
    columns = list(zip(*right, strict=True))
    return tuple(
        tuple(sum(x * y for x, y in zip(row, column, strict=True)) for column in columns)
        for row in left
    )


def _hermitian(rows: Rows, mix: float) -> list[list[complex]]:
    size, cos, sin = range(len(rows)), math.cos(mix), math.sin(mix)
    return [
        [
            cos * (rows[i][j] + complex(rows[j][i]).conjugate()) / 2
            + sin * (rows[i][j] - complex(rows[j][i]).conjugate()) / 2j
            for j in size
        ]
        for i in size
    ]


def _eigenvectors(matrix: list[list[complex]]) -> Rows:
    """Return the eigenvectors of a Hermitian matrix as columns, by Jacobi's rotations."""
    size = len(matrix)
    vectors = [[complex(i == j) for j in range(size)] for i in range(size)]
    for _ in range(40):
        for p in range(size - 1):
            for q in range(p + 1, size):
                if abs(matrix[p][q]) > 1e-15:  # noqa: PLR2004
                    _rotate(matrix, vectors, p, q)
    return tuple(tuple(row) for row in vectors)


def _rotate(matrix: list[list[complex]], vectors: list[list[complex]], p: int, q: int) -> None:
    unit = matrix[p][q] / abs(matrix[p][q])
    angle = 0.5 * math.atan2(2 * abs(matrix[p][q]), (matrix[p][p] - matrix[q][q]).real)
    cos, sin = math.cos(angle), math.sin(angle)
    for table in (matrix, vectors):
        for row in table:
            x, y = row[p], row[q]
            row[p] = cos * x + sin * unit.conjugate() * y
            row[q] = -sin * unit * x + cos * y
    for column in range(len(matrix)):
        x, y = matrix[p][column], matrix[q][column]
        matrix[p][column] = cos * x + sin * unit * y
        matrix[q][column] = -sin * unit.conjugate() * x + cos * y
