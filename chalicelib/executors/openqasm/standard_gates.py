"""The gates of stdgates.inc and qelib1.inc, and Amazon Braket's, with the specification's matrices.

A standard gate stays whole in the program, so that back ends see what they have a name for. Their
phases, which `ctrl @` makes visible, are those of stdgates.inc; qelib1.inc's differ only where
OpenQASM 2, which has no modifiers, cannot tell.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from chalicelib.executors.openqasm.braket_gates import BRAKET_NAMES, BRAKET_TWO
from chalicelib.executors.openqasm.matrices import IDENTITY, R, phase, rotation, scaled
from chalicelib.executors.openqasm.program import Gate, Matrix, Turn, Unitary

_HALF: Final = math.pi / 2
X: Final[Matrix] = (0, 1, 1, 0)
Y: Final[Matrix] = (0, -1j, 1j, 0)
Z: Final[Matrix] = (1, 0, 0, -1)
H: Final[Matrix] = (R, R, R, -R)
SX: Final[Matrix] = ((1 + 1j) / 2, (1 - 1j) / 2, (1 - 1j) / 2, (1 + 1j) / 2)
SXDG: Final[Matrix] = ((1 - 1j) / 2, (1 + 1j) / 2, (1 + 1j) / 2, (1 - 1j) / 2)

Call = tuple[str, tuple[float, ...], tuple[int, ...]]


class Standard(msgspec.Struct, frozen=True):
    """A gate that needs no definition in the circuit."""

    name: str
    parameters: int
    qubits: int


#: Gates on one qubit: how many parameters, and the matrix of these.
ONE: Final[Mapping[str, tuple[int, Callable[..., Matrix]]]] = {
    # The specification's, with its factor exp(i θ/2).
    "U": (3, lambda t, f, l: scaled(rotation(t, f, l), t / 2)),  # noqa: E741 - λ
    "u": (3, rotation),
    "u3": (3, lambda t, f, l: scaled(rotation(t, f, l), -(f + l) / 2)),  # noqa: E741
    "u2": (2, lambda f, l: scaled(rotation(_HALF, f, l), -(f + l) / 2)),  # noqa: E741
    "u1": (1, phase),
    "u0": (1, lambda _: IDENTITY),
    "id": (0, lambda: IDENTITY),
    "x": (0, lambda: X),
    "y": (0, lambda: Y),
    "z": (0, lambda: Z),
    "h": (0, lambda: H),
    "s": (0, lambda: phase(_HALF)),
    "sdg": (0, lambda: phase(-_HALF)),
    "t": (0, lambda: phase(_HALF / 2)),
    "tdg": (0, lambda: phase(-_HALF / 2)),
    "sx": (0, lambda: SX),
    "sxdg": (0, lambda: SXDG),
    "p": (1, phase),
    "phase": (1, phase),
    "rx": (1, lambda a: rotation(a, -_HALF, _HALF)),
    "ry": (1, lambda a: rotation(a, 0, 0)),
    "rz": (1, lambda a: scaled(phase(a), -a / 2)),
    "gpi": (1, lambda f: (0, cmath.exp(-1j * f), cmath.exp(1j * f), 0)),
    "gpi2": (1, lambda f: (R, -1j * R * cmath.exp(-1j * f), -1j * R * cmath.exp(1j * f), R)),
    "prx": (2, lambda t, f: rotation(t, f - _HALF, _HALF - f)),
}
#: Gates under control: how many controls, and of which gate.
CONTROLLED: Final[Mapping[str, tuple[int, str]]] = {
    "cx": (1, "x"),
    "CX": (1, "x"),
    "cy": (1, "y"),
    "cz": (1, "z"),
    "ch": (1, "h"),
    "cp": (1, "p"),
    "cphase": (1, "p"),
    "cu1": (1, "p"),
    "crx": (1, "rx"),
    "cry": (1, "ry"),
    "crz": (1, "rz"),
    "csx": (1, "sx"),
    "cu3": (1, "u"),
    "ccx": (2, "x"),
    "c3x": (3, "x"),
    "c4x": (4, "x"),
    "c3sqrtx": (3, "sx"),
}
#: Gates that are others one after another: parameters, qubits, and the calls.
COMPOSED: Final[Mapping[str, tuple[int, int, Callable[..., tuple[Call, ...]]]]] = {
    "swap": (0, 2, lambda: _cx((0, 1), (1, 0), (0, 1))),
    "iswap": (
        0,
        2,
        lambda: (
            *(("s", (), (at,)) for at in (0, 1)),
            ("h", (), (0,)),
            *_cx((0, 1), (1, 0)),
            ("h", (), (1,)),
        ),
    ),
    "rzz": (1, 2, lambda a: (*_cx((0, 1)), ("u1", (a,), (1,)), *_cx((0, 1)))),
    "rxx": (
        1,
        2,
        lambda a: (
            ("u3", (_HALF, a, 0), (0,)),
            ("h", (), (1,)),
            *_cx((0, 1)),
            ("u1", (-a,), (1,)),
            *_cx((0, 1)),
            ("h", (), (1,)),
            ("u2", (-math.pi, math.pi - a), (0,)),
        ),
    ),
    "rccx": (0, 3, lambda: (_h(2), *_turned(2, (1, 0, 1, None)), _h(2))),
    "rc3x": (
        0,
        4,
        lambda: (
            _h(3),
            *_turned(3, (2, None)),
            _h(3),
            *_cx((0, 3)),
            *_turned(3, (1, 0, 1, None)),
            _h(3),
            *_turned(3, (2, None)),
            _h(3),
        ),
    ),
}


def _cx(*pairs: tuple[int, int]) -> tuple[Call, ...]:
    return tuple(("cx", (), pair) for pair in pairs)


def _h(qubit: int) -> Call:
    return "h", (), (qubit,)


def _turned(target: int, controls: tuple[int | None, ...]) -> tuple[Call, ...]:
    """Return t and tdg in turn, each but the last followed by a cx: as qelib1.inc has it."""
    calls: list[Call] = []
    for at, control in enumerate(controls):
        calls.append(("tdg" if at % 2 else "t", (), (target,)))
        if control is not None:
            calls.append(("cx", (), (control, target)))
    return tuple(calls)


STDGATES: Final = frozenset(
    "p x y z h s sdg t tdg sx rx ry rz cx cy cz cp crx cry crz ch swap ccx cswap cu CX phase"  # noqa: SIM905
    " cphase id u1 u2 u3".split()
)
QELIB1: Final = frozenset(
    "u3 u2 u1 cx id u0 u p x y z h s sdg t tdg rx ry rz sx sxdg cz cy swap ch ccx cswap crx cry"  # noqa: SIM905
    " crz cu1 cp cu3 csx cu c3x c3sqrtx c4x rxx rzz rccx rc3x".split()
)
#: What Braket's SDK writes without an include.
BRAKET: Final = (
    frozenset(BRAKET_NAMES) | frozenset(BRAKET_TWO) | {"iswap", "gpi", "gpi2", "prx", "cswap"}
)


def source_of(name: str) -> str:
    """Say where a gate is taken from without an include."""
    return '"stdgates.inc", which is not included' if name in STDGATES else "Amazon Braket"


@functools.cache
def standard(name: str) -> Standard:
    """Return a standard gate by its name."""
    name = BRAKET_NAMES.get(name, name) if name in BRAKET else name
    if name in ONE:
        return Standard(name, ONE[name][0], 1)
    if name in CONTROLLED:
        controls, base = CONTROLLED[name]
        return Standard(name, ONE[base][0], controls + 1)
    if name in COMPOSED:
        return Standard(name, *COMPOSED[name][:2])
    if name in BRAKET_TWO:
        return Standard(name, BRAKET_TWO[name][0], 2)
    return Standard(name, *{"cswap": (0, 3), "cu": (4, 2)}[name])


#: Gates of the language itself.
BUILT_IN: Final = {name: standard(name) for name in ("U", "CX")}


def parts(gate: Gate) -> list[Turn | Unitary]:
    """Return a standard gate as unitaries under controls."""
    name, parameters, qubits = gate.name, gate.parameters, gate.qubits
    if name in ONE:
        return [Turn((), ONE[name][1](*parameters), qubits[0])]
    if name in CONTROLLED:
        count, base = CONTROLLED[name]
        controls = tuple((qubit, 1) for qubit in qubits[:count])
        return [Turn(controls, ONE[base][1](*parameters), qubits[count])]
    if name == "cu":
        matrix = scaled(rotation(*parameters[:3]), parameters[3])
        return [Turn(((qubits[0], 1),), matrix, qubits[1])]
    if name == "cswap":
        control, a, b = qubits
        middle = Turn(((control, 1), (a, 1)), X, b)
        return [Turn(((b, 1),), X, a), middle, Turn(((b, 1),), X, a)]
    if name in BRAKET_TWO:
        return [Unitary((), BRAKET_TWO[name][1](*parameters), qubits)]
    made: list[Turn | Unitary] = []
    for call in calls(gate):
        made += parts(call)
    return made


def calls(gate: Gate) -> list[Gate]:
    """Return the gates that a composed gate is made of."""
    return [
        Gate(name, parameters, tuple(gate.qubits[at] for at in places))
        for name, parameters, places in COMPOSED[gate.name][2](*gate.parameters)
    ]
