"""Random programs, the same for the same number: gates, controls, loops, feedback, resets."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

_ONE: Final = ("h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "id")
_ONE_TURNED: Final = ("rx", "ry", "rz", "p")
_TWO: Final = ("cx", "cy", "cz", "ch", "swap")
_TWO_TURNED: Final = ("crx", "cry", "crz", "cp")
_THREE: Final = ("ccx", "cswap")
_MINE: Final = (
    "gate mine(a, b) x0, x1 { ry(a/2) x0; cx x0, x1; rz(-b*2+pi/7) x1; h x0; crx(a-b) x1, x0; }\n"
)


def program(number: int) -> str:
    """Return a program; each third is OpenQASM 2."""
    return _Program(number, version=2 if number % 3 == 0 else 3).text()


class _Program:
    def __init__(self, number: int, *, version: int) -> None:
        self._random = random.Random(number)  # noqa: S311 - test data
        self._version = version
        qubits = self._random.randint(2, 7)
        self._registers = self._cut(qubits)
        self._qubits = [f"q{i}[{j}]" for i, n in enumerate(self._registers) for j in range(n)]
        self._creg = [self._random.randint(1, 3) for _ in range(self._random.randint(1, 3))]
        self._bits = [f"c{i}[{j}]" for i, n in enumerate(self._creg) for j in range(n)]
        self._has_feedback = self._random.random() < 0.5

    def text(self) -> str:
        lines = self._random.randint(5, 40)
        body = [self._statement() for _ in range(lines)]
        measured = [bit for bit in self._bits if self._random.random() < 0.9]
        body += [self._measure(bit) for bit in measured or self._bits[:1]]
        return self._head() + "\n".join(body) + "\n"

    def _cut(self, total: int) -> list[int]:
        sizes = []
        while total:
            sizes.append(self._random.randint(1, total))
            total -= sizes[-1]
        return sizes

    def _head(self) -> str:
        if self._version == 2:
            head = f'OPENQASM 2.0;\ninclude "qelib1.inc";\n{_MINE}'
            head += "".join(f"qreg q{i}[{n}];\n" for i, n in enumerate(self._registers))
            return head + "".join(f"creg c{i}[{n}];\n" for i, n in enumerate(self._creg))
        head = f'OPENQASM 3.0;\ninclude "stdgates.inc";\n{_MINE}'
        head += "".join(f"qubit[{n}] q{i};\n" for i, n in enumerate(self._registers))
        return head + "".join(f"bit[{n}] c{i};\n" for i, n in enumerate(self._creg))

    def _measure(self, bit: str) -> str:
        qubit = self._random.choice(self._qubits)
        is_2 = self._version == 2
        return f"measure {qubit} -> {bit};" if is_2 else f"{bit} = measure {qubit};"

    def _statement(self) -> str:
        pick = self._random.random()
        if self._has_feedback and pick < 0.08:
            return self._measure(self._random.choice(self._bits))
        if self._has_feedback and pick < 0.11:
            return f"reset {self._random.choice(self._qubits)};"
        if self._has_feedback and pick < 0.21:
            return self._conditional()
        if self._version > 2 and pick < 0.24:
            last = self._random.randint(0, 3)
            return f"for int i in [0:{last}] {{ {self._gate()} }}"
        return self._gate()

    def _conditional(self) -> str:
        at = self._random.randrange(len(self._creg))
        value = self._random.randrange(2 ** self._creg[at])
        if self._version == 2:
            return f"if(c{at}=={value}) {self._gate()}"
        if self._random.random() < 0.6:
            bit = f"{self._random.choice(self._bits)} == {self._random.choice(['true', 'false'])}"
            return f"if ({bit}) {{ {self._gate()} {self._gate()} }}"
        return f"if (c{at} == {value}) {{ {self._gate()} }} else {{ {self._gate()} }}"

    def _angle(self) -> str:
        r = self._random
        return r.choice(
            [
                f"{r.uniform(-7, 7):.6f}",
                f"pi/{r.randint(1, 8)}",
                f"-{r.randint(1, 5)}*pi/{r.randint(2, 9)}",
            ]
        )

    def _gate(self) -> str:
        r = self._random
        some = r.sample(self._qubits, min(3, len(self._qubits)))
        a, b = some[0], some[1]
        kinds: list[tuple[int, Callable[[], str]]] = [
            (30, lambda: f"{r.choice(_ONE)} {a};"),
            (20, lambda: f"{r.choice(_ONE_TURNED)}({self._angle()}) {a};"),
            (5, lambda: f"U({self._angle()},{self._angle()},{self._angle()}) {a};"),
            (20, lambda: f"{r.choice(_TWO)} {a},{b};"),
            (10, lambda: f"{r.choice(_TWO_TURNED)}({self._angle()}) {a},{b};"),
            (3, lambda: f"cu3({self._angle()},{self._angle()},{self._angle()}) {a},{b};"),
            (4, lambda: f"mine({self._angle()},{self._angle()}) {a},{b};"),
            (8, lambda: self._large(some)),
        ]
        if self._version > 2:
            cu = ",".join(self._angle() for _ in range(4))
            kinds[5] = (3, lambda: f"cu({cu}) {a},{b};")
        weights = [weight for weight, _ in kinds]
        return r.choices(kinds, weights)[0][1]()

    def _large(self, some: list[str]) -> str:
        """A gate on three qubits or with modifiers, as far as qubits and version allow."""
        r, x, y = self._random, self._angle(), self._angle()
        choices = [f"inv @ mine({x},{y}) {some[0]},{some[1]};"]
        choices.append(f"pow({r.choice([2, 3, -1])}) @ {r.choice(['t', 'sx', 's'])} {some[0]};")
        choices.append(f"ctrl @ {r.choice(['ry', 'rz', 'p'])}({x}) {some[0]},{some[1]};")
        three = ",".join(some)
        if len(some) == 3:
            choices += [f"ctrl @ ch {three};", f"negctrl @ ctrl @ x {three};"]
            choices += [f"ctrl @ mine({x},{y}) {three};", f"{r.choice(_THREE)} {three};"]
        if self._version == 2:
            choices = [f"{r.choice(_THREE)} {three};"] if len(some) == 3 else [f"h {some[0]};"]
        return r.choice(choices)
