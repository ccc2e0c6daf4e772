"""Hands a program to the simulator's builders. Nothing behind this sees a text of the circuit.

The builders check little: they take one qubit twice, angles that are no numbers and matrices that
are not unitary, and count wrongly. All of that is checked before an operation is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from chalicelib.executors.openqasm.lowering import METHODS, gate_calls, part_calls
from chalicelib.executors.openqasm.program import (
    Assign,
    Barrier,
    Gate,
    If,
    Measure,
    Operation,
    Output,
    Program,
    Reset,
    Turn,
    Unitary,
    While,
    every,
)
from chalicelib.executors.openqasm.run_expressions import Writer
from chalicelib.executors.openqasm.standard_gates import parts
from chalicelib.executors.openqasm.values import BOOL, Dynamic, Tree, leaf

#: The simulator compares so many bits at once.
_REGISTER_BITS_MAX: Final = 64
#: Gates without parameters that the builder has as they are.
_SIMPLE: Final = frozenset(METHODS) - {"cy"}


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulator runs."""

    #: Its circuit, or its program where something depends on measurements that it cannot say so.
    program: Any
    is_static: bool
    #: What the slots mean.
    outputs: tuple[Output, ...]


class _NotStatic(Exception):
    """The operations need a program."""


def build_program(library: Any, program: Program) -> Built:  # noqa: ANN401 - prism-q has no types
    """Return a program as the simulator's."""
    qubits, slots = max(program.qubits, 1), max(program.slots, 1)
    late = list(_of_variables(program.outputs))
    if not late:
        try:
            builder = library.CircuitBuilder(qubits, slots)
            _add(library, builder, program.operations)
            return Built(program=builder.build(), is_static=True, outputs=program.outputs)
        except _NotStatic:
            pass
    # The simulator counts measured bits only: a spare qubit carries what variables hold into some.
    operations = list(program.operations)
    places: dict[int, Dynamic] = {}
    for value in late:
        if id(value) not in places:
            flip = If(value.node, (Gate("x", (), (qubits,)),), ())
            operations += [Reset(qubits), flip, Measure(qubits, slots)]
            places[id(value)] = leaf(("c", slots), BOOL)
            slots += 1
    outputs = tuple(
        Output(output.name, tuple(places.get(id(bit), bit) for bit in output.bits))
        for output in program.outputs
    )
    builder = library.DynamicProgramBuilder(qubits + bool(late), slots)
    writer = Writer(builder, program.variables)
    _Dynamic(library, builder, writer, qubits + bool(late), slots).add(operations)
    return Built(program=builder.build(), is_static=False, outputs=outputs)


def _of_variables(outputs: Iterable[Output]) -> Iterator[Dynamic]:
    for output in outputs:
        for bit in output.bits:
            if isinstance(bit, Dynamic) and any(kind == "v" for kind, _ in bit.reads):
                yield bit


def _add(library: Any, builder: Any, operations: Iterable[Operation]) -> Any:  # noqa: ANN401
    """Add operations to a builder of circuits."""
    for operation in operations:
        # The first two are most of a long circuit.
        if isinstance(operation, Gate):
            _add_gate(library, builder, operation)
        elif isinstance(operation, Measure):
            builder.measure(operation.qubit, operation.slot)
        elif isinstance(operation, Turn | Unitary):
            _add_part(library, builder, operation)
        elif isinstance(operation, Reset):
            builder.reset(operation.qubit)
        elif isinstance(operation, If):
            _guard(library, builder, operation)
        elif not isinstance(operation, Barrier):
            raise _NotStatic
    return builder


def _add_gate(library: Any, builder: Any, gate: Gate) -> None:  # noqa: ANN401
    if not gate.parameters and gate.name in _SIMPLE:
        getattr(builder, METHODS[gate.name])(*gate.qubits)
        return
    for method, arguments in gate_calls(gate):
        if method == "part":
            _add_part(library, builder, parts(gate)[arguments[0]])
        else:
            getattr(builder, method)(*arguments)


def _add_part(library: Any, builder: Any, part: Turn | Unitary) -> None:  # noqa: ANN401
    for method, arguments in part_calls(part):
        if method == "unitary":
            rows, qubits = arguments
            matrix = [list(map(complex, row)) for row in rows]
            builder.gate(library.Gate.unitary(matrix), list(qubits))
        else:
            getattr(builder, method)(*arguments)


def _guard(library: Any, builder: Any, operation: If) -> None:  # noqa: ANN401
    """Add a condition on bits; an `else` must not belong to a body that measures into these."""
    condition = _condition(library.ClassicalCondition, operation.condition)
    then, otherwise = operation.then, operation.otherwise
    written = {inner.slot for inner in every(then) if type(inner) is Measure}
    if otherwise and written & set(condition.bits):
        raise _NotStatic

    def body(operations: Sequence[Operation]) -> Any:  # noqa: ANN401
        return lambda inner: _add(library, inner, operations)

    if otherwise and not then:
        builder.guarded(condition.negate(), body(otherwise))
    elif otherwise:
        builder.guarded(condition, body(then), body(otherwise))
    elif then:
        builder.guarded(condition, body(then))


def _condition(conditions: Any, node: Tree) -> Any:  # noqa: ANN401
    """Return a tree as a condition on bits.

    Raises:
        _NotStatic: it is none.
    """
    if not isinstance(node, tuple):
        raise _NotStatic
    found = _literals(node)
    if found:
        first, size = min(found), len(found)
        if max(found) - first + 1 != size or size > _REGISTER_BITS_MAX:
            raise _NotStatic
        if size == 1:
            return conditions.bit(first, found[first])
        value = sum(bit << (slot - first) for slot, bit in found.items())
        return conditions.register_equals(first, size, value)
    if node[0] == "!":
        return _condition(conditions, node[1]).negate()
    are_slots = all(isinstance(side, tuple) and side[0] == "c" for side in node[1:])
    if node[0] in ("!=", "==") and are_slots and node[1] != node[2]:
        return conditions.parity([node[1][1], node[2][1]], node[0] == "!=")
    raise _NotStatic


def _literals(node: Tree) -> Mapping[int, bool] | None:
    """Return {slot: value} if a condition is that some bits have these values."""
    if node[0] == "c":
        return {node[1]: True}
    if node[0] == "!" and node[1][0] == "c":
        return {node[1][1]: False}
    if node[0] == "&&":
        left, right = _literals(node[1]), _literals(node[2])
        if left is None or right is None:
            return None
        if all(left.get(slot, value) == value for slot, value in right.items()):
            return {**left, **right}
    return None


class _Dynamic:
    """Adds operations to a builder of programs; runs of gates as circuits."""

    def __init__(self, library: Any, builder: Any, writer: Writer, qubits: int, slots: int) -> None:  # noqa: ANN401
        self._library = library
        self._builder = builder
        self._writer = writer
        self._sizes = qubits, slots
        self._run: list[Operation] = []

    def add(self, operations: Iterable[Operation]) -> None:
        """Add operations, bodies within bodies."""
        builder, write = self._builder, self._writer.condition
        for operation in operations:
            match operation:
                case If():
                    self._flush()
                    builder.begin_if(write(operation.condition))
                    self.add(operation.then)
                    if operation.otherwise:
                        builder.begin_else()
                        self.add(operation.otherwise)
                    builder.end()
                case While():
                    self._flush()
                    place = (
                        "a loop" if operation.line is None else f"the loop at line {operation.line}"
                    )
                    builder.begin_while(place, write(operation.condition))
                    self.add(operation.body)
                    builder.end()
                case Assign():
                    self._flush()
                    builder.assign(operation.variable, self._writer.value(operation.value))
                case Gate() | Turn() | Unitary() | Measure() | Reset() | Barrier():
                    self._run.append(operation)
                case _:
                    self._flush()
                    angle = self._writer.text(operation.angle)
                    builder.add_rotation(operation.axis, [operation.qubit], angle)
        self._flush()

    def _flush(self) -> None:
        if self._run:
            circuit = self._library.CircuitBuilder(*self._sizes)
            self._builder.append(_add(self._library, circuit, self._run).build())
            self._run = []
