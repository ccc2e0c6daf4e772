"""Random statements with their meaning: gates, measurements, assignments, calls."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.proof.oracle import quantum
from tests.proof.oracle.language import (
    ARITHMETIC,
    TEMPTING,
    WITHOUT_INCLUDE,
    Expressions,
    OwnGate,
    Type,
    common,
    own_gate,
    wrapped,
)
from tests.proof.oracle.run import Run

#: What `_call` calls.
SUBROUTINE = (
    "def stepped(qubit a, int[4] k) -> int[4] { U(0.3 * k, 0, 0) a; bit b; b = measure a;"
    " if (b) { return k + 1; } return k - 1; }\n"
)
Do = Callable[[Run], None]
Statement = tuple[str, Do]
_ONE = ("h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "id")
_TURNED = ("rx", "ry", "rz", "p")
_TWO = ("cx", "cy", "cz", "ch", "swap")
_TWO_TURNED = ("crx", "cry", "crz", "cp")


class Statements:
    """Declares, and makes statements without blocks."""

    def __init__(self, number: int) -> None:
        self.random = r = random.Random(number)  # noqa: S311 - test data
        self.version = 2 if r.random() < 0.25 else 3
        self.has_include = self.version == 2 or r.random() < 0.8
        self.expressions = Expressions(r)
        self.inputs: dict[str, int | float] = {}
        self._begin: list[Do] = []
        self._head: list[str] = []
        self._names = 0
        words = ["in", "output", "let", "angle", "end"] if self.version == 2 else ["q", "reg", "w"]
        self.register = r.choice(words)
        self.qubits = r.randint(2, 4)
        #: Operands by text.
        self.operands = {f"{self.register}[{at}]": at for at in range(self.qubits)}
        taken = {self.register}
        self.c = next(n for n in r.sample(["c", "input", "out", "d0"], 4) if n not in taken)
        if self.version == 3 and self.c == "input":
            self.c = "creg_"
        self._declare()
        self.own = self._own_gates()

    def _own_gates(self) -> list[OwnGate]:
        r = self.random
        names: tuple[str, ...] = TEMPTING if self.has_include else TEMPTING + WITHOUT_INCLUDE
        if self.version == 2:
            names = tuple(n for n in TEMPTING if n not in ("rccx", "u"))
        free = [n for n in names if n not in (self.register, self.c)]
        chosen = r.sample(free, r.randint(1, 3))
        return [
            own_gate(r, name, version=self.version, has_include=self.has_include) for name in chosen
        ]

    def _declare(self) -> None:
        r, e = self.random, self.expressions
        width = r.randint(1, 3)
        e.registers[self.c] = width
        e.bits += [(self.c, at) for at in range(width)]
        self._begin.append(lambda run: run.bits.update({self.c: [0] * width}))
        if self.version == 2:
            e.constants = {"pi": e.constants["pi"]}
            return
        for name in ("tau", "euler", "pi"):
            if r.random() < 0.12:
                value = round(r.uniform(-2, 2), 3)
                e.constants[name] = value
                self._head.append(f"const float {name} = {value};")
        for name in r.sample(["n", "k", "e", "m"], r.randint(1, 3)):
            self._variable(name)
        if r.random() < 0.3:
            self._input("given")

    def _variable(self, name: str) -> None:
        r, e = self.random, self.expressions
        kind = r.choice(["int", "uint"])
        width = r.choice([64, 64, 3, 4, 8])
        start = r.randint(0, 5) if width > 3 else r.randint(0, 3)
        type_: Type = (kind, width)
        e.integers[name] = type_
        self._head.append(f"{kind}{'' if width == 64 else f'[{width}]'} {name} = {start};")
        self._begin.append(lambda run: run.variables.update({name: wrapped(start, type_)}))

    def _input(self, name: str) -> None:
        value = self.random.randint(-3, 3)
        self.inputs[name] = value
        self.expressions.readable[name] = ("int", 8)
        self._head.append(f"input int[8] {name};")
        self._begin.append(lambda run: run.variables.update({name: value}))

    def _gate(self) -> Statement:
        r, e = self.random, self.expressions
        operands = list(self.operands.items())
        r.shuffle(operands)
        row, seen = [], set[int]()
        for text, at in operands:
            if at not in seen:
                seen.add(at)
                row.append((text, at))
        if self.own and r.random() < 0.35:
            own = r.choice(self.own)
            if own.qubits <= len(row):
                return self._own_call(own, row)
        if not self.has_include:
            name, count, turns, may_run = "U", 1, 3, False
        else:
            pools = ((_ONE, 1, 0), (_TURNED, 1, 1), (_TWO, 2, 0), (_TWO_TURNED, 2, 1))
            pool, count, turns = r.choice([*pools, (("ccx",), 3, 0), (("u3",), 1, 3)])
            name, may_run = r.choice(pool), self.version == 3
            if count > len(row):
                name, count, turns = "h", 1, 0
        modifier, change = ("", None) if self.version == 2 else self._modifier(name, count, row)
        angles = [e.angle(may_run=may_run and not modifier) for _ in range(turns)]
        controls = row[count : count + 1] if change in ("ctrl", "negctrl") else []
        used = [at for _, at in row[:count]]

        def do(run: Run) -> None:
            parts = quantum.standard(name, [angle(run) for _, angle in angles], used)
            run.state.apply(_changed(parts, change, [at for _, at in controls]))

        texts = ", ".join(text for text, _ in (*controls, *row[:count]))
        given = f"({', '.join(text for text, _ in angles)})" if angles else ""
        return f"{modifier}{name}{given} {texts};", do

    def _modifier(
        self, name: str, count: int, row: Sequence[tuple[str, int]]
    ) -> tuple[str, str | None]:
        choices: list[tuple[str, str | None]] = [("", None)] * 6
        choices += [("inv @ ", "inv"), ("pow(2) @ ", "twice"), ("pow(-1) @ ", "inv")]
        if count < len(row):
            choices += [("ctrl @ ", "ctrl"), ("negctrl @ ", "negctrl")]
        if count == 1 and name in ("x", "z", "s", "sx", "h", "t"):
            choices.append(("pow(0.5) @ ", "root"))
        return self.random.choice(choices)

    def _own_call(self, own: OwnGate, row: Sequence[tuple[str, int]]) -> Statement:
        modifier, change = ("", None)
        if self.version == 3:
            modifier, change = self._modifier("", own.qubits, row)
        angles = [self.expressions.angle(may_run=False) for _ in own.parameters]
        is_controlled = change in ("ctrl", "negctrl")
        controls = row[own.qubits : own.qubits + 1] if is_controlled else []
        used = [at for _, at in row[: own.qubits]]

        def do(run: Run) -> None:
            parts = own.parts([angle(run) for _, angle in angles], used)
            run.state.apply(_changed(parts, change, [at for _, at in controls]))

        texts = ", ".join(text for text, _ in (*controls, *row[: own.qubits]))
        given = f"({', '.join(text for text, _ in angles)})" if angles else ""
        return f"{modifier}{own.name}{given} {texts};", do

    def _measure(self) -> Statement:
        r = self.random
        text, qubit = r.choice(list(self.operands.items()))
        name, at = r.choice(self.expressions.bits)

        def do(run: Run) -> None:
            run.bits[name][at] = run.measure(qubit)

        if self.version == 2:
            return f"measure {text} -> {name}[{at}];", do
        index = at - self.expressions.registers[name] if r.random() < 0.2 else at
        return f"{name}[{index}] = measure {text};", do

    def _reset(self) -> Statement:
        text, qubit = self.random.choice(list(self.operands.items()))
        return f"reset {text};", lambda run: run.reset(qubit)

    def _condition_2(self) -> Statement:
        text, do = self._gate()
        value = self.random.randint(0, 3)

        def guarded(run: Run) -> None:
            if run.register(self.c) == value:
                do(run)

        return f"if({self.c}=={value}) {text}", guarded

    def _assign(self) -> Statement:
        r, e = self.random, self.expressions
        if r.random() < 0.2:
            held = e.condition()
            name, at = r.choice(e.bits)

            def set_bit(run: Run) -> None:
                run.bits[name][at] = held.of(run)

            return f"{name}[{at}] = {held.text};", set_bit
        target, type_ = r.choice(list(e.integers.items()))
        value = e.integer()
        op = r.choice(["", "", "+", "-", "^"])

        def do(run: Run) -> None:
            new = value.of(run)
            if op:
                meet = common(type_, value.type)
                old = wrapped(run.variables[target], meet)
                new = ARITHMETIC[op](old, wrapped(new, meet))
            run.variables[target] = wrapped(new, type_)

        return f"{target} {op}= {value.text};", do

    def _call(self) -> Statement:
        """Return a call of a subroutine that measures, and may return early."""
        r, e = self.random, self.expressions
        text, qubit = r.choice(list(self.operands.items()))
        target, type_ = r.choice(list(e.integers.items()))
        value, cut = e.integer(1), ("int", 4)

        def do(run: Run) -> None:
            k = wrapped(value.of(run), cut)
            run.state.apply(quantum.standard("U", [0.3 * k, 0, 0], [qubit]))
            returned = wrapped(k + 1, cut) if run.measure(qubit) else wrapped(k - 1, cut)
            run.variables[target] = wrapped(returned, type_)

        return f"{target} = stepped({text}, {value.text});", do

    def _alias(self) -> Statement:
        r = self.random
        self._names += 1
        name = f"alias{self._names}"
        chosen = r.sample(range(self.qubits), r.randint(1, self.qubits))
        negative = [at - self.qubits if r.random() < 0.3 else at for at in chosen]
        self.operands.update({f"{name}[{at}]": qubit for at, qubit in enumerate(chosen)})
        listed = ", ".join(map(str, negative))
        return f"let {name} = {self.register}[{{{listed}}}];", lambda _: None


def _changed(
    parts: list[quantum.Part], change: str | None, controls: Sequence[int]
) -> list[quantum.Part]:
    match change:
        case "inv":
            return quantum.inverse(parts)
        case "twice":
            return parts * 2
        case "root":
            return quantum.root(parts)
        case "ctrl" | "negctrl":
            return quantum.controlled(parts, [(at, int(change == "ctrl")) for at in controls])
    return parts
