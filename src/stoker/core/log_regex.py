"""The regular expressions of CloudWatch Logs' filter patterns (`%...%`), matched in linear time.

AWS allows a subset without groups: letters, digits, `_ # = @ / ; , - :`, the operators
`^ $ ? [ ] { } | \\ * + .`, the classes `\\d \\D \\s \\S \\w \\W` and `\\xhh`. Without groups an
expression is a row of steps, each skippable or repeatable, so a set of places in that row is all
there is to remember. `re` would backtrack over it: a caller's `%a*a*a*a*b%` against a long line
would hold the whole server. Here every character of the text is looked at once.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass

MAX_STEPS = 2000
"""Bound for what `{m,n}` may unfold to."""
_MAX_REMEMBERED = 20_000

_DIGITS = frozenset(string.digits)
_WORD = frozenset(string.ascii_letters + string.digits + "_")
_SPACE = frozenset(" \t\n\r\f\v")
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_OPERATORS = frozenset("^$?[]{}|\\*+.")
_PLAIN = frozenset(string.ascii_letters + string.digits + "_#=@/;,-:")


class BadRegex(ValueError):
    """Not an expression of the supported subset."""


@dataclass(frozen=True, slots=True)
class Chars:
    """Which characters a step accepts: those of `members`, or with `negated` all others."""

    members: frozenset[str]
    negated: bool = False

    def accepts(self, char: str) -> bool:
        return (char in self.members) is not self.negated


@dataclass(frozen=True, slots=True)
class Step:
    chars: tuple[Chars, ...]
    negated: bool = False
    skippable: bool = False
    repeatable: bool = False

    def accepts(self, char: str) -> bool:
        return any(chars.accepts(char) for chars in self.chars) is not self.negated


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of `a|b|c`."""

    steps: tuple[Step, ...]
    from_start: bool
    to_end: bool


_ANY = Step((Chars(frozenset("\n"), negated=True),))

Place = tuple[int, int]
"""Branch, and the step that comes next in it."""


class _State(dict[str, "_State"]):
    """A set of places; the transitions out of it are worked out once and remembered."""

    __slots__ = ("accepts", "accepts_at_end", "places", "regex")

    def __init__(self, regex: Regex, places: frozenset[Place]) -> None:
        super().__init__()
        self.regex = regex
        self.places = places
        done = [b for b, i in places if i == len(regex.branches[b].steps)]
        self.accepts = any(not regex.branches[b].to_end for b in done)
        self.accepts_at_end = bool(done)

    def __missing__(self, char: str) -> _State:
        return self.regex.follow(self, char)


class Regex:
    """A compiled expression. Not for use by two threads at once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.branches = tuple(_branches(source))
        if sum(len(branch.steps) for branch in self.branches) > MAX_STEPS:
            raise BadRegex(source)
        self._reset()

    def search(self, text: str) -> bool:
        """Does the expression match anywhere in `text`? `$` also matches before a last newline."""
        state = self._start
        if state.accepts:
            return True
        body = text[:-1] if text.endswith("\n") else text
        for char in body:
            state = state[char]
            if state.accepts:
                return True
        if state.accepts_at_end:
            return True
        return body is not text and (state["\n"].accepts or state["\n"].accepts_at_end)

    def follow(self, state: _State, char: str) -> _State:
        """The state after `char`; places that start anywhere start again behind every character."""
        if self._remembered >= _MAX_REMEMBERED:
            self._reset()
        places = set(self._again)
        for branch, index in state.places:
            steps = self.branches[branch].steps
            if index < len(steps) and steps[index].accepts(char):
                if steps[index].repeatable:
                    places |= self._reach(branch, index)
                places |= self._reach(branch, index + 1)
        following = self._state(frozenset(places))
        state[char] = following
        self._remembered += 1
        return following

    def _reset(self) -> None:
        self._states: dict[frozenset[Place], _State] = {}
        self._remembered = 0
        self._again = frozenset(
            place
            for number, branch in enumerate(self.branches)
            if not branch.from_start
            for place in self._reach(number, 0)
        )
        everywhere = frozenset(
            place for number in range(len(self.branches)) for place in self._reach(number, 0)
        )
        self._start = self._state(everywhere)

    def _state(self, places: frozenset[Place]) -> _State:
        state = self._states.get(places)
        if state is None:
            state = self._states[places] = _State(self, places)
        return state

    def _reach(self, branch: int, index: int) -> set[Place]:
        """The place, and those behind steps that may be skipped."""
        steps = self.branches[branch].steps
        reached = {(branch, index)}
        while index < len(steps) and steps[index].skippable:
            index += 1
            reached.add((branch, index))
        return reached


def _branches(source: str) -> Iterator[Branch]:
    scan = _Scan(source)
    while True:
        from_start = scan.take("^")
        steps: list[Step] = []
        to_end = False
        while scan.more and not scan.at("|"):
            if scan.take("$"):
                to_end = True
                if scan.more and not scan.at("|"):
                    raise BadRegex(source)
                break
            steps += _repeated(scan, _step(scan))
            if len(steps) > MAX_STEPS:
                raise BadRegex(source)
        yield Branch(tuple(steps), from_start, to_end)
        if not scan.take("|"):
            return


class _Scan:
    def __init__(self, source: str) -> None:
        self.source = source
        self.index = 0

    @property
    def more(self) -> bool:
        return self.index < len(self.source)

    def at(self, char: str) -> bool:
        return self.source.startswith(char, self.index)

    def take(self, char: str) -> bool:
        if not self.at(char):
            return False
        self.index += 1
        return True

    def next(self) -> str:
        if not self.more:
            raise BadRegex(self.source)
        self.index += 1
        return self.source[self.index - 1]

    def until(self, char: str) -> str:
        end = self.source.find(char, self.index)
        if end < 0:
            raise BadRegex(self.source)
        text = self.source[self.index : end]
        self.index = end + 1
        return text


def _step(scan: _Scan) -> Step:
    char = scan.next()
    if char == ".":
        return _ANY
    if char == "[":
        return _char_class(scan)
    if char == "\\":
        return Step((_escaped(scan),))
    if char in _PLAIN:
        return Step((Chars(frozenset(char)),))
    raise BadRegex(scan.source)


def _escaped(scan: _Scan) -> Chars:
    char = scan.next()
    if char.lower() in _CLASSES:
        return Chars(_CLASSES[char.lower()], negated=char.isupper())
    if char == "x":
        digits = scan.next() + scan.next()
        if not all(digit in string.hexdigits for digit in digits):
            raise BadRegex(scan.source)
        return Chars(frozenset(chr(int(digits, 16))))
    if char in _OPERATORS or char in "_#=@/;,-:":
        return Chars(frozenset(char))
    raise BadRegex(scan.source)


def _char_class(scan: _Scan) -> Step:
    negated = scan.take("^")
    parts: list[Chars] = []
    while not scan.take("]"):
        low = _class_member(scan)
        if scan.at("-") and not scan.at("-]"):
            scan.next()
            parts.append(_range(scan, low, _class_member(scan)))
        else:
            parts.append(low)
    if not parts:
        raise BadRegex(scan.source)
    return Step(tuple(parts), negated)


def _class_member(scan: _Scan) -> Chars:
    char = scan.next()
    if char == "\\":
        return _escaped(scan)
    if char in _PLAIN or char in ".*+?^$|{}":
        return Chars(frozenset(char))
    raise BadRegex(scan.source)


def _range(scan: _Scan, low: Chars, high: Chars) -> Chars:
    if low.negated or high.negated or len(low.members) != 1 or len(high.members) != 1:
        raise BadRegex(scan.source)
    first, last = ord(*low.members), ord(*high.members)
    if first > last:
        raise BadRegex(scan.source)
    return Chars(frozenset(map(chr, range(first, last + 1))))


def _repeated(scan: _Scan, step: Step) -> list[Step]:
    """Unfold `? * + {m,n}` into steps that may be skipped or repeated."""
    if scan.take("?"):
        return _times(step, 0, 1)
    if scan.take("*"):
        return _times(step, 0, None)
    if scan.take("+"):
        return _times(step, 1, None)
    if not scan.take("{"):
        return [step]
    low, comma, high = scan.until("}").partition(",")
    try:
        least, most = int(low), int(high) if high else None
    except ValueError:
        raise BadRegex(scan.source) from None
    if not comma:
        most = least
    if least < 0 or max(least, most or 0) > MAX_STEPS or (most is not None and most < least):
        raise BadRegex(scan.source)
    return _times(step, least, most)


def _times(step: Step, least: int, most: int | None) -> list[Step]:
    if most is not None:
        optional = Step(step.chars, step.negated, skippable=True)
        return [step] * least + [optional] * (most - least)
    if least == 0:
        return [Step(step.chars, step.negated, skippable=True, repeatable=True)]
    return [step] * (least - 1) + [Step(step.chars, step.negated, repeatable=True)]
