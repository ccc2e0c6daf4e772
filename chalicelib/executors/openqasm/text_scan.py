"""What can be told of a circuit from its text alone, in linear time: its registers, and refusals.

It runs in the worker's own process, before anything else reads the text, so it must not be slow
or large whatever the text is. It refuses what later parts cannot do safely: they recurse on nested
text, allocate what is declared, and read what is included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Never

import msgspec

from chalicelib.domain.task import Register
from chalicelib.executors.openqasm.constants import NotEvaluated, Number, evaluate
from chalicelib.executors.openqasm.declarations import SIZED, constant, declaration, sizes
from chalicelib.executors.openqasm.findings import CircuitRefused, refusal
from chalicelib.executors.openqasm.tokens import Kind, Token, tokenize

#: Open brackets at one place; a parser that recurses survives some thousands.
NESTING_MAX: Final = 200
#: Operators, modifiers and conditions that follow each other: parsers recurse on these too.
CHAIN_MAX: Final = 200
#: Of each declaration, and of all bits and all qubits of a circuit.
SIZE_MAX: Final = 10_000
DECLARATION_TOKENS_MAX: Final = 20_000
INCLUDES: Final = ("qelib1.inc", "stdgates.inc")
VERSIONS: Final = ("2.0", "2", "3.0", "3", "3.1")


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What a circuit's text says."""

    #: Its version statement: 2, 3, or None if there is none.
    version: int | None
    #: The classical registers that it gives back, in the order of their declaration.
    registers: tuple[Register, ...]
    #: All classical registers of the program, also those that it does not give back.
    declared: tuple[Register, ...]
    #: The sum of the sizes of its quantum registers.
    qubits: int
    #: Why it cannot be executed here, if so; then the rest is what was read until there.
    problem: CircuitRefused | None


def scan(text: str) -> Scan:
    """Read a circuit's text. It never raises, whatever the text is."""
    reader = _Reader(text)
    problem = None
    try:
        reader.read()
    except CircuitRefused as exc:
        problem = exc
    declared = tuple(register for register, _ in reader.bits)
    # Where a program names its outputs, nothing else is one (OpenQASM 3, "Input/output").
    outputs = tuple(register for register, is_output in reader.bits if is_output)
    return Scan(
        version=reader.version,
        registers=outputs or declared,
        declared=declared,
        qubits=reader.qubits,
        problem=problem,
    )


_OPENQASM_2: Final = 2
_SHOWN_CHARACTERS_MAX: Final = 40
_OPENING: Final = frozenset("([{")
_CLOSING: Final = {")": "(", "]": "[", "}": "{"}
_CHAINED: Final = frozenset(
    (
        *("+", "-", "*", "/", "%", "**", "++", "&", "|", "^", "&&", "||", "!", "~", "<<", ">>"),
        *("==", "!=", "<", ">", "<=", ">=", "@", "if", "for", "while", "switch"),
    )
)
#: Where a statement ends, or the head of a block, or a block.
_ENDS: Final = frozenset(";{}")
_UNCHAINED: Final = frozenset([",", ";", ":", "=", "{", "}", "->"])
#: The tokens of a statement are kept from the first of these on.
_KEPT: Final = SIZED | {"OPENQASM", "include", "const", "output"}
#: A statement that declares nothing and has no nested brackets: most of a long circuit are such.
PLAIN_STATEMENT: Final = re.compile(
    r"""\s*+ (?!(?:OPENQASM|angle|array|bit|box|cal|case|complex|const|creg|def|defcal
              |defcalgrammar|default|else|extern|float|for|gate|if|include|input|int|let|opaque
              |output|pragma|qreg|qubit|return|switch|uint|while)\b)
        [^\W\d]\w*+ \s*+
        (?: \( (?: [^()\[\]{};"'\#@/]++ | /(?![/*]) )*+ \) )?+
        (?: [\w\s,.$=]++ | -> | \[ \s*+ \w{1,5}+ \s*+ \] )*+ ;""",
    re.VERBOSE,
)


class _Reader:
    """Goes through the tokens once and keeps what is declared where."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.version: int | None = None
        #: Each with whether it is declared as an output.
        self.bits: list[tuple[Register, bool]] = []
        self._bits = 0
        self.qubits = 0
        #: Open brackets, innermost last.
        self._brackets: list[Token] = []
        #: Constants by block, innermost last.
        self._constants: list[dict[str, Number]] = [{}]
        #: The first word of the statement, and its tokens from the first that matters on.
        self._first = ""
        self._statement: list[Token] = []
        self._chain = 0
        #: `else if` after `else if`: each stands inside the one before.
        self._elses = 0

    def read(self) -> None:
        """Go through the text.

        Raises:
            CircuitRefused: it cannot be executed here.
        """
        for token in tokenize(self._text, skip=PLAIN_STATEMENT):
            text = token.text
            if not self._first and text not in _ENDS:
                self._begin(token)
            if text in _OPENING or text in _CLOSING:
                self._bracket(token)
            if text in _ENDS:
                self._end(token)
            else:
                self._count(token)
                if self._statement or text in _KEPT:
                    self._keep(token)
        self._check_closed()

    def _begin(self, token: Token) -> None:
        self._first = token.text
        self._chain = 0
        self._elses = self._elses + 1 if token.text == "else" else 0

    def _keep(self, token: Token) -> None:
        self._statement.append(token)
        if len(self._statement) > DECLARATION_TOKENS_MAX:
            message = f"a declaration has more than {DECLARATION_TOKENS_MAX:,} words and symbols"
            self._refuse(token, message)

    def _count(self, token: Token) -> None:
        if token.text in _UNCHAINED:
            self._chain = 0
        elif token.text in _CHAINED:
            self._chain += 1
            if self._chain + self._elses > CHAIN_MAX:
                message = f"more than {CHAIN_MAX} operators, modifiers or conditions in a row"
                self._refuse(token, f"{message}; split the expression or the statement")

    def _bracket(self, token: Token) -> None:
        if token.text in _OPENING:
            self._brackets.append(token)
            if len(self._brackets) > NESTING_MAX:
                self._refuse(token, f"brackets are nested more than {NESTING_MAX} deep")
        elif not self._brackets or self._brackets.pop().text != _CLOSING[token.text]:
            self._refuse(token, f"the bracket {token.text} does not close the one that is open")

    def _check_closed(self) -> None:
        if self._brackets:
            bracket = self._brackets[-1]
            self._refuse(bracket, f"the bracket {bracket.text} that opens here is not closed")

    def _end(self, token: Token) -> None:
        """Read the statement, or the head of a block, that ends here."""
        if token.text == ";" and self._brackets and self._brackets[-1].text != "{":
            self._check_closed()
        statement, first = self._statement, self._first
        self._statement, self._first = [], ""
        if statement:
            self._check_sizes(statement)
            is_global = not self._brackets and token.text == ";"
            self._read_statement(first, statement, is_global=is_global)
        blocks = len(self._brackets) + 1
        del self._constants[blocks:]
        self._constants += [{} for _ in range(blocks - len(self._constants))]

    def _read_statement(self, first: str, statement: Sequence[Token], *, is_global: bool) -> None:
        if first != statement[0].text:
            return
        if first == "OPENQASM":
            self._read_version(statement)
        elif first == "include":
            self._include(statement)
        elif first == "const":
            self._define(statement)
        elif is_global and first in ("bit", "creg", "output"):
            self._declare_bits(statement)
        elif is_global and first in ("qubit", "qreg"):
            self._declare_qubits(statement)

    def _read_version(self, statement: Sequence[Token]) -> None:
        given = statement[1].text if len(statement) > 1 else "nothing"
        if given not in VERSIONS:
            self._refuse(statement[0], f"OPENQASM must be 2.0 or 3.0, not {given[:20]}")
        self.version = int(given[0])

    def _include(self, statement: Sequence[Token]) -> None:
        file = statement[1] if len(statement) > 1 else statement[0]
        if file.kind is not Kind.STRING or file.text[1:-1] not in INCLUDES:
            known = " and ".join(f'"{name}"' for name in INCLUDES)
            self._refuse(file, f"only {known} can be included, not {file.text[:100]}")

    def _define(self, statement: Sequence[Token]) -> None:
        try:
            name, value = constant(statement, self._lookup)
        except NotEvaluated as exc:
            # Its name hides a constant of an outer block all the same.
            if exc.is_out_of_bounds:
                self._refuse_size(statement[0], f"this constant is too large: {exc}")
            return
        self._constants[-1][name] = value

    def _declare_bits(self, statement: Sequence[Token]) -> None:
        is_output = statement[0].text == "output"
        if is_output:
            statement = statement[1:]
            if not statement or statement[0].text != "bit":
                place = statement[0] if statement else None
                self._refuse(place, "only bits and bit registers can be outputs here")
        found = declaration(statement)
        if found is None or (self.version == _OPENQASM_2 and statement[0].text == "bit"):
            return
        size = self._size(found.size, found.name)
        self.bits.append((Register(name=found.name.text, size=size), is_output))
        self._bits += size
        self._check_sum("bits", self._bits, found.name)

    def _declare_qubits(self, statement: Sequence[Token]) -> None:
        found = declaration(statement)
        if found is not None:
            self.qubits += self._size(found.size, found.name)
            self._check_sum("qubits", self.qubits, found.name)

    def _size(self, tokens: Sequence[Token] | None, name: Token) -> int:
        if tokens is None:
            return 1
        shown = name.text[:_SHOWN_CHARACTERS_MAX]
        try:
            size = evaluate(tokens, self._lookup)
        except NotEvaluated as exc:
            self._refuse_size(name, f"the size of {shown} cannot be told: {exc}")
        if isinstance(size, float) or size < 1:
            message = f"the size of {shown} must be an integer from 1, not {size}"
            self._refuse_size(name, message)
        return size

    def _check_sizes(self, statement: Sequence[Token]) -> None:
        """Refuse what is declared too large, wherever it is; what has no value is for others."""
        for size in sizes(statement):
            place = size.tokens[0] if size.tokens else statement[size.at]
            try:
                value = evaluate(size.tokens, self._lookup)
            except NotEvaluated as exc:
                if exc.is_out_of_bounds:
                    self._refuse_size(
                        place, f"this size is too large: {exc}; the limit is {SIZE_MAX:,}"
                    )
                continue
            if value > SIZE_MAX:
                self._refuse_size(
                    place, f"a size of {value:,} is too large; the limit is {SIZE_MAX:,}"
                )

    def _check_sum(self, what: str, total: int, place: Token) -> None:
        if total > SIZE_MAX:
            self._refuse_size(place, f"{total:,} {what} are too many; the limit is {SIZE_MAX:,}")

    def _lookup(self, name: str) -> Number | None:
        return next((block[name] for block in reversed(self._constants) if name in block), None)

    def _refuse(self, place: Token | None, message: str) -> Never:
        raise refusal(self._text, place.offset if place else len(self._text), message)

    def _refuse_size(self, place: Token, message: str) -> Never:
        raise refusal(self._text, place.offset, message, is_about_size=True)
