"""The query language of Logs Insights: from text to what is to be done, command by command. Pure.

    fields @timestamp, @message as text | filter @type = "REPORT" and @duration > 100
    | parse @message /user=(?<user>\\S+)/ | stats pct(@duration, 99), count(*) by bin(5m), user
    | sort bin(5m) desc | limit 20

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html. Regular expressions
are RE2's, matched in linear time whatever they are.
"""

from collections.abc import Callable
from typing import Any, Final

from stoker.core.log_insights.expressions import Expressions, globbed, regex
from stoker.core.log_insights.plan import (
    Aggregate,
    Column,
    Command,
    Dedup,
    Display,
    Expression,
    Fields,
    Filter,
    Limit,
    Parse,
    Sort,
    Stats,
)
from stoker.core.log_insights.records import TIMES

MOST_ROWS: Final = 10_000
COMMANDS: Final = 50
ITEMS: Final = 100  # of a list


def read(query: str) -> list[Command]:
    """Raise MalformedQueryException."""
    return _Reader(query).commands()


class _Reader(Expressions):
    def commands(self) -> list[Command]:
        found: list[Command] = []
        while True:
            found.append(self._command())
            if self.peek() == "":
                return found
            self.need("|")
            if len(found) == COMMANDS:
                raise self.malformed("it has too many commands")

    def _command(self) -> Command:
        word = self.word("a command")
        read = _READERS.get(word.lower())
        if read is None:
            raise self.malformed(f"unknown command {word!r}", back=len(word))
        return read(self)

    def _fields(self) -> Fields:
        return Fields(tuple(self._items(self._column)))

    def _display(self) -> Display:
        return Display(tuple(self._items(self._column)))

    def _filter(self) -> Filter:
        return Filter(self.whole())

    def _limit(self) -> Limit:
        rows = self.integer("a number of rows")
        if not 0 < rows <= MOST_ROWS:
            raise self.malformed(f"limit must be between 1 and {MOST_ROWS}")
        return Limit(rows)

    def _dedup(self) -> Dedup:
        return Dedup(tuple(column.value for column in self._items(self._column)))

    def _sort(self) -> Sort:
        return Sort(tuple(self._items(self._order)))

    def _order(self) -> tuple[Expression, bool]:
        value = self._column(named=False).value
        if self.takes("desc"):
            return value, True
        self.takes("asc")
        return value, False

    def _parse(self) -> Parse:
        source: Expression = lambda record: record.get("@message")  # noqa: E731
        if self.peek() not in ("'", '"', "/"):
            source = self.one()
        if self.peek() == "/":
            names, find = regex(self.pattern(), self.malformed)
            if not names:
                raise self.malformed("the expression of parse names no groups")
            if self.takes("as"):
                names = tuple(self._items(self.field))
            return Parse(source, names, find)
        find = globbed(self.text(), self.malformed)
        if not self.takes("as"):
            raise self.malformed("parse needs `as` and a name for each *")
        names = tuple(self._items(self.field))
        return Parse(source, names, find)

    def _stats(self) -> Stats:
        found: list[Aggregate] = []
        self.aggregates = found
        columns = tuple(self._items(self._column))
        aggregates, self.aggregates = tuple(found), None
        if not aggregates:
            raise self.malformed("stats needs a function such as count(*)")
        groups = tuple(self._items(self._column)) if self.takes("by") else ()
        return Stats(columns, aggregates, groups)

    def _column(self, *, named: bool = True) -> Column:
        start = self.here()
        value = self.whole()
        said = self.since(start)
        is_time = said in TIMES or said.lower().startswith(("bin(", "datefloor(", "dateceil("))
        is_time = is_time or said.lower().startswith("frommillis(")
        known = self.made.get(said)
        if known is not None:  # a command before has made it, under the words that made it
            value, is_time = (lambda record: record.get(said)), known
        name = self.field() if named and self.takes("as") else said.strip("`")
        self.made[name] = is_time
        return Column(name, value, is_time)

    def _items(self, read: Callable[[], Any]) -> list[Any]:
        found = [read()]
        while self.takes(","):
            found.append(read())
            if len(found) > ITEMS:
                raise self.malformed("a list is too long")
        return found


_READERS: Final[dict[str, Callable[[_Reader], Command]]] = {
    "fields": _Reader._fields,
    "display": _Reader._display,
    "filter": _Reader._filter,
    "limit": _Reader._limit,
    "dedup": _Reader._dedup,
    "sort": _Reader._sort,
    "parse": _Reader._parse,
    "stats": _Reader._stats,
}
