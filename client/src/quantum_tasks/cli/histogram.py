"""Shows counts: bars for a person, lines of key, tab and count for a program."""

from __future__ import annotations

import sys
from typing import Final

from quantum_tasks.cli.terminal import colored, is_terminal, width
from quantum_tasks.result import Result

#: More outcomes than this are not drawn unless they are asked for.
ROWS_MAX: Final = 32

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def show(result: Result, *, top: int | None) -> None:
    """Write a result's counts to standard output.

    On a terminal the most frequent outcomes as bars in the order of keys; elsewhere all of them.
    """
    if not is_terminal(sys.stdout):
        rows = list(result.counts.items()) if top is None else result.top(top)
        for key, count in rows:
            print(f"{key}\t{count}")
        return
    chosen = result.top(ROWS_MAX if top is None else top)
    if top is None:
        chosen.sort()
    for line in bars(chosen, shots=result.shots, columns=width(sys.stdout)):
        print(line)
    if left := len(result.counts) - len(chosen):
        shots = result.shots - sum(count for _, count in chosen)
        print(colored(f"and {left:,} more outcomes, {shots:,} shots", "dim", sys.stdout))


def bars(rows: list[tuple[str, int]], *, shots: int, columns: int) -> list[str]:
    """Return a line for each outcome; the longest bar reaches the last column."""
    if not rows:
        return []
    key_width = max(len(key) for key, _ in rows)
    count_width = max(len(f"{count:,}") for _, count in rows)
    largest = max(count for _, count in rows)
    room = max(8, columns - key_width - count_width - 12)
    return [
        f"{key:>{key_width}}  {count:>{count_width},}  {count / shots:6.1%}  "
        + colored(_bar(room * 8 * count // largest), "bar", sys.stdout)
        for key, count in rows
    ]


def _bar(eighths: int) -> str:
    whole, part = divmod(eighths, 8)
    return (_EIGHTHS[8] * whole + _EIGHTHS[part]).rstrip()
