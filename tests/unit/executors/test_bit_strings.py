"""The order of bits in a result: the last declared register leftmost, its last bit first."""

from __future__ import annotations

import pytest

from chalicelib.domain.task import Register
from chalicelib.executors.bit_strings import in_registers
from chalicelib.executors.openqasm.counts import in_registers as by_registers
from chalicelib.executors.openqasm.program import Output
from chalicelib.executors.openqasm.values import BOOL, Dynamic, leaf


def slot(number: int) -> Dynamic:
    """Return what a bit holds that was measured."""
    return leaf(("c", number), BOOL)


A, B, C = Register(name="a", size=2), Register(name="b", size=1), Register(name="c", size=3)


@pytest.mark.parametrize(
    ("bits", "registers", "expected"),
    [
        ("01", [A], "01"),
        ("011", [A, B], "0 11"),
        ("100", [B, A], "10 0"),
        ("110001", [A, B, C], "110 0 01"),
        ("", [], ""),
    ],
)
def test_registers_have_a_space_between_them(
    bits: str, registers: list[Register], expected: str
) -> None:
    """The first declared is rightmost."""
    assert in_registers(bits, registers) == expected


X, Y = (Output(name, tuple(map(slot, at))) for name, at in (("x", (0, 1)), ("y", (2,))))


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([X, Y], {"0 10": 5, "1 00": 3, "0 11": 7}),
        ([Y, X], {"10 0": 5, "00 1": 3, "11 0": 7}),
        ([Y], {"0": 12, "1": 3}),
        ([Output("z", (slot(1), 1, slot(0)))], {"011": 5, "010": 3, "111": 7}),
        ([Output("z", (0, Dynamic(("!", ("c", 0)), BOOL)))], {"10": 8, "00": 7}),
        ([Output("z", (Dynamic((">", ("+", ("c", 0), ("c", 1)), 1), BOOL),))], {"1": 7, "0": 8}),
    ],
)
def test_counts_by_slots_become_counts_by_registers(
    outputs: list[Output], expected: dict[str, int]
) -> None:
    """Whatever a bit holds; outcomes that differ in nothing else become one; they come in order."""
    found = by_registers({"010": 5, "001": 3, "110": 7}, outputs)
    assert found == expected
    assert list(found) == sorted(expected)
