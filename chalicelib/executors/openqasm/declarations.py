"""Declarations, assignments and measurements."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from openqasm import ast

from chalicelib.executors.openqasm.cells import Cell, Constant, cells_of, shape_of
from chalicelib.executors.openqasm.conversions import converted
from chalicelib.executors.openqasm.machine import Machine
from chalicelib.executors.openqasm.places import SIZE_PER_STEP
from chalicelib.executors.openqasm.program import SIZE_MAX, Reset
from chalicelib.executors.openqasm.subroutines import Subroutines
from chalicelib.executors.openqasm.values import (
    BIT,
    BOOL,
    Bits,
    Dynamic,
    Refused,
    Type,
    Value,
)

Input = bool | int | float
_WORDS: Final[Mapping[type[Any], str]] = {bool: "a boolean", int: "an integer", float: "a float"}
_TAKEN: Final[Mapping[str, tuple[type[Any], ...]]] = {
    "bool": (bool,),
    "bit": (bool, int),
    "int": (int,),
    "uint": (int,),
    "float": (int, float),
    "angle": (int, float),
}


class Declarations(Subroutines):
    """Declares, assigns and measures."""

    def __init__(self, machine: Machine, inputs: Mapping[str, Input]) -> None:
        super().__init__(machine)
        self.inputs = inputs
        #: Inputs that the program declares.
        self.asked: set[str] = set()

    def declaration(self, node: ast.ClassicalDeclaration) -> None:
        """Declare a variable, a register or an array."""
        if isinstance(node.type, ast.ArrayType):
            base = self.type_of(node.type.base)
            sizes = [self.size(one) or 1 for one in node.type.dimensions]
            if math.prod(sizes) > SIZE_MAX:
                raise Refused(f"an array of more than {SIZE_MAX:,} elements", node)
            self.machine.step(math.prod(sizes) // SIZE_PER_STEP)
            self.machine.declare(node.name.name, self._array(base, sizes, node.init))
            return
        type_ = self.type_of(node.type)
        if type_.kind in ("duration", "stretch"):
            self.machine.declare(node.name.name, Cell(type_, None, self.machine.level))
        elif type_.kind == "bit":
            self._bits(node, type_)
        else:
            cell = Cell(type_, None, self.machine.level)
            if node.init is not None:
                self.machine.store(cell, self.expression(node.init))
            self.machine.declare(node.name.name, cell)

    def _bits(self, node: ast.ClassicalDeclaration, type_: Type) -> None:
        """Declare bits. Their value is evaluated first: it may name what they hide."""
        name = node.name.name
        is_measured = isinstance(node.init, ast.MeasureExpression)
        value = None if node.init is None or is_measured else self.expression(node.init)
        operand = self.operand(node.init.operand) if is_measured else None  # type: ignore[union-attr]
        thing = self.machine.new_bits(name, type_.width)
        if operand is not None:
            self._measure(operand[0], thing, node)
        elif value is not None:
            self.assign(thing, value)

    def _array(self, base: Type, sizes: Sequence[int], init: ast.Node | None) -> Any:  # noqa: ANN401
        if not sizes:
            element = self.machine.new_element(base)
            if init is not None:
                self.assign(element, self.expression(init))
            return element
        values: Sequence[ast.Node | None] = [None] * sizes[0]
        if isinstance(init, ast.ArrayLiteral):
            values = init.values
        elif init is not None:
            return self._copied(self.place(init), sizes, base, init)
        if len(values) != sizes[0]:
            raise Refused(f"{len(values)} values are given for {sizes[0]}", init)
        return [self._array(base, sizes[1:], value) for value in values]

    def _copied(self, thing: Any, sizes: Sequence[int], base: Type, node: ast.Node) -> Any:  # noqa: ANN401
        if not sizes:
            element = self.machine.new_element(base)
            self.assign(element, self.value(thing))
            return element
        if not isinstance(thing, list) or len(thing) != sizes[0]:
            raise Refused(
                "an array can begin with values in braces or with an array as large", node
            )
        return [self._copied(part, sizes[1:], base, node) for part in thing]

    def constant(self, node: ast.ConstDeclaration) -> None:
        """Declare a constant."""
        type_ = self.type_of(node.type)
        self.independent(node.init, "a constant")
        value = self.machine.settled(self.expression(node.init))
        if isinstance(value, Dynamic) or (isinstance(value, Bits) and not value.is_known):
            raise Refused("a constant cannot depend on what is measured", node.init)
        if type_.kind == "bit" and type_.width is not None:
            self.machine.declare(node.name.name, self.machine.cast(type_, value))
            return
        made = self.machine.cast(type_, value)
        assert not isinstance(made, Bits)  # noqa: S101 - it has no width
        self.machine.declare(node.name.name, Constant(type_, made, -1))

    def input_or_output(self, node: ast.IODeclaration) -> None:
        """Bind an input, or declare an output."""
        type_, name = self.type_of(node.type), node.name.name
        if node.io is ast.IOKeyword.OUTPUT:
            if type_.kind != "bit":
                raise Refused(
                    "only bits and bit registers can be outputs here; counts hold bits", node
                )
            self.machine.new_bits(name, type_.width, is_output=True)
            return
        self.asked.add(name)
        if name not in self.inputs:
            raise Refused(f"no value is given for the input '{name}'", node)
        bound = self._input(type_, name, self.inputs[name])
        thing = bound if isinstance(bound, Bits) else Constant(type_, bound, -1)
        self.bound.append(thing)
        self.machine.declare(name, thing)

    def _input(self, type_: Type, name: str, value: Input) -> Value:
        taken = _TAKEN.get(type_.kind)
        if taken is None:
            raise Refused(
                f"the input '{name}' is {type_}; inputs are bits, booleans and real numbers"
            )
        if type(value) not in taken:
            given = _WORDS[type(value)]
            raise Refused(f"the input '{name}' is {type_}, and {given} is given for it")
        if type_.kind in ("int", "uint"):
            bound = converted(type_, value)
            if bound != value:
                raise Refused(f"{value} does not fit the input '{name}', which is {type_}")
            return bound
        if type_.kind == "bit":
            if not 0 <= value < 2 ** (type_.width or 1):
                raise Refused(f"{value} does not fit the input '{name}', which is {type_}")
            return self.machine.cast(type_, int(value))
        return converted(type_, value)

    def alias(self, node: ast.AliasDeclaration) -> None:
        """Give qubits, bits or an array a further name."""
        self.machine.declare(node.name.name, self.place(node.value))

    # --- assignments and measurements

    def assignment(self, node: ast.Assignment) -> None:
        """Assign, with an operator or without."""
        self._put(node.target, lambda target: self._assign_to(node, target))

    def _put(self, node: ast.Node, put: Callable[[Any], None]) -> None:
        """Put what comes into a place; bits of a number change by way of a register."""
        holder = self.number_holding(node)
        if holder is None:
            put(self.place(node))
            return
        type_ = holder.type
        bits = self.machine.new_element(Type("bit", type_.width))
        self.assign(bits, self.machine.settled(self.value(holder)))
        put(self.selected(bits, node.indices[-1], node))  # type: ignore[attr-defined]
        self.machine.store(holder, self.machine.cast(type_, self.value(bits)))

    def _assign_to(self, node: ast.Assignment, target: Any) -> None:  # noqa: ANN401
        if isinstance(node.value, ast.MeasureExpression) and node.op.binary is None:
            self._measure(self.operand(node.value.operand)[0], target, node)
            return
        if _is_array(target):
            self._copy(target, self.place(node.value))
            return
        value = self.expression(node.value)
        if node.op.binary is not None:
            value = self.operated(node.op.binary.value, self.value(target), value, node)
        self.assign(target, value)

    def _copy(self, target: object, source: object) -> None:
        """Assign an array, or a part of one, element by element."""
        cells, values = list(cells_of(target)), [self.value(cell) for cell in cells_of(source)]
        self.machine.step(len(cells) // SIZE_PER_STEP)
        if shape_of(target) != shape_of(source):
            raise Refused("an array can be assigned an array of the same shape only")
        for cell, value in zip(cells, values, strict=True):
            self.machine.store(cell, value)

    def assign(self, target: object, value: Value) -> None:
        """Assign a variable or a register."""
        machine = self.machine
        if isinstance(target, Constant):
            raise Refused("a constant, an input or a readonly array cannot be assigned")
        if isinstance(target, Cell):
            machine.store(target, value)
            return
        if not isinstance(target, list):
            raise Refused("this cannot be assigned; only variables and bits can")
        if not all(isinstance(cell, Cell) and cell.type.kind == "bit" for cell in target):
            raise Refused("an array cannot be assigned as a whole; assign its elements")
        bits = machine.cast(Type("bit", len(target)), machine.settled(value))
        assert isinstance(bits, Bits)  # noqa: S101 - it was cast
        if any(isinstance(machine.read(cell), Dynamic) for cell in target):
            # Bits may be made of bits that are assigned before: they are read first.
            bits = Bits(
                machine.materialised(cell, BOOL)
                if isinstance(cell, Dynamic) and cell.reads & machine.homes
                else cell
                for cell in bits.cells
            )
        for cell, bit in zip(target, bits.cells, strict=True):
            machine.store(cell, bit)

    def measurement(self, node: ast.MeasureStatement) -> None:
        """Measure, into bits or for the effect alone."""
        if not isinstance(node.measure, ast.MeasureExpression):
            value = self.call(node.measure)
            if node.target is not None:
                if value is None:
                    raise Refused(f"'{node.measure.name.name}' returns no value", node)
                self._put(node.target, lambda target: self.assign(target, value))
        elif node.target is not None:
            qubits, _ = self.operand(node.measure.operand)
            self._put(node.target, lambda target: self._measure(qubits, target, node))
        else:
            qubits, _ = self.operand(node.measure.operand)
            self.machine.measure(qubits, [Cell(BIT, 0, self.machine.level) for _ in qubits])

    def _measure(self, qubits: Sequence[int], target: object, node: ast.Node) -> None:
        cells = list(cells_of(target))
        if not cells or isinstance(target, Constant):
            raise Refused("a measurement can be stored in bits only", node)
        if any(cell.type.kind != "bit" for cell in cells):
            if isinstance(target, Cell):  # into a bool or a number, by way of bits
                self._measure_as_value(qubits, target)
                return
            raise Refused("a measurement can be stored in bits only", node)
        if len(cells) != len(qubits):
            name = "bit" if isinstance(target, Cell) else f"bit[{len(cells)}]"
            noun = "qubit" if len(qubits) == 1 else "qubits"
            raise Refused(f"cannot store the measurement of {len(qubits)} {noun} in {name}", node)
        self.machine.measure(qubits, cells)

    def _measure_as_value(self, qubits: Sequence[int], target: Cell) -> None:
        cells = [Cell(BIT, value=False, level=self.machine.level) for _ in qubits]
        self.machine.measure(qubits, cells)
        bits = Bits(map(self.machine.bit, cells))
        self.machine.store(target, bits if len(cells) > 1 else bits.cells[0])

    def reset(self, node: ast.Reset) -> None:
        """Reset qubits."""
        self.machine.emit(*(Reset(qubit) for qubit in self.operand(node.operand)[0]))


def _is_array(thing: object) -> bool:
    """Whether it is an array, or a part of one; a register of bits is none."""
    if not isinstance(thing, list):
        return False
    return any(not isinstance(one, Cell) or one.type.kind != "bit" for one in thing)
