"""Expressions and gates of random programs, each made together with its meaning.

Nothing here reads a text. An expression is made with its type and with a function of the variables;
integers have the meaning of C99 at their width.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.proof.oracle import quantum
from tests.proof.oracle.run import Run

#: (kind, width): `int` or `uint` of a width; None is a literal, a bit or a register.
Type = tuple[str, int] | None
_INT: Type = ("int", 64)


class Value(NamedTuple):
    """An expression: its text, its type, and its value in a run."""

    text: str
    type: Type
    of: Callable[[Run], int]


def wrapped(value: int, type_: Type) -> int:
    """Return an integer as its type holds it."""
    if type_ is None:
        return value
    kind, width = type_
    value &= (1 << width) - 1
    return value - (1 << width) if kind == "int" and value >> (width - 1) else value


def common(left: Type, right: Type) -> Type:
    """Return the type in which two integers meet."""
    if left is None and right is None:
        return None
    a, b = left or _INT, right or _INT
    assert a is not None
    assert b is not None
    if a[1] == b[1]:
        return ("uint", a[1]) if "uint" in (a[0], b[0]) else a
    return a if a[1] > b[1] else b


def _divided(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}
_BY_LITERAL: dict[str, Callable[[int, int], int]] = {
    "/": _divided,
    "%": lambda a, b: a - b * _divided(a, b),
}
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
}


class Expressions:
    """Makes expressions of the variables and bits that there are."""

    def __init__(self, generator: random.Random) -> None:
        self.random = generator
        #: Integer variables that can be read and assigned, with their types.
        self.integers: dict[str, Type] = {}
        #: Further integers that can be read: inputs, constants, loops' variables.
        self.readable: dict[str, Type] = {}
        self.bits: list[tuple[str, int]] = []
        self.registers: dict[str, int] = {}
        #: What names of constants mean, where the program has given them a meaning.
        self.constants = {"pi": math.pi, "tau": math.tau, "euler": math.e}

    def integer(self, depth: int = 2) -> Value:
        """Return an integer expression."""
        r = self.random
        if depth == 0 or r.random() < 0.25:
            return self._leaf()
        pick = r.random()
        if pick < 0.5:
            op = r.choice(list(ARITHMETIC))
            return self._operated(op, ARITHMETIC[op], self.integer(depth - 1), self._leaf())
        if pick < 0.7:
            op, by = r.choice(list(_BY_LITERAL)), r.choice([2, 3, -2])
            return self._operated(op, _BY_LITERAL[op], self.integer(depth - 1), self._literal(by))
        if pick < 0.85:
            cast = (r.choice(["int", "uint"]), r.choice([2, 3, 4, 8]))
            inner = self.integer(depth - 1)
            text = f"{cast[0]}[{cast[1]}]({inner.text})"
            return Value(text, cast, lambda run: wrapped(inner.of(run), cast))
        inner = self.integer(depth - 1)
        type_ = inner.type
        return Value(
            f"(-{inner.text})" if type_ else f"(0 - {inner.text})",
            type_,
            lambda run: wrapped(-inner.of(run), type_),
        )

    def _operated(
        self, op: str, meaning: Callable[[int, int], int], left: Value, right: Value
    ) -> Value:
        type_ = common(left.type, right.type)

        def of(run: Run) -> int:
            a, b = wrapped(left.of(run), type_), wrapped(right.of(run), type_)
            return wrapped(meaning(a, b), type_)

        return Value(f"({left.text} {op} {right.text})", type_, of)

    def _literal(self, value: int) -> Value:
        text = str(value) if value >= 0 else f"({value})"
        return Value(text, None, lambda _: value)

    def _leaf(self) -> Value:
        r, named = self.random, {**self.integers, **self.readable}
        pick = r.random()
        if named and pick < 0.55:
            name, type_ = r.choice(list(named.items()))
            return Value(name, type_, lambda run: run.variables[name])
        if self.bits and pick < 0.75:
            name, at = r.choice(self.bits)
            text = name if at < 0 else f"{name}[{at}]"
            return Value(f"int({text})", _INT, lambda run: run.bits[name][max(at, 0)])
        return self._literal(r.randint(0, 5))

    def condition(self) -> Value:
        """Return a truth value."""
        r = self.random
        if r.random() < 0.15:
            left, right = self.condition(), self.condition()
            op = r.choice(["&&", "||"])

            def of(run: Run) -> int:
                a, b = left.of(run), right.of(run)
                return int(a and b) if op == "&&" else int(a or b)

            return Value(f"({left.text} {op} {right.text})", None, of)
        if r.random() < 0.2 and self.registers:
            name, value = r.choice(list(self.registers)), r.randint(0, 3)
            op = r.choice(list(_COMPARISONS))
            return Value(
                f"{name} {op} {value}",
                None,
                lambda run: int(_COMPARISONS[op](run.register(name), value)),
            )
        left, right = self.integer(1), self.integer(1)
        op, type_ = r.choice(list(_COMPARISONS)), common(left.type, right.type)

        def holds(run: Run) -> int:
            a, b = wrapped(left.of(run), type_), wrapped(right.of(run), type_)
            return int(_COMPARISONS[op](a, b))

        text = f"{left.text} {op} {right.text}"
        if r.random() < 0.2:
            return Value(f"!({text})", None, lambda run: 1 - holds(run))
        return Value(text, None, holds)

    def angle(self, *, may_run: bool = True) -> tuple[str, Callable[[Run], float]]:
        """Return an angle; one that a run decides only where gates take it."""
        r = self.random
        factor = round(r.uniform(-2, 2), 3)
        if may_run and r.random() < 0.25:
            value = self.integer(1)
            # Of a huge angle, rounding decides: it is cut to a few bits.
            return (
                f"{factor} * int[4]({value.text})",
                lambda run: factor * wrapped(value.of(run), ("int", 4)),
            )
        if r.random() < 0.5:
            name = r.choice(list(self.constants))
            number, by = self.constants[name], r.randint(1, 8)
            return f"{factor} * {name} / {by}", lambda _: factor * number / by
        return f"{factor}", lambda _: factor


#: Names that other libraries have for gates: the program's own must win.
TEMPTING = ("iswap", "fredkin", "dcx", "rccx", "u", "ecr", "rzx", "mcx", "v", "cnot", "measure_x")
WITHOUT_INCLUDE = ("h", "x", "cswap", "u2", "rx", "cx", "swap", "z")
PARAMETERS = ("a", "pi", "tau", "e", "euler", "theta", "q", "c")


class OwnGate(NamedTuple):
    """A gate of the program's own."""

    name: str
    parameters: tuple[str, ...]
    qubits: int
    text: str
    parts: Callable[[Sequence[float], Sequence[int]], list[quantum.Part]]


def own_gate(r: random.Random, name: str, *, version: int, has_include: bool) -> OwnGate:
    """Return a gate that is made of `U` and `CX`, and of standard ones where there are some."""
    names = r.sample(PARAMETERS, r.randint(0, 2))
    qubits = r.randint(1, 3)
    calls: list[Callable[[Sequence[float], Sequence[int]], list[quantum.Part]]] = []
    lines = []
    for _ in range(r.randint(1, 4)):
        line, call = _own_call(r, names, qubits, version=version, has_include=has_include)
        lines.append(line)
        calls.append(call)
    head = f"({', '.join(names)})" if names else ""
    arguments = ", ".join(f"b{at}" for at in range(qubits))
    text = f"gate {name}{head} {arguments} {{ {' '.join(lines)} }}\n"

    def parts(values: Sequence[float], row: Sequence[int]) -> list[quantum.Part]:
        return [part for call in calls for part in call(values, row)]

    return OwnGate(name, tuple(names), qubits, text, parts)


def _own_call(
    r: random.Random, names: Sequence[str], qubits: int, *, version: int, has_include: bool
) -> tuple[str, Callable[[Sequence[float], Sequence[int]], list[quantum.Part]]]:
    factor, at = round(r.uniform(-2, 2), 2), r.randrange(len(names)) if names else None
    text = f"{factor}" if at is None else f"{factor} * {names[at]} / 2"

    def angle(values: Sequence[float]) -> float:
        return factor if at is None else factor * values[at] / 2

    row = r.sample(range(qubits), qubits)
    if qubits > 1 and r.random() < 0.4:
        a, b = row[:2]
        name = "cx" if has_include else "CX"
        return f"{name} b{a}, b{b};", lambda _, on: quantum.standard("cx", (), (on[a], on[b]))
    if version == 3 and r.random() < 0.2:
        return f"gphase({text});", lambda values, _: quantum.standard("gphase", [angle(values)], ())
    if has_include and r.random() < 0.5:
        kind = r.choice(["rx", "ry", "rz"])
        return f"{kind}({text}) b{row[0]};", lambda values, on: quantum.standard(
            kind, [angle(values)], [on[row[0]]]
        )
    return f"U({text}, 0.3, {text}) b{row[0]};", lambda values, on: quantum.standard(
        "U", [angle(values), 0.3, angle(values)], [on[row[0]]]
    )
