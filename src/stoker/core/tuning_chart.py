"""The curves of memory against duration and price: for a terminal, as SVG, and as a page. Pure.

The page needs nothing but itself: no script, no font, no address. Sizes stand at equal distances,
as they are chosen and not measured; both curves begin at nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final

from stoker.core.price_list import MILLION
from stoker.core.prices import said
from stoker.core.tuning import Size, timeout_s

_CELLS: Final = 30
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 400, 80, 90, 50, 60
_INK = (
    ".time{stroke:#2a6fdb;fill:#2a6fdb}.cost{stroke:#d8572a;fill:#d8572a}.line{fill:none;"
    "stroke-width:2.5}.label{stroke:none;font-size:12px}.axis{stroke:#8888;fill:none}"
    ".text{fill:currentColor;font-size:12px}.title{fill:currentColor;font-size:15px}"
    ".chosen{fill:#3a9d5d33}"
)
_DARK = "@media(prefers-color-scheme:dark){.text,.title{fill:#e8e6e1}}"
_PAGE = (
    ":root{color-scheme:light dark}body{font:15px system-ui,sans-serif;margin:2rem auto;"
    "max-width:52rem;padding:0 1rem}svg{width:100%;height:auto}table{border-collapse:collapse;"
    "width:100%}th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid #8884}"
    "tr.chosen{background:#3a9d5d33}"
)
_HEADS = ("memory", "warm", "p99", "cold", "init", "used", "a million on AWS", "runs")


def bars(sizes: Sequence[Size], chosen: Size) -> Iterator[str]:
    """A line for each size."""
    slowest, dearest = _most(sizes)
    yield f"{'':10}{'warm':{_CELLS + 2}}price"
    for one in sizes:
        mark = "▸" if one is chosen else " "
        time, price = _bar(one.warm_ms, slowest), _bar(one.dollars, dearest)
        yield f"{mark}{one.memory_mb:>5} MB {time:{_CELLS + 1}} {price}".rstrip()


def picture(sizes: Sequence[Size], chosen: Size, title: str, *, embedded: bool = False) -> str:
    """An SVG, complete by itself. embedded: as an image of a page that is dark where the system
    is, whose colours it does not get."""
    style = _INK + (_DARK if embedded else "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' font-family="system-ui, sans-serif"><title>{_safe(title)}</title>'
        f"<style>{style}</style>{''.join(_drawn(sizes, chosen, title))}</svg>\n"
    )


def page(sizes: Sequence[Size], chosen: Size, title: str) -> str:
    """HTML, complete by itself."""
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    rows = "".join(
        f"<tr{' class=chosen' if one is chosen else ''}>"
        + "".join(f"<td>{cell}</td>" for cell in _cells(one))
        + "</tr>"
        for one in sizes
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_safe(title)}</title><style>{_PAGE}</style><h1>{_safe(title)}</h1>"
        f"<p>Best: <strong>{chosen.memory_mb} MB</strong>. A timeout of"
        f" {timeout_s(chosen)} s would be p99 and 30 %.</p>"
        f"{picture(sizes, chosen, title)}<table><tr>{head}</tr>{rows}</table></html>\n"
    )


def _cells(one: Size) -> Iterator[str]:
    yield f"{one.memory_mb} MB"
    for value in (one.warm_ms, one.p99_ms, one.cold_ms, one.init_ms):
        yield "-" if value is None else _ms(value)
    yield f"{one.max_memory_mb} MB"
    yield said(one.dollars * MILLION)
    yield f"{one.runs} + {one.cold_runs}"


def _drawn(sizes: Sequence[Size], chosen: Size, title: str) -> Iterator[str]:
    slowest, dearest = _most(sizes)
    floor = _HEIGHT - _BOTTOM
    step = (_WIDTH - _LEFT - _RIGHT) / len(sizes)
    middles = [_LEFT + step * (number + 0.5) for number in range(len(sizes))]
    yield _text(_LEFT, 24, title, "title")
    at = middles[list(sizes).index(chosen)]
    yield (
        f'<rect class="chosen" x="{at - step / 2:.1f}" y="{_TOP}" width="{step:.1f}"'
        f' height="{floor - _TOP}"/>'
    )
    yield f'<path class="axis" d="M{_LEFT} {_TOP}V{floor}H{_WIDTH - _RIGHT}V{_TOP}"/>'
    for x, one in zip(middles, sizes, strict=True):
        yield _text(x, floor + 22, f"{one.memory_mb} MB", "text", "middle")
    yield from _curve(middles, [one.warm_ms for one in sizes], slowest, "time", _ms, above=True)
    prices = [one.dollars * MILLION for one in sizes]
    yield from _curve(middles, prices, dearest * MILLION, "cost", said, above=False)
    yield _text(_LEFT, _HEIGHT - 10, "median of warm runs", "time label")
    yield _text(_WIDTH - _RIGHT, _HEIGHT - 10, "price of a million on AWS", "cost label", "end")


def _curve(
    middles: Sequence[float],
    values: Sequence[float],
    most: float,
    kind: str,
    said: Callable[[float], str],
    *,
    above: bool,
) -> Iterator[str]:
    floor = _HEIGHT - _BOTTOM
    room = floor - _TOP - 20
    heights = [floor - room * value / most for value in values]
    points = [f"{x:.1f},{y:.1f}" for x, y in zip(middles, heights, strict=True)]
    yield f'<polyline class="{kind} line" points="{" ".join(points)}"/>'
    for x, y, value in zip(middles, heights, values, strict=True):
        yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        yield _text(x, y + (-9 if above else 18), said(value), f"{kind} label", "middle")


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_safe(text)}</text>'
    )


def _safe(text: str) -> str:
    return escape("".join(c if c.isprintable() else "?" for c in text))


def _most(sizes: Sequence[Size]) -> tuple[float, float]:
    """Above nothing, so that it can be divided by."""
    slowest, dearest = max(one.warm_ms for one in sizes), max(one.dollars for one in sizes)
    return max(slowest, 1e-9), max(dearest, 1e-18)


def _bar(value: float, most: float) -> str:
    return "█" * max(1, round(_CELLS * value / most))


def _ms(value: float) -> str:
    return f"{value:,.2f} ms" if value < 100 else f"{value:,.0f} ms"
