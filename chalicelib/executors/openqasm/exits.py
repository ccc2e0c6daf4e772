"""Exits from blocks: `break`, `continue`, `return` and `end`.

In a body that may or may not run they set a flag, a variable of the run; what is left of the
enclosing blocks runs if no flag is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.executors.openqasm.machine import Machine
from chalicelib.executors.openqasm.program import Assign
from chalicelib.executors.openqasm.values import (
    BOOL,
    Bits,
    Dynamic,
    Type,
    Value,
    joined,
    leaf,
    negated,
)


class Exit(msgspec.Struct, frozen=True):
    """A block was left: by `break`, `continue`, `return` or `end`."""

    kind: str
    value: Any = None


class Exits:
    """Exits that measurements decide: flags, each with its kind."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        #: Whether one of them is taken, whatever is measured.
        self.is_certain = False

    def none_taken(self) -> bool | Dynamic:
        """Return the condition under which what follows runs."""
        flags = [leaf(("v", name), BOOL) for name in self.names]
        return negated(joined("||", flags, empty=False))


class Frame:
    """Where exits lead. A flag is made when one is needed, and set back where the frame begins."""

    def __init__(self, machine: Machine, kinds: Sequence[str], returns: Type | None = None) -> None:
        self.machine = machine
        self.kinds = kinds
        self.returns = returns
        self.flags: dict[str, str] = {}
        self.results: list[str] = []
        self._operations = machine.operations
        self._begin = len(machine.operations)

    def flag(self, left: Exit) -> str:
        """Set the flag of an exit, and keep what is returned."""
        machine, kind = self.machine, left.kind
        if kind not in self.flags:
            self.flags[kind] = machine.new_variable(BOOL)
            machine.homes.add(("v", self.flags[kind]))
            self._operations.insert(self._begin, Assign(self.flags[kind], value=False))
        if kind == "return" and self.returns is not None:
            type_ = BOOL if self.returns.kind == "bit" else self.returns
            values = left.value.cells if isinstance(left.value, Bits) else (left.value,)
            if not self.results:
                self.results = [machine.new_variable(type_) for _ in values]
                machine.homes |= {("v", name) for name in self.results}
            for name, value in zip(self.results, values, strict=True):
                made = bool(value) if type_ == BOOL and not isinstance(value, Dynamic) else value
                machine.emit(Assign(name, machine.weighed(made)))
        machine.emit(Assign(self.flags[kind], value=True))
        return self.flags[kind]

    def result_read(self) -> Value | None:
        """Return what was returned by one of the returns."""
        if not self.results or self.returns is None:
            return None
        cells = [leaf(("v", name), self.machine.variables[name]) for name in self.results]
        is_register = self.returns.kind == "bit" and self.returns.width is not None
        return Bits(cells) if is_register else cells[0]


Left = Exit | Exits | None
