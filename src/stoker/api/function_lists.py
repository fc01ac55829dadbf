"""Functions as lists show them, worked out once for each revision of a function, and the pages
of lists, worked out once until a function changes.

A list is read page by page and again and again (consoles and tools do), and most of its functions
are what they were.
"""

from dataclasses import dataclass, field

from stoker.api import codec, services
from stoker.api.function_shapes import described
from stoker.api.shapes.lambda_ import FunctionConfiguration, ListFunctionsResponse
from stoker.core.limits import LIST_PAGE
from stoker.core.model import Function, FunctionKey
from stoker.core.versions import VersionKey
from stoker.store.base import Aggregate, Key

MOST = 2048  # functions; then all are forgotten
MOST_PAGES = MOST // LIST_PAGE


@dataclass(frozen=True, slots=True)
class Page:
    """What one request for a list asks for."""

    account: str
    region: str
    after: tuple[str, int]  # a function's name, and a version of it
    most: int
    every: bool  # also the versions


@dataclass(slots=True)
class Listed:
    """What was shown, by function and qualifier, and of which object of the store's."""

    kept: dict[tuple[FunctionKey, str | None], tuple[Function, FunctionConfiguration]] = field(
        default_factory=dict
    )
    pages: dict[Page, ListFunctionsResponse] = field(default_factory=dict)

    def show(self, function: Function, qualifier: str | None) -> FunctionConfiguration:
        key = (function.key, qualifier)
        known = self.kept.get(key)
        if known is None or known[0] is not function or not codec.remembers(known[1]):
            if len(self.kept) >= MOST:
                self.kept.clear()
            shown = described(function, qualifier, listed=True)
            codec.remember(services.shape("lambda", "FunctionConfiguration"), shown)
            known = self.kept[key] = function, shown
        return known[1]

    def page(self, page: Page) -> ListFunctionsResponse | None:
        known = self.pages.get(page)
        return known if known is not None and codec.remembers(known.functions) else None

    def keep(self, page: Page, answer: ListFunctionsResponse) -> None:
        """Call within the transaction that read it: so no change is missed."""
        if not answer.functions:
            return  # that is no work
        if len(self.pages) >= MOST_PAGES:
            self.pages.clear()
        codec.remember(services.shape("lambda", "FunctionList"), answer.functions)
        self.pages[page] = answer

    def change(self, key: Key, _now: Aggregate | None) -> None:
        """Something in the store is no longer what it was."""
        if self.pages and isinstance(key, FunctionKey | VersionKey):
            self.pages.clear()
