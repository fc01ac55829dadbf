"""How Logs Insights refuses a query."""

from stoker.core.errors import ServiceError


class MalformedQueryException(ServiceError):
    """The query cannot be read; where, in characters."""

    def __init__(self, why: str, at: int, end: int) -> None:
        self.at = min(at, end)
        super().__init__(f"Malformed query: {why} (at character {self.at}).")
