"""The filter pattern language of CloudWatch Logs: FilterLogEvents, metric and subscription filters.

    ERROR -"timed out"                     terms: all of these, none of those; `?A ?B` is either
    %ERR(OR)?%  (without the groups)       a regular expression, see core/log_regex.py
    { $.user.id = 1 && ($.t IS TRUE) }     the event is JSON and a condition holds
    [ip, ..., status = 4*, size > 1000]    the event is a row of words

`parse` answers a pattern for every text, or raises InvalidParameterException in AWS's words. What
AWS does not document was taken from what users saw it do: `!=` does not match where the property
is missing, and a column's condition may only name that column.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import orjson

from stoker.core.errors import InvalidParameterException
from stoker.core.log_conditions import (
    All,
    Any,
    Condition,
    Json,
    Numeral,
    Operand,
    Operator,
    Token,
    Tokens,
    compare,
    compile_regex,
    invalid,
    invalid_term,
    number_of,
    parse_comparison,
    parse_condition,
    unescape,
)
from stoker.core.log_regex import Regex


class FilterPattern(Protocol):
    def matches(self, message: str) -> bool: ...


def parse(text: str) -> FilterPattern:
    """The pattern `text` stands for. Raises InvalidParameterException."""
    stripped = text.strip()
    if not stripped:
        return EVERYTHING
    for opening, closing in ("{}", "[]"):
        if not stripped.startswith(opening):
            continue
        if not stripped.endswith(closing) or len(stripped) < 2:
            raise InvalidParameterException(
                f"If a filter pattern starts with '{opening}' it must end with '{closing}'"
            )
        inner = stripped[1:-1]
        return _parse_json(inner) if opening == "{" else _parse_columns(inner)
    return _parse_terms(stripped)


# -- Terms ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """Words, phrases and expressions that must, may or must not occur; case counts."""

    required: tuple[Term, ...] = ()
    either: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()

    def matches(self, message: str) -> bool:
        return (
            all(_occurs(term, message) for term in self.required)
            and not any(_occurs(term, message) for term in self.excluded)
            and (not self.either or any(_occurs(term, message) for term in self.either))
        )


Term = str | Regex
EVERYTHING = Terms()


def _occurs(term: Term, message: str) -> bool:
    return term in message if isinstance(term, str) else term.search(message)


_TERM = re.compile(
    r"""\s*(?P<mode>[?-])?\s*
        (?: "(?P<phrase>(?:[^"\\]|\\.)*)" (?=[\s"?%-]|$)
          | %(?P<regex>[^%]*)% (?=[\s"?-]|$)
          | (?P<word>[A-Za-z0-9_]+) (?=\s|$)
          | (?P<wrong>\S+) )""",
    re.VERBOSE | re.DOTALL,
)


def _parse_terms(text: str) -> Terms:
    found: dict[str, list[Term]] = {"": [], "?": [], "-": []}
    index = 0
    while index < len(text):
        match = _TERM.match(text, index)
        if match is None:  # a lone ? or - at the end
            raise invalid_term(text[index:].strip())
        index = match.end()
        if match["wrong"] is not None:
            raise invalid_term(match["wrong"])
        if match["phrase"] == "":
            raise invalid_term('""')
        if match["phrase"] is not None and not match["phrase"].strip():
            continue  # `" "` is AWS's way to write "every event"
        found[match["mode"] or ""].append(_term(match))
    if found[""] or found["-"]:
        # AWS: "If you combine ? with other filter patterns, it will be ignored."
        found["?"] = []
    return Terms(tuple(found[""]), tuple(found["?"]), tuple(found["-"]))


def _term(match: re.Match[str]) -> Term:
    if match["regex"] is not None:
        return compile_regex(match["regex"])
    if match["phrase"] is not None:
        return unescape(match["phrase"])
    return match["word"]


# -- JSON -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JsonPattern:
    condition: Condition

    def matches(self, message: str) -> bool:
        try:
            document = orjson.loads(message)
        except ValueError:
            return False
        return isinstance(document, dict | list) and self.condition.holds(document)

    def selectors(self) -> list[Selector]:
        """What its conditions are about, in their order."""
        return list(dict.fromkeys(_selectors(self.condition)))


def _selectors(condition: Condition) -> Iterator[Selector]:
    if isinstance(condition, All | Any):
        for part in condition.parts:
            yield from _selectors(part)
    elif isinstance(condition, Compares | Is | NotExists):
        yield condition.selector


WILDCARD: Literal["*"] = "*"


@dataclass(frozen=True, slots=True)
class Key:
    name: str


Part = Key | int | Literal["*"]


@dataclass(frozen=True, slots=True)
class Selector:
    """`$.a.b[0]`; a `[*]` or `.*` selects every element or member."""

    parts: tuple[Part, ...]

    def select(self, document: Json) -> list[Json]:
        chosen = [document]
        for part in self.parts:
            chosen = [found for value in chosen for found in _children(value, part)]
        return chosen

    def __str__(self) -> str:
        return "$" + "".join(map(_written, self.parts))


def _written(part: Part) -> str:
    if not isinstance(part, Key):
        return f"[{part}]"
    return f".{part.name}" if _PLAIN.fullmatch(part.name) else f"['{part.name}']"


_PLAIN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def read_selector(text: str) -> Selector:
    """Raise InvalidParameterException."""
    tokens = Tokens(text)
    selector = _selector(tokens.need("selector").text)
    tokens.need("end")
    return selector


def _children(value: Json, part: Part) -> Iterator[Json]:
    if isinstance(part, Key):
        if isinstance(value, dict) and part.name in value:
            yield value[part.name]
    elif isinstance(part, int):
        if isinstance(value, list) and part < len(value):
            yield value[part]
    elif isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


@dataclass(frozen=True, slots=True)
class Compares:
    """Holds only for strings and numbers; nothing is equal or unequal to what is not there."""

    selector: Selector
    how: Operator
    operand: Operand

    def holds(self, subject: Json) -> bool:
        return any(
            compare(value, self.how, self.operand)
            for value in self.selector.select(subject)
            if isinstance(value, str | int | float) and not isinstance(value, bool)
        )


@dataclass(frozen=True, slots=True)
class Is:
    selector: Selector
    value: Literal[True, False] | None

    def holds(self, subject: Json) -> bool:
        return any(value is self.value for value in self.selector.select(subject))


@dataclass(frozen=True, slots=True)
class NotExists:
    selector: Selector

    def holds(self, subject: Json) -> bool:
        return not self.selector.select(subject)


def _parse_json(inner: str) -> JsonPattern:
    tokens = Tokens(inner)
    condition = parse_condition(tokens, _json_test)
    tokens.need("end")
    return JsonPattern(condition)


def _json_test(tokens: Tokens) -> Condition:
    selector = _selector(tokens.need("selector").text)
    if tokens.take("word", "IS"):
        words: dict[str, Literal[True, False] | None] = {"NULL": None, "TRUE": True, "FALSE": False}
        word = tokens.need("word").text
        if word not in words:
            raise invalid()
        return Is(selector, words[word])
    if tokens.take("word", "NOT"):
        tokens.need("word", "EXISTS")
        return NotExists(selector)
    return Compares(selector, *parse_comparison(tokens))


_PART = re.compile(r"""\.?\[(?:([0-9]+)|(\*)|'([^']*)'|"([^"]*)")\]|\.(\*)|\.([A-Za-z0-9_-]+)""")


def _selector(text: str) -> Selector:
    parts: list[Part] = []
    for match in _PART.finditer(text):
        index, star, single, double, dot_star, name = match.groups()
        if index is not None:
            parts.append(int(index[:9]))
        elif star or dot_star:
            parts.append(WILDCARD)
        else:
            parts.append(Key(next(k for k in (single, double, name) if k is not None)))
    if not parts or parts.count(WILDCARD) > 1:  # AWS: one wildcard in a selector
        raise invalid()
    return Selector(tuple(parts))


# -- Space-delimited --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One word of the row, with what is asked of it; nothing asked: any word."""

    condition: Condition | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class ColumnTest:
    how: Operator
    operand: Operand

    def holds(self, subject: Json) -> bool:
        assert isinstance(subject, str)
        if not isinstance(self.operand, Numeral):
            return compare(subject, self.how, self.operand)
        number = number_of(subject)
        return compare(subject if number is None else number, self.how, self.operand)


@dataclass(frozen=True, slots=True)
class ColumnsPattern:
    """Columns before and after the `...`; without one, `rest` is None and the number must agree."""

    first: tuple[Column, ...]
    rest: tuple[Column, ...] | None

    def matches(self, message: str) -> bool:
        words = split_words(message)
        asked = self.first + (self.rest or ())
        if len(words) < len(asked) or (self.rest is None and len(words) != len(asked)):
            return False
        ends = words[len(words) - len(self.rest) :] if self.rest else []
        chosen = words[: len(self.first)] + ends
        return all(
            column.condition is None or column.condition.holds(word)
            for column, word in zip(asked, chosen, strict=True)
        )

    def names(self) -> frozenset[str]:
        return frozenset(column.name for column in (*self.first, *(self.rest or ())))

    def named(self, message: str) -> list[tuple[str, str]]:
        """The words of a row that matches, by the names of their columns; one without a name is
        called by its number, from 1."""
        words = split_words(message)
        between = len(words) - len(self.first) - len(self.rest or ())
        columns = [*self.first, *([Column()] * between), *(self.rest or ())]
        return [
            (column.name or str(number), word)
            for number, (column, word) in enumerate(zip(columns, words, strict=True), 1)
        ]


_WORDS = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')


def split_words(message: str) -> list[str]:
    """The words of a row; what stands in brackets or double quotes is one word."""
    return [bracketed or quoted or plain for bracketed, quoted, plain in _WORDS.findall(message)]


def _parse_columns(inner: str) -> ColumnsPattern:
    tokens = Tokens(inner)
    columns: list[Column | None] = [_column(tokens)]
    while tokens.take("sign", ","):
        columns.append(_column(tokens))
    tokens.need("end")
    if columns.count(None) > 1:
        raise invalid()
    if None not in columns:
        return ColumnsPattern(tuple(c for c in columns if c is not None), None)
    gap = columns.index(None)
    before = tuple(c for c in columns[:gap] if c is not None)
    after = tuple(c for c in columns[gap + 1 :] if c is not None)
    return ColumnsPattern(before, after)


def _column(tokens: Tokens) -> Column | None:
    """A column, or None for `...`."""
    if tokens.take("word", "..."):
        return None
    if tokens.next.kind == "end" or tokens.next == Token("sign", ","):
        return Column()
    if tokens.next.kind == "word":
        following = tokens.list[tokens.index + 1 : tokens.index + 2]
        if not following or following[0] == Token("sign", ","):
            return Column(name=_column_name(tokens))
    names: set[str] = set()

    def test(tokens: Tokens) -> Condition:
        names.add(_column_name(tokens))
        return ColumnTest(*parse_comparison(tokens))

    condition = parse_condition(tokens, test)
    if len(names) != 1:
        raise invalid()
    return Column(condition, names.pop())


def _column_name(tokens: Tokens) -> str:
    name = tokens.need("word").text
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise invalid_term(name)
    return name
