"""OpenQASM's built-in constants and functions, of version 3 and of version 2."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chalicelib.executors.openqasm.arithmetic import binary
from chalicelib.executors.openqasm.bitwise import number, total
from chalicelib.executors.openqasm.values import (
    PLAIN,
    Bits,
    Dynamic,
    Known,
    Refused,
    Value,
    Whole,
    truth,
)

CONSTANTS: Final = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
}
_Function = Callable[[Any], Known]


def _real_or_complex(real: _Function, complex_: _Function) -> _Function:
    return lambda x: complex_(x) if isinstance(x, complex) else real(x)


#: Of one number.
_OF_ONE: Final[Mapping[str, _Function]] = {
    "arccos": _real_or_complex(math.acos, cmath.acos),
    "arcsin": _real_or_complex(math.asin, cmath.asin),
    "arctan": _real_or_complex(math.atan, cmath.atan),
    "ceiling": math.ceil,
    "cos": _real_or_complex(math.cos, cmath.cos),
    "exp": _real_or_complex(math.exp, cmath.exp),
    "floor": math.floor,
    "log": _real_or_complex(math.log, cmath.log),
    "sin": _real_or_complex(math.sin, cmath.sin),
    "sqrt": _real_or_complex(math.sqrt, cmath.sqrt),
    "tan": _real_or_complex(math.tan, cmath.tan),
    "real": lambda x: complex(x).real,
    "imag": lambda x: complex(x).imag,
    "abs": abs,
}
#: OpenQASM 2's, and those that most of its readers take as well.
_OF_VERSION_2: Final = {
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "exp": "exp",
    "ln": "log",
    "sqrt": "sqrt",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
}
#: Further functions, each with how many arguments it takes.
_FURTHER: Final = {"mod": 2, "pow": 2, "popcount": 1, "rotl": 2, "rotr": 2}
NAMES: Final = frozenset(_OF_ONE) | frozenset(_FURTHER) | {"sizeof"}
#: An integer's bits where it has no type.
_WORD: Final = 64


def constant(name: str, *, version: int) -> float | None:
    """Return a built-in constant: OpenQASM 2 has `pi` alone."""
    return CONSTANTS.get(name) if version != 2 or name == "pi" else None  # noqa: PLR2004


def known(name: str, *, version: int) -> str:
    """Return the built-in function of a name.

    Raises:
        Refused: there is none.
    """
    found = _OF_VERSION_2.get(name) if version == 2 else name  # noqa: PLR2004
    if found not in NAMES or found is None:
        raise Refused(f"'{name}' is neither a subroutine of this program nor a built-in function")
    return found


def call(name: str, arguments: Sequence[Value], *, version: int) -> Value:
    """Return a built-in function's value.

    Raises:
        Refused: there is no such function, or it has no value here.
    """
    found = known(name, version=version)
    wanted = _FURTHER.get(found, 1)
    if len(arguments) != wanted:
        raise Refused(f"{name} takes {wanted} argument{'s'[: wanted - 1]}, not {len(arguments)}")
    if found == "popcount":
        return _popcount(arguments[0])
    if found in ("rotl", "rotr"):
        return _rotated(found, *arguments)
    numbers = [number(argument) for argument in arguments]
    if found in ("mod", "pow"):
        return binary("%" if found == "mod" else "**", *numbers)
    value = numbers[0]
    if isinstance(value, Dynamic):
        raise Refused(f"{name} of what is measured; the simulator has only operators for that")
    try:
        return _OF_ONE[found](value)
    except (ArithmeticError, ValueError, TypeError) as exc:
        raise Refused(f"{name} has no value here: {exc}") from exc


def _popcount(value: Value) -> Value:
    if isinstance(value, Bits):
        cells = [truth(cell) for cell in value.cells]
        return total(
            [
                Dynamic(("+", cell.node, 0), PLAIN, (cell,), (0, 1))
                if isinstance(cell, Dynamic)
                else int(cell)
                for cell in cells
            ]
        )
    if not isinstance(value, int):
        raise Refused("popcount of what is no register and no integer that is known before")
    width = value.type.width or _WORD if isinstance(value, Whole) else _WORD
    return (int(value) & (1 << width) - 1).bit_count()


def _rotated(name: str, value: Value, distance: Value) -> Value:
    by = number(distance)
    if not isinstance(by, int):
        raise Refused(f"{name} by what is no integer that is known before")
    if isinstance(value, Whole) and value.type.width is not None:
        turned = _rotated(name, Bits.of(int(value), value.type.width), by)
        assert isinstance(turned, Bits)  # noqa: S101
        return Whole.of(turned.number, value.type)
    if not isinstance(value, Bits):
        raise Refused(f"{name} of what is no register and no integer of a width")
    cells = value.cells
    by = (by if name == "rotr" else -by) % len(cells)
    return Bits(cells[by:] + cells[:by])
