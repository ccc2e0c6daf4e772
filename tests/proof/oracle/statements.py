"""Random statements with their meaning, and whole programs of them in both versions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tests.proof.oracle import quantum
from tests.proof.oracle.language import (
    TEMPTING,
    WITHOUT_INCLUDE,
    Expressions,
    OwnGate,
    Type,
    own_gate,
    wrapped,
)
from tests.proof.oracle.run import Run, distribution

Do = Callable[[Run], None]
Statement = tuple[str, Do]
_ONE = ("h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "id")
_TURNED = ("rx", "ry", "rz", "p")
_TWO = ("cx", "cy", "cz", "ch", "swap")
_TWO_TURNED = ("crx", "cry", "crz", "cp")


class Break(Exception):
    """A loop is left."""


class Continue(Exception):
    """A turn of a loop is left."""


class Made(NamedTuple):
    """A program: its text, its inputs, and the probability of each key."""

    text: str
    inputs: Mapping[str, int | float]
    expected: Mapping[str, float]


class Program:
    """Makes one program."""

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
        names = TEMPTING if self.has_include else TEMPTING + WITHOUT_INCLUDE
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

    # --- statements

    def statements(self, count: int, depth: int, *, in_loop: bool = False) -> list[Statement]:
        """Return some statements."""
        return [self._statement(depth, in_loop=in_loop) for _ in range(count)]

    def _statement(self, depth: int, *, in_loop: bool) -> Statement:
        r = self.random
        kinds: list[tuple[int, Callable[[], Statement]]] = [(14, self._gate), (2, self._measure)]
        kinds.append((1, self._reset))
        if self.version == 2:
            kinds.append((3, self._condition_2))
            return r.choices([k for _, k in kinds], [w for w, _ in kinds])[0]()
        kinds += [(4, self._assign), (1, self._alias if depth == 2 else self._gate)]
        if depth:
            kinds += [(3, lambda: self._if(depth, in_loop=in_loop)), (2, lambda: self._for(depth))]
            kinds += [(1, lambda: self._switch(depth)), (1, lambda: self._while(depth))]
        if in_loop:
            kinds.append((1, self._leave))
        return r.choices([k for _, k in kinds], [w for w, _ in kinds])[0]()

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
        controls = row[count : count + 1] if change == "ctrl" or change == "negctrl" else []
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
                from tests.proof.oracle.language import _ARITHMETIC, common  # noqa: PLC0415, PLC2701

                meet = common(type_, value.type)
                old = wrapped(run.variables[target], meet)
                new = _ARITHMETIC[op](old, wrapped(new, meet))
            run.variables[target] = wrapped(new, type_)

        return f"{target} {op}= {value.text};", do

    def _alias(self) -> Statement:
        r = self.random
        self._names += 1
        name = f"alias{self._names}"
        chosen = r.sample(range(self.qubits), r.randint(1, self.qubits))
        negative = [at - self.qubits if r.random() < 0.3 else at for at in chosen]
        self.operands.update({f"{name}[{at}]": qubit for at, qubit in enumerate(chosen)})
        listed = ", ".join(map(str, negative))
        return f"let {name} = {self.register}[{{{listed}}}];", lambda _: None

    # --- blocks

    def _block(self, depth: int, *, in_loop: bool) -> tuple[str, Do]:
        made = self.statements(self.random.randint(1, 2), depth - 1, in_loop=in_loop)
        return "{ " + " ".join(text for text, _ in made) + " }", _all(made)

    def _if(self, depth: int, *, in_loop: bool) -> Statement:
        condition = self.expressions.condition()
        then, do = self._block(depth, in_loop=in_loop)
        otherwise, instead = self._block(depth, in_loop=in_loop)

        def run_one(run: Run) -> None:
            (do if condition.of(run) else instead)(run)

        return f"if ({condition.text}) {then} else {otherwise}", run_one

    def _switch(self, depth: int) -> Statement:
        value = self.expressions.integer(1)
        numbers = self.random.sample(range(5), 3)
        bodies = [self._block(depth, in_loop=False) for _ in range(3)]

        def run_one(run: Run) -> None:
            at = value.of(run)
            which = 0 if at == numbers[0] else 1 if at in numbers[1:] else 2
            bodies[which][1](run)

        return (
            f"switch ({value.text}) {{ case {numbers[0]} {bodies[0][0]} case {numbers[1]},"
            f" {numbers[2]} {bodies[1][0]} default {bodies[2][0]} }}",
            run_one,
        )

    def _for(self, depth: int) -> Statement:
        self._names += 1
        name, r = f"i{self._names}", self.random
        if r.random() < 0.5:
            start, step, turns = r.randint(-1, 2), r.choice([1, 2, -1]), r.randint(0, 3)
            values = [start + step * at for at in range(turns)]
            last = start + step * (turns - 1)
            text = f"[{start}:{step}:{last}]"
        else:
            values = [r.randint(-2, 5) for _ in range(r.randint(1, 3))]
            text = "{" + ", ".join(map(str, values)) + "}"
        readable = self.expressions.readable
        readable[name] = ("int", 64)
        body, do = self._block(depth, in_loop=True)
        del readable[name]

        def loop(run: Run) -> None:
            for value in values:
                run.variables[name] = value
                try:
                    do(run)
                except Break:
                    break
                except Continue:
                    continue

        return f"for int {name} in {text} {body}", loop

    def _while(self, depth: int) -> Statement:
        self._names += 1
        name, turns = f"w{self._names}", self.random.randint(1, 3)
        self._head.append(f"int {name} = 0;")
        self._begin.append(lambda run: run.variables.update({name: 0}))
        condition = self.expressions.condition()
        body, do = self._block(depth, in_loop=False)

        def loop(run: Run) -> None:
            run.variables[name] = 0
            while run.variables[name] < turns and condition.of(run):
                run.variables[name] += 1
                do(run)

        inner = body[1:-1]
        return (
            f"{name} = 0; while ({name} < {turns} && {condition.text}) {{ {name} += 1; {inner} }}",
            loop,
        )

    def _leave(self) -> Statement:
        condition = self.expressions.condition()
        word, error = self.random.choice([("break", Break), ("continue", Continue)])

        def leave(run: Run) -> None:
            if condition.of(run):
                raise error

        return f"if ({condition.text}) {{ {word}; }}", leave

    def made(self) -> Made | None:
        """Return the program; None if its measurements have too many outcomes."""
        body = self.statements(self.random.randint(4, 12), 2)
        width = self.expressions.registers[self.c]

        def whole(run: Run) -> str:
            for do in self._begin:
                do(run)
            _all(body)(run)
            last = [run.measure(qubit) for qubit in range(self.qubits)]
            keys = ["".join(map(str, reversed(bits))) for bits in (last, run.bits[self.c])]
            return " ".join(keys)

        expected = distribution(self.qubits, whole)
        if expected is None:
            return None
        if self.version == 2:
            head = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
            head += "".join(own.text for own in self.own)
            head += f"qreg {self.register}[{self.qubits}];\ncreg {self.c}[{width}];\n"
            tail = f"creg last[{self.qubits}];\nmeasure {self.register} -> last;\n"
        else:
            head = "OPENQASM 3.0;\n" + 'include "stdgates.inc";\n' * self.has_include
            head += "".join(own.text for own in self.own)
            head += "".join(f"{line}\n" for line in self._head)
            head += f"qubit[{self.qubits}] {self.register};\nbit[{width}] {self.c};\n"
            tail = f"bit[{self.qubits}] last;\nlast = measure {self.register};\n"
        return Made(head + "\n".join(text for text, _ in body) + "\n" + tail, self.inputs, expected)


def _all(made: Sequence[Statement]) -> Do:
    def do(run: Run) -> None:
        for _, one in made:
            one(run)

    return do


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
