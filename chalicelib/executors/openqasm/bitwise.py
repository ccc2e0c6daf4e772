"""Registers of bits in expressions: compared bit by bit at any width, shifted, joined, read."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from chalicelib.executors.openqasm.values import (
    BOOL,
    PLAIN,
    Bit,
    Bits,
    Dynamic,
    Known,
    Refused,
    Value,
    joined,
    logical,
    negated,
    truth,
)

#: Measured bits that can be computed with as one integer; the simulator's have 64 bits.
MEASURED_BITS_MAX: Final = 63


def _comparison(of: Callable[[float, float], bool]) -> Callable[[float, float], bool]:
    """Return a comparison that makes an integer next to a fraction one, as C99 does."""

    def compare(left: float, right: float) -> bool:
        is_exact = float not in {type(left), type(right)}
        return of(left, right) if is_exact else of(left + 0.0, right + 0.0)

    return compare


COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": _comparison(operator.eq),
    "!=": _comparison(operator.ne),
    "<": _comparison(operator.lt),
    "<=": _comparison(operator.le),
    ">": _comparison(operator.gt),
    ">=": _comparison(operator.ge),
}
_Truth = bool | Dynamic


def number(value: Value) -> Known | Dynamic:
    """Return bits as an unsigned integer, and anything else as it is."""
    if not isinstance(value, Bits):
        return value
    if value.is_known:
        return value.number
    used = max(at for at, cell in enumerate(value.cells, 1) if isinstance(cell, Dynamic) or cell)
    if used > MEASURED_BITS_MAX:
        raise Refused(
            f"a register of more than {MEASURED_BITS_MAX} measured bits can be compared and"
            " shifted, not computed with; use a part of it, as c[0:31]"
        )
    parts: list[Dynamic | int] = []
    for at, cell in enumerate(value.cells):
        if isinstance(cell, Dynamic):
            op = ("*", cell.node, 1 << at) if at else ("+", cell.node, 0)
            parts.append(Dynamic(op, PLAIN, (cell,), (0, 1 << at)))
        elif cell:
            parts.append(1 << at)
    return total(parts)


def total(parts: list[Dynamic | int]) -> int | Dynamic:
    """Add up integers from 0 on, in a tree of logarithmic depth."""
    if not parts:
        return 0
    while len(parts) > 1:
        parts = [_sum(*parts[at : at + 2]) for at in range(0, len(parts), 2)]
    return parts[0]


def _sum(left: Dynamic | int, right: Dynamic | int = 0) -> Dynamic | int:
    if not isinstance(left, Dynamic) and not isinstance(right, Dynamic):
        return left + right
    if not isinstance(right, Dynamic) and right == 0:
        return left
    sides = [side.node if isinstance(side, Dynamic) else side for side in (left, right)]
    high = sum(side.high if isinstance(side, Dynamic) else side for side in (left, right))
    return Dynamic(("+", *sides), PLAIN, (left, right), (0, high))


def binary_bits(op: str, left: Value, right: Value) -> Value | None:
    """Return what an operator makes of registers as such; None where they stand for integers."""
    if op in ("<<", ">>") and isinstance(left, Bits):
        return _shifted(op, left, right)
    if op in ("&", "|", "^") and isinstance(left, Bits) and isinstance(right, Bits):
        if len(left.cells) != len(right.cells):
            widths = f"{len(left.cells)} and {len(right.cells)}"
            raise Refused(f"{op} of registers of different widths ({widths})")
        return Bits(_bit(op, a, b) for a, b in zip(left.cells, right.cells, strict=True))
    if op in COMPARISONS and (isinstance(left, Bits) or isinstance(right, Bits)):
        sides = [_as_bits(side) for side in (left, right)]
        if sides[0] is not None and sides[1] is not None:
            return _compared(op, sides[0], sides[1])
        for side, against in ((left, (-1, 0)), (right, (0, -1))):
            if isinstance(side, int) and side < 0:
                return COMPARISONS[op](*against)
    return None


def _shifted(op: str, value: Bits, distance: Value) -> Bits:
    by = number(distance)
    if isinstance(by, Dynamic) or not isinstance(by, int):
        raise Refused("a register can be shifted only by an integer that is known before")
    if by < 0:
        raise Refused("a register cannot be shifted by less than 0")
    cells, width = value.cells, len(value.cells)
    by = min(by, width)
    return Bits(((0,) * by + cells)[:width] if op == "<<" else cells[by:] + (0,) * by)


def _as_bits(value: Value) -> Bits | None:
    if isinstance(value, Bits):
        return value
    if isinstance(value, Dynamic) and value.type == BOOL:
        return Bits((value,))
    if isinstance(value, int) and value >= 0:
        return Bits.of(int(value), max(int(value).bit_length(), 1))
    return None


def _bit(op: str, left: Bit, right: Bit) -> Bit:
    if op == "^":
        made: _Truth = negated(_same(left, right))
    else:
        made = logical("&&" if op == "&" else "||", truth(left), truth(right))
    return made if isinstance(made, Dynamic) else int(made)


def _compared(op: str, left: Bits, right: Bits) -> _Truth:
    width = max(len(left.cells), len(right.cells))
    filled = [side.cells + (0,) * (width - len(side.cells)) for side in (left, right)]
    pairs = list(zip(*filled, strict=True))
    if op in ("==", "!="):
        same = joined("&&", (_same(a, b) for a, b in pairs), empty=True)
        return same if op == "==" else negated(same)
    if op in (">", "<="):
        pairs = [(b, a) for a, b in pairs]
    less = _less(pairs)
    return less if op in ("<", ">") else negated(less)


def _same(left: Bit, right: Bit) -> _Truth:
    if isinstance(left, Dynamic) and isinstance(right, Dynamic):
        return Dynamic(("==", left.node, right.node), BOOL, (left, right))
    if isinstance(right, Dynamic):
        left, right = right, left
    if isinstance(left, Dynamic):
        return truth(left) if right else negated(truth(left))
    return bool(left) == bool(right)


def _less(pairs: list[tuple[Bit, Bit]]) -> _Truth:
    """Return whether the first is less; halves are joined, so that the tree stays flat."""
    parts = [(logical("&&", negated(truth(a)), truth(b)), _same(a, b)) for a, b in pairs]
    while len(parts) > 1:
        halves = [parts[at : at + 2] for at in range(0, len(parts), 2)]
        parts = [_join(*half) if len(half) > 1 else half[0] for half in halves]
    return parts[0][0]


def _join(low: tuple[_Truth, _Truth], high: tuple[_Truth, _Truth]) -> tuple[_Truth, _Truth]:
    less = logical("||", high[0], logical("&&", high[1], low[0]))
    return less, logical("&&", low[1], high[1])
