"""Runs the statements of a parsed tree, each by its method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from openqasm import ast

from chalicelib.executors.openqasm.declarations import Declarations
from chalicelib.executors.openqasm.exits import Exit, Exits, Left
from chalicelib.executors.openqasm.gate_calls import Definition
from chalicelib.executors.openqasm.libraries import include
from chalicelib.executors.openqasm.places import POISON, SIZE_PER_STEP
from chalicelib.executors.openqasm.pragmas import run_pragma
from chalicelib.executors.openqasm.program import Barrier
from chalicelib.executors.openqasm.values import NameTaken, Refused


class Evaluator(Declarations):
    """Evaluates statements on a machine."""

    #: After one of these was refused, nothing else can be told.
    ends_at = (ast.Include,)

    def recover(self, statements: Sequence[ast.Statement]) -> None:
        """Go on after statements that were refused: their names are not complained of again."""
        self.frames.clear()
        self.depth, self.reads_reals = 0, False
        outer = self.machine.scopes[0]
        for node in statements:
            name = getattr(node, "name", None)
            if isinstance(node, _DECLARING) and isinstance(name, ast.Identifier):
                outer.setdefault(name.name, POISON)

    def run(self, statements: Sequence[ast.Statement]) -> Left:
        """Run statements in the innermost scope, up to an exit."""
        for at, node in enumerate(statements):
            self.machine.step()
            try:
                left = self._statement(node)
                if isinstance(left, Exits):
                    return self.after(left, statements[at + 1 :])
            except Refused as exc:
                if exc.node is None:
                    exc.node = getattr(node, "name", node) if isinstance(exc, NameTaken) else node
                raise
            except (OverflowError, ValueError) as exc:  # an integer that no float or text can hold
                raise Refused("a number here is too large", node) from exc
            if left is not None:
                return left
        return None

    def _statement(self, node: ast.Statement) -> Left:
        method = _METHODS.get(type(node))
        if method is None:
            what = _UNSUPPORTED.get(type(node), type(node).__name__)
            raise Refused(f"{what} cannot be executed here", node)
        left: Left = method(self, node)
        return left

    def gate_or_call(self, node: ast.GateCall) -> None:
        """Apply a gate, or call a subroutine that is written like one."""
        found = self.machine.find(node.name.name)
        is_subroutine = isinstance(found, Definition) and isinstance(
            found.node, ast.SubroutineDefinition
        )
        if is_subroutine and not node.modifiers:
            self.call(node)
        else:
            self.gate_call(node)

    def expression_statement(self, node: ast.ExpressionStatement) -> None:
        """Call a subroutine for its effect, or evaluate for nothing."""
        inner = node.expression
        if isinstance(inner, ast.FunctionCall) and self.machine.find(inner.name.name) is not None:
            self.call(inner)
        else:
            self.expression(inner)

    def definition(self, node: ast.GateDefinition | ast.SubroutineDefinition) -> None:
        """Keep a gate or a subroutine."""
        self.machine.declare(node.name.name, Definition(node, self.base))

    def barrier(self, node: ast.Barrier | ast.Nop | ast.Delay) -> None:
        """Keep the order; a delay changes no count."""
        qubits = [qubit for operand in node.operands for qubit in self.operand(operand)[0]]
        self.machine.step(len(qubits) // SIZE_PER_STEP)
        if isinstance(node, ast.Barrier):
            self.machine.emit(Barrier(tuple(dict.fromkeys(qubits))))


_DECLARING: Final = (
    ast.AliasDeclaration,
    ast.ClassicalDeclaration,
    ast.ConstDeclaration,
    ast.GateDefinition,
    ast.IODeclaration,
    ast.OpaqueDefinition,
    ast.QubitDeclaration,
    ast.SubroutineDefinition,
    ast.ExternDeclaration,
)
_UNSUPPORTED: Final[Mapping[type[Any], str]] = {
    ast.CalibrationBlock: "a calibration",
    ast.CalibrationDefinition: "a calibration",
    ast.ExternDeclaration: "an extern function",
}
_METHODS: Final[Mapping[type[Any], Callable[[Evaluator, Any], Any]]] = {
    ast.GateCall: Evaluator.gate_or_call,
    ast.GlobalPhase: Evaluator.phase_call,
    ast.MeasureStatement: Evaluator.measurement,
    ast.Assignment: Evaluator.assignment,
    ast.If: Evaluator.if_statement,
    ast.For: Evaluator.for_statement,
    ast.While: Evaluator.while_statement,
    ast.Switch: Evaluator.switch_statement,
    ast.Box: lambda ev, node: ev.block(node.body),
    ast.Block: lambda ev, node: ev.block(node.statements),
    ast.Break: lambda _, __: Exit("break"),
    ast.Continue: lambda _, __: Exit("continue"),
    ast.End: lambda _, __: Exit("end"),
    ast.Return: Evaluator.return_statement,
    ast.ClassicalDeclaration: Evaluator.declaration,
    ast.ConstDeclaration: Evaluator.constant,
    ast.IODeclaration: Evaluator.input_or_output,
    ast.QubitDeclaration: lambda ev, node: ev.machine.new_qubits(
        node.name.name, ev.size(node.size)
    ),
    ast.AliasDeclaration: Evaluator.alias,
    ast.GateDefinition: Evaluator.definition,
    ast.SubroutineDefinition: Evaluator.definition,
    ast.OpaqueDefinition: Evaluator.definition,
    ast.ExpressionStatement: Evaluator.expression_statement,
    ast.Reset: Evaluator.reset,
    ast.Barrier: Evaluator.barrier,
    ast.Delay: Evaluator.barrier,
    ast.Nop: Evaluator.barrier,
    ast.Include: lambda ev, node: include(ev.machine, node.filename),
    ast.Pragma: run_pragma,
    ast.CalibrationGrammar: lambda _, __: None,
}
