"""What names mean: variables' places, and qubits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.executors.openqasm.values import Dynamic, Known, Type


class Cell:
    """A variable's place. `value` holds where it is known; else it is in memory."""

    __slots__ = ("level", "memory", "slot", "type", "value")

    def __init__(self, type_: Type, value: Known | Dynamic | None, level: int) -> None:
        self.type = type_
        self.value = value
        #: `("c", slot)` or `("v", name)`.
        self.memory: tuple[str, Any] | None = None
        #: In how many bodies that may or may not run it was declared.
        self.level = level
        self.slot: int | None = None


class Constant(Cell):
    """A cell that is never assigned again."""

    __slots__ = ()


class Qubits:
    """Qubits by number: one, or a register or a part of one."""

    __slots__ = ("is_register", "numbers")

    def __init__(self, numbers: tuple[int, ...], *, is_register: bool) -> None:
        self.numbers = numbers
        self.is_register = is_register


def cells_of(thing: object) -> Iterator[Cell]:
    """Yield the cells of a variable, a register or an array."""
    if isinstance(thing, Cell):
        yield thing
    elif isinstance(thing, list):
        for part in thing:
            yield from cells_of(part)


def shape_of(thing: object) -> list[int]:
    """Return the sizes of an array by dimension, the outermost first; none of what is no array."""
    return [len(thing), *shape_of(thing[0])] if isinstance(thing, list) and thing else []
