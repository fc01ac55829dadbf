"""The lives of environments as a picture that stands: what each did, from one moment to another.

The live page draws the same bars (console/lives.py) on a canvas that moves. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stoker.console import lives
from stoker.console.words import ms_of
from stoker.environment.view import EnvironmentView

WIDTH: Final = 1000.0
HEIGHT: Final = 32.0
TICKS: Final = 4  # parts into which the time is divided
_SEEN: Final = 2.0  # as wide as the shortest is drawn
_THIN: Final = ("Idle", "Frozen", "Settle")
_BROAD_AT, _BROAD, _THIN_AT, _LINE = 4.0, 14.0, 10.0, 3.0
_PARTS_AT, _PART, _PARTS = 20.0, 3.0, 3


@dataclass(frozen=True, slots=True)
class Rect:
    kind: str  # the phase, or "part"
    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Life:
    name: str
    version: str
    id: str
    says: str  # how it was started, and why it ended
    over: bool
    rects: tuple[Rect, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    lives: tuple[Life, ...]
    ticks: tuple[str, ...]  # from the left edge to the right one


def picture(views: Sequence[EnvironmentView]) -> Picture:
    """From the first thing that one of them did to the last."""
    drawn = [(view, lives.bars(view.history)) for view in views]
    edges = [(bar[1], bar[1] + bar[2]) for _, bars in drawn for bar in bars]
    begin = min((begun for begun, _ in edges), default=0.0)
    span = max(max((end for _, end in edges), default=0.0) - begin, 1.0)
    return Picture(
        lives=tuple(_life(view, bars, begin, span) for view, bars in drawn if bars),
        ticks=tuple(ms_of(span * tick / TICKS) for tick in range(TICKS + 1)),
    )


def _life(view: EnvironmentView, bars: Sequence[lives.Bar], begin: float, span: float) -> Life:
    def rect(kind: str, began: float, ms: float, y: float, height: float, says: str) -> Rect:
        width = max(ms / span * WIDTH, _SEEN)
        x = min((began - begin) / span * WIDTH, WIDTH - _SEEN)
        return Rect(kind, round(x, 2), y, round(width, 2), height, f"{says}: {ms_of(ms)}")

    rects: list[Rect] = []
    for phase, began, ms, many, parts in bars:
        thin = phase in _THIN
        says = f"{many} invocations" if many > 1 else phase
        at, height = (_THIN_AT, _LINE) if thin else (_BROAD_AT, _BROAD)
        rects.append(rect(phase, began, ms, at, height, says))
        for number, (party, begun, took) in enumerate(parts[:_PARTS]):
            rects.append(rect("part", begun, took, _PARTS_AT + 4 * number, _PART, party))
    return Life(
        name=view.target.name,
        version=view.target.version,
        id=view.id[:8],
        says=view.reason or str(view.initialization),
        over=bool(view.reason),
        rects=tuple(rects),
    )
