"""A small picture of the values of an hour: an SVG path, drawn here. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 96, 20


@dataclass(frozen=True, slots=True)
class Sparkline:
    total: float
    line: str  # of an SVG path; "" if all is zero
    area: str
    said: str  # for who does not see it


def sparkline(values: Sequence[float], what: str) -> Sparkline:
    """`what`: "invocations"."""
    total, most = sum(values), max(values, default=0.0)
    said = f"{total:,.0f} {what} in the last hour, at most {most:,.0f} in a minute"
    if not most or len(values) < 2:
        return Sparkline(total, "", "", said)
    step = WIDTH / (len(values) - 1)
    points = [
        f"{number * step:.1f} {HEIGHT - 1 - value / most * (HEIGHT - 3):.1f}"
        for number, value in enumerate(values)
    ]
    line = "M" + "L".join(points)
    return Sparkline(total, line, f"{line}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z", said)
