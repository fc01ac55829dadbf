"""Filter expressions of GetTraceSummaries: read once, asked of many traces. Pure.

    responsetime > 5 AND annotation[tier] = "gold"
    service("orders") { fault = true } OR !ok
    edge("orders", "DynamoDB") { responsetime >= 0.5 }   http.url CONTAINS "/cart"

https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html. What that page has and
this has not (root causes, groups, id(), instances, zones, messages) is refused by its name.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from stoker.core.errors import NotImplementedException
from stoker.core.xray.errors import InvalidRequestException
from stoker.core.xray.summaries import Summary, Value
from stoker.core.xray.works import Work

T = TypeVar("T", Summary, Work)
Test = Callable[[T], bool]
CHARACTERS: Final = 2000
DEPTH: Final = 50  # of parentheses and braces

_TOKEN: Final = re.compile(
    r"""\s*(?: (?P<text>"(?:[^"\\]|\\.)*") | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][\w.]*) | (?P<sign><=|>=|!=|[=<>!(){}\[\],:]) | (?P<end>$) )""",
    re.VERBOSE | re.ASCII,
)
_ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_TEXTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "=": operator.eq, "!=": operator.ne, "CONTAINS": operator.contains,
    "BEGINSWITH": str.startswith, "ENDSWITH": str.endswith,
}  # fmt: skip
_OF_TRACES: Final[dict[str, Callable[[Summary], Iterable[Value | None]]]] = {
    "ok": lambda one: (not (one.error or one.fault or one.throttle),),
    "error": lambda one: (one.error,),
    "fault": lambda one: (one.fault,),
    "throttle": lambda one: (one.throttle,),
    "partial": lambda one: (one.trace.partial,),
    "inferred": lambda one: (any(work.inferred for work in one.works),),
    "remote": lambda one: (any(work.service.type == "remote" for work in one.works),),
    "responsetime": lambda one: (one.response_s,),
    "duration": lambda one: (one.trace.duration_s,),
    "http.status": lambda one: (None if one.status is None else float(one.status),),
    "http.url": lambda one: (one.url,),
    "http.method": lambda one: (one.method,),
    "http.useragent": lambda one: (one.agent,),
    "http.clientip": lambda one: (one.address,),
    "user": lambda one: (user for user, _ in one.users),
    "resource.arn": lambda one: one.arns,
    "name": lambda one: (service.name for service in one.services),
    "type": lambda one: (service.type for service in one.services),
}
_OF_WORKS: Final[dict[str, Callable[[Work], Iterable[Value | None]]]] = {
    "ok": lambda one: (one.ok,),
    "error": lambda one: (one.error,),
    "fault": lambda one: (one.fault,),
    "throttle": lambda one: (one.throttle,),
    "inferred": lambda one: (one.inferred,),
    "remote": lambda one: (one.service.type == "remote",),
    "root": lambda one: (one.root,),
    "responsetime": lambda one: (one.response_s,),
    "name": lambda one: (one.service.name,),
    "type": lambda one: (one.service.type,),
}
_FLAGS: Final = frozenset(
    {"ok", "error", "fault", "throttle", "partial", "inferred", "remote", "root"}
)
_NUMBERS: Final = frozenset({"responsetime", "duration", "http.status"})
_UNBUILT: Final = frozenset(
    {
        "first", "last", "root", "message", "availabilityzone", "instance.id", "group.name",
        "group.arn", "id", "json", "coldstart", "index",
    }
)  # fmt: skip


def read(text: str) -> Callable[[Summary], bool]:
    """Raise InvalidRequestException, or NotImplementedException for what is not built."""
    if len(text) > CHARACTERS:
        raise _invalid(f"it is longer than {CHARACTERS} characters")
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> Callable[[Summary], bool]:
        test = self._either(_OF_TRACES)
        if self._kind != "end":
            raise _invalid(f"unexpected {self._word!r}")
        return test

    def _either(self, fields: dict[str, Callable[[T], Iterable[Value | None]]]) -> Test[T]:
        tests = [self._both(fields)]
        while self._takes("OR"):
            tests.append(self._both(fields))
        return tests[0] if len(tests) == 1 else lambda one: any(test(one) for test in tests)

    def _both(self, fields: dict[str, Callable[[T], Iterable[Value | None]]]) -> Test[T]:
        tests = [self._single(fields)]
        while self._takes("AND"):
            tests.append(self._single(fields))
        return tests[0] if len(tests) == 1 else lambda one: all(test(one) for test in tests)

    def _single(self, fields: dict[str, Callable[[T], Iterable[Value | None]]]) -> Test[T]:
        self._depth += 1
        if self._depth > DEPTH:
            raise _invalid("it is nested too deeply")
        try:
            if self._takes("!") or self._takes("NOT"):
                test = self._single(fields)
                return lambda one: not test(one)
            if self._takes("("):
                test = self._either(fields)
                self._needs(")")
                return test
            return self._comparison(fields)
        finally:
            self._depth -= 1

    def _comparison(self, fields: dict[str, Callable[[T], Iterable[Value | None]]]) -> Test[T]:
        if self._kind != "word":
            raise _invalid(f"unexpected {self._word!r}")
        word = self._next()
        name = word.lower()
        if name in ("service", "edge") and fields is _OF_TRACES:
            return self._of_works(name)  # type: ignore[return-value]  # T is Summary here
        if name == "annotation" or name.startswith("annotation."):
            if fields is not _OF_TRACES:
                raise NotImplementedException(f"Stoker has not built {word} in braces yet.")
            return self._annotation(word[len("annotation.") :])  # type: ignore[return-value]
        if name not in fields:
            if name in _UNBUILT or name.startswith("rootcause") or "rootcause" in name:
                raise NotImplementedException(
                    f"Stoker has not built {word} of filter expressions yet."
                )
            raise _invalid(f"unknown keyword {word!r}")
        values = fields[name]
        holds = self._condition(name)
        return lambda one: any(holds(value) for value in values(one) if value is not None)

    def _condition(self, name: str) -> Callable[[Value], bool]:
        sign = self._operator()
        if sign is None:
            return bool  # the keyword alone: it is so, or it is there
        given = self._value()
        if name in _FLAGS and not isinstance(given, bool):
            raise _invalid(f"{name} is true or false")
        if name in _NUMBERS and (isinstance(given, bool) or not isinstance(given, float)):
            raise _invalid(f"{name} is a number")
        return _compared(sign, given)

    def _annotation(self, key: str) -> Callable[[Summary], bool]:
        if not key:
            self._needs("[")
            key = self._text() if self._kind == "text" else self._next()
            self._needs("]")
        sign = self._operator()
        holds = (lambda _: True) if sign is None else _compared(sign, self._value())
        return lambda one: any(said == key and holds(value) for said, value, _ in one.annotations)

    def _of_works(self, kind: str) -> Callable[[Summary], bool]:
        names: list[str] = []
        if self._takes("(") and not self._takes(")"):
            if self._word == "id":
                raise NotImplementedException("Stoker has not built id() of services yet.")
            names.append(self._text())
            while self._takes(","):
                names.append(self._text())
            self._needs(")")
        if len(names) > 1 + (kind == "edge") or (kind == "edge" and not names):
            raise _invalid(f"{kind} has {len(names)} names")
        test: Test[Work] | None = None
        if self._takes("{") and not self._takes("}"):
            test = self._either(_OF_WORKS)
            self._needs("}")
        return lambda one: any(
            _named(work, kind, names) and (test is None or test(work)) for work in one.works
        )

    # --- tokens ---------------------------------------------------------------------------------

    @property
    def _kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def _word(self) -> str:
        return self._tokens[self._at][1]

    def _next(self) -> str:
        kind, word = self._tokens[self._at]
        if kind == "end":
            raise _invalid("it ends too early")
        self._at += 1
        return word

    def _takes(self, word: str) -> bool:
        if self._kind == "text" or self._word.upper() != word:
            return False
        self._at += 1
        return True

    def _needs(self, sign: str) -> None:
        if not self._takes(sign):
            raise _invalid(f"{sign!r} is missing before {self._word!r}")

    def _operator(self) -> str | None:
        word = self._word.upper()
        if self._kind != "text" and (word in _ORDERS or word in _TEXTS):
            self._at += 1
            return word
        return None

    def _text(self) -> str:
        if self._kind != "text":
            raise _invalid(f"a text in quotes is wanted, not {self._word!r}")
        return re.sub(r"\\(.)", r"\1", self._next()[1:-1])

    def _value(self) -> Value:
        match self._kind:
            case "text":
                return self._text()
            case "number":
                return float(self._next())
        word = self._next().lower()
        if word not in ("true", "false"):
            raise _invalid(f"{word!r} is no value")
        return word == "true"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while True:
        found = _TOKEN.match(text, at)
        if found is None:
            raise _invalid(f"cannot read {text[at : at + 20]!r}")
        kind = str(found.lastgroup)
        yield kind, found[kind]
        if kind == "end":
            return
        at = found.end()


def _compared(sign: str, given: Value) -> Callable[[Value], bool]:
    if isinstance(given, str):
        if sign not in _TEXTS:
            raise _invalid(f"{sign} does not compare texts")
        of_texts = _TEXTS[sign]
        return lambda value: isinstance(value, str) and of_texts(value, given)
    if sign not in _ORDERS or (isinstance(given, bool) and sign not in ("=", "!=")):
        raise _invalid(f"{sign} does not compare such values")
    of_numbers, kind = _ORDERS[sign], type(given)
    return lambda value: type(value) is kind and of_numbers(value, given)


def _named(work: Work, kind: str, names: list[str]) -> bool:
    if kind == "service":
        return not names or work.service.name == names[0]
    asker = work.asker
    ours = asker is not None and asker.name == names[0]
    return ours and (len(names) == 1 or work.service.name == names[1])


def _invalid(why: str) -> InvalidRequestException:
    return InvalidRequestException(f"Invalid filter expression: {why}.")
