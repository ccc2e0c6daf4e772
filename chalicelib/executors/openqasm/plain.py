"""Takes plain statements by one strict pattern: most of a long circuit, without a parser.

A plain statement makes the very operations that the parser's tree would make; whatever is not
certain is left to that.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from chalicelib.executors.openqasm.bitwise import binary_bits
from chalicelib.executors.openqasm.cells import Cell, Qubits
from chalicelib.executors.openqasm.libraries import INCLUDES, include
from chalicelib.executors.openqasm.machine import Machine
from chalicelib.executors.openqasm.parsing import KEYWORDS_2, KEYWORDS_3, Cut, after_trivia
from chalicelib.executors.openqasm.program import SIZE_MAX, Barrier, Gate, If, Operation, Reset
from chalicelib.executors.openqasm.standard_gates import BUILT_IN, Standard
from chalicelib.executors.openqasm.values import Bits, Dynamic, Refused

_OPERAND: Final = r"[^\W\d]\w*+(?:\[[0-9]++\])?+|\$[0-9]++"
_STATEMENT: Final = re.compile(
    rf"""(?:\s++|//[^\n]*+)*+
    (?: measure\s++({_OPERAND})\s*+->\s*+({_OPERAND})
      | ([^\W\d]\w*+(?:\[[0-9]++\])?+)\s*+=\s*+measure\s++({_OPERAND})
      | (?:if\s*+\(\s*+([^\W\d]\w*+)\s*+==\s*+([0-9]{{1,18}})\s*+\)\s*+)?+
        ([^\W\d]\w*+)\s*+(?:\(([^()\[\]{{}};"]*+)\)\s*+)?+
        ((?:{_OPERAND})(?:\s*+,\s*+(?:{_OPERAND}))*+)
    )\s*+;""",
    re.VERBOSE,
)
_DECLARATION: Final = re.compile(
    r"""(?:\s++|//[^\n]*+)*+
    (?: (qubit|bit)(?:\s*+\[\s*+([0-9]{1,5})\s*+\]\s*+|\s++)([A-Za-z_][A-Za-z0-9_]*+)
      | (qreg|creg)\s++([A-Za-z_][A-Za-z0-9_]*+)\s*+(?:\[\s*+([0-9]{1,5})\s*+\])?+
      | include\s*+"([^"\n]*+)"
    )\s*+;""",
    re.VERBOSE,
)
_INDEXED: Final = re.compile(r"([^\W\d]\w*+|\$[0-9]++)(?:\[([0-9]++)\])?+")
_NUMBER: Final = (
    r"(?:[0-9]++\.[0-9]*+(?:[eE][+-]?+[0-9]++)?+|\.[0-9]++(?:[eE][+-]?+[0-9]++)?+"
    r"|[0-9]++[eE][+-]?+[0-9]++|[0-9]++)"
)
_ANGLE: Final = re.compile(
    rf"\s*+(-?+)\s*+(?:({_NUMBER})\s*+(?:\*\s*+(pi)\s*+)?+"
    rf"|(pi)\s*+(?:\*\s*+(-?+{_NUMBER})\s*+)?+)(?:/\s*+({_NUMBER})\s*+)?+\Z"
)
_OPENQASM_2: Final = 2
_REMEMBERED_MAX: Final = 100_000
_DIGITS_MAX: Final = 300


class Plain:
    """Reads plain statements of one text into a machine."""

    def __init__(self, text: str, machine: Machine) -> None:
        self._text = text
        self._machine = machine
        #: The evaluator's expansion of a gate of the circuit; there are none before one is defined.
        self.expanded: Any = None
        self._rows: dict[str, tuple[int, ...]] = {}
        self._angles: dict[str, tuple[float, ...]] = {}

    def take(self, at: int) -> int:
        """Take statements from here on as long as they are plain; return where the next begins."""
        text, match, statement = self._text, _STATEMENT.match, self._statement
        try:
            while True:
                found = match(text, at)
                if found is None or not statement(found):
                    found = _DECLARATION.match(text, at)
                    if found is None or not self._declaration(found):
                        return at
                at = found.end()
        except Refused as exc:
            raise Cut(exc.message, after_trivia(text, at)) from exc

    def _statement(self, found: re.Match[str]) -> bool:  # noqa: C901, PLR0911 - inlined for speed
        qubit, bit, bit_3, qubit_3, register, value, name, angles, operands = found.groups()
        if name is None:
            return self._measurement(qubit or qubit_3, bit or bit_3)
        machine = self._machine
        scope = machine.scopes[0]
        row = self._rows.get(operands)
        if row is None:
            if name == "barrier":
                return angles is register is None and self._barrier(operands)
            row = self._row(operands)
            if row is None:
                return register is angles is None and self._on_register(name, operands)
        gate = scope.get(name) or machine.library.get(name) or BUILT_IN.get(name)
        if gate is None:
            return angles is register is None and self._other(name, row)
        parameters: tuple[float, ...] | None = ()
        if angles is not None:
            parameters = self._angles.get(angles)
            if parameters is None or "pi" in scope:
                parameters = self._parameters(angles)
        if parameters is None:
            return False
        made = self._operations(gate, parameters, row)
        if made is None:
            return False
        if register is None:
            machine.emit(*made)
            return True
        return self._conditional(register, int(value), made)

    def _operations(
        self, gate: object, parameters: tuple[float, ...], row: tuple[int, ...]
    ) -> tuple[Operation, ...] | None:
        if type(gate) is Standard:
            if gate.parameters == len(parameters) and gate.qubits == len(row):
                return (Gate(gate.name, parameters, row),)
            return None
        made: tuple[Operation, ...] | None = None
        if self.expanded is not None:
            made = self.expanded(gate, parameters, row)
        return made

    def _row(self, operands: str) -> tuple[int, ...] | None:
        """Return the qubits of operands that are one qubit each, and differ."""
        row: list[int] = []
        for operand in operands.split(","):
            numbers = self._qubits(operand.strip())
            if numbers is None or numbers[1]:
                return None
            row += numbers[0]
        made = tuple(row)
        if len(set(made)) < len(made):
            return None
        if len(self._rows) < _REMEMBERED_MAX:
            self._rows[operands] = made
        return made

    def _qubits(self, operand: str) -> tuple[tuple[int, ...], bool] | None:
        """Return an operand's qubits, and whether they are a register."""
        found = _INDEXED.fullmatch(operand)
        assert found is not None  # noqa: S101 - the statement's pattern has it
        thing = self._machine.find(found[1])
        if type(thing) is not Qubits:
            return None
        if found[2] is None:
            return thing.numbers, thing.is_register
        index = int(found[2]) if len(found[2]) < _DIGITS_MAX else SIZE_MAX
        if not thing.is_register or index >= len(thing.numbers):
            return None
        return (thing.numbers[index],), False

    def _on_register(self, name: str, operand: str) -> bool:
        """Apply a gate without angles to each qubit of a register, or reset it."""
        machine = self._machine
        found = self._qubits(operand) if "," not in operand else None
        if found is None:
            return False
        gate = machine.scopes[0].get(name) or machine.library.get(name) or BUILT_IN.get(name)
        if gate is None:
            return name == "reset" and self._other(name, found[0])
        if type(gate) is not Standard or (gate.parameters, gate.qubits) != (0, 1):
            return False
        machine.emit(*(Gate(gate.name, (), (qubit,)) for qubit in found[0]))
        return True

    def _other(self, name: str, row: tuple[int, ...]) -> bool:
        if name == "reset":
            self._machine.emit(*(Reset(qubit) for qubit in row))
        elif name == "barrier":
            self._machine.emit(Barrier(row))
        return name in ("reset", "barrier")

    def _barrier(self, operands: str) -> bool:
        row: list[int] = []
        for operand in operands.split(","):
            found = self._qubits(operand.strip())
            if found is None:
                return False
            row += found[0]
        self._machine.emit(Barrier(tuple(dict.fromkeys(row))))
        return True

    def _measurement(self, operand: str, target: str) -> bool:
        found, cells = self._qubits(operand), self._cells(target)
        if found is None or cells is None or len(found[0]) != len(cells):
            return False
        self._machine.measure(found[0], cells)
        return True

    def _cells(self, target: str) -> list[Cell] | None:
        name, _, index = target.partition("[")
        thing = self._machine.scopes[0].get(name)
        if not index:
            cells = [thing] if type(thing) is Cell else thing
        elif type(thing) is list and len(index) < _DIGITS_MAX and int(index[:-1]) < len(thing):
            cells = [thing[int(index[:-1])]]
        else:
            return None
        if type(cells) is not list:
            return None
        is_bits = all(type(cell) is Cell and cell.type.kind == "bit" for cell in cells)
        return cells if is_bits else None

    def _conditional(self, register: str, value: int, made: tuple[Operation, ...]) -> bool:
        cells = self._cells(register)
        if cells is None:
            return False
        machine = self._machine
        holds = binary_bits("==", Bits(map(machine.bit, cells)), value)
        if isinstance(holds, Dynamic):
            machine.emit(If(machine.weighed(holds), tuple(made), ()))
        elif holds:
            machine.emit(*made)
        return True

    def _parameters(self, angles: str) -> tuple[float, ...] | None:
        if "pi" in angles and "pi" in self._machine.scopes[0]:
            return None
        made = []
        for text in angles.split(","):
            angle = plain_angle(text, version=self._machine.version)
            if angle is None:
                return None
            made.append(angle)
        if len(self._angles) < _REMEMBERED_MAX:
            self._angles[angles] = tuple(made)
        return tuple(made)

    def _declaration(self, found: re.Match[str]) -> bool:
        kind, size, name, kind_2, name_2, size_2, filename = found.groups()
        machine = self._machine
        if filename is not None:
            if filename not in INCLUDES or machine.scopes[0]:
                return False
            include(machine, filename)
            return True
        is_version_2 = machine.version == _OPENQASM_2
        name, size = name or name_2, size or size_2
        if name in (KEYWORDS_2 if is_version_2 else KEYWORDS_3) or name in machine.scopes[0]:
            return False
        if kind is not None and is_version_2:
            return False
        count = None if size is None else int(size)
        is_qubits = (kind or kind_2) in ("qubit", "qreg")
        total = (machine.qubits if is_qubits else machine.bits) + (1 if count is None else count)
        if count == 0 or total > SIZE_MAX:
            return False
        if is_qubits:
            machine.new_qubits(name, count)
        else:
            machine.new_bits(name, count)
        return True


def plain_angle(text: str, *, version: int) -> float | None:
    """Return a plain angle's value; None if it is none. OpenQASM 3 divides integers as such."""
    found = _ANGLE.match(text)
    if found is None:
        return None
    sign, number, pi, pi_first, factor, divisor = found.groups()
    has_pi = pi or pi_first
    if divisor and not has_pi and number.isdigit() and divisor.isdigit() and version != _OPENQASM_2:
        return None
    if divisor and float(divisor) == 0:
        return None
    value = float(number) if number else math.pi
    if pi:
        value *= math.pi
    elif factor:
        value *= float(factor)
    if divisor:
        value /= float(divisor)
    if not math.isfinite(value):
        return None
    return -value if sign else value
