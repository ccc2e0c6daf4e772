"""Pragmas: those that change counts are run or refused, all others are ignored."""

from __future__ import annotations

import re
from typing import Any, Final

import openqasm
from openqasm import ast

from chalicelib.executors.openqasm.cells import Qubits
from chalicelib.executors.openqasm.matrices import Rows
from chalicelib.executors.openqasm.program import Turn, Unitary
from chalicelib.executors.openqasm.values import Refused

_BRAKET_UNITARY: Final = re.compile(r"braket\s+unitary\s*\((.*)\)\s*([^()]+)", re.DOTALL)
_ROW: Final = re.compile(r"\[([^\[\]]*)\]")
#: Words of pragmas that ask for something that changes what is counted.
_MEANINGFUL: Final = re.compile(
    r"unitary|matrix|nois[ey]|kraus|channel|depolari[sz]|damping|flip|pauli|relax|crosstalk|decoher"
    r"|dephas|error|readout|result|observable|expectation|sampl|probabilit|variance|state_?vector"
    r"|amplitude|gradient|measure|reset|gate|shots|seed",
    re.IGNORECASE,
)
#: The simulator's matrices.
_QUBITS_MAX: Final = 4
_OFF_MAX: Final = 1e-8


def run_pragma(evaluator: Any, node: ast.Pragma) -> None:  # noqa: ANN401 - an Evaluator
    """Run a pragma of Amazon Braket's that is a gate; ignore what changes no count.

    Raises:
        Refused: it may change counts, and cannot be executed here.
    """
    command = node.command.strip()
    found = _BRAKET_UNITARY.fullmatch(command)
    if found:
        rows = _matrix(found[1])
        qubits = tuple(
            qubit
            for operand in found[2].split(",")
            for qubit in evaluator.operand(_operand(operand.strip()))[0]
        )
        if len(set(qubits)) < len(qubits):
            raise Refused("the same qubit is used more than once in this unitary")
        if len(rows) != 2 ** len(qubits):
            raise Refused(f"a unitary of {len(rows)} rows does not fit {len(qubits)} qubits")
        evaluator.machine.emit(_operation(rows, qubits))
        return
    is_braket = command.split(None, 1)[0] == "braket"
    names = re.findall(r"\$[0-9]+|[^\W\d]\w*", command)
    names_qubit = any(isinstance(evaluator.machine.find(name), Qubits) for name in names)
    is_braket = is_braket and command.split() != ["braket", "verbatim"]
    if is_braket or names_qubit or _MEANINGFUL.search(command):
        raise Refused(
            f"the pragma '{command[:60]}' may change what is counted and cannot be executed here;"
            " remove it"
        )


def _operand(text: str) -> ast.Node:
    if text.startswith("$") and text[1:].isdecimal():
        return ast.HardwareQubit(int(text[1:]))
    try:
        return openqasm.parse_expression(text)
    except openqasm.QasmError as exc:
        raise Refused(f"'{text[:40]}' is no qubit: {exc.message}") from exc


def _matrix(text: str) -> Rows:
    """Return the rows of a matrix as Braket writes it: `[[0, 1.0], [-1.0im, 0.5 + 0.5im]]`.

    Raises:
        Refused: it is none, or not unitary, or too large.
    """
    whole = text.strip()
    if not whole.startswith("[") or not whole.endswith("]"):
        raise Refused("a unitary is written in brackets, as [[0, 1], [1, 0]]")
    written = _ROW.findall(whole[1:-1])
    if not re.fullmatch(r"[\s,]*", _ROW.sub("", whole[1:-1])):
        raise Refused("between the rows of a unitary stand commas only, as in [[0, 1], [1, 0]]")
    rows = tuple(tuple(map(_number, row.removesuffix(",").split(","))) for row in written)
    size = len(rows)
    if size not in {2**qubits for qubits in range(1, _QUBITS_MAX + 1)}:
        raise Refused(f"a unitary acts on 1 to {_QUBITS_MAX} qubits here; this one has {size} rows")
    if any(len(row) != size for row in rows):
        raise Refused("the rows of a unitary are as long as there are rows")
    for i in range(size):
        for j in range(size):
            inner = sum(a * b.conjugate() for a, b in zip(rows[i], rows[j], strict=True))
            if not abs(inner - (i == j)) <= _OFF_MAX:  # NaN is not, either
                raise Refused("this matrix is not unitary")
    return rows


def _number(text: str) -> complex:
    compact = text.replace(" ", "").replace("im", "j")
    try:
        return complex(compact)
    except ValueError:
        raise Refused(f"'{text.strip()[:40]}' is no number") from None


def _operation(rows: Rows, qubits: tuple[int, ...]) -> Turn | Unitary:
    if len(qubits) == 1:
        (a, b), (c, d) = rows
        return Turn((), (a, b, c, d), qubits[0])
    return Unitary((), rows, qubits)
