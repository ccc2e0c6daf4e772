"""Values of OpenQASM: known ones are Python's, with their type; others are trees over what runs.

A tree is a tuple, the operator first. Its leaves are Python numbers, `("c", slot)` for a measured
bit and `("v", name)` for a variable of the run. docs/program.md lists the operators.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

#: Of an integer in an expression: beyond, the expression is refused.
INTEGER_BITS_MAX: Final = 128
#: The simulator computes with 128 bits, one of them the sign.
RUN_BITS_MAX: Final = 126

Tree = Any
_TWICE: Final = 2


class Type(NamedTuple):
    """A type: its kind, and its width where it has one (`bit` alone has none)."""

    kind: str
    width: int | None = None

    def __str__(self) -> str:
        """Return it as OpenQASM writes it."""
        is_sized = self.width is not None and self.kind != "bool"
        return f"{self.kind}[{self.width}]" if is_sized else self.kind


BOOL: Final = Type("bool")
BIT: Final = Type("bit")
FLOAT: Final = Type("float", 64)
#: An integer that no declaration has given a width: a literal, a register read as a number.
PLAIN: Final = Type("int")
INT: Final = Type("int", 64)
UINT: Final = Type("uint", 64)


class Refused(Exception):
    """What stands here cannot be executed.

    `node` is where, or None for the nearest node outside. `base` is the place in the text at which
    the node's own count of lines and columns begins, where it is another than the statement's.
    """

    def __init__(self, message: str, node: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.base: tuple[int, int] | None = None


class NameTaken(Refused):
    """The name of a declaration has a meaning already."""


class Poisoned(Refused):
    """It follows from a finding that was made before: nothing more is said."""


class Whole(int):
    """A known integer of a declared type."""

    type: Type

    @classmethod
    def of(cls, value: int, type_: Type) -> Whole:
        """Return it, wrapped to the type's width."""
        assert type_.width is not None  # noqa: S101 - by its callers
        low = value & (1 << type_.width) - 1
        if type_.kind == "int" and low >> (type_.width - 1):
            low -= 1 << type_.width
        made = cls(low)
        made.type = type_
        return made


class Angle(float):
    """A known angle of a declared width, from 0 up to a whole turn."""

    width: int

    @classmethod
    def of(cls, value: float, width: int) -> Angle:
        """Return the angle of the width that is nearest, modulo a turn."""
        return cls.of_units(round(value / math.tau % 1.0 * 2**width), width)

    @classmethod
    def of_units(cls, units: int, width: int) -> Angle:
        """Return so many of the smallest angles that the width can tell."""
        made = cls(units % 2**width / 2**width * math.tau)
        made.width = width
        return made

    @property
    def units(self) -> int:
        """How many of the smallest angles it is."""
        return int(round(self / math.tau * 2**self.width) % 2**self.width)


class Dynamic:
    """A value that depends on what is measured.

    `low` and `high` bound an integer; `size` and `depth` are the tree's when it is written out.
    """

    __slots__ = ("depth", "high", "low", "node", "reads", "size", "type")
    depth: int
    size: int

    def __init__(
        self, node: Tree, type_: Type, parts: Iterable[object] = (), bounds: Bounds | None = None
    ) -> None:
        self.node = node
        self.type = type_
        self.low, self.high = bounds or bounds_of(type_)
        below = [part for part in parts if isinstance(part, Dynamic)]
        self.size = 1 + sum(part.size for part in below)
        self.depth = 1 + max((part.depth for part in below), default=0)
        self.reads: frozenset[Tree] = frozenset().union(*(part.reads for part in below))

    def __bool__(self) -> bool:
        raise Refused("this depends on what is measured, and must be known before")

    @property
    def is_loose(self) -> bool:
        """Whether it may lie outside of its type, so that it must be wrapped before it is used."""
        if self.type.kind not in ("int", "uint") or self.type.width is None:
            return False
        low, high = bounds_of(self.type)
        return self.low < low or self.high > high


Bounds = tuple[int, int]


def bounds_of(type_: Type) -> Bounds:
    """Return the least and the largest integer of a type."""
    if type_.kind == "uint" and type_.width is not None:
        return 0, (1 << type_.width) - 1
    if type_.kind == "int" and type_.width is not None:
        return -(1 << (type_.width - 1)), (1 << (type_.width - 1)) - 1
    if type_.kind in ("bool", "bit"):
        return 0, 1
    return -(1 << RUN_BITS_MAX), 1 << RUN_BITS_MAX


def leaf(node: Tree, type_: Type) -> Dynamic:
    """Return the value of a slot or of a variable of the run."""
    made = Dynamic(node, type_)
    made.reads = frozenset((node,))
    return made


class Bits:
    """A bit register's value: each 0, 1 or what depends on measurements, the lowest first."""

    __slots__ = ("cells",)

    def __init__(self, cells: Iterable[Bit]) -> None:
        self.cells = tuple(cells)

    @classmethod
    def of(cls, value: int, width: int) -> Bits:
        """Return the lowest bits of an integer."""
        digits = f"{value & (1 << width) - 1:0{width}b}"
        return cls(map(int, reversed(digits)))

    @property
    def is_known(self) -> bool:
        """Whether no bit depends on what is measured."""
        return not any(isinstance(cell, Dynamic) for cell in self.cells)

    @property
    def number(self) -> int:
        """The unsigned integer that known bits make."""
        text = "".join("1" if cell else "0" for cell in reversed(self.cells))
        return int(text or "0", 2)


Bit = int | Dynamic
Known = bool | int | float | complex
Value = Known | Dynamic | Bits


def type_of(value: Value) -> Type:
    """Return the type that a value has in an expression."""
    if isinstance(value, Dynamic | Whole):
        return value.type
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return PLAIN
    if isinstance(value, Angle):
        return Type("angle", value.width)
    if isinstance(value, float):
        return FLOAT
    return Type("complex", 64) if isinstance(value, complex) else Type("bit", len(value.cells))


def node_of(value: object) -> Tree:
    """Return the tree of a value that is no register."""
    if isinstance(value, Dynamic):
        return value.node
    if isinstance(value, bool):
        return value
    return int(value) if isinstance(value, int) else value


def joined(op: str, parts: Iterable[Bit | bool], empty: bool) -> bool | Dynamic:  # noqa: FBT001 - the value of none
    """Join truth values by `&&` or `||`, in a tree of logarithmic depth."""
    values = [truth(part) for part in parts]
    if not values:
        return empty
    while len(values) > 1:
        pairs = [values[at : at + _TWICE] for at in range(0, len(values), _TWICE)]
        values = [logical(op, *pair) if len(pair) == _TWICE else pair[0] for pair in pairs]
    return values[0]


def logical(op: str, left: bool | Dynamic, right: bool | Dynamic) -> bool | Dynamic:  # noqa: FBT001
    """Return both (`&&`) or one of two truth values (`||`)."""
    for known, other in ((left, right), (right, left)):
        if not isinstance(known, Dynamic):
            if op == "&&":
                return other if known else False
            return True if known else other
    return Dynamic((op, node_of(left), node_of(right)), BOOL, (left, right))


def negated(value: bool | Dynamic) -> bool | Dynamic:  # noqa: FBT001
    """Return the contrary."""
    if not isinstance(value, Dynamic):
        return not value
    if value.node[0] == "!":
        inner = Dynamic(value.node[1], BOOL, (value,))
        inner.size, inner.depth = value.size - 1, value.depth - 1
        return inner
    return Dynamic(("!", value.node), BOOL, (value,))


def truth(value: Value) -> bool | Dynamic:
    """Return a value as `true` or `false`."""
    if isinstance(value, Bits):
        return joined("||", value.cells, empty=False)
    if isinstance(value, Dynamic):
        return (
            value if value.type.kind == "bool" else Dynamic(("!=", value.node, 0), BOOL, (value,))
        )
    return bool(value)
