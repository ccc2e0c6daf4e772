"""`ctrl @`, `negctrl @`, `inv @` and `pow @` on a gate's parts, with exact phases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from chalicelib.executors.openqasm.matrices import (
    IDENTITY,
    adjoint,
    dense,
    dense_power,
    near,
    power,
    principal,
    product,
    rows_adjoint,
    scaled,
    turns_of,
)
from chalicelib.executors.openqasm.program import Controls, Gate, Operation, Turn, Unitary, touched
from chalicelib.executors.openqasm.standard_gates import parts
from chalicelib.executors.openqasm.values import Refused

Part = Turn | Unitary
#: Qubits of a gate that a fractional power is taken of; its matrix is worked out.
FRACTION_QUBITS_MAX: Final = 4
#: Qubits of a matrix, controls included: the simulator's.
UNITARY_QUBITS_MAX: Final = 4
#: Gates that a power may make.
REPEATS_MAX: Final = 100_000


def parts_of(operations: Iterable[Operation]) -> list[Part]:
    """Return operations as unitaries under controls.

    Raises:
        Refused: one of them has no inverse, or an angle that only the run knows.
    """
    made: list[Part] = []
    for operation in operations:
        match operation:
            case Gate():
                made += parts(operation)
            case Turn() | Unitary():
                made.append(operation)
            case _:
                raise Refused(
                    "a gate whose angle depends on what is measured cannot be modified here; write"
                    " the condition or the angle out"
                )
    return made


def controlled(operations: Iterable[Part], controls: Controls) -> list[Part]:
    """Return a gate under further controls; a matrix that grows too large as turns."""
    made: list[Part] = []
    for part in operations:
        under = controls + part.controls
        if isinstance(part, Turn):
            made.append(Turn(under, part.matrix, part.qubit))
        elif len(under) + len(part.qubits) <= UNITARY_QUBITS_MAX:
            made.append(Unitary(under, part.rows, part.qubits))
        else:
            turns = turns_of(part.rows, part.qubits)
            made += [Turn(under + turn.controls, turn.matrix, turn.qubit) for turn in turns]
    return made


def inverse(operations: Sequence[Part]) -> list[Part]:
    """Return a gate's inverse."""
    return [
        Turn(part.controls, adjoint(part.matrix), part.qubit)
        if isinstance(part, Turn)
        else Unitary(part.controls, rows_adjoint(part.rows), part.qubits)
        for part in reversed(operations)
    ]


def powered(operations: Sequence[Part], exponent: float) -> list[Part]:  # noqa: PLR0911
    """Return a gate's power; that of a fraction is the principal one.

    Raises:
        Refused: it would be too many gates, or a fraction on too many qubits.
    """
    if exponent == int(exponent) and abs(exponent) < 2**53:
        exponent = int(exponent)
    if exponent == 0:
        return []
    if exponent < 0:
        return inverse(powered(operations, -exponent))
    gates = _merged(operations)
    if not gates or exponent == 1:
        return gates
    if len(gates) == 1 and isinstance(gates[0], Turn):
        return [_power_of_one(gates[0], exponent)]
    if isinstance(exponent, int):
        if exponent * len(gates) > REPEATS_MAX:
            raise Refused(
                f"this power makes more than {REPEATS_MAX:,} gates; write the gate of it out"
            )
        return gates * exponent
    first, last = gates[0], gates[-1]
    if len(gates) > 2 and _are_inverse(last, first):  # noqa: PLR2004
        # A power of A B A^-1 is one of B.
        return [first, *powered(gates[1:-1], exponent), last]
    qubits = sorted({qubit for part in gates for qubit in touched(part)})
    if len(qubits) > FRACTION_QUBITS_MAX:
        raise Refused(
            "a power that is no integer can be taken of a gate of at most"
            f" {FRACTION_QUBITS_MAX} qubits; this one has {len(qubits)}"
        )
    return [Unitary((), dense_power(dense(gates, qubits), exponent), tuple(qubits))]


def _power_of_one(part: Turn, exponent: float) -> Turn:
    if part.qubit is not None:
        return Turn(part.controls, power(part.matrix, exponent), part.qubit)
    return Turn(part.controls, _as_phase(principal(complex(part.matrix[0]), exponent)), None)


def _as_phase(value: complex) -> tuple[complex, complex, complex, complex]:
    return value, 0, 0, value


def _are_inverse(left: Part, right: Part) -> bool:
    both = _merged([left, right])
    return len(both) == 1 and isinstance(both[0], Turn) and near(both[0].matrix, IDENTITY)


def _merged(operations: Iterable[Part]) -> list[Part]:
    """Multiply neighbours under the same controls; a phase goes into the matrix next to it."""
    made: list[Part] = []
    for part in operations:
        last = made[-1] if made else None
        if (
            isinstance(last, Turn)
            and isinstance(part, Turn)
            and last.controls == part.controls
            and (last.qubit == part.qubit or None in (last.qubit, part.qubit))
        ):
            qubit = last.qubit if part.qubit is None else part.qubit
            made[-1] = Turn(part.controls, product(part.matrix, last.matrix), qubit)
        else:
            made.append(part)
    return made


def global_phase(angle: float) -> Turn:
    """Return `gphase`: a phase, which controls make visible."""
    return Turn((), scaled(IDENTITY, angle), None)
