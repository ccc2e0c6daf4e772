"""Places and expressions of the parsed tree: what stands where, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from openqasm import ast

from chalicelib.executors.openqasm import functions
from chalicelib.executors.openqasm.arithmetic import SHIFTS, binary, common_type, unary
from chalicelib.executors.openqasm.bitwise import binary_bits, number
from chalicelib.executors.openqasm.machine import Cell, Machine, Qubits
from chalicelib.executors.openqasm.program import SIZE_MAX
from chalicelib.executors.openqasm.values import (
    Angle,
    Bits,
    Dynamic,
    Known,
    Poisoned,
    Refused,
    Type,
    Value,
    Whole,
    truth,
    type_of,
)

_OPENQASM_2: Final = 2
_SIZED: Final[Sequence[tuple[type[Any], str]]] = (
    (ast.IntType, "int"),
    (ast.UintType, "uint"),
    (ast.FloatType, "float"),
    (ast.AngleType, "angle"),
    (ast.BitType, "bit"),
)
_UNSIZED: Final[dict[type[Any], str]] = {
    ast.BoolType: "bool",
    ast.ComplexType: "complex",
    ast.DurationType: "duration",
    ast.StretchType: "stretch",
}
#: A declared size of so many counts as one more statement: loops may declare.
_SIZE_PER_STEP: Final = 50
#: What a name means after its declaration was refused.
POISON: Final = object()


class Expressions:
    """Evaluates expressions on a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        #: Whether integers are read as reals: in the parameters of OpenQASM 2.
        self.reads_reals = False

    def call(self, node: ast.FunctionCall | ast.QuantumCall) -> Value | None:
        """Call a subroutine of the program: `Subroutines` does."""
        raise NotImplementedError

    # --- values

    def expression(self, node: ast.Node) -> Value:
        """Return an expression's value; a refusal names the innermost node that has it.

        Raises:
            Refused: it has no value here.
        """
        try:
            return self._expression(node)
        except Refused as exc:
            if exc.node is None:
                exc.node = node
            raise

    def _expression(self, node: ast.Node) -> Value:  # noqa: PLR0911 - one kind of node after another
        match node:
            case ast.IntegerLiteral():
                return float(node.value) if self.reads_reals else node.value
            case ast.FloatLiteral() | ast.BooleanLiteral():
                return node.value
            case ast.Identifier():
                return self._named(node.name)
            case ast.BinaryExpression():
                return self._binary(node)
            case ast.UnaryExpression():
                value = self.expression(node.operand)
                return self._literal(unary(node.op.value, self.machine.settled(value)))
            case ast.BitstringLiteral():
                return Bits.of(node.value, node.width)
            case ast.ImaginaryLiteral():
                return complex(0, node.value)
            case ast.IndexExpression() | ast.Concatenation() | ast.IndexedIdentifier():
                return self.value(self.place(node))
            case ast.Cast():
                return self.machine.cast(self.type_of(node.type), self.expression(node.operand))
            case ast.FunctionCall():
                return self._function(node)
            case ast.MeasureExpression():
                return self._measured(node)
            case ast.QuantumCall():
                return self._result_of(node)
            case ast.DurationLiteral() | ast.DurationOf():
                raise Refused("a duration has no value here; only delay and box can have one")
        raise Refused(f"{_kind(node)} cannot be used as a value here")

    def _literal(self, value: Value) -> Value:
        return float(value) if self.reads_reals and type(value) is int else value

    def _named(self, name: str) -> Value:
        found = self.machine.find(name)
        if found is not None:
            return self.value(found)
        known = functions.constant(name, version=self.machine.version)
        if known is None:
            raise Refused(f"undefined identifier '{name}'; declare it first")
        return known

    def value(self, thing: object) -> Value:
        """Return what a place holds."""
        if isinstance(thing, Cell):
            return self.machine.read(thing)
        if isinstance(thing, list):
            if thing and isinstance(thing[0], Cell) and thing[0].type.kind == "bit":
                return Bits(self._bit(cell) for cell in thing)
            raise Refused("an array is no value; name one of its elements, as in a[0]")
        if isinstance(thing, int | float | complex | Bits | Dynamic):
            return thing
        if thing is POISON:
            raise Poisoned("refused before")
        if isinstance(thing, Qubits):
            raise Refused("a qubit has no value; measure it first")
        raise Refused("a gate or a subroutine is no value")

    def _bit(self, cell: Cell) -> int | Dynamic:
        held = self.machine.read(cell)
        return held if isinstance(held, Dynamic) else int(held.real)

    def _binary(self, node: ast.BinaryExpression) -> Value:
        op = node.op.value
        left = self.expression(node.lhs)
        if op in ("&&", "||"):
            first = truth(self.machine.settled(left))
            if not isinstance(first, Dynamic) and first == (op == "||"):
                return first
            return binary(op, first, truth(self.machine.settled(self.expression(node.rhs))))
        return self._literal(self.operated(op, left, self.expression(node.rhs)))

    def operated(self, op: str, left: Value, right: Value) -> Value:
        """Return what an operator makes of two values, in their common type."""
        made = binary_bits(op, left, right)
        if made is not None:
            return made
        first, second = number(left), number(right)
        if op in SHIFTS or op == "**":
            return binary(op, self._settled(first), self._settled(second))
        type_ = common_type(type_of(first), type_of(second))
        return binary(op, self._settled(first, type_), self._settled(second, type_))

    def _settled(self, value: Known | Dynamic, type_: Type | None = None) -> Known | Dynamic:
        made = self.machine.settled(value, type_)
        assert not isinstance(made, Bits)  # noqa: S101 - a number stays one
        return made

    def _measured(self, node: ast.MeasureExpression) -> Value:
        qubits, is_register = self.operand(node.operand)
        cells = [Cell(Type("bit"), 0, self.machine.level) for _ in qubits]
        self.machine.measure(qubits, cells)
        bits = Bits(self._bit(cell) for cell in cells)
        return bits if is_register else bits.cells[0]

    def _function(self, node: ast.FunctionCall) -> Value:
        name = node.name.name
        if self.machine.find(name) is not None:
            return self._result_of(node)
        if name == "sizeof" and self.machine.version != _OPENQASM_2:
            return self._size_of(node)
        values = [self.machine.settled(self.expression(one)) for one in node.arguments]
        return functions.call(name, values, version=self.machine.version)

    def _result_of(self, node: ast.FunctionCall | ast.QuantumCall) -> Value:
        result = self.call(node)
        if result is None:
            raise Refused(f"'{node.name.name}' returns no value")
        return result

    def _size_of(self, node: ast.FunctionCall) -> int:
        thing = self.place(node.arguments[0])
        for _ in range(self.integer(node.arguments[1]) if len(node.arguments) > 1 else 0):
            thing = thing[0] if isinstance(thing, list) else None
        if isinstance(thing, Bits):
            return len(thing.cells)
        if isinstance(thing, Qubits) and thing.is_register:
            return len(thing.numbers)
        if not isinstance(thing, list):
            raise Refused("sizeof of what is no array and no register")
        return len(thing)

    # --- what must be known

    def known(self, node: ast.Node) -> Known:
        """Return a value that no measurement decides."""
        value = number(self.expression(node))
        if isinstance(value, Dynamic):
            raise Refused("this depends on what is measured, and must be known before", node)
        return value

    def integer(self, node: ast.Node) -> int:
        """Return an integer that is known."""
        value = self.known(node)
        if self.machine.version == _OPENQASM_2 and isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, int):
            raise Refused(f"this must be an integer, not {value}", node)
        return int(value)

    def size(self, node: ast.Expression | None) -> int | None:
        """Return a declared size, if there is one."""
        if node is None:
            return None
        size = self.integer(node)
        if size < 1:
            raise Refused(f"a size must be an integer from 1, not {size}", node)
        if size > SIZE_MAX:
            raise Refused(f"a size of {size:,} is too large; the limit is {SIZE_MAX:,}", node)
        self.machine.step(size // _SIZE_PER_STEP)
        return size

    def type_of(self, node: ast.Node) -> Type:
        """Return a declared type."""
        for class_, kind in _SIZED:
            if isinstance(node, class_):
                default = None if kind == "bit" else 64
                return Type(kind, self.size(node.size) or default)
        if type(node) in _UNSIZED:
            return Type(_UNSIZED[type(node)])
        raise Refused("an array cannot stand here", node)

    # --- places

    def place(self, node: ast.Node) -> Any:  # noqa: ANN401 - cells, qubits or a value
        """Return the cells, qubits or value that a node names."""
        match node:
            case ast.Identifier():
                found = self.machine.find(node.name)
                if found is None:
                    known = functions.constant(node.name, version=self.machine.version)
                    if known is None:
                        raise Refused(f"undefined identifier '{node.name}'; declare it first", node)
                    return known
                if found is POISON:
                    raise Poisoned("refused before", node)
                return found
            case ast.IndexedIdentifier():
                thing = self.place(node.name)
                for index in node.indices:
                    thing = self._selected(thing, index, node)
                return thing
            case ast.IndexExpression():
                return self._selected(self.place(node.collection), node.index, node)
            case ast.Concatenation():
                return self._concatenated(node)
        return self.expression(node)

    def _concatenated(self, node: ast.Concatenation) -> Any:  # noqa: ANN401
        sides = [self.place(side) for side in (node.lhs, node.rhs)]
        if all(isinstance(side, Qubits) for side in sides):
            numbers = sides[0].numbers + sides[1].numbers
            made: Any = Qubits(numbers, is_register=True)
        elif all(isinstance(side, list) for side in sides):
            made = numbers = sides[0] + sides[1]
        else:
            parts = [side if isinstance(side, Bits) else self.value(side) for side in sides]
            if not all(isinstance(part, Bits) for part in parts):
                raise Refused("only registers can be joined by ++", node)
            numbers = parts[0].cells + parts[1].cells
            made = Bits(numbers)
        if len(numbers) > SIZE_MAX:
            raise Refused(
                f"{len(numbers):,} elements are too many; the limit is {SIZE_MAX:,}", node
            )
        return made

    def _selected(self, thing: Any, index: ast.Index, node: ast.Node) -> Any:  # noqa: ANN401
        if isinstance(index, list) and len(index) > 1:
            for one in index:
                thing = self._selected(thing, [one], node)
            return thing
        items = _items(self._as_bits(thing))
        if items is None:
            raise Refused("this has no elements, so it can have no index", node)
        numbers, is_single = self._numbers(index, len(items))
        for at in numbers:
            if not -len(items) <= at < len(items):
                place = index[0] if isinstance(index, list) else node
                message = f"index {at} is out of range for a register of size {len(items)}"
                raise Refused(message, place if isinstance(place, ast.Expression) else node)
        if is_single:
            item = items[numbers[0]]
            return Qubits((item,), is_register=False) if isinstance(thing, Qubits) else item
        chosen = [items[at] for at in numbers]
        if isinstance(thing, Qubits):
            return Qubits(tuple(chosen), is_register=True)
        return chosen if isinstance(items, list) else Bits(chosen)

    def _as_bits(self, thing: Any) -> Any:  # noqa: ANN401
        """Return the bits of an integer or an angle that is indexed."""
        held = self.machine.read(thing) if isinstance(thing, Cell) else thing
        if isinstance(held, Whole) and held.type.width is not None:
            return Bits.of(int(held), held.type.width)
        if isinstance(held, Angle):
            return Bits.of(held.units, held.width)
        if isinstance(thing, Cell) and isinstance(held, Dynamic) and thing.type.width is not None:
            raise Refused("a bit of a number that depends on what is measured; use a register")
        return thing

    def _numbers(self, index: ast.Index, size: int) -> tuple[Sequence[int], bool]:
        if isinstance(index, ast.DiscreteSet):
            return [self.integer(value) for value in index.values], False
        if isinstance(index[0], ast.Range):
            return self.range_of(index[0], size), False
        return [self.integer(index[0])], True

    def range_of(self, node: ast.Range, size: int | None = None) -> range:
        """Return a range, both ends included; of a register of a size, open and negative ends."""
        step = 1 if node.step is None else self.integer(node.step)
        if step == 0:
            raise Refused("a step of 0 never ends", node)
        if size is None and (node.start is None or node.end is None):
            raise Refused("this range needs both its ends", node)
        last = (size or 0) - 1
        start = self.integer(node.start) if node.start else 0 if step > 0 else last
        end = self.integer(node.end) if node.end else last if step > 0 else 0
        if size is not None:
            start, end = (at + size if at < 0 else at for at in (start, end))
        return range(start, end + (1 if step > 0 else -1), step)

    def operand(self, node: ast.Node) -> tuple[tuple[int, ...], bool]:
        """Return the qubits of an operand, and whether it is a register."""
        if isinstance(node, ast.HardwareQubit):
            name = f"${node.index}"
            if name not in self.machine.library:
                self.machine.qubits += 1
                number_ = self.machine.qubits - 1
                self.machine.library[name] = Qubits((number_,), is_register=False)
            thing = self.machine.library[name]
        else:
            thing = self.place(node)
        if not isinstance(thing, Qubits):
            raise Refused("a qubit is needed here", node)
        return thing.numbers, thing.is_register


def _items(thing: object) -> Sequence[Any] | None:
    if isinstance(thing, Qubits):
        return thing.numbers if thing.is_register else None
    if isinstance(thing, Bits):
        return thing.cells
    return thing if isinstance(thing, list) else None


def _kind(node: ast.Node) -> str:
    return {"ArrayLiteral": "an array", "HardwareQubit": "a qubit"}.get(type(node).__name__, "this")
