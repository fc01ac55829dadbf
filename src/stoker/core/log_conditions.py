"""The conditions of CloudWatch Logs' JSON and space-delimited filter patterns.

    condition  = both ("||" both)*          both = factor ("&&" factor)*
    factor     = "(" condition ")" | test   test = what is asked of one value (core/log_patterns.py)
    comparison = ("=" | "!=" | "<" | ">" | "<=" | ">=") (word | "quoted" | %regex%)

A pattern is at most 1024 characters at AWS; here it is whatever text, and never more than an error.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from stoker.core.errors import InvalidParameterException
from stoker.core.log_regex import BadRegex, Regex

MAX_REGEXES = 2
"""Per JSON or space-delimited pattern, as AWS."""
MAX_DEPTH = 50
"""Parentheses within parentheses."""

Json = object
Number = int | float

Operator = Literal["=", "!=", "<", ">", "<=", ">="]
_ORDER: dict[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `*` at its beginning or end stands for anything, elsewhere for itself."""

    body: str
    open_start: bool
    open_end: bool

    def equals(self, value: str | Number) -> bool:
        text = value if isinstance(value, str) else str(value)
        if self.open_start:
            return self.body in text if self.open_end else text.endswith(self.body)
        return text.startswith(self.body) if self.open_end else text == self.body


@dataclass(frozen=True, slots=True)
class Numeral:
    """An unquoted number: compared as a number with numbers, as written with anything else."""

    value: Number
    written: str

    def equals(self, value: str | Number) -> bool:
        if isinstance(value, str):
            return value == self.written
        return value == self.value


@dataclass(frozen=True, slots=True)
class Expression:
    regex: Regex

    def equals(self, value: str | Number) -> bool:
        return self.regex.search(value if isinstance(value, str) else str(value))


Operand = Text | Numeral | Expression


def compare(value: str | Number, how: Operator, operand: Operand) -> bool:
    """One comparison; order exists between numbers only."""
    if how == "=":
        return operand.equals(value)
    if how == "!=":
        return not operand.equals(value)
    if isinstance(value, str) or not isinstance(operand, Numeral):
        return False
    return _ORDER[how](value, operand.value)


class Condition(Protocol):
    def holds(self, subject: Json) -> bool: ...


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]

    def holds(self, subject: Json) -> bool:
        return all(part.holds(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Condition, ...]

    def holds(self, subject: Json) -> bool:
        return any(part.holds(subject) for part in self.parts)


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<sign>&&|\|\||[()]|,)
      | (?P<operator>!=|<=|>=|=|<|>)
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | %(?P<regex>[^%]*)%
      | (?P<selector>\$(?:\.[A-Za-z0-9_-]+|\.\*|\.?\[(?:[0-9]+|\*|'[^']*'|"[^"]*")\])*)
      | (?P<word>[A-Za-z0-9_.*:/+-]+)
      | (?P<wrong>[^\s()&|,=<>!"%]+|.) )""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str


class Tokens:
    """The tokens of one pattern, with the place reached in it."""

    def __init__(self, text: str) -> None:
        self.list = list(_tokenize(text.rstrip()))
        self.index = 0
        if sum(token.kind == "regex" for token in self.list) > MAX_REGEXES:
            raise invalid()

    @property
    def next(self) -> Token:
        return self.list[self.index] if self.index < len(self.list) else Token("end", "")

    def take(self, kind: str, text: str | None = None) -> Token | None:
        token = self.next
        if token.kind != kind or (text is not None and token.text != text):
            return None
        self.index += 1
        return token

    def need(self, kind: str, text: str | None = None) -> Token:
        token = self.take(kind, text)
        if token is None:
            raise invalid()
        return token


def _tokenize(text: str) -> Iterator[Token]:
    index = 0
    while index < len(text):
        match = _TOKEN.match(text, index)
        assert match is not None and match.lastgroup is not None  # the last branch takes anything
        if match.lastgroup == "wrong":
            raise invalid_term(match["wrong"])
        yield Token(match.lastgroup, match[match.lastgroup])
        index = match.end()


def parse_condition(
    tokens: Tokens, test: Callable[[Tokens], Condition], depth: int = 0
) -> Condition:
    """`a && b || c`, with && before || and parentheses before both."""
    if depth > MAX_DEPTH:
        raise invalid()
    either: list[Condition] = []
    while True:
        both = [_factor(tokens, test, depth)]
        while tokens.take("sign", "&&"):
            both.append(_factor(tokens, test, depth))
        either.append(both[0] if len(both) == 1 else All(tuple(both)))
        if not tokens.take("sign", "||"):
            return either[0] if len(either) == 1 else Any(tuple(either))


def _factor(tokens: Tokens, test: Callable[[Tokens], Condition], depth: int) -> Condition:
    if tokens.take("sign", "("):
        inner = parse_condition(tokens, test, depth + 1)
        tokens.need("sign", ")")
        return inner
    return test(tokens)


def parse_comparison(tokens: Tokens) -> tuple[Operator, Operand]:
    how = tokens.need("operator").text
    operand = _operand(tokens)
    if how in _ORDER and not isinstance(operand, Numeral):
        raise invalid()
    return how, operand  # type: ignore[return-value]


def _operand(tokens: Tokens) -> Operand:
    if token := tokens.take("regex"):
        return Expression(compile_regex(token.text))
    if token := tokens.take("quoted"):
        return _text(unescape(token.text))
    word = tokens.need("word").text
    number = number_of(word)
    return _text(word) if number is None else Numeral(number, word)


def _text(body: str) -> Text:
    open_start = body.startswith("*")
    rest = body[1:] if open_start else body
    open_end = rest.endswith("*") or body == "*"
    return Text(rest.removesuffix("*") if open_end else rest, open_start, open_end)


def number_of(text: str) -> Number | None:
    if not _NUMBER.fullmatch(text):
        return None
    if text.lstrip("+-").isdigit() and len(text) < 20:
        return int(text)
    return float(text)


def invalid() -> InvalidParameterException:
    return InvalidParameterException("Invalid filter pattern")


def invalid_term(term: str) -> InvalidParameterException:
    return InvalidParameterException(f"Invalid character(s) in term '{term}'")


def unescape(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)


def compile_regex(source: str) -> Regex:
    if not source:
        raise invalid_term("%%")
    try:
        return Regex(source)
    except BadRegex:
        raise invalid_term(f"%{source}%") from None
