"""The order of bits in a result, which is Qiskit's."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence

from chalicelib.domain.task import Register


def in_registers(bits: str, registers: Sequence[Register]) -> str:
    """Put a space between registers, of which the last declared is leftmost."""
    end = len(bits)
    parts: list[str] = []
    for register in registers:
        parts.append(bits[end - register.size : end])
        end -= register.size
    return " ".join(reversed(parts))


def from_first_bit_left(
    counts: Mapping[str, int], declared: Sequence[Register], outputs: Sequence[Register]
) -> dict[str, int]:
    """Turn counts whose keys have the first declared bit leftmost, without spaces, into this form.

    Registers that are declared but not outputs are left out, so that outcomes that differ in
    nothing else become one.
    """
    summed: collections.Counter[str] = collections.Counter()
    for bits, times in counts.items():
        summed[in_registers(bits[::-1], declared)] += times
    if len(outputs) < len(declared):
        names = {register.name for register in outputs}
        kept = [at for at, register in enumerate(reversed(declared)) if register.name in names]
        whole, summed = summed, collections.Counter()
        for key, times in whole.items():
            parts = key.split(" ")
            summed[" ".join(parts[at] for at in kept)] += times
    return dict(sorted(summed.items()))
