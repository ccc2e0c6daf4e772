"""Turns counts by slots into counts by registers, in the order of bits that a result has."""

from __future__ import annotations

import collections
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chalicelib.executors.openqasm.arithmetic import OPERATORS
from chalicelib.executors.openqasm.program import Output
from chalicelib.executors.openqasm.values import Dynamic, Tree

_UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "!": operator.not_,
    "~": operator.invert,
    "neg": operator.neg,
    "float": float,
}


def in_registers(counts: Mapping[str, int], outputs: Sequence[Output]) -> dict[str, int]:
    """Return counts by registers: the last declared leftmost, its highest bit leftmost.

    A key of `counts` has the slots, the first leftmost.
    """
    makers: list[Callable[[str], str]] = []
    for output in reversed(outputs):
        if makers:
            makers.append(lambda _: " ")
        makers += [_maker(bit) for bit in reversed(output.bits)]
    summed: collections.Counter[str] = collections.Counter()
    slots = _slots(outputs)
    if slots is not None:
        # Nothing but measured bits, each once: a string is cut and turned, not made bit by bit.
        for key, times in counts.items():
            turned = key[::-1]
            last = len(key)
            summed[" ".join(turned[last - end : last - begin] for begin, end in slots)] += times
    else:
        for key, times in counts.items():
            summed["".join([make(key) for make in makers])] += times
    return dict(sorted(summed.items()))


def _slots(outputs: Sequence[Output]) -> list[tuple[int, int]] | None:
    """Return from which to which slot each output goes, the last first, if all are such runs."""
    found = []
    for output in reversed(outputs):
        slots = [
            bit.node[1] if isinstance(bit, Dynamic) and bit.node[0] == "c" else None
            for bit in output.bits
        ]
        first = slots[0] if slots else None
        if first is None or slots != list(range(first, first + len(slots))):
            return None
        found.append((first, first + len(slots)))
    return found


def _maker(bit: int | Dynamic) -> Callable[[str], str]:
    if not isinstance(bit, Dynamic):
        text = "1" if bit else "0"
        return lambda _: text
    node = bit.node
    if node[0] == "c":
        slot = node[1]
        return lambda key: key[slot]
    return lambda key: "1" if _held(node, key) else "0"


def _held(node: Tree, key: str) -> Any:  # noqa: ANN401 - a number or a truth value
    if not isinstance(node, tuple):
        return node
    if node[0] == "c":
        return key[node[1]] == "1"
    values = [_held(part, key) for part in node[1:]]
    if len(values) == 1:
        return _UNARY[node[0]](values[0])
    if node[0] in ("&&", "||"):
        return all(values) if node[0] == "&&" else any(values)
    return OPERATORS[node[0]](*values)
