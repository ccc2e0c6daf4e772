"""The order of bits in a result, which is Qiskit's."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.task import Register


def in_registers(bits: str, registers: Sequence[Register]) -> str:
    """Put a space between registers, of which the last declared is leftmost."""
    end = len(bits)
    parts: list[str] = []
    for register in registers:
        parts.append(bits[end - register.size : end])
        end -= register.size
    return " ".join(reversed(parts))
