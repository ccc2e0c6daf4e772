"""How much memory an execution is granted, by what its program needs. Pure.

A child reads the circuit first, with the memory that a validation has for the same: what one of
them refuses, the other does. Then it says what the program needs, and may use what that takes; the
stage's limit on an execution stays above all of it. A small program takes no more than its reading.
docs/executors.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from chalicelib.registry import AMPLITUDE_BYTES

#: What reading a circuit may use, in bytes.
READING_BYTES_MAX: Final = 256 << 20
#: Measured were 24 to 35 bytes an amplitude from 20 qubits on, and at most 1,900 an operation.
_AMPLITUDES: Final = 2
_OPERATION_BYTES: Final = 4_000
_SHOT_BYTES: Final = 500
_SMALL_BYTES: Final = READING_BYTES_MAX // 8
#: A state of more qubits has more bytes than any machine.
_QUBITS_MAX: Final = 60

NonNegative = Annotated[int, msgspec.Meta(ge=0)]


class ProgramSize(msgspec.Struct, frozen=True, kw_only=True):
    """By what a program's memory is granted, as a child says it."""

    qubits: NonNegative
    #: The qubits of the largest part that gates join: of so many a state is kept.
    part: NonNegative
    #: Of bodies too.
    operations: NonNegative


#: Waits until what a program needs is granted.
AskForMemory = Callable[[ProgramSize], None]


def granted(size: ProgramSize, shots: int, *, memory_bytes_max: int) -> int:
    """Return the bytes that an execution may use in all, on top of what its idle child has."""
    return min(memory_bytes_max, READING_BYTES_MAX + _taken(size, shots))


def is_small(size: ProgramSize, shots: int) -> bool:
    """Whether a program fits what reading it leaves, so that nothing has to be asked for.

    Asking would cost a Bell circuit a quarter of its time.
    """
    return _taken(size, shots) <= _SMALL_BYTES


def _taken(size: ProgramSize, shots: int) -> int:
    state = _AMPLITUDES * AMPLITUDE_BYTES << min(size.part, _QUBITS_MAX)
    return state + _OPERATION_BYTES * size.operations + _SHOT_BYTES * shots
