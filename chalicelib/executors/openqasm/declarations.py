"""Declarations of OpenQASM 2 and 3, read from the tokens of one statement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from chalicelib.executors.openqasm.constants import NotEvaluated, Number, evaluate
from chalicelib.executors.openqasm.tokens import Kind, Token

#: In OpenQASM 2 the size follows the name.
_SIZED_AFTER_NAME: Final = frozenset(["creg", "qreg"])
#: These may be followed by a size in square brackets.
SIZED: Final = _SIZED_AFTER_NAME | {
    *("array", "angle", "bit", "complex", "float", "int", "qubit", "uint"),
}


class Size(NamedTuple):
    """A size as it is written, in tokens."""

    #: Where in the statement its type is.
    at: int
    tokens: Sequence[Token]


class Declaration(NamedTuple):
    """One register, or one qubit or bit."""

    name: Token
    #: None if it is a lone bit or qubit.
    size: Sequence[Token] | None


def sizes(statement: Sequence[Token]) -> Iterator[Size]:
    """Yield every size in a statement: of registers, numbers, arguments, arrays and casts."""
    for at, token in enumerate(statement):
        if token.kind is Kind.WORD and token.text in SIZED:
            opening = at + 1 + (token.text in _SIZED_AFTER_NAME)
            inside = _in_brackets(statement, opening)
            if token.text == "array":
                # The first of its parts is the type, the others are sizes.
                yield from (Size(at, part) for part in _parts(inside or ())[1:])
            elif inside is not None and token.text != "complex":
                yield Size(at, inside)


def declaration(statement: Sequence[Token]) -> Declaration | None:
    """Return what `bit`, `qubit`, `creg` or `qreg` declare; None if it is no such declaration."""
    size_first = statement[0].text not in _SIZED_AFTER_NAME
    size = _in_brackets(statement, 1 if size_first else 2)
    size_tokens = 0 if size is None else len(size) + 2
    name_at = 1 + size_tokens if size_first else 1
    end = 2 + size_tokens
    if len(statement) <= name_at or statement[name_at].kind is not Kind.WORD:
        return None
    if len(statement) > end and statement[end].text != "=":
        return None
    return Declaration(statement[name_at], size)


def constant(
    statement: Sequence[Token], lookup: Callable[[str], Number | None]
) -> tuple[str, Number]:
    """Return the name and value of `const TYPE NAME = VALUE`.

    Raises:
        NotEvaluated: the value cannot be told.
    """
    at = next((i for i, token in enumerate(statement) if token.text == "="), 0)
    if at < 3 or statement[at - 1].kind is not Kind.WORD:  # noqa: PLR2004 - const TYPE NAME =
        message = "it is no constant's declaration"
        raise NotEvaluated(message)
    value = evaluate(statement[at + 1 :], lookup)
    is_whole = statement[1].text in ("int", "uint")
    return statement[at - 1].text, math.trunc(value) if is_whole else value


def _in_brackets(statement: Sequence[Token], opening: int) -> Sequence[Token] | None:
    """Return what stands in the square brackets that open there, or None if none do."""
    if opening >= len(statement) or statement[opening].text != "[":
        return None
    depth = 0
    for at in range(opening, len(statement)):
        depth += {"[": 1, "]": -1}.get(statement[at].text, 0)
        if depth == 0:
            return statement[opening + 1 : at]
    return statement[opening + 1 :]


def _parts(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cut at the commas that are in no brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
