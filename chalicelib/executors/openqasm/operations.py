"""Operations as they are made, and values of the run that they need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from chalicelib.executors.openqasm.arithmetic import fits
from chalicelib.executors.openqasm.bitwise import number
from chalicelib.executors.openqasm.cells import Cell
from chalicelib.executors.openqasm.conversions import NO_VALUES, as_register, converted
from chalicelib.executors.openqasm.program import (
    OPERATIONS_MAX,
    OPERATORS_MAX,
    STEPS_MAX,
    Assign,
    Exhausted,
    Operation,
)
from chalicelib.executors.openqasm.values import (
    BOOL,
    FLOAT,
    Bit,
    Bits,
    Dynamic,
    Known,
    Refused,
    Tree,
    Type,
    Value,
    leaf,
    node_of,
    truth,
)

#: What a variable of the run can be.
RUN_KINDS = ("bool", "int", "uint", "float", "angle")
RUN_WIDTH_MAX: Final = 64


class Operations:
    """Makes operations and values."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.variables: dict[str, Type] = {}
        self._steps = self._made = self._operators = 0

    def emit(self, *operations: Operation) -> None:
        """Add operations."""
        self._made += len(operations)
        if self._made > OPERATIONS_MAX:
            raise Exhausted(
                f"the program makes more than {OPERATIONS_MAX:,} gates and measurements"
            )
        self.operations.extend(operations)

    def kept(self, operations: Sequence[Operation]) -> None:
        """Operations are kept for later and not in the program yet: they do not count."""
        self._made -= len(operations)

    def weighed(self, value: object) -> Tree:
        """Return the tree of a value that an operation holds; trees have a bound together."""
        if isinstance(value, Dynamic):
            self._operators += value.size
            if self._operators > OPERATORS_MAX:
                raise Exhausted(
                    "the conditions and values that depend on measurements have more than"
                    f" {OPERATORS_MAX:,} operators; keep what is used again in a variable"
                )
        return node_of(value)

    def step(self, count: int = 1) -> None:
        """Count a statement, or a turn of a loop, that is evaluated."""
        self._steps += count
        if self._steps > STEPS_MAX:
            raise Exhausted(
                f"the program takes more than {STEPS_MAX:,} statements and turns of loops; make"
                " its loops shorter"
            )

    def read(self, cell: Cell) -> Known | Dynamic:
        """Return what a cell holds."""
        if cell.memory is not None:
            kind = cell.type.kind
            return leaf(cell.memory, BOOL if kind in ("bit", "bool") else cell.type)
        if cell.type.kind in NO_VALUES:
            raise Refused(f"a {cell.type.kind} has no value here; only delay and box can have one")
        if cell.value is None:
            raise Refused("this variable has no value yet; give it one first")
        # A bit that is known is no integer: `~` and `-` tell.
        is_known_bit = cell.type.kind == "bit" and not isinstance(cell.value, Dynamic)
        return bool(cell.value) if is_known_bit else cell.value

    def new_variable(self, type_: Type) -> str:
        """Return the name of a new variable of the run."""
        if type_.width is not None and type_.width > RUN_WIDTH_MAX:
            raise Refused(
                f"{type_} cannot depend on what is measured; the limit is {RUN_WIDTH_MAX} bits"
            )
        name = f"v{len(self.variables)}"
        self.variables[name] = BOOL if type_.kind == "bit" else type_
        return name

    def materialised(self, value: Known | Dynamic, type_: Type) -> Dynamic:
        """Keep a value as it is now, in a variable of the run."""
        name = self.new_variable(type_)
        self.emit(Assign(name, self.weighed(value)))
        return leaf(("v", name), self.variables[name])

    def settled(self, value: Value, type_: Type | None = None) -> Value:
        """Wrap an integer that may lie outside of its type, and convert it to another if given."""
        if not isinstance(value, Dynamic):
            if type_ is None or type_.width is None or isinstance(value, complex | Bits):
                return value
            return converted(type_, value)
        if value.is_loose:
            value = self.materialised(value, value.type)
        if type_ is None or type_.width is None or fits(value, type_):
            return value
        return self.materialised(value, type_)

    def cast(self, type_: Type, value: Value) -> Value:
        """Convert to a type, as an assignment does."""
        if isinstance(value, Dynamic) and value.is_loose and not _is_narrower(type_, value.type):
            value = self.settled(value)
        if type_.kind == "bit":
            return self._as_bits(type_.width, value)
        if type_.kind == "bool":
            return truth(value)
        known = number(value) if type_.kind != "angle" or not _is_known(value) else value
        if not isinstance(known, Dynamic):
            return converted(type_, known)
        if type_.kind not in RUN_KINDS:
            raise Refused(f"a {type_.kind} cannot depend on what is measured here")
        if type_.kind == "angle" and isinstance(value, Bits):
            known = _turned(known, len(value.cells), type_)
        if type_.kind in ("int", "uint"):
            return self._as_integer(type_, known)
        return known if known.type == type_ else self.materialised(known, type_)

    def _as_integer(self, type_: Type, known: Dynamic) -> Dynamic:
        is_whole = known.type.kind in ("int", "uint", "bool")
        if known.type == type_ or (is_whole and fits(known, type_) and not known.is_loose):
            node = ("+", known.node, 0) if known.type == BOOL else known.node
            return Dynamic(node, type_, (known,), (known.low, known.high))
        if known.type.kind == "angle":
            raise Refused(f"an angle cannot be made {type_}")
        return self.materialised(known, type_)

    def _as_bits(self, width: int | None, value: Value) -> Value:
        if width is None:
            return truth(value)
        known = as_register(value, width)
        if known is not None:
            return known
        assert isinstance(value, Dynamic)  # noqa: S101 - it is not known
        if value.type.kind not in ("bool", "int", "uint"):
            raise Refused("a number with a fraction cannot be made bits")
        if value.type == BOOL:
            return Bits((value, *(0,) * (width - 1)))
        kept = self.materialised(value, Type("uint", min(width, 64)))
        nodes = (("&", (">>", kept.node, at), 1) for at in range(min(width, 64)))
        cells: list[Bit] = [Dynamic(("!=", node, 0), BOOL, (kept,)) for node in nodes]
        return Bits((*cells, *(0,) * (width - len(cells))))


def _is_narrower(type_: Type, than: Type) -> bool:
    """Whether a type of integers keeps no bit that another has not: then it may wrap for both."""
    is_integer = type_.kind in ("int", "uint")
    return is_integer and (type_.width or 0) <= (than.width or 0)


def _turned(units: Dynamic, width: int, type_: Type) -> Dynamic:
    """Return the angle of so many smallest ones."""
    if width != type_.width:
        raise Refused(f"{width} bits cannot be made an angle of {type_.width}")
    return Dynamic(("*", ("float", units.node), math.tau / 2**width), FLOAT, (units,))


def _is_known(value: Value) -> bool:
    return value.is_known if isinstance(value, Bits) else not isinstance(value, Dynamic)
