"""Whole random programs: statements in conditions and loops, in both versions of the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tests.proof.oracle.run import Run, distribution
from tests.proof.oracle.statements import SUBROUTINE, Do, Statement, Statements


class Break(Exception):
    """A loop is left."""


class Continue(Exception):
    """A turn of a loop is left."""


class Made(NamedTuple):
    """A program: its text, its inputs, and the probability of each key."""

    text: str
    inputs: Mapping[str, int | float]
    expected: Mapping[str, float]


class Program(Statements):
    """Makes one program."""

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
        kinds += [
            (4, self._assign),
            (1, self._call),
            (1, self._alias if depth == 2 else self._gate),
        ]
        if depth:
            kinds += [(3, lambda: self._if(depth, in_loop=in_loop)), (2, lambda: self._for(depth))]
            kinds += [(1, lambda: self._switch(depth)), (1, lambda: self._while(depth))]
        if in_loop:
            kinds.append((1, self._leave))
        return r.choices([k for _, k in kinds], [w for w, _ in kinds])[0]()

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

        cases = f"case {numbers[0]} {bodies[0][0]} case {numbers[1]}, {numbers[2]} {bodies[1][0]}"
        return f"switch ({value.text}) {{ {cases} default {bodies[2][0]} }}", run_one

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
            head += SUBROUTINE
            head += f"qubit[{self.qubits}] {self.register};\nbit[{width}] {self.c};\n"
            tail = f"bit[{self.qubits}] last;\nlast = measure {self.register};\n"
        return Made(head + "\n".join(text for text, _ in body) + "\n" + tail, self.inputs, expected)


def _all(made: Sequence[Statement]) -> Do:
    def do(run: Run) -> None:
        for _, one in made:
            one(run)

    return do
