"""OpenQASM 2 and 3 cut into tokens, in one pass that is linear in the text, whatever it holds.

Every quantifier of the pattern is possessive (it gives nothing back), so that no place of the text
is read more than a few times. Comments, pragmas and annotations are left out.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from chalicelib.executors.openqasm.findings import refusal


class Kind(enum.Enum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    STRING = "string"
    SYMBOL = "symbol"


class Token(NamedTuple):
    """A word, a number, a string with its quotes, or a symbol."""

    kind: Kind
    text: str
    #: Characters before it.
    offset: int

    @property
    def end(self) -> int:
        """Characters before what follows it."""
        return self.offset + len(self.text)


_TOKEN: Final = re.compile(
    r"""
      (?P<blank>\s++)
    | (?P<word>[^\W\d]\w*+)
    | (?P<number>
          0[xX][0-9a-fA-F_]++ | 0[bB][01_]++ | 0[oO][0-7_]++
        | (?: [0-9][0-9_]*+ (?:\.[0-9_]*+)?+ | \.[0-9][0-9_]*+ ) (?: [eE][+-]?+[0-9_]++ )?+
      )
    | (?P<line_comment>//[^\n]*+)
    | (?P<block_comment>/\*)
    | (?P<string> "[^"\n]*+" | '[^'\n]*+' )
    | (?P<hash>\#[^\n]*+)
    | (?P<symbol>
          \*\*= | <<= | >>= | \*\* | \+\+ | -> | == | != | >= | <= | << | >> | && | \|\|
        | [-+*/&|^%]= | \$[0-9]++ | .
      )
    """,
    re.VERBOSE | re.DOTALL,
)
#: A longer statement is checked, plain or not: it may be a chain of operators.
SKIPPED_CHARACTERS_MAX: Final = 400
_KINDS: Final = {kind.value: kind for kind in Kind}
#: After these a statement begins, so that an `@` there is an annotation and no modifier.
_STATEMENT_ENDS: Final = frozenset(";{}")


def tokenize(text: str, *, skip: re.Pattern[str] | None = None) -> Iterator[Token]:
    """Yield the tokens of a text.

    Where a statement begins, what `skip` matches there is left out, if it is not long. It must
    match whole statements and give nothing back.

    Raises:
        CircuitRefused: a comment that begins with `/*` has no end.
    """
    at, size, statement_begins = 0, len(text), True
    match = _TOKEN.match
    while at < size:
        if statement_begins and skip is not None:
            skipped = skip.match(text, at)
            if skipped is not None and skipped.end() - at <= SKIPPED_CHARACTERS_MAX:
                at = skipped.end()
                continue
        found = match(text, at)
        if found is None:  # pragma: no cover - the last alternative takes any character
            return
        name, start, at = found.lastgroup or "", at, found.end()
        kind = _KINDS.get(name)
        if kind is None:
            if name == "block_comment":
                at = text.find("*/", at) + 2
                if at < 2:  # noqa: PLR2004 - find answered -1
                    raise refusal(text, start, "the comment that begins here has no end: add */")
            continue
        token = found.group()
        if statement_begins and token in ("@", "pragma"):
            end = text.find("\n", at)
            at = size if end < 0 else end
            continue
        statement_begins = token in _STATEMENT_ENDS
        yield Token(kind, token, start)
