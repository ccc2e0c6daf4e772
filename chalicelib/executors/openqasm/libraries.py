"""The files that can be included: their names alone, since their gates are standard ones."""

from __future__ import annotations

import re
from typing import Final

from chalicelib.executors.openqasm.machine import Machine
from chalicelib.executors.openqasm.standard_gates import QELIB1, STDGATES, standard
from chalicelib.executors.openqasm.values import Refused

INCLUDES: Final = {"qelib1.inc": QELIB1, "stdgates.inc": STDGATES}
#: A comment that does not end goes to the end, so that no other begins in it.
_INCLUDED: Final = re.compile(
    r"""//[^\n]*+ | /\*(?:(?!\*/).)*+(?:\*/)?+ | ^[ \t]*+(?:@|\#?+pragma\b)[^\n]*+
        | \binclude\s*+["]([^"\n]*+)["]""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)


def version_without_line(text: str) -> int:
    """Return what version a text without a version line has: `qelib1.inc` alone means 2."""
    names = {found[1] for found in _INCLUDED.finditer(text)}
    is_2 = "qelib1.inc" in names and "stdgates.inc" not in names
    return 2 if is_2 else 3


def include(machine: Machine, filename: str) -> None:
    """Take the gates of a file.

    Raises:
        Refused: there is no such file here.
    """
    if filename not in INCLUDES:
        known = " and ".join(f'"{name}"' for name in INCLUDES)
        raise Refused(f'only {known} can be included, not "{filename[:98]}"')
    machine.has_include = True
    for name in INCLUDES[filename]:
        machine.library[name] = standard(name)
