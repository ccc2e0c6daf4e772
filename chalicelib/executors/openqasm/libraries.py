"""The files that can be included: their names alone, since their gates are standard ones."""

from __future__ import annotations

from typing import Final

from chalicelib.executors.openqasm.machine import Machine
from chalicelib.executors.openqasm.standard_gates import QELIB1, STDGATES, standard
from chalicelib.executors.openqasm.values import Refused

INCLUDES: Final = {"qelib1.inc": QELIB1, "stdgates.inc": STDGATES}
_OPENQASM_2, _OPENQASM_3 = 2, 3


def include(machine: Machine, filename: str) -> None:
    """Take the gates of a file. Without a version line, `qelib1.inc` alone means OpenQASM 2.

    Raises:
        Refused: there is no such file here.
    """
    if filename not in INCLUDES:
        known = " and ".join(f'"{name}"' for name in INCLUDES)
        raise Refused(f'only {known} can be included, not "{filename[:98]}"')
    if machine.version is None:
        machine.version = _OPENQASM_2 if filename == "qelib1.inc" else _OPENQASM_3
    machine.has_include = True
    for name in INCLUDES[filename]:
        machine.library[name] = standard(name)
