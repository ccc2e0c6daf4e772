"""Conditions and loops: run at once where they are known, else made bodies of the program."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import openqasm
from openqasm import ast

from chalicelib.executors.openqasm.cells import Cell, Qubits, cells_of
from chalicelib.executors.openqasm.exits import Exit, Exits, Frame, Left
from chalicelib.executors.openqasm.gate_calls import Gates
from chalicelib.executors.openqasm.machine import Machine
from chalicelib.executors.openqasm.program import If
from chalicelib.executors.openqasm.values import (
    Bits,
    Dynamic,
    Refused,
    Type,
    Value,
    joined,
    truth,
)

#: Turns of a loop that a measurement may leave: each stands in the one before.
TURNS_THAT_LEAVE_MAX: Final = 100
#: Cases of a switch over what is measured: each stands in the one before.
CASES_MAX: Final = 100


class Flow(Gates):
    """Runs conditions and loops."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.frames: list[Frame] = []
        self._assigned: dict[tuple[int, ...], tuple[dict[str, bool], object]] = {}

    def assign(self, target: object, value: Value) -> None:
        """Assign a variable or a register: `Declarations` does."""
        raise NotImplementedError

    def block(self, statements: Sequence[ast.Statement]) -> Left:
        """Run statements in a scope of their own."""
        self.machine.scopes.append({})
        try:
            left: Left = self.run(statements)
            return left
        finally:
            self.machine.scopes.pop()

    def condition(self, node: ast.Expression) -> bool | Dynamic:
        """Return a condition."""
        return truth(self.machine.settled(self.expression(node)))

    def branch(
        self,
        condition: bool | Dynamic,  # noqa: FBT001
        then: Callable[[], Left],
        otherwise: Callable[[], Left],
        changed: Sequence[ast.Node],
    ) -> Exits | None:
        """Run either of two bodies, as a condition says that only the run knows."""
        machine = self.machine
        machine.spill(self.assigned(changed))
        outer, exits, bodies = machine.operations, Exits(), []
        exits.is_certain = True
        machine.level += 1
        for body in (then, otherwise):
            machine.operations = []
            left = body()
            if isinstance(left, Exits):
                exits.names |= left.names
                exits.is_certain &= left.is_certain
            elif left is not None:
                exits.names[self.flag(left)] = left.kind
            else:
                exits.is_certain = False
            bodies.append(tuple(machine.operations))
        machine.level -= 1
        machine.operations = outer
        if bodies[0] or bodies[1]:
            machine.emit(If(machine.weighed(condition), bodies[0], bodies[1]))
        return exits if exits.names else None

    def flag(self, left: Exit) -> str:
        """Set the flag of an exit that may be taken."""
        frame = next((f for f in reversed(self.frames) if left.kind in f.kinds), None)
        if frame is None:
            raise Refused(
                f"'{left.kind}' depends here on what is measured; put what follows under the"
                " contrary condition"
            )
        return frame.flag(left)

    def after(self, exits: Exits, rest: Sequence[ast.Statement]) -> Exits:
        """Run what is left of a block unless one of its exits was taken."""
        if rest:
            more = self.branch(exits.none_taken(), lambda: self.run(rest), _taken, rest)
            if more is not None:
                exits.names |= more.names
                exits.is_certain |= more.is_certain
        return exits

    def left_of(self, frame: Frame, left: Left) -> Left:
        """Return what is left of an exit outside of the frame that it may lead to."""
        if isinstance(left, Exits):
            names = left.names.items()
            left.names = {name: kind for name, kind in names if kind not in frame.kinds}
            left.is_certain &= len(left.names) == len(names)
            return left if left.names else None
        return None if left is None or left.kind in frame.kinds else left

    def assigned(self, statements: Sequence[ast.Node]) -> dict[Cell, bool]:
        """Return the cells that statements may assign, each with whether only measurements do."""
        key = tuple(map(id, statements))
        if key not in self._assigned:
            names: dict[str, bool] = {}
            for statement in statements:
                for node in openqasm.walk(statement):
                    _note(node, names)
            self._assigned[key] = names, statements
        cells: dict[Cell, bool] = {}
        for name, is_measured in self._assigned[key][0].items():
            found = self.machine.find(name)
            for cell in cells_of(found):
                only = is_measured and cell.type.kind == "bit"
                cells[cell] = cells.get(cell, True) and only
        return cells

    # --- statements

    def if_statement(self, node: ast.If) -> Left:
        """Run one of two bodies."""
        condition = self.condition(node.condition)
        if isinstance(condition, Dynamic):
            return self.branch(
                condition,
                lambda: self.block(node.then_body),
                lambda: self.block(node.else_body),
                [*node.then_body, *node.else_body],
            )
        return self.block(node.then_body if condition else node.else_body)

    def switch_statement(self, node: ast.Switch) -> Left:
        """Run the first case that holds."""
        value = self.machine.settled(self.expression(node.target))
        rest = list(node.default or [])
        bodies = [case.body for case in node.cases]

        def case(at: int, depth: int) -> Left:
            if at == len(node.cases):
                return self.block(rest)
            if depth > CASES_MAX:
                raise Refused(f"a switch over what is measured has more than {CASES_MAX} cases")
            values = [
                self.operated("==", value, self.expression(one), one)
                for one in node.cases[at].values
            ]
            holds = joined("||", (truth(one) for one in values), empty=False)
            if not isinstance(holds, Dynamic):
                return self.block(bodies[at]) if holds else case(at + 1, depth)
            changed = [statement for body in bodies[at:] for statement in body] + rest
            return self.branch(
                holds, lambda: self.block(bodies[at]), lambda: case(at + 1, depth + 1), changed
            )

        return case(0, 0)

    def for_statement(self, node: ast.For) -> Left:
        """Run a body for each value."""
        iterable = node.iterable
        type_ = self.type_of(node.type)
        values: Sequence[Any]
        if isinstance(iterable, ast.Range):
            reals = self._float_range(iterable, type_)
            values = self.range_of(iterable) if reals is None else reals
        elif isinstance(iterable, ast.DiscreteSet):
            values = [self.expression(value) for value in iterable.values]
        else:
            thing = self.place(iterable)
            if isinstance(thing, Qubits) or not isinstance(thing, list | Bits):
                raise Refused(
                    "a loop needs a range, a set, a register of bits or an array", iterable
                )
            values = thing.cells if isinstance(thing, Bits) else [self.value(one) for one in thing]
        return self._loop(node, values, type_, 0, 0)

    def _float_range(self, node: ast.Range, type_: Type) -> list[float] | None:
        """Return the values of a range of numbers with fractions."""
        ends = [self.known(part) for part in (node.start, node.step, node.end) if part is not None]
        if type_.kind not in ("float", "angle") or all(isinstance(end, int) for end in ends):
            return None
        if node.start is None or node.end is None or any(isinstance(end, complex) for end in ends):
            raise Refused("this range needs both its ends, as real numbers", node)
        if node.step is None:
            ends.insert(1, 1)
        start, step, stop = (float(end.real) for end in ends)
        if step == 0:
            raise Refused("a step of 0 never ends", node)
        quotient = (stop - start) / step + 1e-9
        if not math.isfinite(quotient):
            raise Refused("this range has no number of turns", node)
        turns = math.floor(quotient) + 1
        self.machine.step(max(turns, 0))
        return [start + at * step for at in range(turns)]

    def _loop(
        self, node: ast.For, values: Sequence[Any], type_: Type, start: int, depth: int
    ) -> Left:
        machine = self.machine
        outer = Frame(machine, ("break",))
        self.frames.append(outer)
        try:
            for at in range(start, len(values)):
                machine.step()
                left = self._turn(node, values[at], type_)
                if isinstance(left, Exits) and at + 1 < len(values):
                    if depth >= TURNS_THAT_LEAVE_MAX:
                        raise Refused(
                            f"a loop of more than {TURNS_THAT_LEAVE_MAX} turns that a measurement"
                            " may leave; use a while"
                        )
                    more = self.branch(
                        left.none_taken(),
                        lambda at=at: self._loop(node, values, type_, at + 1, depth + 1),  # type: ignore[misc]
                        _taken,
                        node.body,
                    )
                    if more is not None:
                        left.names |= more.names
                        left.is_certain |= more.is_certain
                if left is not None:
                    return self.left_of(outer, left)
        finally:
            self.frames.pop()
        return None

    def _turn(self, node: ast.For, value: Value, type_: Type) -> Left:
        machine = self.machine
        inner = Frame(machine, ("continue",))
        self.frames.append(inner)
        cell = Cell(type_, None, machine.level)
        machine.store(cell, value)
        machine.scopes.append({node.variable.name: cell})
        try:
            left: Left = self.block(node.body)
        finally:
            machine.scopes.pop()
            self.frames.pop()
        return self.left_of(inner, left)


def _taken() -> Exits:
    """An exit was taken before."""
    taken = Exits()
    taken.is_certain = True
    return taken


def _note(node: ast.Node, names: dict[str, bool]) -> None:
    """Note the names that a node assigns."""

    def note(target: Any, *, is_measured: bool) -> None:  # noqa: ANN401
        while isinstance(target, ast.IndexedIdentifier | ast.IndexExpression):
            target = target.name if isinstance(target, ast.IndexedIdentifier) else target.collection
        if isinstance(target, ast.Identifier):
            names[target.name] = names.get(target.name, True) and is_measured

    match node:
        case ast.Assignment():
            note(node.target, is_measured=False)
        case ast.MeasureStatement():
            note(node.target, is_measured=isinstance(node.measure, ast.MeasureExpression))
        case ast.AliasDeclaration():  # what the alias assigns is what it names
            for inner in openqasm.walk(node.value):
                note(inner, is_measured=False)
        case ast.FunctionCall() | ast.QuantumCall():
            for argument in node.arguments:  # an array that is passed by reference
                note(argument, is_measured=False)
