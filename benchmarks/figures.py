"""What is measured: rows with a goal, their spread, and how they are printed and kept."""

from __future__ import annotations

import cProfile
import io
import pstats
import re
import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

#: Lines of a profile that are kept.
PROFILE_LINES: Final = 12
_PLACES: Final = re.compile(r"\S*/(?:site-packages|lib/python[\d.]+)/")


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> tuple[float, ...]:
    """Return the first figures as multiples of the second: both are of the same rounds."""
    return tuple(one / other for one, other in zip(ours, theirs, strict=True))


class Goal(msgspec.Struct, frozen=True):
    """A limit that the median of a figure keeps."""

    limit: float
    #: Whether less is better.
    at_most: bool = True

    def holds_for(self, value: float) -> bool:
        """Whether the value is as good as the limit."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {shown(self.limit)}"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    goal: Goal
    #: What was measured, one value per round. A count that is exact has one.
    samples: tuple[float, ...]
    #: What the samples are, and what they are compared with.
    meaning: str
    #: The parts that the samples were made from, and what else should be known.
    parts: Mapping[str, float] = {}
    #: The first lines of a profile, for a figure that misses its goal.
    profile: tuple[str, ...] = ()

    @property
    def median(self) -> float:
        """The figure's value."""
        return statistics.median(self.samples)

    @property
    def worst(self) -> float:
        """The sample that is furthest from good."""
        return max(self.samples) if self.goal.at_most else min(self.samples)

    @property
    def is_reached(self) -> bool:
        """Whether the median keeps the goal."""
        return self.goal.holds_for(self.median)

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in `results.json`."""
        return {
            "figure": self.name,
            "meaning": self.meaning,
            "goal": str(self.goal),
            "reached": self.is_reached,
            "median": round(self.median, 4),
            "worst": round(self.worst, 4),
            "samples": [round(sample, 4) for sample in self.samples],
            "parts": {name: round(value, 3) for name, value in self.parts.items()},
            **({} if self.is_reached else {"profile": list(self.profile)}),
        }


def table(figures: list[Figure]) -> str:
    """Write the rows as a Markdown table."""
    lines = [
        "| figure | goal | median | worst | reached | of what |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {figure.name} | {figure.goal} | {shown(figure.median)} | {shown(figure.worst)} | "
        f"{'yes' if figure.is_reached else '**no**'} | {_parts(figure)} |"
        for figure in figures
    ]
    return "\n".join(lines)


def missed(figures: list[Figure]) -> str:
    """Name what misses its goal, each with the first lines of its profile."""
    return "\n\n".join(
        "\n".join(
            [
                f"{figure.name}: {shown(figure.median)}, wanted {figure.goal}",
                *(f"    {line}" for line in figure.profile),
            ]
        )
        for figure in figures
        if not figure.is_reached
    )


def profile_of(job: Callable[[], object], times: int) -> tuple[str, ...]:
    """Return the functions that take most of a job's time."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(times):
        job()
    profiler.disable()
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(PROFILE_LINES)
    lines = [_PLACES.sub("", line).rstrip() for line in text.getvalue().splitlines()]
    start = next(n for n, line in enumerate(lines) if "ncalls" in line)
    return tuple(line for line in lines[start:] if line)


def shown(value: float) -> str:
    """Write a number with the digits that mean something."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"  # noqa: PLR2004 - digits


def _parts(figure: Figure) -> str:
    parts = ", ".join(f"{name} {shown(value)}" for name, value in figure.parts.items())
    return f"{figure.meaning}{f' ({parts})' if parts else ''}"
