"""Places of the parsed tree: what stands where; and what must be known before a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import openqasm
from openqasm import ast

from chalicelib.executors.openqasm import functions
from chalicelib.executors.openqasm.bitwise import number
from chalicelib.executors.openqasm.cells import Cell, Qubits
from chalicelib.executors.openqasm.machine import Machine
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
SIZE_PER_STEP: Final = 10
#: What a name means after its declaration was refused.
POISON: Final = object()


class Places:
    """Finds places on a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        #: What the names of inputs mean.
        self.bound: list[object] = []

    def expression(self, node: ast.Node) -> Value:
        """Return an expression's value: `Expressions` does."""
        raise NotImplementedError

    def value(self, thing: object) -> Value:
        """Return what a place holds: `Expressions` does."""
        raise NotImplementedError

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
        self.independent(node, "a size")
        size = self.integer(node)
        if size < 1:
            raise Refused(f"a size must be an integer from 1, not {size}", node)
        if size > SIZE_MAX:
            raise Refused(f"a size of {size:,} is too large; the limit is {SIZE_MAX:,}", node)
        self.machine.step(size // SIZE_PER_STEP)
        return size

    def independent(self, node: ast.Node, what: str) -> None:
        """Refuse an expression that names an input: sizes and constants are the same for all."""
        for part in openqasm.walk(node):
            name = part.name if isinstance(part, ast.Identifier) else None
            thing = None if name is None else self.machine.find(name)
            if thing is not None and any(thing is bound for bound in self.bound):
                raise Refused(f"{what} cannot depend on the input '{name}'", node)

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
                return self.named(node.name, node)
            case ast.IndexedIdentifier():
                thing = self.place(node.name)
                for index in node.indices:
                    thing = self.selected(thing, index, node)
                return thing
            case ast.IndexExpression():
                return self.selected(self.place(node.collection), node.index, node)
            case ast.Concatenation():
                return self._concatenated(node)
        return self.expression(node)

    def named(self, name: str, node: ast.Node | None = None) -> Any:  # noqa: ANN401
        """Return what a name means here."""
        machine = self.machine
        found = machine.find(name)
        if found is None:
            found = functions.constant(name, version=machine.version)
        outside = machine.outermost.get(name) if found is None else None
        if found is POISON or outside is POISON:
            raise Poisoned("refused before", node)
        if outside is not None:
            raise Refused(
                f"'{name}' stands outside of this definition, which sees constants, gates and"
                " subroutines only; pass it to it",
                node,
            )
        if found is None:
            raise Refused(f"undefined identifier '{name}'; declare it first", node)
        return found

    def _concatenated(self, node: ast.Concatenation) -> Any:  # noqa: ANN401
        sides = [self.place(side) for side in (node.lhs, node.rhs)]
        if all(isinstance(side, Qubits) for side in sides):
            numbers = sides[0].numbers + sides[1].numbers
            made: Any = Qubits(numbers, is_register=True)
        elif all(isinstance(side, list) for side in sides):
            made = numbers = sides[0] + sides[1]
        else:
            values = [side if isinstance(side, Bits) else self.value(side) for side in sides]
            parts = [value for value in values if isinstance(value, Bits)]
            if len(parts) < len(values):
                raise Refused("only registers can be joined by ++", node)
            numbers = parts[0].cells + parts[1].cells
            made = Bits(numbers)
        self.machine.step(len(numbers) // SIZE_PER_STEP)
        if len(numbers) > SIZE_MAX:
            raise Refused(
                f"{len(numbers):,} elements are too many; the limit is {SIZE_MAX:,}", node
            )
        return made

    def selected(self, thing: Any, index: ast.Index, node: ast.Node) -> Any:  # noqa: ANN401
        """Return the elements that an index names: of qubits, bits, numbers or an array."""
        if isinstance(index, list) and len(index) > 1:
            first, rest = self.selected(thing, index[:1], node), index[1:]
            if isinstance(index[0], ast.Range) and isinstance(first, list):
                # The other indices are of each element.
                return [self.selected(part, rest, node) for part in first]
            return self.selected(first, rest, node)
        items = _items(self._as_bits(thing))
        if items is None:
            raise Refused("this has no elements, so it can have no index", node)
        numbers, is_single = self._numbers(index, len(items))
        for at in numbers:
            if not -len(items) <= at < len(items):
                place = index[0] if isinstance(index, list) else node
                message = f"index {at} is out of range for a register of size {len(items)}"
                raise Refused(message, place)
        if is_single:
            item = items[numbers[0]]
            if isinstance(thing, Qubits):
                return Qubits((item,), is_register=False)
            return bool(item) if isinstance(item, int) else item
        chosen = [items[at] for at in numbers]
        self.machine.step(len(chosen) // SIZE_PER_STEP)
        if isinstance(thing, Qubits):
            return Qubits(tuple(chosen), is_register=True)
        return chosen if isinstance(items, list) else Bits(chosen)

    def number_holding(self, node: ast.Node) -> Cell | None:
        """Return the variable of a number whose bits a node names, if it does."""
        if not isinstance(node, ast.IndexedIdentifier):
            return None
        thing = self.place(node.name)
        for index in node.indices[:-1]:
            thing = self.selected(thing, index, node)
        is_number = isinstance(thing, Cell) and thing.type.kind in ("int", "uint", "angle")
        return thing if is_number else None

    def _as_bits(self, thing: Any) -> Any:  # noqa: ANN401
        """Return the bits of an integer or an angle that is indexed."""
        held = self.machine.read(thing) if isinstance(thing, Cell) else thing
        if isinstance(held, Whole) and held.type.width is not None:
            return Bits.of(int(held), held.type.width)
        if isinstance(held, Angle):
            return Bits.of(held.units, held.width)
        if isinstance(held, Dynamic) and held.type.kind in ("int", "uint"):
            return self.machine.cast(Type("bit", held.type.width), self.machine.settled(held))
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
