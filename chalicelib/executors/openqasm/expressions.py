"""Expressions of the parsed tree: what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import openqasm
from openqasm import ast

from chalicelib.executors.openqasm import functions
from chalicelib.executors.openqasm.arithmetic import SHIFTS, binary, common_type, unary
from chalicelib.executors.openqasm.bitwise import binary_bits, number
from chalicelib.executors.openqasm.cells import Cell, Qubits
from chalicelib.executors.openqasm.machine import Machine
from chalicelib.executors.openqasm.places import POISON, SIZE_PER_STEP, Places
from chalicelib.executors.openqasm.values import (
    BOOL,
    PLAIN,
    Bits,
    Dynamic,
    Known,
    Poisoned,
    Refused,
    Type,
    Value,
    negated,
    truth,
    type_of,
)

_OPENQASM_2: Final = 2
#: Of a power of what is measured, which is written out.
EXPONENT_MAX: Final = 64
MAY_BE_ZERO: Final = "a run in which this divides by zero may fail; only measurements tell"


class Expressions(Places):
    """Evaluates expressions on a machine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        #: Whether integers are read as reals: in the parameters of OpenQASM 2.
        self.reads_reals = False
        #: Where the statement under way begins in the text: lines before it, and columns.
        self.base = (0, 0)
        #: Messages that are no errors, each once with its place.
        self.warnings: dict[tuple[str, int], tuple[ast.Node, tuple[int, int]]] = {}

    def warn(self, message: str, node: ast.Node) -> None:
        """Say something that is no error."""
        self.warnings[message, id(node)] = node, self.base

    def branch(
        self,
        condition: bool | Dynamic,  # noqa: FBT001
        then: Callable[[], Any],
        otherwise: Callable[[], Any],
        changed: Sequence[ast.Node],
    ) -> object:
        """Run either of two bodies, as a condition says that only the run knows: `Flow` does."""
        raise NotImplementedError

    def call(self, node: ast.FunctionCall | ast.QuantumCall) -> Value | None:
        """Call a subroutine of the program: `Subroutines` does."""
        raise NotImplementedError

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

    def _expression(self, node: ast.Node) -> Value:  # noqa: C901, PLR0911, PLR0912 - each kind
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
        return self.value(self.named(name))

    def value(self, thing: object) -> Value:
        """Return what a place holds."""
        if isinstance(thing, Cell):
            return self.machine.read(thing)
        if isinstance(thing, list):
            if thing and isinstance(thing[0], Cell) and thing[0].type.kind == "bit":
                self.machine.step(len(thing) // SIZE_PER_STEP)
                return Bits(self.machine.bit(cell) for cell in thing)
            raise Refused("an array is no value; name one of its elements, as in a[0]")
        if isinstance(thing, int | float | complex | Bits | Dynamic):
            return thing
        if thing is POISON:
            raise Poisoned("refused before")
        if isinstance(thing, Qubits):
            raise Refused("a qubit has no value; measure it first")
        raise Refused("a gate or a subroutine is no value")

    def _binary(self, node: ast.BinaryExpression) -> Value:
        op = node.op.value
        left = self.expression(node.lhs)
        if op in ("&&", "||"):
            first = truth(self.machine.settled(left))
            if not isinstance(first, Dynamic) and first == (op == "||"):
                return first
            if isinstance(first, Dynamic) and self._calls(node.rhs):
                return self._lazily(op, first, node.rhs)
            return binary(op, first, truth(self.machine.settled(self.expression(node.rhs))))
        return self._literal(self.operated(op, left, self.expression(node.rhs), node))

    def _calls(self, node: ast.Node) -> bool:
        """Whether an expression calls a subroutine, which may measure or assign."""
        return any(
            isinstance(part, ast.FunctionCall | ast.QuantumCall)
            and self.machine.find(part.name.name) is not None
            for part in openqasm.walk(node)
        )

    def _lazily(self, op: str, first: Dynamic, rest: ast.Node) -> Value:
        """Evaluate the right side only in runs in which the left one does not decide."""
        machine, cell = self.machine, Cell(BOOL, op == "||", self.machine.level)
        machine.spill({cell: False})
        condition = first if op == "&&" else negated(first)
        self.branch(
            condition, lambda: machine.store(cell, self.expression(rest)), lambda: None, [rest]
        )
        return machine.read(cell)

    def operated(self, op: str, left: Value, right: Value, node: ast.Node) -> Value:
        """Return what an operator makes of two values, in their common type."""
        made = binary_bits(op, left, right)
        if made is not None:
            return made
        first, second = number(left), number(right)
        if op in ("/", "%") and isinstance(second, Dynamic) and second.low <= 0 <= second.high:
            self.warn(MAY_BE_ZERO, node)
        if op == "**" and isinstance(first, Dynamic) and type(second) is int and second > 0:
            return self._product(first, second, node)
        if op in SHIFTS or op == "**":
            return binary(op, self._settled(first), self._settled(second))
        type_ = common_type(type_of(first), type_of(second))
        return binary(op, self._settled(first, type_), self._settled(second, type_))

    def _product(self, base: Dynamic, exponent: int, node: ast.Node) -> Value:
        """Return a power of what is measured as a product, which wraps as it goes."""
        if exponent > EXPONENT_MAX:
            raise Refused(f"a power of what is measured goes up to {EXPONENT_MAX}")
        type_ = common_type(base.type, PLAIN)
        factor = self.machine.settled(base)
        if type_ is not None and type_.width is not None:
            factor = self.machine.cast(type_, factor)
        made = factor
        for _ in range(exponent - 1):
            made = self.operated("*", made, factor, node)
        return made

    def _settled(self, value: Known | Dynamic, type_: Type | None = None) -> Known | Dynamic:
        made = self.machine.settled(value, type_)
        assert not isinstance(made, Bits)  # noqa: S101 - a number stays one
        return made

    def _measured(self, node: ast.MeasureExpression) -> Value:
        qubits, is_register = self.operand(node.operand)
        cells = [Cell(Type("bit"), 0, self.machine.level) for _ in qubits]
        self.machine.measure(qubits, cells)
        bits = Bits(self.machine.bit(cell) for cell in cells)
        return bits if is_register else bits.cells[0]

    def _function(self, node: ast.FunctionCall) -> Value:
        name = node.name.name
        if self.machine.find(name) is not None:
            return self._result_of(node)
        if name == "sizeof" and self.machine.version != _OPENQASM_2:
            return self._size_of(node)
        functions.known(name, version=self.machine.version)
        values = [self.machine.settled(self.expression(one)) for one in node.arguments]
        if name == "pow" and len(values) == 2:  # noqa: PLR2004
            return self.operated("**", values[0], values[1], node)
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


def _kind(node: ast.Node) -> str:
    return {"ArrayLiteral": "an array", "HardwareQubit": "a qubit"}.get(type(node).__name__, "this")
