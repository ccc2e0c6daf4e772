"""`while`: run at once as long as its condition is known, else as a body that the run repeats."""

from __future__ import annotations

from typing import Final

import msgspec
import openqasm
from openqasm import ast

from chalicelib.executors.openqasm.cells import Cell, cells_of
from chalicelib.executors.openqasm.exits import Exit, Exits, Frame, Left
from chalicelib.executors.openqasm.flow import Flow
from chalicelib.executors.openqasm.places import SIZE_PER_STEP
from chalicelib.executors.openqasm.program import Assign, If, Operation, While
from chalicelib.executors.openqasm.values import (
    BOOL,
    Dynamic,
    leaf,
    logical,
)

_EXITS: Final = (ast.Break, ast.Return, ast.End)


class _Saved(msgspec.Struct):
    """What a turn of a loop may change, as it was before."""

    cells: list[tuple[Cell, object, object, int | None]]
    captured: set[object]


class Loops(Flow):
    """Runs `while` loops."""

    def while_statement(self, node: ast.While) -> Left:
        """Run turns while the condition is known, then leave the rest to the run."""
        nodes = (inner for statement in node.body for inner in openqasm.walk(statement))
        has_exit = any(isinstance(inner, _EXITS) for inner in nodes)
        while True:
            self.machine.step()
            before = len(self.machine.operations)
            saved = self._saved() if self._calls(node.condition) else None
            condition = self.condition(node.condition)
            if isinstance(condition, Dynamic):
                self._undo(before)
                if saved is not None:
                    self._restore(saved)
                return self._by_the_run(node)
            if not condition:
                return None
            saved = self._saved() if has_exit else None
            # A list of its own: a flag that an outer frame sets back stands in none that is undone.
            outer, self.machine.operations = self.machine.operations, []
            frame = Frame(self.machine, ("break", "continue"))
            self.frames.append(frame)
            try:
                left = self.block(node.body)
            finally:
                self.frames.pop()
                made, self.machine.operations = self.machine.operations, outer
            may_leave = isinstance(left, Exits) and set(left.names.values()) != {"continue"}
            if saved is not None and may_leave:  # the turn is made again, by the run
                self.machine.kept(made)
                self._restore(saved)
                return self._by_the_run(node)
            outer += made
            if isinstance(left, Exits):
                left = self.left_of(frame, left)
                if left is not None:
                    return left
            elif left is not None and left.kind != "continue":
                return self.left_of(frame, left)

    def _undo(self, count: int) -> None:
        """Take operations of a condition back: the loop evaluates it again where it belongs."""
        operations = self.machine.operations
        self.machine.kept(operations[count:])
        del operations[count:]

    def _by_the_run(self, node: ast.While) -> Left:
        machine = self.machine
        machine.spill(self.assigned([*node.body, node.condition]))
        exits = Frame(machine, ("break",))
        outer, asked, condition = self._first_condition(node)
        is_endless = condition is True
        machine.level += 1
        machine.operations = []
        inner = Frame(machine, ("continue",))
        self.frames += [exits, inner]
        try:
            left = self.block(node.body)
            if isinstance(left, Exit) and left.kind != "continue":
                taken = Exits()
                taken.names[self.flag(left)] = left.kind
                left = taken
            elif isinstance(left, Exit):
                left = None
        finally:
            del self.frames[-2:]
        left = self.left_of(inner, left)
        flags = [*exits.flags.values(), *(left.names if isinstance(left, Exits) else ())]
        for name in dict.fromkeys(flags):
            condition = logical("&&", self._not(name), condition)
        if asked is not None:
            self._ask_again(node, asked, dict.fromkeys(flags))
        body, machine.operations = machine.operations, outer
        machine.level -= 1
        line = None if node.span is None else node.span.start_line + self.base[0]
        machine.emit(While(machine.weighed(condition), tuple(body), line))
        if isinstance(left, Exits):  # a loop without an end is left by its exits only
            left.is_certain = is_endless
        return self.left_of(exits, left)

    def _first_condition(
        self, node: ast.While
    ) -> tuple[list[Operation], str | None, bool | Dynamic]:
        """Evaluate the condition; one that takes operations of its own is kept in a variable."""
        machine, outer = self.machine, self.machine.operations
        made: list[Operation] = []
        machine.operations = made
        condition = self.condition(node.condition)
        machine.operations = outer
        if not made:
            return outer, None, condition
        outer += made
        name = machine.new_variable(BOOL)
        machine.homes.add(("v", name))
        machine.emit(Assign(name, machine.weighed(condition)))
        return outer, name, leaf(("v", name), BOOL)

    def _ask_again(self, node: ast.While, name: str, flags: dict[str, None]) -> None:
        """Evaluate the condition at the end of a turn, unless the turn has left the loop."""
        machine, body = self.machine, self.machine.operations
        made: list[Operation] = []
        machine.operations = made
        condition = self.condition(node.condition)
        made.append(Assign(name, machine.weighed(condition)))
        machine.operations = body
        stays: bool | Dynamic = True
        for flag in flags:
            stays = logical("&&", self._not(flag), stays)
        if isinstance(stays, Dynamic):
            machine.emit(If(machine.weighed(stays), tuple(made), ()))
        else:
            body += made

    @staticmethod
    def _not(name: str) -> Dynamic:
        return Dynamic(("!", ("v", name)), BOOL, (leaf(("v", name), BOOL),))

    def _saved(self) -> _Saved:
        machine = self.machine
        cells = {
            cell for scope in machine.scopes for thing in scope.values() for cell in cells_of(thing)
        }
        machine.step(len(cells) // SIZE_PER_STEP)
        return _Saved(
            cells=[(cell, cell.value, cell.memory, cell.slot) for cell in cells],
            captured=set(machine.captured),
        )

    def _restore(self, saved: _Saved) -> None:
        for cell, value, memory, slot in saved.cells:
            cell.value, cell.memory, cell.slot = value, memory, slot  # type: ignore[assignment]
        self.machine.captured = saved.captured
