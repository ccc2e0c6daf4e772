"""Writes trees as the simulator's expressions, which have traps of their own.

They are text: `2.0` is read as the integer 2, so `n / 2.0` divides integers, and 2^53 + 1 as a
fraction; such numbers are therefore variables. Their parser recurses, so trees are balanced where
they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.executors.openqasm.values import Tree, Type

_TYPES: Final = {"bit": "bool", "bool": "bool", "float": "float", "angle": "angle"}
#: A literal of more bits loses the lowest, and one of a variable's more is refused.
_LITERAL_BITS_MAX: Final = 53
_VARIABLE_BITS_MAX: Final = 63
_UNARY: Final = {"!": "!", "~": "~", "neg": "-"}


class Writer:
    """Writes expressions for one program of the simulator, and declares what they need."""

    def __init__(self, builder: Any, variables: Mapping[str, Type]) -> None:  # noqa: ANN401
        """Declare the variables of the run."""
        self._builder = builder
        self._constants: dict[tuple[str, str], str] = {}
        for name, type_ in variables.items():
            builder.declare(name, _TYPES.get(type_.kind) or f"{type_.kind}[{type_.width or 64}]")

    def condition(self, node: Tree) -> Any:  # noqa: ANN401 - a bool or a text
        """Return a condition as the builder takes it."""
        return node if isinstance(node, bool) else self.text(node)

    def value(self, node: Tree) -> Any:  # noqa: ANN401 - a number or a text
        """Return a value that is assigned."""
        return node if isinstance(node, bool | float) else self.text(node)

    def text(self, node: Tree) -> str:  # noqa: PLR0911 - one kind of node after another
        """Return a tree as text."""
        if isinstance(node, bool):
            return "true" if node else "false"
        if isinstance(node, int):
            return self._integer(node)
        if isinstance(node, float):
            return self._fraction(node)
        op = node[0]
        if op == "c":
            return f"c[{node[1]}]"
        if op == "v":
            return str(node[1])
        if op == "float":
            return f"({self.text(node[1])} * {self._fraction(1.0)})"
        if op in _UNARY:
            return f"({_UNARY[op]}{self.text(node[1])})"
        return f"({self.text(node[1])} {op} {self.text(node[2])})"

    def _integer(self, value: int) -> str:
        if value < 0:
            return f"(-{self._integer(-value)})"
        bits = value.bit_length()
        if bits <= _LITERAL_BITS_MAX:
            return str(value)
        if bits <= _VARIABLE_BITS_MAX:
            return self._constant("int[64]", value)
        high, low = divmod(value, 1 << 32)
        is_large = high.bit_length() > _VARIABLE_BITS_MAX
        above = self._integer(high) if is_large else self._constant("int[64]", high)
        return f"({above} * {1 << 32} + {low})"

    def _fraction(self, value: float) -> str:
        return self._constant("float", value)

    def _constant(self, type_: str, value: float) -> str:
        """Return a variable that is never assigned."""
        key = type_, repr(value)
        if key not in self._constants:
            self._constants[key] = f"k{len(self._constants)}"
            self._builder.declare(self._constants[key], type_, value)
        return self._constants[key]
