"""Works out constant expressions of OpenQASM within bounds: no text makes it run long or grow.

Operator precedence is that of the OpenQASM 3 specification ("Operators", table of precedence). The
method is Dijkstra's shunting-yard, which needs no recursion. An integer has at most 64 bits at
every step: `2 ** 1000000000` is refused before it is computed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Never

from chalicelib.executors.openqasm.tokens import Kind, Token

Number = int | float

_BITS_MAX: Final = 64
#: Of a number as it is written, leading zeros left out; 64 bits in base 2 have 64.
_DIGITS_MAX: Final = 64
_SHOWN_CHARACTERS_MAX: Final = 40


class NotEvaluated(Exception):
    """The expression is not constant, or not within the bounds."""

    def __init__(self, reason: str, *, is_out_of_bounds: bool = False) -> None:
        """Say why."""
        super().__init__(reason)
        #: Whether it has a value, but one that is not computed here.
        self.is_out_of_bounds = is_out_of_bounds


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if abs(base) > 1 and base.bit_length() * exponent > 2 * _BITS_MAX:
            raise OverflowError
        # Of -1, 0 and 1 only the exponent's parity matters, and whether it is 0.
        result: int = base ** (exponent if abs(base) > 1 else min(exponent, 2 + exponent % 2))
        return result
    return math.pow(base, exponent)


def _divide(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return left / right


def _remainder(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        return left - right * int(_divide(left, right))
    return math.fmod(left, right)


def _whole(apply: Callable[[int, int], int]) -> Callable[[Number, Number], Number]:
    """Return an operation that takes integers only, and shifts by no more than they have."""

    def checked(left: Number, right: Number) -> Number:
        if isinstance(left, float) or isinstance(right, float):
            raise TypeError
        if apply in (operator.lshift, operator.rshift) and not 0 <= right <= _BITS_MAX:
            raise OverflowError
        return apply(left, right)

    return checked


#: Symbol to how tightly it binds and what it does; `**` alone groups to the right.
_BINARY: Final[Mapping[str, tuple[int, Callable[[Number, Number], Number]]]] = {
    "||": (1, lambda a, b: int(bool(a) or bool(b))),
    "&&": (2, lambda a, b: int(bool(a) and bool(b))),
    "|": (3, _whole(operator.or_)),
    "^": (4, _whole(operator.xor)),
    "&": (5, _whole(operator.and_)),
    "==": (6, lambda a, b: int(a == b)),
    "!=": (6, lambda a, b: int(a != b)),
    "<": (7, lambda a, b: int(a < b)),
    "<=": (7, lambda a, b: int(a <= b)),
    ">": (7, lambda a, b: int(a > b)),
    ">=": (7, lambda a, b: int(a >= b)),
    "<<": (8, _whole(operator.lshift)),
    ">>": (8, _whole(operator.rshift)),
    "+": (9, operator.add),
    "-": (9, operator.sub),
    "*": (10, operator.mul),
    "/": (10, _divide),
    "%": (10, _remainder),
    "**": (12, _power),
}
_UNARY_BINDS: Final = 11
_UNARY: Final[Mapping[str, Callable[[Number], Number]]] = {
    "-": operator.neg,
    "+": operator.pos,
    "!": lambda a: int(not a),
    "~": lambda a: _whole(operator.xor)(a, -1),
}
#: Name to the function, of as many arguments as it takes.
_FUNCTIONS: Final[Mapping[str, tuple[int, Callable[..., Number]]]] = {
    "sin": (1, math.sin),
    "cos": (1, math.cos),
    "tan": (1, math.tan),
    "arcsin": (1, math.asin),
    "arccos": (1, math.acos),
    "arctan": (1, math.atan),
    "exp": (1, math.exp),
    "log": (1, math.log),
    "ln": (1, math.log),
    "sqrt": (1, math.sqrt),
    "floor": (1, math.floor),
    "ceiling": (1, math.ceil),
    "popcount": (1, lambda a: a.bit_count()),
    "mod": (2, _remainder),
    "pow": (2, _power),
    "int": (1, int),
    "uint": (1, int),
    "float": (1, float),
    "bool": (1, lambda a: int(bool(a))),
}
CONSTANTS: Final[Mapping[str, Number]] = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
    "true": 1,
    "false": 0,
}


def evaluate(tokens: Sequence[Token], lookup: Callable[[str], Number | None]) -> Number:
    """Return the value of an expression.

    `lookup` tells the value of a constant by its name, or None.

    Raises:
        NotEvaluated: it is no constant expression, or a step of it passes 64 bits.
    """
    return _Evaluation(tokens, lookup).result()


class _Evaluation:
    """Two stacks: values, and operators that wait for their right operand or closing bracket."""

    def __init__(self, tokens: Sequence[Token], lookup: Callable[[str], Number | None]) -> None:
        self._tokens = tokens
        self._lookup = lookup
        self._values: list[Number] = []
        #: Each with how tightly it binds; brackets and functions bind least.
        self._waiting: list[tuple[int, Token, bool]] = []
        self._commas: list[int] = []

    def result(self) -> Number:
        wants_operand, at = True, 0
        while at < len(self._tokens):
            token = self._tokens[at]
            if wants_operand:
                wants_operand, at = self._operand(at)
            else:
                wants_operand = self._operator(token)
                at += 1
        if wants_operand or any(token.text == "(" for _, token, _ in self._waiting):
            _fail("it is not complete")
        self._apply_down_to(0)
        return self._values[0]

    def _operand(self, at: int) -> tuple[bool, int]:
        """Take an operand, or what may stand before one; say whether one is still wanted."""
        token = self._tokens[at]
        if token.kind is Kind.NUMBER:
            self._values.append(self._number(token))
        elif token.kind is Kind.SYMBOL and token.text in _UNARY:
            self._waiting.append((_UNARY_BINDS, token, True))
            return True, at + 1
        elif token.text == "(":
            self._open(token)
            return True, at + 1
        elif token.kind is Kind.WORD and token.text in _FUNCTIONS:
            return True, self._call(at)
        elif token.kind is Kind.WORD:
            value = self._lookup(token.text)
            value = CONSTANTS.get(token.text) if value is None else value
            if value is None:
                _fail(f"'{_shown(token)}' is no constant")
            self._values.append(value)
        else:
            _fail(f"{_shown(token)} is not expected")
        return False, at + 1

    def _call(self, at: int) -> int:
        """Open a function's arguments; a cast may have a width, which changes no value here."""
        function, at = self._tokens[at], at + 1
        if at < len(self._tokens) and self._tokens[at].text == "[":
            while at < len(self._tokens) and self._tokens[at].text != "]":
                at += 1
            at += 1
        if at >= len(self._tokens) or self._tokens[at].text != "(":
            _fail(f"'{function.text}' needs arguments in brackets")
        self._waiting.append((0, function, True))
        self._open(self._tokens[at])
        return at + 1

    def _open(self, bracket: Token) -> None:
        self._waiting.append((0, bracket, False))
        self._commas.append(0)

    def _operator(self, token: Token) -> bool:
        """Take what may follow an operand; say whether an operand must come next."""
        if token.text == ")" and self._commas:
            self._close(token)
            return False
        if token.text == "," and self._commas:
            self._apply_down_to(1)
            self._commas[-1] += 1
            return True
        if token.kind is not Kind.SYMBOL or token.text not in _BINARY:
            _fail(f"{_shown(token)} is not expected")
        binds = _BINARY[token.text][0]
        self._apply_down_to(binds + (token.text == "**"))
        self._waiting.append((binds, token, False))
        return True

    def _close(self, bracket: Token) -> None:
        self._apply_down_to(1)
        self._waiting.pop()
        arguments = self._commas.pop() + 1
        function = self._waiting[-1][1] if self._waiting else bracket
        if not (self._waiting and self._waiting[-1][2] and function.text in _FUNCTIONS):
            if arguments > 1:
                _fail("a comma is not expected")
            return
        self._waiting.pop()
        takes, apply = _FUNCTIONS[function.text]
        if arguments != takes:
            _fail(f"'{function.text}' takes {takes} arguments, not {arguments}")
        values = self._values[-takes:]
        del self._values[-takes:]
        self._push(function, apply, *values)

    def _apply_down_to(self, binds: int) -> None:
        """Apply the operators that wait and bind as tightly as this, or more tightly."""
        while self._waiting and self._waiting[-1][0] >= max(binds, 1):
            _, token, is_unary = self._waiting.pop()
            right = self._values.pop()
            if is_unary:
                self._push(token, _UNARY[token.text], right)
            else:
                self._push(token, _BINARY[token.text][1], self._values.pop(), right)

    def _push(self, token: Token, apply: Callable[..., Number], *values: Number) -> None:
        try:
            value = apply(*values)
        except OverflowError:
            _too_large()
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            _fail(f"{token.text} has no value here")
        self._values.append(_bounded(value))

    def _number(self, token: Token) -> Number:
        digits = token.text.replace("_", "").lower()
        base = {"0x": 16, "0b": 2, "0o": 8}.get(digits[:2])
        digits = digits[2 if base else 0 :].lstrip("0") or "0"
        if len(digits) > _DIGITS_MAX:
            _too_large()
        try:
            is_float = base is None and not digits.isdecimal()
            value = float(digits) if is_float else int(digits, base or 10)
        except ValueError:
            _fail(f"{_shown(token)} is no number")
        return _bounded(value)


def _bounded(value: Number) -> Number:
    if value.bit_length() > _BITS_MAX if isinstance(value, int) else not math.isfinite(value):
        _too_large()
    return value


def _shown(token: Token) -> str:
    return token.text[:_SHOWN_CHARACTERS_MAX]


def _fail(reason: str) -> Never:
    raise NotEvaluated(reason)


def _too_large() -> Never:
    message = f"it has a number of more than {_BITS_MAX} bits"
    raise NotEvaluated(message, is_out_of_bounds=True)
