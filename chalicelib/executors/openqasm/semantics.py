"""The analyser of the `openqasm` package, and what it leaves to implementations.

Only a child process imports this: `openqasm` recurses, and computes whatever a constant says.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import openqasm
from openqasm import ast
from openqasm.semantic import types
from openqasm.semantic.analyzer import Symbol, _Analyzer

from chalicelib.domain.validation import Finding, Severity
from chalicelib.executors.openqasm.dialect import TreeEdit

_STANDARD_INCLUDE: Final = "stdgates.inc"
_STANDARD_INCLUDES: Final = ("stdgates.inc", "qelib1.inc")


class Semantics(msgspec.Struct, frozen=True, kw_only=True):
    """What the analyser found."""

    findings: tuple[Finding, ...]
    #: What the simulator must be given in other words: integers where it would not truncate, and
    #: a body for gates without one.
    edits: tuple[TreeEdit, ...]


def check(program: ast.Program) -> Semantics:
    """Check a parsed program against the rules of the language and of this service."""
    checker = _Checker(program)
    checker.run()
    findings = [_finding(error) for error in checker.errors]
    findings += checker.own_findings
    findings.sort(key=lambda finding: (finding.line or 0, finding.column or 0))
    return Semantics(findings=tuple(findings), edits=tuple(checker.edits.items()))


def finding_at(node: ast.Node, message: str, severity: Severity = Severity.ERROR) -> Finding:
    """Return a finding about a node of the program."""
    span = node.span
    return Finding(
        severity=severity,
        message=message,
        line=span.start_line if span else None,
        column=span.start_column + 1 if span else None,
    )


def _finding(error: openqasm.QasmError) -> Finding:
    column = None if error.column is None else error.column + 1
    return Finding(message=error.message, line=error.line, column=column)


class _Checker(_Analyzer):
    """Adds what a simulator must know: where integers are divided, what has no meaning here."""

    def __init__(self, program: ast.Program) -> None:
        super().__init__(program, None, ())
        self.own_findings: list[Finding] = []
        self.edits: dict[ast.Span, str] = {}
        self._types: dict[int, types.Type] = {}
        self._standard_gates = _standard_gates()
        self._gates_with_phase: set[str] = set()

    def refuse(self, node: ast.Node, message: str) -> None:
        """Note an error found here."""
        if not self._in_library:
            self.own_findings.append(finding_at(node, message))

    def _type_of(self, node: ast.Node) -> types.Type:
        result = super()._type_of(node)
        self._types[id(node)] = result
        return result

    def binary_type(self, node: ast.BinaryExpression) -> types.Type:
        """Find divisions of integers, which truncate in OpenQASM 3 and not in OpenQASM 2."""
        result = super().binary_type(node)
        sides = [self._types.get(id(side)) for side in (node.lhs, node.rhs)]
        whole = all(isinstance(side, types.Int | types.Bit | types.Bool) for side in sides)
        if node.op is ast.BinaryOperator.DIVIDE and self.evaluate(node.rhs) == 0:
            self.refuse(node, "this divides by zero")
        elif node.op is ast.BinaryOperator.DIVIDE and whole and not self.openqasm2:
            self._truncate(node, self.evaluate(node))
        return result

    def _truncate(self, node: ast.Node, value: object) -> None:
        if isinstance(value, int) and node.span is not None and not self._in_library:
            self.edits[node.span] = f"({int(value)})"
        elif not isinstance(value, int):
            self.refuse(
                node,
                "a quotient of integers is an integer in OpenQASM 3, which cannot be told here;"
                " write one of them as a float, as in n/2.0",
            )

    def statement_Include(self, node: ast.Include) -> None:  # noqa: N802 - as there
        """Take the standard gates as they were read before: that is most of a small circuit's time.

        Only where nothing is declared yet, so that nothing can be in their way.
        """
        is_known = node.filename in _STANDARD_INCLUDES
        if is_known and not self.includes and self.scope is self.globals and not list(self.globals):
            self.includes.append(node.filename)
            symbols = _symbols_of(node.filename, openqasm2=self.openqasm2)
            self.globals.symbols.update(symbols)
            return
        # A further include may change what is there, which others have too.
        self.globals.symbols.update({symbol.name: copy.copy(symbol) for symbol in self.globals})
        super().statement_Include(node)

    def statement_ConstDeclaration(self, node: ast.ConstDeclaration) -> None:  # noqa: N802 - as there
        """Find integers that are made of other numbers."""
        super().statement_ConstDeclaration(node)
        self._check_integer(node.type, node.init)

    def statement_ClassicalDeclaration(self, node: ast.ClassicalDeclaration) -> None:  # noqa: N802
        """Find integers that are made of other numbers, and registers that begin with a value."""
        super().statement_ClassicalDeclaration(node)
        self._check_integer(node.type, node.init)
        if isinstance(node.type, ast.BitType) and isinstance(node.init, ast.Expression):
            message = "a bit register cannot begin with a value here; it begins with zeros"
            self.refuse(node.init, message)

    def statement_Assignment(self, node: ast.Assignment) -> None:  # noqa: N802 - as there
        """Find bits that are set by anything but a measurement."""
        super().statement_Assignment(node)
        name = node.target.name if isinstance(node.target, ast.IndexedIdentifier) else node.target
        symbol, _ = self.lookup(name.name)
        is_bits = symbol is not None and isinstance(symbol.type, types.Bit)
        if is_bits and not isinstance(node.value, ast.MeasureExpression | ast.FunctionCall):
            self.refuse(node, "bits can be set by measurements only here; use an int or a bool")

    def _check_integer(self, declared: ast.Node, value: ast.Node | None) -> None:
        found = self._types.get(id(value))
        if isinstance(declared, ast.IntType | ast.UintType) and isinstance(found, types.Float):
            assert value is not None  # noqa: S101 - it has a type
            number = self.evaluate(value)
            self._truncate(value, int(number) if isinstance(number, float) else None)

    def statement_GateCall(self, node: ast.GateCall) -> None:  # noqa: N802 - as there
        """Take standard gates from where they are defined, if a circuit has forgotten to."""
        name = node.name.name
        symbol, _ = self.lookup(name)
        before = len(self.errors)
        super().statement_GateCall(node)
        self._check_controlled_phase(node)
        if symbol is None and name in self._standard_gates:
            undefined = f"undefined gate '{name}'"
            self.errors[before:] = [e for e in self.errors[before:] if e.message != undefined]
            message = f'gate {name!r} is taken from "{_STANDARD_INCLUDE}", which is not included'
            self.own_findings.append(finding_at(node, message, Severity.WARNING))

    def _check_controlled_phase(self, node: ast.GateCall) -> None:
        controls = (ast.GateModifierKind.CTRL, ast.GateModifierKind.NEGCTRL)
        is_controlled = any(modifier.kind in controls for modifier in node.modifiers)
        if is_controlled and node.name.name in self._gates_with_phase:
            message = (
                "a gate that has a gphase inside cannot be controlled here; write it as p or rz"
            )
            self.refuse(node, message)

    def statement_GateDefinition(self, node: ast.GateDefinition) -> None:  # noqa: N802 - as there
        """Remember gates that have a phase inside, or another gate that has."""
        super().statement_GateDefinition(node)
        inside = {call.name.name for call in node.body if isinstance(call, ast.GateCall)}
        has_phase = any(isinstance(statement, ast.GlobalPhase) for statement in node.body)
        if not self._in_library and (has_phase or inside & self._gates_with_phase):
            self._gates_with_phase.add(node.name.name)
        if not self._in_library and not node.body and node.span is not None:
            end = node.span
            brace = ast.Span(end.end_line, end.end_column - 1, end.end_line, end.end_column - 1)
            self.edits[brace] = f" U(0, 0, 0) {node.qubits[0].name}; "

    def _unsupported(self, node: ast.Node, what: str) -> None:
        self.refuse(node, f"{what} cannot be executed here")

    def statement(self, node: ast.Statement) -> None:
        """Check one statement; those without a meaning here are named."""
        what = _UNSUPPORTED.get(type(node))
        if what is not None:
            self._unsupported(node, what)
        super().statement(node)


_UNSUPPORTED: Final[dict[type[Any], str]] = {
    ast.CalibrationBlock: "a calibration",
    ast.CalibrationDefinition: "a calibration",
    ast.End: "'end'",
    ast.ExternDeclaration: "an extern function",
    ast.OpaqueDefinition: "an opaque gate, which has no definition,",
}


@functools.cache
def _symbols_of(include: str, *, openqasm2: bool) -> Mapping[str, Symbol]:
    version = "2.0" if openqasm2 else "3.0"
    program = openqasm.parse(f'OPENQASM {version};\ninclude "{include}";\n')
    return {symbol.name: symbol for symbol in openqasm.analyze(program).globals}


@functools.cache
def _standard_gates() -> frozenset[str]:
    included = openqasm.parse(f'include "{_STANDARD_INCLUDE}";')
    gates = openqasm.analyze(included).globals
    return frozenset(symbol.name for symbol in gates if symbol.kind.value == "gate")
