"""The program: a circuit as data, between all readers and all back ends. docs/program.md explains.

All of it is known but what depends on measurements: conditions and angles of these are trees
(`chalicelib.executors.openqasm.values`). A gate's first qubits are its controls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from chalicelib.executors.openqasm.values import Bit, Refused, Tree, Type

#: Operations of a program, and turns and statements that are evaluated to make it.
OPERATIONS_MAX: Final = 1_000_000
#: Operations of one gate that the circuit defines.
EXPANSION_MAX: Final = 100_000
STEPS_MAX: Final = 200_000
#: Operators of all conditions and values that depend on measurements, written out.
OPERATORS_MAX: Final = 200_000
#: Of each declaration, and of all bits and all qubits of a circuit.
SIZE_MAX: Final = 10_000
#: Gates in gates, and subroutines in subroutines.
CALLS_MAX: Final = 32

#: Row by row.
Matrix = tuple[complex, complex, complex, complex]
#: Qubits with the value, 1 or 0, at which each lets a gate act.
Controls = tuple[tuple[int, int], ...]


class Exhausted(Refused):
    """A bound of the whole program is passed: nothing after it is checked."""


class Gate(msgspec.Struct, frozen=True, gc=False):
    """A standard gate, by its name in `standard_gates`."""

    name: str
    parameters: tuple[float, ...]
    qubits: tuple[int, ...]


class Turn(msgspec.Struct, frozen=True):
    """A unitary on one qubit under controls; without a qubit it is a phase of the controls."""

    controls: Controls
    #: Of a phase, its first element alone counts.
    matrix: Matrix
    qubit: int | None


class Unitary(msgspec.Struct, frozen=True):
    """A unitary on several qubits, of which the first is the most significant, under controls."""

    controls: Controls
    rows: tuple[tuple[complex, ...], ...]
    qubits: tuple[int, ...]


class Rotation(msgspec.Struct, frozen=True):
    """`rx`, `ry`, `rz` or `p` by an angle that only the run knows."""

    axis: str
    qubit: int
    angle: Tree


class Measure(msgspec.Struct, frozen=True, gc=False):
    """Measures a qubit into a slot. Slots are the run's own bits, numbered from 0."""

    qubit: int
    slot: int


class Reset(msgspec.Struct, frozen=True, gc=False):
    """Makes a qubit 0."""

    qubit: int


class Barrier(msgspec.Struct, frozen=True, gc=False):
    """Keeps operations in their order; it changes no count."""

    qubits: tuple[int, ...]


class Assign(msgspec.Struct, frozen=True):
    """Gives a variable of the run a value."""

    variable: str
    value: Tree


class If(msgspec.Struct, frozen=True):
    """Runs one of two bodies."""

    condition: Tree
    then: tuple[Operation, ...]
    otherwise: tuple[Operation, ...]


class While(msgspec.Struct, frozen=True):
    """Runs a body as long as a condition holds."""

    condition: Tree
    body: tuple[Operation, ...]
    #: Where it stands in the text, for a message.
    line: int | None


Operation = Gate | Turn | Unitary | Rotation | Measure | Reset | Barrier | Assign | If | While


class Output(msgspec.Struct, frozen=True):
    """A classical register that the result gives back."""

    name: str
    #: What each bit holds in the end, the lowest first: 0, 1 or a tree.
    bits: tuple[Bit, ...]


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A circuit as data."""

    qubits: int
    #: How many measurements have a bit of their own.
    slots: int
    operations: Sequence[Operation]
    #: In the order of declaration.
    outputs: tuple[Output, ...]
    #: Variables of the run, in the order in which they were made.
    variables: dict[str, Type]


def every(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Yield all operations, those of bodies too."""
    for operation in operations:
        yield operation
        if type(operation) is If:
            yield from every(operation.then)
            yield from every(operation.otherwise)
        elif type(operation) is While:
            yield from every(operation.body)


def touched(operation: Operation) -> tuple[int, ...]:
    """Return the qubits that an operation that is no body acts on."""
    match operation:
        case Gate() | Barrier():
            return operation.qubits
        case Turn():
            own = () if operation.qubit is None else (operation.qubit,)
            return (*(qubit for qubit, _ in operation.controls), *own)
        case Unitary():
            return (*(qubit for qubit, _ in operation.controls), *operation.qubits)
        case Rotation() | Measure() | Reset():
            return (operation.qubit,)
    return ()
