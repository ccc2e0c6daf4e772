"""Line charts as SVG, written by hand: no library for one kind of chart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

_WIDTH: Final = 720
_HEIGHT: Final = 300
_LEFT: Final = 76
_RIGHT: Final = 16
_TOP: Final = 44
_BOTTOM: Final = 44
_COLOURS: Final = ("#0b6bcb", "#c2410c", "#4d7c0f")
_TICKS: Final = 4

Points = Sequence[tuple[float, float]]


def line_chart(title: str, lines: Mapping[str, Points], *, x_label: str, y_label: str) -> str:
    """Return a chart of some lines over the same axis; zero is always shown."""
    x_max = max(x for points in lines.values() for x, _ in points) or 1.0
    y_max = _round_up(max(y for points in lines.values() for _, y in points))

    def place(x: float, y: float) -> str:
        across = _LEFT + x / x_max * (_WIDTH - _LEFT - _RIGHT)
        down = _HEIGHT - _BOTTOM - y / y_max * (_HEIGHT - _TOP - _BOTTOM)
        return f"{across:.1f},{down:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        '<g font-family="sans-serif" font-size="12">',
        f'<text x="{_LEFT}" y="18" font-size="14" font-weight="bold">{title}</text>',
    ]
    for tick in range(_TICKS + 1):
        value, when = y_max * tick / _TICKS, x_max * tick / _TICKS
        start, end = place(0, value), place(x_max, value)
        (left, height), (right, _) = start.split(","), end.split(",")
        below = place(when, 0).split(",")[0]
        parts.append(
            f'<line x1="{left}" y1="{height}" x2="{right}" y2="{height}" stroke="#d4d4d4"/>'
            f'<text x="{_LEFT - 6}" y="{float(height) + 4:.1f}" text-anchor="end">'
            f"{value:,.0f}</text>"
            f'<text x="{below}" y="{_HEIGHT - 26}" text-anchor="middle">{when:,.0f}</text>'
        )
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(place(x, y) for x, y in points)
        at = _LEFT + number * 220
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>'
            f'<rect x="{at}" y="26" width="12" height="4" fill="{colour}"/>'
            f'<text x="{at + 18}" y="33">{name}</text>'
        )
    parts.append(
        f'<text x="{_WIDTH // 2}" y="{_HEIGHT - 8}" text-anchor="middle">{x_label}</text>'
        f'<text x="14" y="{_HEIGHT // 2}" text-anchor="middle"'
        f' transform="rotate(-90 14 {_HEIGHT // 2})">{y_label}</text></g></svg>'
    )
    return "\n".join(parts) + "\n"


def _round_up(value: float) -> float:
    """Return the next number with one leading digit, so that ticks are round."""
    if value <= 0:
        return 1.0
    size: float = 10 ** math.floor(math.log10(value))
    return math.ceil(value / size) * size
