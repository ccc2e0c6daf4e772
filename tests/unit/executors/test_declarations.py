"""Constants and sizes, as the scan of a circuit's text reads them."""

from __future__ import annotations

import pytest

from chalicelib.executors.constants import NotEvaluated
from chalicelib.executors.declarations import constant
from chalicelib.executors.tokens import tokenize


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("const int n = 3 + 4", "n", 7),
        ("const uint half = 7 / 2.0", "half", 3),
        ("const float[64] angle = 0.5", "angle", 0.5),
    ],
)
def test_a_constant_has_a_name_and_a_value_of_its_type(text: str, name: str, value: float) -> None:
    """Integers are cut, others are not."""
    assert constant(list(tokenize(text)), lambda _: None) == (name, value)


@pytest.mark.parametrize("text", ["const int = 3", "const int n[2] = 3", "const int n", "= 3"])
def test_what_is_no_declaration_of_a_constant_has_none(text: str) -> None:
    """A name stands before the `=`, and a type before the name."""
    with pytest.raises(NotEvaluated, match="no constant's declaration"):
        constant(list(tokenize(text)), lambda _: None)
