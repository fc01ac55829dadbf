"""Expressions of Logs Insights' query language, read into functions of an event. Pure.

whole = both ("or" both)*       both = single ("and" single)*       single = ["not"] compared
compared = sum [(= != < <= > >=) sum | [not] like … | =~ /…/ | [not] in […]]
sum = product ((+ -) product)*  product = power ((* / %) power)*    power = one [^ one]
one = number | "text" | field | `field` | function(…) | - one | ( whole )
"""

import operator
import re
from collections.abc import Callable
from typing import Any, Final

import re2  # type: ignore[import-untyped]

from stoker.core.log_insights import values
from stoker.core.log_insights.errors import MalformedQueryException
from stoker.core.log_insights.plan import Aggregate, Expression, Find
from stoker.core.log_insights.values import Value

DEPTH: Final = 50
REGEX_BYTES: Final = 1024 * 1024  # of a program that is matched
_SPACE: Final = re.compile(r"(?:\s+|#[^\n]*)*")
_WORD: Final = re.compile(r"[A-Za-z_@][\w@]*(?:\.[\w@]+)*", re.ASCII)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_PERIOD: Final = re.compile(r"(\d{1,9})\s*([a-z]+)", re.ASCII)
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_REGEX: Final = re.compile(r"/((?:[^/\\\n]|\\.)+)/")
_SIGN: Final = re.compile(r"=~|<=|>=|!=|[^\s]")
_RESERVED: Final = frozenset({"and", "or", "not", "in", "like", "as", "by", "asc", "desc"})
_AGGREGATES: Final = frozenset(
    {"count", "count_distinct", "sum", "avg", "min", "max", "pct", "stddev", "earliest", "latest"}
)
_COMPARED: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "=": values.equal,
    "!=": lambda left, right: not values.equal(left, right),
    "<=": values.ordered(operator.le),
    ">=": values.ordered(operator.ge),
    "<": values.ordered(operator.lt),
    ">": values.ordered(operator.gt),
}
_SUMS: Final = {
    "+": values.arithmetic(operator.add),
    "-": values.arithmetic(operator.sub),
}
_PRODUCTS: Final = {
    "*": values.arithmetic(operator.mul),
    "/": values.arithmetic(operator.truediv),
    "%": values.arithmetic(operator.mod),
}
_POWER: Final = values.arithmetic(lambda a, b: a**b)
Malformed = Callable[[str], MalformedQueryException]


class Expressions:
    """A place in a query's text, and what can be read there."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._at = 0
        self._depth = 0
        self.aggregates: list[Aggregate] | None = None  # in a stats: those that were read
        self.made: dict[str, bool] = {}  # names that were made, and whether they are times

    # --- tokens ---------------------------------------------------------------------------------

    def here(self) -> int:
        space = _SPACE.match(self._query, self._at)
        assert space is not None
        self._at = space.end()
        return self._at

    def since(self, start: int) -> str:
        return self._query[start : self._at].strip()

    def peek(self) -> str:
        """The next sign or letter; "" at the end."""
        found = _SIGN.match(self._query, self.here())
        return found[0] if found else ""

    def takes(self, wanted: str) -> bool:
        start = self.here()
        pattern = _WORD if wanted[0].isalpha() else _SIGN
        found = pattern.match(self._query, start)
        if found is None or found[0].lower() != wanted:
            return False
        self._at = found.end()
        return True

    def need(self, sign: str) -> None:
        if not self.takes(sign):
            raise self.malformed(f"{sign!r} is missing")

    def word(self, what: str) -> str:
        return self._match(_WORD, what)[0]

    def text(self) -> str:
        said = self._match(_TEXT, "a text in quotes")[0][1:-1]
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), said)

    def pattern(self) -> str:
        return self._match(_REGEX, "a regular expression")[1].replace(r"\/", "/")

    def integer(self, what: str) -> int:
        return int(float(self._match(_NUMBER, what)[0]))

    def field(self) -> str:
        if self.takes("`"):
            end = self._query.find("`", self._at)
            if end < 0:
                raise self.malformed("a ` is missing")
            name, self._at = self._query[self._at : end], end + 1
            return name
        return self.word("a field")

    def malformed(self, why: str, *, back: int = 0) -> MalformedQueryException:
        return MalformedQueryException(why, self._at - back, len(self._query))

    def _match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        found = pattern.match(self._query, self.here())
        if found is None:
            raise self.malformed(f"{what} is wanted, not {self._query[self._at : self._at + 20]!r}")
        self._at = found.end()
        return found

    # --- expressions ----------------------------------------------------------------------------

    def whole(self) -> Expression:
        self._depth += 1
        if self._depth > DEPTH:
            raise self.malformed("it is nested too deeply")
        tests = [self._both()]
        while self.takes("or"):
            tests.append(self._both())
        self._depth -= 1
        if len(tests) == 1:
            return tests[0]
        return lambda one: any(values.truth(test(one)) for test in tests)

    def _both(self) -> Expression:
        tests = [self._single()]
        while self.takes("and"):
            tests.append(self._single())
        if len(tests) == 1:
            return tests[0]
        return lambda one: all(values.truth(test(one)) for test in tests)

    def _single(self) -> Expression:
        negated = False
        while self.takes("not"):
            negated = not negated
        test = self._compared()
        return (lambda one: not values.truth(test(one))) if negated else test

    def _compared(self) -> Expression:
        left = self.sum()
        negated = self.takes("not")
        if self.takes("like") or (not negated and self.takes("=~")):
            test = self._likeness(left)
        elif self.takes("in"):
            test = self._membership(left)
        elif negated:
            raise self.malformed("`like` or `in` is missing")
        else:
            return self._relation(left)
        return (lambda one: not test(one)) if negated else test

    def _relation(self, left: Expression) -> Expression:
        compare = _COMPARED.get(self.peek())
        if compare is None:
            return left
        self.need(self.peek())
        right = self.sum()
        return lambda one: compare(left(one), right(one))

    def _likeness(self, left: Expression) -> Expression:
        if self.peek() == "/":
            _, find = regex(self.pattern(), self.malformed)
            return lambda one: find(values.text(left(one))) is not None
        wanted = self.text()
        return lambda one: wanted in values.text(left(one))

    def _membership(self, left: Expression) -> Expression:
        self.need("[")
        items = [self.sum()]
        while self.takes(","):
            items.append(self.sum())
        self.need("]")
        return lambda one: any(values.equal(left(one), item(one)) for item in items)

    def sum(self) -> Expression:
        return self._row(lambda: self._row(self._power, _PRODUCTS), _SUMS)

    def _row(
        self, part: Callable[[], Expression], signs: dict[str, Callable[[Value, Value], Value]]
    ) -> Expression:
        found = part()
        while (sign := self.peek()) in signs:
            self.need(sign)
            found = _applied(signs[sign], found, part())
        return found

    def _power(self) -> Expression:
        base = self.one()
        return _applied(_POWER, base, self.one()) if self.takes("^") else base

    def one(self) -> Expression:
        sign = self.peek()
        if sign == "(":
            self.need("(")
            inner = self.whole()
            self.need(")")
            return inner
        if sign == "-":
            self.need("-")
            self._depth += 1
            if self._depth > DEPTH:
                raise self.malformed("it is nested too deeply")
            inner = self.one()
            self._depth -= 1
            return _applied(_SUMS["-"], _constant(0.0), inner)
        if sign in ("'", '"'):
            return _constant(self.text())
        if sign.isdigit():
            return _constant(float(self._match(_NUMBER, "a number")[0]))
        name = self.field()
        if sign != "`" and self.peek() == "(":
            return self._called(name)
        if sign != "`" and name.lower() in _RESERVED:
            raise self.malformed(f"unexpected {name!r}", back=len(name))
        return lambda one: one.get(name)

    def _called(self, name: str) -> Expression:
        kind = name.lower()
        if kind in _AGGREGATES and self.aggregates is not None:
            return self._aggregated(kind, self.aggregates)
        if kind in ("bin", "datefloor", "dateceil"):
            return self._floored(kind)
        known = values.FUNCTIONS.get(kind)
        if known is None:
            raise self.malformed(f"unknown function {name!r}", back=len(name))
        least, most, function = known
        given = self._arguments()
        if not least <= len(given) <= most:
            raise self.malformed(f"{name} does not take {len(given)} arguments")
        return lambda one: function([argument(one) for argument in given])

    def _arguments(self) -> list[Expression]:
        self.need("(")
        found: list[Expression] = []
        if not self.takes(")"):
            found.append(self.whole())
            while self.takes(","):
                found.append(self.whole())
            self.need(")")
        return found

    def _floored(self, kind: str) -> Expression:
        self.need("(")
        moment: Expression = lambda one: one.get("@timestamp")  # noqa: E731
        if kind != "bin":
            moment = self.sum()
            self.need(",")
        said = self._match(_PERIOD, "a period such as 5m")
        unit = values.UNITS_MS.get(said[2])
        if unit is None or not int(said[1]):
            raise self.malformed(f"{said[0]!r} is no period")
        self.need(")")
        period, up = int(said[1]) * unit, kind == "dateceil"

        def floored(one: Any) -> Value:
            at = values.number(moment(one))
            if at is None:
                return None
            return float((-(-at // period) if up else at // period) * period)

        return floored

    def _aggregated(self, kind: str, found: list[Aggregate]) -> Expression:
        self.aggregates = None  # none within another
        self.need("(")
        value: Expression | None = None
        percent = 0.0
        if kind == "count" and self.takes("*"):
            pass
        elif not (kind == "count" and self.peek() == ")"):
            value = self.whole()
        if kind == "pct":
            self.need(",")
            percent = float(self._match(_NUMBER, "a percentage")[0])
            if not 0 <= percent <= 100:
                raise self.malformed("a percentage lies between 0 and 100")
        self.need(")")
        self.aggregates = found
        name = f"\0{len(found)}"  # a name that no field has
        found.append(Aggregate(name, kind, value, percent))
        return lambda one: one.get(name)


_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


def _constant(value: Value) -> Expression:
    return lambda _: value


def _applied(
    do: Callable[[Value, Value], Value], left: Expression, right: Expression
) -> Expression:
    return lambda one: do(left(one), right(one))


def regex(source: str, malformed: Malformed) -> tuple[tuple[str, ...], Find]:
    """The names of its groups, and what they match."""
    options = re2.Options()
    options.max_mem = REGEX_BYTES
    options.log_errors = False
    try:
        compiled = re2.compile(source, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        why = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise malformed(f"the regular expression cannot be used: {why}") from None
    names = tuple(sorted(compiled.groupindex, key=compiled.groupindex.__getitem__))
    places = [compiled.groupindex[name] for name in names]

    def find(text: str) -> tuple[str | None, ...] | None:
        found = compiled.search(text)
        return None if found is None else tuple(found[place] for place in places)

    return names, find


def globbed(pattern: str, malformed: Malformed) -> Find:
    """`user=*, method:*`: each * takes as little as it can, the last all that there is."""
    pieces = pattern.split("*")
    if len(pieces) < 2:
        raise malformed("the pattern of parse has no *")

    def find(text: str) -> tuple[str | None, ...] | None:
        at = text.find(pieces[0])
        if at < 0:
            return None
        at += len(pieces[0])
        found: list[str | None] = []
        for piece in pieces[1:]:
            end = text.find(piece, at) if piece else len(text)
            if end < 0:
                return None
            found.append(text[at:end])
            at = end + len(piece)
        return tuple(found)

    return find
