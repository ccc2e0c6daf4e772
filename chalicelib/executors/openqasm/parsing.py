"""Cuts a text into statements and parses one at a time, by the public functions of `openqasm`.

The parser recurses, so what it would recurse on is bounded before. OpenQASM 2 reserves few words:
those that only OpenQASM 3 reserves are names there, and are given to the parser in disguise.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chalicelib.executors.openqasm.values import Refused

if TYPE_CHECKING:
    from openqasm import ast

#: Open brackets at one place; a parser that recurses survives some thousands.
NESTING_MAX: Final = 200
#: Operators, modifiers and conditions that follow each other: parsers recurse on these too.
CHAIN_MAX: Final = 200
#: Of one statement, which may be a block; the parser takes some 400 bytes for each.
STATEMENT_CHARACTERS_MAX: Final = 500_000
#: Statements that are kept parsed, and how long they are at most.
_REMEMBERED_MAX: Final = 1_000
_REMEMBERED_CHARACTERS_MAX: Final = 200
KEYWORDS_2: Final = frozenset(
    ["OPENQASM", "include", "qreg", "creg", "gate", "opaque", "measure", "reset", "barrier", "if"]
)
_ONLY_3: Final = (  # noqa: SIM905
    "defcalgrammar def cal defcal extern box let break continue else end return for while"
    " in switch case default nop pragma input output const readonly mutable qubit bool bit"
    " int uint float angle complex array void duration stretch gphase inv pow ctrl negctrl"
    " durationof delay true false im"
).split()
KEYWORDS_3: Final = KEYWORDS_2 - {"opaque"} | frozenset(_ONLY_3)
#: A letter that no OpenQASM 2 text has in a name stands for the first of a word's.
_DISGUISES: Final = {word: f"ª{word[1:]}" for word in _ONLY_3}
_NAMES: Final = {disguise: word for word, disguise in _DISGUISES.items()}
_RESERVED_3: Final = re.compile(rf"(?<![\w#])(?:{'|'.join(_ONLY_3)})(?!\w)")
#: The parser knows `pow` as a modifier only.
_POW: Final = re.compile(r"(?<![\w#])pow(?=\s*\()")
_DISGUISED: Final = re.compile(r"ª\w+")

#: Blanks and comments.
TRIVIA: Final = r"(?:\s++|//[^\n]*+|/\*(?:(?!\*/).)*+\*/)*+"
_TRIVIA: Final = re.compile(TRIVIA, re.DOTALL)
_ELSE: Final = re.compile(rf"{TRIVIA}else\b", re.DOTALL)
#: What matters to find a statement's end: comments and strings whole, words, brackets, operators.
_PART: Final = re.compile(
    r"""\s++ | //[^\n]*+ | /\*(?:(?!\*/).)*+(?:\*/)?+ | "[^"\n]*+" | [^\W\d]\w*+ | [0-9.]++
        | [=!<>]= | && | \|\| | << | >> | \*\* | \+\+ | -> | .""",
    re.DOTALL | re.VERBOSE,
)
#: Annotations and pragmas are lines; what looks like a comment or a bracket in one is none.
_ANNOTATION: Final = re.compile(r"@[^\n]*+")
_PRAGMA: Final = re.compile(r"\#?+pragma\b[^\n]*+")
_PRAGMA_2: Final = re.compile(r"\#pragma\b[^\n]*+")
_LINE: Final = re.compile(r"(?:@|\#?+pragma\b)[^\n]*+")
_LINE_2: Final = re.compile(r"(?:@|\#pragma\b)[^\n]*+")
#: After one of these a statement begins.
_BEFORE_STATEMENTS: Final = frozenset(["", "{", "}", ";"])
_OPENING: Final = frozenset("([{")
_CLOSING: Final = {")": "(", "]": "[", "}": "{"}
_CHAINED: Final = frozenset(
    "+ - * / % ** ++ & | ^ && || ! ~ << >> == != < > <= >= @ if for while switch".split()  # noqa: SIM905
)
#: Where an expression, and with it a chain, ends.
_UNCHAINED: Final = frozenset([",", ":", "=", "->", "{"])
_OPENQASM_2: Final = 2


class Cut(Refused):
    """A text is refused at a place that is known as an offset."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def statement_end(text: str, start: int, version: int) -> int:
    """Return where the statement ends that begins here.

    Raises:
        Cut: it is nested too deeply, or its brackets do not match.
    """
    at = start
    while line := _ANNOTATION.match(text, at):
        at = after_trivia(text, line.end())
    pragma = (_PRAGMA_2 if version == _OPENQASM_2 else _PRAGMA).match(text, at)
    _refuse_long(start, pragma.end() if pragma else at)
    return pragma.end() if pragma else _Cutter(text, version).end(start, at)


def _refuse_long(start: int, end: int) -> None:
    if end - start > STATEMENT_CHARACTERS_MAX:
        limit = f"{STATEMENT_CHARACTERS_MAX:,}"
        raise Cut(f"a statement has more than {limit} characters; split it", start)


def after_trivia(text: str, at: int) -> int:
    """Return where the first word after blanks and comments begins."""
    trivia = _TRIVIA.match(text, at)
    return trivia.end() if trivia else at


class _Cutter:
    """Goes through the parts of one statement."""

    def __init__(self, text: str, version: int) -> None:
        self._text = text
        self._line = (_LINE_2 if version == _OPENQASM_2 else _LINE).match
        self._chained = (
            _CHAINED if version != _OPENQASM_2 else _CHAINED - {"for", "while", "switch"}
        )
        #: Open brackets with their places; a brace that holds values is `=`.
        self._open: list[tuple[str, int]] = []
        self._chain = self._elses = 0

    def end(self, start: int, at: int) -> int:
        text, before, match = self._text, "", _PART.match
        while at < len(text):
            begins = before in _BEFORE_STATEMENTS and text[at] in "@#p"
            line = self._line(text, at) if begins else None
            found = line or match(text, at)
            assert found is not None  # noqa: S101 - any character is a part
            part, begin, at = found[0], at, found.end()
            _refuse_long(start, at)
            if line or part.isspace() or part.startswith(("//", "/*")):
                continue
            if part in _OPENING:
                self._opened(part, before, begin)
            elif part in _CLOSING or part == ";":
                is_end = self._closed(part, begin)
                if is_end and not self._open and not _ELSE.match(text, at):
                    return at
            else:
                self._count(part, begin)
            before = part
        if self._open:
            self._refuse_open()
        return len(text)

    def _opened(self, part: str, before: str, at: int) -> None:
        holds_values = before in ("=", "in", ",") or (self._open and self._open[-1][0] in "([=")
        self._open.append(("=" if part == "{" and holds_values else part, at))
        if part == "{":
            self._chain = 0
        if len(self._open) > NESTING_MAX:
            raise Cut(f"brackets are nested more than {NESTING_MAX} deep", at)

    def _closed(self, part: str, at: int) -> bool:
        """Close a bracket, or a statement; return whether a statement may end here."""
        kind = self._open[-1][0] if self._open else ""
        if part == ";":
            if kind in ("(", "["):
                self._refuse_open()
            self._chain = 0
            return True
        if kind.replace("=", "{") != _CLOSING[part]:
            raise Cut(f"the bracket {part} does not close the one that is open", at)
        self._open.pop()
        self._chain = 0 if kind == "{" else self._chain
        return kind == "{"

    def _refuse_open(self) -> None:
        kind, at = self._open[-1]
        raise Cut(f"the bracket {kind.replace('=', '{')} that opens here is not closed", at)

    def _count(self, part: str, at: int) -> None:
        if part == "else":
            self._elses += 1
        if part in _UNCHAINED:
            self._chain = 0
        elif part in self._chained:
            self._chain += 1
        if self._chain + self._elses > CHAIN_MAX:
            raise Cut(
                f"more than {CHAIN_MAX} operators, modifiers or conditions in a row; split the"
                " expression or the statement",
                at,
            )


def parse(text: str, version: int) -> Sequence[ast.Statement]:
    """Parse the text of a statement; it begins in the second line of the spans.

    Raises:
        openqasm.QasmError: it is not well formed.
        ValueError, OverflowError: a number is too long for Python.
    """
    parser = _parse_once if len(text) <= _REMEMBERED_CHARACTERS_MAX else _parse
    return parser(text, version == _OPENQASM_2)


def _parse(text: str, is_version_2: bool) -> Sequence[ast.Statement]:  # noqa: FBT001 - a cache's key
    import openqasm  # noqa: PLC0415 - circuits of plain statements do without

    if is_version_2:
        disguised = _RESERVED_3.sub(lambda found: _DISGUISES[found[0]], text)
        program = openqasm.parse(f"OPENQASM 2.0;\n{disguised}")
    else:
        disguised = _POW.sub(_function_pow, text)
        # Without a version it is 3; a second version statement is refused.
        version = "OPENQASM 3.0;" if text.startswith("OPENQASM") else ""
        program = openqasm.parse(f"{version}\n{disguised}")
    if disguised != text:
        for node in openqasm.walk(program):
            if isinstance(node, openqasm.ast.Identifier):
                node.name = _NAMES.get(node.name, node.name)
    return program.statements


#: Statements come again; nothing changes a tree.
_parse_once: Final = functools.lru_cache(_REMEMBERED_MAX)(_parse)


def _function_pow(found: re.Match[str]) -> str:
    """Disguise `pow` where it is the function: no `@` follows its brackets."""
    depth = 0
    for part in _PART.finditer(found.string, found.end()):
        depth += (part[0] in _OPENING) - (part[0] in _CLOSING)
        if depth == 0 and part[0] == ")":
            after = found.string[after_trivia(found.string, part.end()) :]
            return found[0] if after.startswith("@") else _DISGUISES["pow"]
    return found[0]


def undisguised(message: str) -> str:
    """Return a message of the parser's with the words that the text has."""
    plain = _DISGUISED.sub(lambda found: _NAMES.get(found[0], found[0]), message)
    is_annotation = plain.startswith("expected '@', found '@")  # so the specification reads @x
    return f"{plain}; write a blank after the @ of a modifier" if is_annotation else plain
