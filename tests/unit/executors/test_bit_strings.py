"""The order of bits in a result: the last declared register leftmost, its last bit first."""

from __future__ import annotations

import pytest

from chalicelib.domain.task import Register
from chalicelib.executors.bit_strings import from_first_bit_left, in_registers

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


@pytest.mark.parametrize(
    ("declared", "outputs", "expected"),
    [
        ([A, B, C], [A, B, C], {"000 1 00": 3, "001 0 10": 5, "111 0 10": 7}),
        ([A, B, C], [A, B], {"0 10": 12, "1 00": 3}),
        ([A, B, C], [A, C], {"000 00": 3, "001 10": 5, "111 10": 7}),
        ([A, B, C], [B], {"0": 12, "1": 3}),
    ],
)
def test_counts_are_turned_and_what_is_no_output_is_left_out(
    declared: list[Register], outputs: list[Register], expected: dict[str, int]
) -> None:
    """Outcomes that differ in nothing else become one; they come in order."""
    counts = {"010111": 7, "010100": 5, "001000": 3}
    found = from_first_bit_left(counts, declared, outputs)
    assert found == expected
    assert list(found) == sorted(expected)
