"""Operators on numbers, known or not, with the types that C99's conversions give them.

Callers bring both sides of an operator to `common_type` first (`Machine.settled`), so that what is
computed here cannot lie outside of its type unnoticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from chalicelib.executors.openqasm.bitwise import COMPARISONS
from chalicelib.executors.openqasm.values import (
    BOOL,
    FLOAT,
    INT,
    INTEGER_BITS_MAX,
    PLAIN,
    RUN_BITS_MAX,
    Angle,
    Bits,
    Bounds,
    Dynamic,
    Known,
    Refused,
    Type,
    Value,
    Whole,
    bounds_of,
    logical,
    negated,
    node_of,
    truth,
    type_of,
)

_INTEGERS: Final = ("int", "uint", "bool", "bit")
#: Operators whose result has the type of their left side.
SHIFTS: Final = ("<<", ">>")


def common_type(left: Type, right: Type) -> Type | None:
    """Return the integer type in which two integers meet (C99, 6.3.1.8); None for other types.

    A literal, a bit and a register count as `int[64]` next to a declared integer, and stay exact
    among themselves.
    """
    if left.kind not in _INTEGERS or right.kind not in _INTEGERS:
        return None
    declared = [side for side in (left, right) if side.kind in ("int", "uint") and side.width]
    if not declared:
        return PLAIN
    first, second = (declared * 2)[:2] if len(declared) > 1 else (declared[0], INT)
    if first.width == second.width:
        return first if first.kind == "uint" else second
    return max(first, second, key=lambda side: side.width or 0)


def binary(op: str, left: Known | Dynamic, right: Known | Dynamic) -> Known | Dynamic:
    """Return what an operator makes of two numbers of a common type."""
    if op in ("&&", "||"):
        return logical(op, truth(left), truth(right))
    if isinstance(left, Dynamic) or isinstance(right, Dynamic):
        return _dynamic(op, left, right)
    if (isinstance(left, Angle) or isinstance(right, Angle)) and op not in COMPARISONS:
        return _angles(op, left, right)
    result = _known(op, left, right)
    if not isinstance(result, int) or isinstance(result, bool):
        return result
    type_ = type_of(left) if op in SHIFTS else common_type(type_of(left), type_of(right))
    if type_ is not None and type_.kind in ("int", "uint") and type_.width is not None:
        return Whole.of(result, type_)
    if result.bit_length() > INTEGER_BITS_MAX:
        raise Refused(f"this integer has more than {INTEGER_BITS_MAX} bits")
    return result


def _known(op: str, left: Known, right: Known) -> Known:
    try:
        return OPERATORS[op](left, right)
    except (TypeError, ValueError, ArithmeticError) as exc:
        raise Refused(f"{op} has no value here: {exc}") from exc


def _divided(left: Any, right: Any) -> Known:  # noqa: ANN401 - a number of any kind
    if right == 0:
        raise Refused("this divides by zero")
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    made: Known = left / right
    return made


def _remainder(left: Any, right: Any) -> Known:  # noqa: ANN401
    if right == 0:
        raise Refused("this divides by zero")
    if isinstance(left, int) and isinstance(right, int):
        return int(left) - int(right) * int(_divided(left, right).real)
    return math.fmod(left, right)


def _power(left: Any, right: Any) -> Known:  # noqa: ANN401
    if isinstance(left, int) and isinstance(right, int) and right >= 0:
        if abs(left) > 1 and left.bit_length() * right > 2 * INTEGER_BITS_MAX:
            raise Refused(f"this integer has more than {INTEGER_BITS_MAX} bits")
        made: Known = int(left) ** (int(right) if abs(left) > 1 else min(int(right), 2 + right % 2))
        return made
    if isinstance(left, complex) or isinstance(right, complex):
        return complex(left) ** complex(right)
    return math.pow(left, right)


def _left(left: Any, right: Any) -> Known:  # noqa: ANN401
    if not isinstance(left, int) or not isinstance(right, int):
        raise Refused("only integers can be shifted")
    if not 0 <= right <= INTEGER_BITS_MAX:
        raise Refused(f"an integer can be shifted by 0 to {INTEGER_BITS_MAX}, not by {right}")
    return int(left) << int(right)


def _right(left: Any, right: Any) -> Known:  # noqa: ANN401
    if not isinstance(left, int) or not isinstance(right, int) or right < 0:
        raise Refused("only integers can be shifted, and by 0 or more")
    return int(left) >> min(int(right), 2 * INTEGER_BITS_MAX)


OPERATORS: Final[Mapping[str, Callable[[Any, Any], Known]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divided,
    "%": _remainder,
    "**": _power,
    "<<": _left,
    ">>": _right,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    **COMPARISONS,
}


def _angles(op: str, left: Known, right: Known) -> Known:
    """Angles are counted in units of their width; a quotient of two is an integer."""
    if isinstance(left, complex) or isinstance(right, complex):
        raise Refused(f"{op} of an angle and a complex number")
    if isinstance(left, Angle) and isinstance(right, Angle):
        width = max(left.width, right.width)
        a, b = (side.units << (width - side.width) for side in (left, right))
        if op in ("+", "-"):
            return Angle.of_units(a + b if op == "+" else a - b, width)
        if op in ("/", "&", "|", "^"):
            made = int(_known(op, a, b).real)
            return made if op == "/" else Angle.of_units(made, width)
    elif isinstance(left, Angle) and isinstance(right, int) and op in ("*", "/", *SHIFTS):
        return Angle.of_units(int(_known(op, left.units, int(right)).real), left.width)
    elif isinstance(right, Angle) and isinstance(left, int) and op == "*":
        return Angle.of_units(int(left) * right.units, right.width)
    # Next to a float an angle is one: the specification converts it only where it is assigned.
    return _known(op, float(left), float(right))


def _dynamic(op: str, left: Known | Dynamic, right: Known | Dynamic) -> Known | Dynamic:
    kinds = [type_of(side).kind for side in (left, right)]
    if "complex" in kinds:
        raise Refused("a complex number cannot be computed with what is measured")
    nodes = [node_of(side) for side in (left, right)]
    if op in ("&", "|", "^") and kinds == ["bool", "bool"]:
        if op == "^":
            return Dynamic(("!=", *nodes), BOOL, (left, right))
        return logical({"&": "&&", "|": "||"}[op], truth(left), truth(right))
    has_fraction = bool({"float", "angle"} & set(kinds))
    if has_fraction:  # an integer next to a fraction is made one: the simulator would not
        nodes = [
            node if kind in ("float", "angle") else _as_float(node)
            for node, kind in zip(nodes, kinds, strict=True)
        ]
    if op in COMPARISONS:
        return _comparison(op, left, right, nodes)
    if has_fraction:
        if op not in ("+", "-", "*", "/", "**"):
            raise Refused(f"{op} of a number with a fraction that depends on what is measured")
        if op == "/" and not isinstance(right, Dynamic) and right == 0:
            raise Refused("this divides by zero")
        return Dynamic((op, *nodes), FLOAT, (left, right))
    return _integer(op, left, right, nodes)


def _as_float(node: object) -> object:
    return ("float", node) if isinstance(node, tuple) else float(node)  # type: ignore[arg-type]


def _comparison(
    op: str, left: Known | Dynamic, right: Known | Dynamic, nodes: list[object]
) -> bool | Dynamic:
    for side, other in ((left, right), (right, left)):
        if op in ("==", "!=") and isinstance(side, Dynamic) and side.type == BOOL:
            if isinstance(other, int) and other in (0, 1):
                return side if bool(other) == (op == "==") else negated(side)
            if isinstance(other, int):
                return op == "!="
    return Dynamic((op, *nodes), BOOL, (left, right))


def _integer(
    op: str, left: Known | Dynamic, right: Known | Dynamic, nodes: list[object]
) -> Dynamic:
    type_ = type_of(left) if op in SHIFTS else common_type(type_of(left), type_of(right))
    assert type_ is not None  # noqa: S101 - both are integers
    if type_.kind not in ("int", "uint"):
        type_ = PLAIN
    if op in ("/", "%") and not isinstance(right, Dynamic) and right == 0:
        raise Refused("this divides by zero")
    sides = [_range(side) for side in (left, right)]
    low, high = _result(op, *sides)
    # Sums, differences and products keep their lowest bits, which are all that their type has.
    is_wrapped = type_.width is not None and op in ("+", "-", "*")
    if not is_wrapped and max(abs(low), abs(high)).bit_length() > RUN_BITS_MAX + 1:
        raise Refused("this integer depends on what is measured and may have too many bits")
    # A bit is no number to the simulator's shifts and negations.
    made = [
        ("+", node, 0) if isinstance(side, Dynamic) and side.type == BOOL else node
        for node, side in zip(nodes, (left, right), strict=True)
    ]
    return Dynamic((op, *made), type_, (left, right), (low, high))


def _range(value: Known | Dynamic) -> Bounds:
    if isinstance(value, Dynamic):
        return value.low, value.high
    return int(value.real), int(value.real)


def _result(op: str, left: Bounds, right: Bounds) -> Bounds:  # noqa: PLR0911 - one of each kind
    """Return between which integers an operator's result lies."""
    corners = [(a, b) for a in left for b in right]
    if op in ("+", "-", "*"):
        made = [int(OPERATORS[op](a, b).real) for a, b in corners]
        return min(made), max(made)
    largest = max(abs(bound) for bound in left)
    if op in ("/", ">>"):
        return min(left[0], -largest if right[0] < 0 else 0), max(left[1], largest)
    if op == "%":
        return min(left[0], 0), max(left[1], 0)
    if op in ("<<", "**"):
        if right[0] < 0 or right[1] > RUN_BITS_MAX:
            raise Refused(f"{op} by so much, or by less than 0, where it depends on measurements")
        if op == "<<":
            return min(left[0] << right[1], 0), max(left[1] << right[1], 0)
        top = max(largest, 1) ** right[1]
        return (-top if left[0] < 0 else 0), top
    if min(left[0], right[0]) >= 0:
        bits = max(left[1].bit_length(), right[1].bit_length())
        return 0, min(left[1], right[1]) if op == "&" else (1 << bits) - 1
    bits = max(abs(bound) for bound in (*left, *right)).bit_length()
    return -(1 << bits), (1 << bits) - 1


def unary(op: str, value: Value) -> Value:  # noqa: PLR0911 - one kind of value after another
    """Return what an operator makes of one value."""
    if op == "!":
        return negated(truth(value))
    if op == "~":
        return _complement(value)
    if isinstance(value, Bits):
        raise Refused("a register has no sign; cast it first, as in -int(c)")
    if isinstance(value, Whole):
        return Whole.of(-value, value.type)
    if isinstance(value, Angle):
        return Angle.of_units(-value.units, value.width)
    if not isinstance(value, Dynamic):
        return -value
    if value.type.kind in ("float", "angle"):
        return Dynamic(("neg", value.node), FLOAT, (value,))
    type_ = PLAIN if value.type == BOOL else value.type
    return Dynamic(("-", 0, value.node), type_, (value,), (-value.high, -value.low))


def _complement(value: Value) -> Value:
    if isinstance(value, Bits):
        flipped = (negated(truth(cell)) for cell in value.cells)
        return Bits(cell if isinstance(cell, Dynamic) else int(cell) for cell in flipped)
    if isinstance(value, bool) or (isinstance(value, Dynamic) and value.type == BOOL):
        return negated(truth(value))
    if isinstance(value, Angle):
        return Angle.of_units(~value.units, value.width)
    if isinstance(value, Dynamic) and value.type.kind in ("int", "uint"):
        return Dynamic(("~", value.node), value.type, (value,), (-value.high - 1, -value.low - 1))
    if not isinstance(value, int):
        raise Refused("~ of a number with a fraction")
    return Whole.of(~value, value.type) if isinstance(value, Whole) else ~value


def fits(value: Dynamic, type_: Type) -> bool:
    """Whether an integer lies within a type, whatever is measured."""
    low, high = bounds_of(type_)
    return low <= value.low and value.high <= high
