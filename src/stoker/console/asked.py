"""What pages work with: who looks where, what is asked, and the three kinds of answers.

A page is `async def show(asked: Asked) -> Shown`. When it runs, the request has passed the checks
of console/guard.py and the path has been matched; whatever it refuses, it raises as a
`core.errors.ServiceError`, which is shown as a page.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from stoker.api.control import Control
from stoker.api.inward import Inward
from stoker.console.tunings import Tunings
from stoker.learn.learning import Learning

ROOT = "/_stoker/"


@dataclass(frozen=True, slots=True)
class Where:
    """Whose things are shown, and of which region: the beginning of each page's path."""

    account: str
    region: str

    def path(self, *names: str, **query: object) -> str:
        """The address of a page: where.path("functions", name, tab="logs")."""
        path = "/".join(quote(name, safe="") for name in (self.account, self.region, *names))
        told = "&".join(
            f"{key}={quote(str(value), safe='')}" for key, value in query.items() if value != ""
        )
        return f"{ROOT}{path}" + (f"?{told}" if told else "")


@dataclass(frozen=True, slots=True)
class Asked:
    control: Control
    inward: Inward
    learning: Learning
    where: Where
    names: Mapping[str, str]  # from the path: {"name": …}
    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)  # of a POST
    tunings: Tunings = field(default_factory=Tunings)  # that pages have begun
    partial: bool = False  # htmx asks: only the page's own part, without what is around it

    async def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """One of AWS's operations, with the same checks as from outside. Raise
        neighbours.calls.Refused, or Unreachable."""
        at = self.where
        return await self.inward(at.account, at.region, service, operation, parameters)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: a template, and what it shows."""

    template: str
    model: Mapping[str, Any]
    title: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Moved:
    """Go there, and GET it: the answer to what changed something."""

    path: str


@dataclass(frozen=True, slots=True)
class Told:
    """JSON, for a script of ours."""

    value: object


@dataclass(frozen=True, slots=True)
class Streamed:
    """Server-sent events, each a name and its data, until the reader is gone."""

    events: AsyncGenerator[tuple[str, str], None]


Reply = Shown | Moved | Told | Streamed
