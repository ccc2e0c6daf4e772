"""Constant expressions: their values by OpenQASM's table of precedence, and their bounds."""

from __future__ import annotations

import math

import pytest

from chalicelib.executors.openqasm.constants import CONSTANTS, NotEvaluated, Number, evaluate
from chalicelib.executors.openqasm.tokens import tokenize


def value_of(text: str) -> Number:
    """Work out an expression in which `n` is 5."""
    return evaluate(list(tokenize(text)), {"n": 5}.get)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # Each operator with the one that binds next more tightly, and with its own level.
        ("1 || 1 && 0", 1),
        ("0 && 1 | 1", 0),
        ("1 | 1 ^ 1", 1),
        ("1 ^ 1 & 0", 1),
        ("2 & 2 == 2", 0),
        ("2 & 1 != 2", 0),
        ("2 == 2 < 3", 0),
        ("2 != 2 > 0", 1),
        ("5 == 1 >= 0", 0),
        ("5 == 2 <= 0", 0),
        ("1 < 1 << 1", 1),
        ("2 <= 1 << 1", 1),
        ("1 > 0 << 1", 1),
        ("2 >= 1 << 1", 1),
        ("1 << 1 + 1", 4),
        ("8 >> 1 + 1", 2),
        ("1 + 2 * 3", 7),
        ("7 - 2 * 3", 1),
        ("8 / 2 * 2", 8),
        ("2 * 7 / 2", 7),
        ("2 * 3 % 4", 2),
        ("7 - 2 - 3", 2),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512),
        ("-3 + 5", 2),
        ("- -3", 3),
        ("+3", 3),
        ("!0 + 1", 2),
        ("!2", 0),
        ("~0", -1),
        ("~5 & 7", 2),
        ("(1 + 2) * 3", 9),
        ("((n))", 5),
        ("1 < 1", 0),
        ("1 <= 1", 1),
        ("1 > 1", 0),
        ("1 >= 1", 1),
        ("1 == 1.0", 1),
        ("0 || 2", 1),
        ("1 && 2", 1),
        ("6 ^ 3", 5),
    ],
)
def test_operators_bind_as_openqasm_says(text: str, value: Number) -> None:
    """From the left, a power from the right."""
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("-7 / -2", 3),
        ("0 / -2", 0),
        ("7 / 2.0", 3.5),
        ("7 % 4", 3),
        ("-7 % 4", -3),
        ("7 % -4", 3),
        ("7.5 % 2", 1.5),
        ("0 ** 0", 1),
        ("0 ** 5", 0),
        ("1 ** 1000000000", 1),
        ("(-1) ** 1000000000", 1),
        ("(-1) ** 1000000001", -1),
        ("(-2) ** 3", -8),
        ("2 ** 0.5", math.sqrt(2)),
    ],
)
def test_integers_are_divided_towards_zero_and_powers_are_exact(text: str, value: Number) -> None:
    """Floats have fractions; the parity of a huge exponent is enough for -1."""
    found = value_of(text)
    assert found == pytest.approx(value)
    assert isinstance(found, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sin(0.5)", math.sin(0.5)),
        ("cos(0.5)", math.cos(0.5)),
        ("tan(0.5)", math.tan(0.5)),
        ("arcsin(0.5)", math.asin(0.5)),
        ("arccos(0.5)", math.acos(0.5)),
        ("arctan(0.5)", math.atan(0.5)),
        ("exp(2)", math.exp(2)),
        ("log(2)", math.log(2)),
        ("ln(2)", math.log(2)),
        ("sqrt(2)", math.sqrt(2)),
        ("floor(2.7)", 2),
        ("ceiling(2.2)", 3),
        ("popcount(7)", 3),
        ("mod(7, 4)", 3),
        ("pow(2, 3)", 8),
        ("int(2.9)", 2),
        ("int[8](2.9)", 2),
        ("uint[n + 1](2.9)", 2),
        ("float[64](2)", 2.0),
        ("bool(5)", 1),
        ("bool(0)", 0),
        ("2 * mod(1 + 6, 2 * 2) + 1", 7),
        ("mod(pow(2, 3), mod(7, 4))", 2),
        ("pi - π + tau - τ + euler - ℇ", 0),
        ("2 * pi == tau", 1),
        ("ln(euler)", 1),
        ("true + true + false", 2),
    ],
)
def test_functions_and_names_have_the_values_that_openqasm_gives_them(
    text: str, value: Number
) -> None:
    """A cast may have a width, which changes nothing here."""
    assert value_of(text) == pytest.approx(value)


def test_a_constant_of_the_circuit_hides_one_of_the_language() -> None:
    """Names are looked up in the circuit first."""
    assert evaluate(list(tokenize("pi")), {"pi": 3}.get) == 3
    assert value_of("pi") == CONSTANTS["pi"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x1F", 31),
        ("0B11", 3),
        ("0o17", 15),
        ("1_000", 1000),
        ("00012", 12),
        ("0" * 100 + "1", 1),
        ("0b" + "1" * 64, 2**64 - 1),
        ("18446744073709551615", 2**64 - 1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1 << 63", 2**63),
        ("0 << 64", 0),
        ("1 >> 64", 0),
        ("2 ** 63", 2**63),
    ],
)
def test_numbers_are_read_up_to_their_bound(text: str, value: Number) -> None:
    """In every base, with leading zeros and underscores, up to 64 bits."""
    assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551616",
        "0b1" + "0" * 64,
        "9" * 65,
        "2 ** 64",
        "2 ** 1000000000",
        "1 << 64",
        "0 << 65",
        "1 >> 65",
        "1 << -1",
        "9223372036854775808 + 9223372036854775808",
        "1e400",
        "1e308 * 10",
        "exp(1000)",
        "int(1e300)",
    ],
)
def test_what_passes_64_bits_is_out_of_bounds(text: str) -> None:
    """At any step; it has a value, which is not computed."""
    with pytest.raises(NotEvaluated, match=r"^it has a number of more than 64 bits$") as caught:
        value_of(text)
    assert caught.value.is_out_of_bounds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not complete"),
        ("1 +", "it is not complete"),
        ("(1", "it is not complete"),
        ("sin(1", "it is not complete"),
        ("1 2", "2 is not expected"),
        ("1)", ") is not expected"),
        ("()", ") is not expected"),
        ("1, 2", ", is not expected"),
        ("(1, 2)", "a comma is not expected"),
        ("sin", "'sin' needs arguments in brackets"),
        ("sin 1", "'sin' needs arguments in brackets"),
        ("int[8", "'int' needs arguments in brackets"),
        ("sin(1, 2)", "'sin' takes 1 arguments, not 2"),
        ("mod(1)", "'mod' takes 2 arguments, not 1"),
        ("m + 1", "'m' is no constant"),
        ("m" * 50, f"'{'m' * 40}' is no constant"),
        ('"1"', '"1" is not expected'),
        ("1 = 2", "= is not expected"),
        ("1 / 0", "/ has no value here"),
        ("1 % 0", "% has no value here"),
        ("1.5 << 1", "<< has no value here"),
        ("1 & 1.5", "& has no value here"),
        ("~1.5", "~ has no value here"),
        ("popcount(1.5)", "popcount has no value here"),
        ("sqrt(-1)", "sqrt has no value here"),
        ("1e_", "1e_ is no number"),
    ],
)
def test_what_has_no_value_says_why(text: str, said: str) -> None:
    """With the name or the symbol, cut to forty characters."""
    with pytest.raises(NotEvaluated) as caught:
        value_of(text)
    assert str(caught.value) == said
    assert not caught.value.is_out_of_bounds
