"""What a program needs: how many gates it has, and the largest part that gates join."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence

import msgspec

from chalicelib.executors.openqasm.lowering import (
    CLIFFORD_METHODS,
    Call,
    gate_calls,
    part_calls,
)
from chalicelib.executors.openqasm.program import (
    Assign,
    Barrier,
    Gate,
    If,
    Operation,
    Program,
    Rotation,
    Turn,
    Unitary,
    While,
    every,
    touched,
)


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What a program needs."""

    qubits: int
    #: The qubits of the largest part that gates join, whatever is measured.
    part: int
    #: Gates, those of bodies too; a loop that the run repeats counts as one turn.
    gates: int
    #: Whether all gates are Clifford, so that the number of qubits hardly matters.
    is_clifford: bool
    #: Whether gates depend on what is measured.
    has_feedback: bool
    #: The lines of loops whose turns only the run tells.
    loops: tuple[int, ...]


def needs_of(program: Program) -> Needs:
    """Return what a program needs."""
    gates, is_clifford, has_feedback, loops = 0, True, False, set()
    for operation in every(program.operations):
        kind = type(operation)
        if kind is Gate or kind is Turn or kind is Unitary or kind is Rotation:
            gates += 1
            is_clifford = is_clifford and _is_clifford(operation)
        elif kind is If or kind is While or kind is Assign:
            has_feedback = True
            if isinstance(operation, While) and operation.line is not None:
                loops.add(operation.line)
    return Needs(
        qubits=program.qubits,
        part=largest_part(program.qubits, program.operations),
        gates=gates,
        is_clifford=is_clifford,
        has_feedback=has_feedback,
        loops=tuple(sorted(loops)),
    )


def _is_clifford(operation: Operation) -> bool:
    match operation:
        case Gate():
            calls: Iterable[Call] = gate_calls(operation)
        case Turn() | Unitary():
            calls = part_calls(operation)
        case _:
            return False
    return all(method in CLIFFORD_METHODS for method, _ in calls)


def largest_part(qubits: int, operations: Sequence[Operation]) -> int:
    """Return the number of qubits of the largest part that gates join."""
    parent = list(range(qubits))

    def root(qubit: int) -> int:
        while parent[qubit] != qubit:
            parent[qubit] = parent[parent[qubit]]
            qubit = parent[qubit]
        return qubit

    for joined in _joined(operations):
        first = root(joined[0])
        for other in joined[1:]:
            parent[root(other)] = first
    sizes = collections.Counter(root(qubit) for qubit in range(qubits))
    return max(sizes.values(), default=0)


def _joined(operations: Sequence[Operation]) -> Iterable[tuple[int, ...]]:
    seen: set[tuple[int, ...]] = set()
    for operation in every(operations):
        if type(operation) is Barrier:
            continue
        qubits = touched(operation)
        if len(qubits) > 1 and qubits not in seen:
            seen.add(qubits)
            yield qubits
