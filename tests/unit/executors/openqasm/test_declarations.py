"""Constants, sizes and registers, as the scan of a circuit's text reads them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.executors.openqasm.constants import NotEvaluated
from chalicelib.executors.openqasm.declarations import constant, declaration, sizes
from chalicelib.executors.openqasm.tokens import Token, tokenize


def text_of(tokens: Sequence[Token]) -> str:
    """Write tokens one after another."""
    return "".join(token.text for token in tokens)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("const int n = 3 + 4", "n", 7),
        ("const uint half = 7 / 2.0", "half", 3),
        ("const int half = -7 / 2.0", "half", -3),
        ("const bool b = 2.5", "b", 2.5),
        ("const float[64] angle = 0.5", "angle", 0.5),
    ],
)
def test_a_constant_has_a_name_and_a_value_of_its_type(text: str, name: str, value: float) -> None:
    """Integers are cut, others are not."""
    assert constant(list(tokenize(text)), lambda _: None) == (name, value)


@pytest.mark.parametrize("text", ["const int = 3", "const int n[2] = 3", "const int n", "= 3"])
def test_what_is_no_declaration_of_a_constant_has_none(text: str) -> None:
    """A name stands before the `=`, and a type before the name."""
    with pytest.raises(NotEvaluated, match=r"^it is no constant's declaration$"):
        constant(list(tokenize(text)), lambda _: None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bit[2] c", [(0, "2")]),
        ("creg c[3]", [(0, "3")]),
        ("qreg q[n + 1]", [(0, "n+1")]),
        ("bit c[3]", []),
        ("creg[3] c", []),
        ("qubit q", []),
        ("qubit", []),
        ("bit[n[1] + 2] c", [(0, "n[1]+2")]),
        ("bit[3", [(0, "3")]),
        ("bit[] c", [(0, "")]),
        ("def f(qubit[3] a, uint[8] b)", [(3, "3"), (9, "8")]),
        ("x = int[4](y) + angle[5](z)", [(2, "4"), (10, "5")]),
        (
            "array[int[8], 3, f(1, 2), n[0, 1]] a",
            [(0, "3"), (0, "f(1,2)"), (0, "n[0,1]"), (2, "8")],
        ),
        ("array[bit, 3] a", [(0, "3")]),
        ("array a", []),
        ("complex[float[64]] z", [(2, "64")]),
        ("bits[3] c", []),
    ],
)
def test_every_size_of_a_statement_is_found_with_its_type(
    text: str, found: list[tuple[int, str]]
) -> None:
    """Of registers, numbers, arguments, casts, and of arrays what follows their type."""
    assert [(size.at, text_of(size.tokens)) for size in sizes(list(tokenize(text)))] == found


@pytest.mark.parametrize(
    ("text", "name", "size"),
    [
        ("bit c", "c", None),
        ("bit[2] c", "c", "2"),
        ("qubit[n + 1] q", "q", "n+1"),
        ("creg c", "c", None),
        ("creg c[2]", "c", "2"),
        ("qreg q[2]", "q", "2"),
        ("bit c = measure q", "c", None),
        ("bit[2] c = measure q", "c", "2"),
        ("creg c[2] = measure q", "c", "2"),
        ("creg c = measure q", "c", None),
    ],
)
def test_a_register_has_a_name_and_perhaps_a_size(text: str, name: str, size: str | None) -> None:
    """Before the name, or in OpenQASM 2 after it; it may begin with a value."""
    found = declaration(list(tokenize(text)))
    assert found is not None
    assert found.name.text == name
    assert (None if found.size is None else text_of(found.size)) == size


@pytest.mark.parametrize(
    "text",
    [
        *("bit", "bit[2]", "creg", "creg[2] c", "bit 3", "bit[2] 3", "bit c d", "bit[2] c d"),
        *("creg c[2] d", "creg c d", "bit c[2]", "bit, c"),
    ],
)
def test_what_declares_no_register_is_none(text: str) -> None:
    """Without a name, or with more than a name, a size and a value."""
    assert declaration(list(tokenize(text))) is None
