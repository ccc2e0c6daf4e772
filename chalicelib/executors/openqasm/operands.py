"""Looks for gates that are given one qubit twice, through loops, aliases and subroutines.

The simulator takes `cx q[i], q[0];` in a loop that passes 0, and counts wrongly. A program is gone
through as it runs, with qubits as numbers: loops with constant bounds pass each value, subroutines
are entered at each call, all branches are taken once. What depends on run-time values is unknown.
"""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from openqasm import ast, visitor
from openqasm.semantic.constants import (
    BUILTIN_CONSTANTS,
    BUILTIN_FUNCTIONS,
    CannotEvaluate,
    Evaluator,
    NotConstant,
)

from chalicelib.domain.validation import Finding
from chalicelib.executors.openqasm.semantics import finding_at

#: Statements that are gone through; beyond, what follows is unknown.
STEPS_MAX: Final = 200_000
#: Calls inside calls.
CALLS_MAX: Final = 32
#: Findings that are kept.
_FINDINGS_MAX: Final = 20

Qubits = tuple[int, ...]


class _TooLong(Exception):
    """The program is too long to be gone through."""


class Operands:
    """What was found in one program."""

    def __init__(self, program: ast.Program) -> None:
        """Go through the program."""
        self.repeated: dict[tuple[int | None, int | None], Finding] = {}
        #: The first place where it cannot be told, if there is one.
        self.unknown: Finding | None = None
        self._program = program
        self._steps = 0
        self._calls = 0
        #: By a statement's identity: a loop's body is gone through many times.
        self._calls_by_node: dict[int, tuple[ast.FunctionCall, ...]] = {}
        self._qubits = 0
        #: Names by block, innermost last: qubits, a constant's number, or None if not known.
        self._scopes: list[dict[str, Qubits | float | None]] = [{}]
        self._subroutines: dict[str, ast.SubroutineDefinition] = {}
        self._evaluator = Evaluator(self._constant, BUILTIN_FUNCTIONS)
        #: Of each qubit that a gate has joined to another, one that stands for its part.
        self._joined: dict[int, int] = {}
        with contextlib.suppress(_TooLong):
            self._visit_all(program.statements)

    @property
    def part(self) -> int:
        """How many qubits the largest part has that gates join, as far as is known."""
        sizes = collections.Counter(self._root(qubit) for qubit in self._joined)
        return max(sizes.values(), default=min(self._qubits, 1))

    # --- names ---

    def _constant(self, name: ast.Identifier) -> float:
        for scope in reversed(self._scopes):
            if name.name in scope:
                value = scope[name.name]
                if isinstance(value, int | float):
                    return value
                raise NotConstant(name)
        if name.name in BUILTIN_CONSTANTS:
            return BUILTIN_CONSTANTS[name.name]
        raise CannotEvaluate

    def _number(self, node: ast.Node | None) -> int | None:
        if node is None:
            return None
        try:
            return self._evaluator.integer(node)
        except (CannotEvaluate, NotConstant, ArithmeticError):
            return None

    @contextlib.contextmanager
    def _scope(self) -> Iterator[dict[str, Qubits | float | None]]:
        self._scopes.append({})
        yield self._scopes[-1]
        self._scopes.pop()

    # --- operands ---

    def _resolve(self, node: ast.Node) -> Qubits | None:
        """Return the qubits that an operand names, or None if that is not known."""
        if isinstance(node, ast.HardwareQubit):
            return (-1 - node.index,)
        if isinstance(node, ast.Identifier):
            found = next(
                (scope[node.name] for scope in reversed(self._scopes) if node.name in scope), None
            )
            return found if isinstance(found, tuple) else None
        if isinstance(node, ast.IndexedIdentifier):
            qubits = self._resolve(node.name)
            for index in node.indices:
                qubits = self._select(qubits, index)
            return qubits
        if isinstance(node, ast.IndexExpression):
            return self._select(self._resolve(node.collection), node.index)
        if isinstance(node, ast.Concatenation):
            left, right = self._resolve(node.lhs), self._resolve(node.rhs)
            return None if left is None or right is None else left + right
        return None

    def _select(self, qubits: Qubits | None, index: ast.Index) -> Qubits | None:
        if qubits is None:
            return None
        if isinstance(index, ast.DiscreteSet):
            numbers: Sequence[int | None] | None = [self._number(value) for value in index.values]
        elif len(index) == 1 and isinstance(index[0], ast.Range):
            numbers = self._range(index[0], len(qubits))
        else:
            numbers = [self._number(element) for element in index]
        if numbers is None:
            return None
        selected = []
        for number in numbers:
            if number is None or not -len(qubits) <= number < len(qubits):
                return None
            selected.append(qubits[number])
        return tuple(selected)

    def _range(self, node: ast.Range, size: int | None) -> Sequence[int] | None:
        """Return the numbers of a range, whose end is included."""
        step = 1 if node.step is None else self._number(node.step)
        start = 0 if node.start is None and size is not None else self._number(node.start)
        end = self._number(node.end)
        if node.end is None and size is not None:
            end = size - 1
        if start is None or end is None or not step:
            return None
        if size is not None:
            start, end = (n + size if n < 0 else n for n in (start, end))
        return range(start, end + (1 if step > 0 else -1), step)

    def _check(self, node: ast.Node, what: str, operands: Sequence[ast.Node]) -> None:
        """Check that the operands of one gate are different qubits."""
        if len(operands) < 2:  # noqa: PLR2004 - a pair
            return
        resolved = [self._resolve(operand) for operand in operands]
        known = [qubits for qubits in resolved if qubits is not None]
        if len(known) < len(resolved):
            message = f"it cannot be told whether {what} is given different qubits here"
            self._unknown_at(node, f"{message}; write the indices as constants")
        length = max((len(qubits) for qubits in known), default=0)
        for at in range(length):
            row = [
                qubits[at if len(qubits) > 1 else 0]
                for qubits in known
                if len(qubits) in (1, length)
            ]
            if len(set(row)) < len(row):
                self._repeat(node, what)
                return
            for qubit in row[1:]:
                self._joined[self._root(qubit)] = self._root(row[0])

    def _root(self, qubit: int) -> int:
        """Return what stands for the qubit's part; the way to it is made shorter."""
        while self._joined.setdefault(qubit, qubit) != qubit:
            self._joined[qubit] = self._joined[self._joined[qubit]]
            qubit = self._joined[qubit]
        return qubit

    def _repeat(self, node: ast.Node, what: str) -> None:
        finding = finding_at(node, f"{what}: the same qubit is used more than once")
        if len(self.repeated) < _FINDINGS_MAX:
            self.repeated.setdefault((finding.line, finding.column), finding)

    def _unknown_at(self, node: ast.Node, message: str) -> None:
        if self.unknown is None:
            self.unknown = finding_at(node, message)

    # --- statements ---

    def _visit_all(self, statements: Sequence[ast.Statement]) -> None:
        for statement in statements:
            self._steps += 1
            if self._steps > STEPS_MAX:
                message = f"the circuit is too long to be checked beyond {STEPS_MAX:,} steps"
                self._unknown_at(statement, message)
                raise _TooLong
            for call in self._calls_of(statement):
                self._call(call, call.name.name, call.arguments)
            self._visit(statement)

    def _visit(self, node: ast.Statement) -> None:
        if isinstance(node, ast.GateCall) and node.name.name not in self._subroutines:
            self._check(node, f"gate '{node.name.name}'", node.qubits)
        elif isinstance(node, ast.GateCall):
            self._call(node, node.name.name, [*node.arguments, *node.qubits])
        elif isinstance(node, ast.GlobalPhase):
            self._check(node, "gphase", node.qubits)
        elif isinstance(node, ast.For):
            self._loop(node)
        elif isinstance(node, ast.SubroutineDefinition):
            self._subroutines[node.name.name] = node
        elif isinstance(node, ast.If):
            self._visit_blocks(node.then_body, node.else_body)
        elif isinstance(node, ast.While | ast.Box):
            self._visit_blocks(node.body)
        elif isinstance(node, ast.Block):
            self._visit_blocks(node.statements)
        elif isinstance(node, ast.Switch):
            self._visit_blocks(*(case.body for case in node.cases), node.default or [])
        else:
            self._declare(node)

    def _visit_blocks(self, *blocks: Sequence[ast.Statement]) -> None:
        for block in blocks:
            with self._scope():
                self._visit_all(block)

    def _declare(self, node: ast.Statement) -> None:
        scope = self._scopes[-1]
        if isinstance(node, ast.QubitDeclaration):
            size = 1 if node.size is None else self._number(node.size)
            scope[node.name.name] = tuple(range(self._qubits, self._qubits + (size or 0)))
            self._qubits += size or 0
        elif isinstance(node, ast.AliasDeclaration):
            scope[node.name.name] = self._resolve(node.value)
        elif isinstance(node, ast.ConstDeclaration):
            scope[node.name.name] = self._constant_value(node)
        elif isinstance(node, ast.ClassicalDeclaration):
            scope[node.name.name] = None

    def _constant_value(self, node: ast.ConstDeclaration) -> float | None:
        try:
            value = self._evaluator(node.init)
        except (CannotEvaluate, NotConstant, ArithmeticError):
            return None
        if not isinstance(value, int | float):
            return None
        return int(value) if isinstance(node.type, ast.IntType | ast.UintType) else value

    def _loop(self, node: ast.For) -> None:
        numbers: Sequence[int | None] | None = None
        if isinstance(node.iterable, ast.Range):
            numbers = self._range(node.iterable, None)
        elif isinstance(node.iterable, ast.DiscreteSet):
            numbers = [self._number(value) for value in node.iterable.values]
        for number in [None] if numbers is None else numbers:
            with self._scope() as scope:
                scope[node.variable.name] = number
                self._visit_all(node.body)

    def _calls_of(self, node: ast.Statement) -> Sequence[ast.FunctionCall]:
        """Return the calls in a statement's own expressions: condition, value, range, angles."""
        calls = self._calls_by_node.get(id(node))
        if calls is None:
            calls = self._calls_by_node[id(node)] = tuple(_calls_in(node))
        return calls

    def _call(self, node: ast.Node, name: str, arguments: Sequence[ast.Node]) -> None:
        definition = self._subroutines.get(name)
        if definition is None:
            return
        if self._calls >= CALLS_MAX:
            self._unknown_at(node, f"calls inside calls are checked {CALLS_MAX} deep, not deeper")
            return
        bound: dict[str, Qubits | float | None] = {}
        for parameter, argument in zip(definition.arguments, arguments, strict=False):
            is_qubit = isinstance(parameter, ast.QuantumArgument)
            given = self._resolve(argument) if is_qubit else self._number(argument)
            bound[parameter.name.name] = given
        outer, self._scopes = self._scopes, [self._scopes[0], bound]
        self._calls += 1
        self._visit_all(definition.body)
        self._calls -= 1
        self._scopes = outer


def _calls_in(node: ast.Node) -> Iterator[ast.FunctionCall]:
    """Find calls, those in arguments first. Statements inside, such as a loop's, are left out."""
    for child in visitor.iter_children(node):
        if not isinstance(child, ast.Statement):
            yield from _calls_in(child)
            if isinstance(child, ast.FunctionCall):
                yield child
