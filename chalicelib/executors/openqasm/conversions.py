"""Conversions of known values to a type, as assignments and casts make them."""

from __future__ import annotations

import math
from typing import Final

from chalicelib.executors.openqasm.bitwise import number
from chalicelib.executors.openqasm.values import (
    Angle,
    Bits,
    Dynamic,
    Known,
    Refused,
    Type,
    Value,
    Whole,
)

#: OpenQASM's types that this service has no values of.
NO_VALUES: Final = {
    "duration": "a duration is no number here",
    "stretch": "a stretch is no number here",
}


def converted(type_: Type, value: Known | Bits) -> Known:
    """Convert a known value to a type other than a bit or a register.

    Raises:
        Refused: the specification has no such conversion, or the value has none.
    """
    kind, width = type_
    known = number(value)
    assert not isinstance(known, Dynamic)  # noqa: S101 - the bits are known
    if kind == "bool":
        return bool(known)
    if kind == "complex":
        return complex(known)
    if isinstance(known, complex):
        raise Refused(f"a complex number cannot be made {type_}; take real(…) or imag(…) of it")
    if kind in ("int", "uint"):
        return _integer(type_, known)
    if kind == "float":
        return float(known)
    if kind == "angle":
        return _angle(value, known, width or 64)
    raise Refused(NO_VALUES.get(kind, f"values of type {type_} are not supported"))


def _integer(type_: Type, known: float) -> Whole:
    if isinstance(known, Angle):
        raise Refused(f"an angle cannot be made {type_}; cast it to a register, as in bit[n](a)")
    if not math.isfinite(known):
        raise Refused(f"{known} cannot be made {type_}")
    return Whole.of(int(known), type_)


def _angle(value: Known | Bits, known: float, width: int) -> Angle:
    if isinstance(value, Bits):
        if len(value.cells) != width:
            raise Refused(f"{len(value.cells)} bits cannot be made an angle of {width}")
        return Angle.of_units(int(known), width)
    if isinstance(known, Angle):  # widened or cut at the lowest digits, never rounded up
        shift = width - known.width
        units = known.units << shift if shift >= 0 else known.units >> -shift
        return Angle.of_units(units, width)
    if not math.isfinite(known):
        raise Refused(f"{known} is no angle")
    return Angle.of(known, width)


def as_register(value: Value, width: int) -> Bits | None:
    """Return a known value as a register, or None if it depends on measurements.

    Raises:
        Refused: it cannot be one.
    """
    if isinstance(value, Bits):
        if len(value.cells) != width:
            raise Refused(f"{len(value.cells)} bits do not fit a register of {width}")
        return value
    if isinstance(value, Dynamic):
        return None
    if isinstance(value, Angle):
        if value.width != width:
            raise Refused(f"an angle of {value.width} bits does not fit a register of {width}")
        return Bits.of(value.units, width)
    if isinstance(value, int):
        if not isinstance(value, Whole) and value < 0:
            raise Refused("a negative number cannot be made bits; cast it, as in int[4](-1)")
        if not isinstance(value, Whole) and int(value).bit_length() > width:
            raise Refused(f"{value} does not fit a register of {width}")
        return Bits.of(int(value), width)
    raise Refused("a number with a fraction cannot be made bits")
