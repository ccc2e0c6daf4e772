"""Gates' bodies: on other qubits, under modifiers, by angles that only the run knows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chalicelib.executors.openqasm.arithmetic import binary
from chalicelib.executors.openqasm.modifiers import controlled, inverse, parts_of, powered
from chalicelib.executors.openqasm.program import Barrier, Gate, Operation, Rotation, Turn, Unitary
from chalicelib.executors.openqasm.values import Dynamic, Refused

Angle = float | Dynamic
Row = tuple[int, ...]


def modified(
    made: Sequence[Operation], steps: Sequence[tuple[str, float]], controls: Row
) -> Sequence[Operation]:
    """Apply modifiers: the one next to the gate first, whose controls stand last."""
    parts = parts_of(made)
    for kind, argument in reversed(steps):
        if kind in ("ctrl", "negctrl"):
            count = int(argument)
            controls, mine = controls[: len(controls) - count], controls[len(controls) - count :]
            parts = controlled(parts, tuple((qubit, int(kind == "ctrl")) for qubit in mine))
        else:
            parts = inverse(parts) if kind == "inv" else powered(parts, argument)
    return parts


def moved(operation: Operation, row: Row) -> Operation:
    """Return an operation of a gate's body on the qubits that the gate is given."""
    match operation:
        case Gate():
            qubits = tuple([row[qubit] for qubit in operation.qubits])
            return Gate(operation.name, operation.parameters, qubits)
        case Turn():
            controls = tuple((row[qubit], value) for qubit, value in operation.controls)
            qubit = None if operation.qubit is None else row[operation.qubit]
            return Turn(controls, operation.matrix, qubit)
        case Unitary():
            controls = tuple((row[qubit], value) for qubit, value in operation.controls)
            return Unitary(controls, operation.rows, tuple(row[q] for q in operation.qubits))
        case Rotation():
            return Rotation(operation.axis, row[operation.qubit], operation.angle)
        case Barrier():
            return Barrier(tuple(row[qubit] for qubit in operation.qubits))
    raise Refused("a gate can hold gates only")


def rotated(name: str, parameters: Sequence[Angle], row: Row) -> list[Operation]:
    """Return a standard gate by angles that only the run knows, but for a global phase."""

    def turn(axis: str, angle: Angle, qubit: int) -> Operation:
        if isinstance(angle, Dynamic):
            return Rotation(axis, qubit, angle.node)
        return Gate(axis, (angle,), (qubit,))

    def part(op: str, left: Angle, right: Angle) -> Angle:
        made = binary(op, left, right)
        return made if isinstance(made, Dynamic) else float(made.real)

    first = parameters[0]
    if name in ("rx", "ry", "rz", "p", "phase", "u1"):
        return [turn({"phase": "p", "u1": "p"}.get(name, name), first, row[0])]
    if name in ("U", "u", "u3", "u2"):
        theta, phi, lam = parameters if len(parameters) > 2 else (math.pi / 2, *parameters)  # noqa: PLR2004
        return [turn("rz", lam, row[0]), turn("ry", theta, row[0]), turn("rz", phi, row[0])]
    if name in ("cp", "cphase", "cu1", "crz", "cry", "crx"):
        axis = {"crz": "rz", "cry": "ry", "crx": "rz"}.get(name, "p")
        half, (control, target) = part("/", first, 2.0), row
        less, cx = part("-", 0.0, half), Gate("cx", (), row)
        if axis == "p":
            phases = turn("p", half, control), turn("p", less, target), turn("p", half, target)
            return [phases[0], cx, phases[1], cx, phases[2]]
        made = [turn(axis, half, target), cx, turn(axis, less, target), cx]
        if name != "crx":
            return made
        flip = Gate("h", (), (target,))
        return [flip, *made, flip]
    if name in ("rzz", "zz"):
        cx = Gate("cx", (), row)
        return [cx, turn("rz", first, row[1]), cx]
    raise Refused(
        f"an angle of {name} that depends on what is measured; rx, ry, rz, p, u, cp, crx, cry and"
        " crz can have one"
    )
