"""The registers that a text declares, as far as its words alone tell: for the mock."""

from __future__ import annotations

import re
from typing import Final

from chalicelib.domain.task import Register
from chalicelib.domain.validation import Finding
from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.openqasm.program import SIZE_MAX

_COMMENT: Final = re.compile(r"//[^\n]*+|/\*(?:(?!\*/).)*+(?:\*/)?+", re.DOTALL)
_DECLARED: Final = re.compile(
    r"(?:^|[;{}])\s*+(output\s++)?+"
    r"(?:bit\s*+(?:\[\s*+([0-9]++)\s*+\])?+\s*+([^\W\d]\w*+)"
    r"|creg\s++([^\W\d]\w*+)\s*+(?:\[\s*+([0-9]++)\s*+\])?+)\s*+(?=[;=])"
)


def registers_of(text: str) -> tuple[Register, ...]:
    """Return the declared registers whose size is written as a number, or the outputs among them.

    Raises:
        CircuitRefused: one is larger than any circuit may have.
    """
    found: list[tuple[Register, bool]] = []
    bare = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)
    for declared in _DECLARED.finditer(bare):
        is_output, size, name, name_2, size_2 = declared.groups()
        digits = size or size_2 or "1"
        if len(digits) > len(str(SIZE_MAX)) or int(digits) > SIZE_MAX:
            message = f"a size of {int(digits[:20]):,} is too large; the limit is {SIZE_MAX:,}"
            at = declared.start(2 if size else 5)
            line = text.count("\n", 0, at) + 1
            column = at - text.rfind("\n", 0, at)
            raise CircuitRefused(Finding(message=message, line=line, column=column))
        found.append((Register(name=name or name_2, size=int(digits)), is_output is not None))
    outputs = tuple(register for register, is_output in found if is_output)
    return outputs or tuple(register for register, _ in found)
