"""Subroutines called: each call runs the body again, on its own variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openqasm import ast

from chalicelib.executors.openqasm.cells import Constant, Qubits, shape_of
from chalicelib.executors.openqasm.exits import Exit, Exits, Frame
from chalicelib.executors.openqasm.gate_calls import Definition
from chalicelib.executors.openqasm.loops import Loops
from chalicelib.executors.openqasm.places import SIZE_PER_STEP
from chalicelib.executors.openqasm.standard_gates import Standard
from chalicelib.executors.openqasm.values import BOOL, Bits, Refused, Value


class Subroutines(Loops):
    """Calls subroutines."""

    def call(self, node: ast.FunctionCall | ast.QuantumCall | ast.GateCall) -> Value | None:
        """Call a subroutine and return its value, if it has one."""
        name = node.name.name
        definition = self.machine.find(name)
        is_one = isinstance(definition, Definition)
        if not is_one or not isinstance(definition.node, ast.SubroutineDefinition):
            raise Refused(f"'{name}' is no subroutine", node)
        arguments: list[ast.Node] = [*node.arguments]
        if isinstance(node, ast.QuantumCall):
            arguments += node.operands
        elif isinstance(node, ast.GateCall):
            arguments += node.qubits
        wanted = definition.node.arguments
        if len(arguments) != len(wanted):
            message = f"'{name}' takes {len(wanted)} arguments, not {len(arguments)}"
            raise Refused(message, node)
        given = [
            self._argument(parameter, argument)
            for parameter, argument in zip(wanted, arguments, strict=True)
        ]
        qubits = [q for value in given if isinstance(value, Qubits) for q in value.numbers]
        if len(set(qubits)) < len(qubits):
            raise Refused(f"'{name}': the same qubit is used more than once in this call", node)
        return self._called_with(node, definition, given)

    def _argument(self, parameter: ast.Node, argument: ast.Node) -> Any:  # noqa: ANN401
        if isinstance(parameter, ast.QuantumArgument):
            numbers, is_register = self.operand(argument)
            return Qubits(numbers, is_register=is_register)
        assert isinstance(parameter, ast.ClassicalArgument)  # noqa: S101 - there are two kinds
        if isinstance(parameter.type, ast.ArrayReferenceType):
            return self._array_reference(parameter.type, self.place(argument), argument)
        return self.machine.settled(self.expression(argument))

    def _array_reference(self, type_: ast.ArrayReferenceType, thing: object, node: ast.Node) -> Any:  # noqa: ANN401
        """Return an array as a subroutine gets it: `readonly` as constants."""
        shape = shape_of(thing)
        if type_.rank is not None:
            fits = self.integer(type_.rank) == len(shape)
        else:
            sizes = [self.size(one) for one in type_.dimensions or ()]
            fits = sizes == shape[: len(sizes)]
        if not shape or not fits:
            given = f"an array of {' x '.join(map(str, shape))}" if shape else "no array"
            raise Refused(f"this is {given}, which the subroutine does not take", node)
        return thing if type_.access is ast.AccessControl.MUTABLE else self._readonly(thing)

    def _readonly(self, thing: Any) -> Any:  # noqa: ANN401
        if isinstance(thing, list):
            self.machine.step(1 + len(thing) // SIZE_PER_STEP)
            return [self._readonly(part) for part in thing]
        is_set = thing.value is not None or thing.memory is not None
        value = self.machine.frozen(self.machine.read(thing), thing.type) if is_set else None
        return Constant(thing.type, value, -1)  # type: ignore[arg-type]

    def _called_with(
        self, node: ast.Node, definition: Definition, given: Sequence[Any]
    ) -> Value | None:
        machine, body = self.machine, definition.node
        scopes = machine.scopes
        seen = (Constant, Standard, Qubits, Bits, Definition)
        outer = {name: thing for name, thing in scopes[0].items() if isinstance(thing, seen)}
        with self.called(node, definition):
            machine.scopes = [outer, {}]
            try:
                for parameter, value in zip(body.arguments, given, strict=True):
                    self._bind(parameter, value, node)
                returns = None if body.return_type is None else self.type_of(body.return_type)
                frame = Frame(machine, ("return",), returns)
                self.frames.append(frame)
                try:
                    left = self.run(body.body)
                finally:
                    self.frames.pop()
                return self._result(frame, left, body.name.name, node)
            finally:
                machine.scopes = scopes

    def _bind(self, parameter: ast.Node, value: Any, node: ast.Node) -> None:  # noqa: ANN401
        machine = self.machine
        if isinstance(parameter, ast.QuantumArgument):
            size = self.size(parameter.size)
            if len(value.numbers) != (size or 1):
                message = f"{len(value.numbers)} qubits are given for {size or 1}"
                raise Refused(message, node)
            thing: Any = Qubits(value.numbers, is_register=size is not None)
        else:
            assert isinstance(parameter, ast.ClassicalArgument)  # noqa: S101
            thing = value
            if not isinstance(parameter.type, ast.ArrayReferenceType):
                thing = machine.new_element(self.type_of(parameter.type))
                self.assign(thing, value)
        machine.declare(parameter.name.name, thing)

    def _result(
        self, frame: Frame, left: Exit | Exits | None, name: str, node: ast.Node
    ) -> Value | None:
        result: Value | None = None
        if isinstance(left, Exit) and left.kind == "return":
            result = left.value
        elif isinstance(left, Exits):
            if set(left.names.values()) - {"return"}:
                raise Refused("an 'end' here depends on what is measured; it cannot be told", node)
            result = frame.result_read() if left.is_certain else None
        elif isinstance(left, Exit):
            raise Refused("'end' in a subroutine; end the program outside of it", node)
        if frame.returns is not None and result is None:
            raise Refused(f"'{name}' returns no value here; end it with a return", node)
        return result

    def return_statement(self, node: ast.Return) -> Exit:
        """Return from a subroutine, with a value of its type."""
        frame = next((f for f in reversed(self.frames) if "return" in f.kinds), None)
        if frame is None:
            raise Refused("'return' stands outside of a subroutine", node)
        if node.value is None:
            return Exit("return")
        if frame.returns is None:
            raise Refused("this subroutine has no type to return; declare it with ->", node)
        value = self.machine.cast(frame.returns, self.expression(node.value))
        type_ = BOOL if frame.returns.kind == "bit" else frame.returns
        return Exit("return", self.machine.frozen(value, type_))
