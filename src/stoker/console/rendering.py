"""Templates to pages. Everything that a template shows is escaped; nothing is marked as safe."""

from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stoker.console import guard, words
from stoker.console.asked import ROOT, Shown, Where
from stoker.console.assets import Assets
from stoker.console.routes import NAVIGATION
from stoker.core.price_list import READ_ON

_FOLDER = Path(__file__).with_name("templates")
NAMELESS = "—"


class Rendering:
    def __init__(self, assets: Assets, token: str) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            finalize=printed,
        )
        self._templates.filters.update(
            bytes=words.bytes_of,
            ms=words.ms_of,
            count=words.count_of,
            moment=words.moment_of,
            segment=lambda text: quote(str(text), safe=""),
        )
        self._templates.globals.update(
            static=lambda name: ROOT + assets.path(name),
            token=token,
            prices_of=str(READ_ON),
            token_header=guard.TOKEN_HEADER,
        )

    def page(
        self, shown: Shown, where: Where, path: str, places: list[Where], *, partial: bool
    ) -> bytes:
        """`path`: below /_stoker/, by which the menu knows where it is."""
        here = "/".join(path.split("/")[2:3])
        text = self._templates.get_template(shown.template).render(
            shown.model,
            layout="fragment.html" if partial else "layout.html",
            title=shown.title,
            where=where,
            here=here,
            places=places,
            navigation=NAVIGATION,
        )
        return text.encode("utf-8", "replace")


def printed(value: object) -> object:
    """What a template prints: never None, and of text only what can be seen."""
    if value is None:
        return NAMELESS
    return words.readable(value) if type(value) is str else value
