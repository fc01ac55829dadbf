"""Regular expressions of an API's owner, matched against what anybody sends.

Selection patterns, validation expressions of authorizers, patterns of models, and replaceAll,
split and matches in templates. Python's `re` backtracks: an innocent `(a+)+b` and a hostile text
would hold the whole server. Here an expression is a program whose places are visited at most once
for each place of the text, so that time is their product, and that is bounded as well.

Of Java's language: groups, alternatives, classes, `. ^ $ \\b`, greedy and reluctant quantifiers,
`(?i)` at the beginning. Backward references, looking around and possessive quantifiers are refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

MOST_LENGTH = 1000  # of an expression
MOST_PLACES = 4000  # of a program, once {m,n} is written out
MOST_STEPS = 300_000  # of one search

Pay = Callable[[int], None]

_CLASSES = {
    "d": frozenset("0123456789"),
    "w": frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
    "s": frozenset(" \t\n\r\f\v"),
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "0": "\0"}


class BadRegex(ValueError):
    """Not an expression that is understood here: why."""


class TooHard(Exception):
    """It would take too long."""


@dataclass(frozen=True, slots=True)
class One:
    """Accepts one character: of `members` or `ranges`, or with `negated` any other."""

    members: frozenset[str]
    ranges: tuple[tuple[str, str], ...] = ()
    negated: bool = False

    def accepts(self, char: str) -> bool:
        found = char in self.members or any(low <= char <= high for low, high in self.ranges)
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class At:
    """Accepts a place: "^", "$", or "b" or "B" for (no) edge of a word."""

    kind: str


@dataclass(frozen=True, slots=True)
class Fork:
    """Go on here, and if that fails there."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Save:
    slot: int


@dataclass(frozen=True, slots=True)
class Found:
    """The end of the program."""


Instruction = One | At | Fork | Save | Found
_END = Found()
_ANY = One(frozenset("\n\r"), negated=True)


@dataclass(frozen=True, slots=True)
class Span:
    """What was found: where each group begins and ends, the whole first; -1: not in it."""

    text: str
    slots: tuple[int, ...]

    @property
    def start(self) -> int:
        return self.slots[0]

    @property
    def end(self) -> int:
        return self.slots[1]

    def group(self, number: int) -> str:
        start, end = self.slots[2 * number : 2 * number + 2] or (-1, -1)
        return self.text[start:end] if start >= 0 else ""


class Regex:
    def __init__(self, source: str) -> None:
        if len(source) > MOST_LENGTH:
            raise BadRegex(f"it is longer than {MOST_LENGTH} characters")
        self._program, self._slots, self._folded = _Compiler(source).program()

    def matches(self, text: str, pay: Pay | None = None) -> bool:
        """The whole text, as Java's matches(). Raise TooHard. `pay` is told how many steps were
        taken, whatever came of them."""
        return self._run(text, 0, pay, whole=True) is not None

    def search(self, text: str, start: int = 0, pay: Pay | None = None) -> Span | None:
        """The first place that fits."""
        return self._run(text, start, pay, whole=False)

    def spans(self, text: str, pay: Pay | None = None) -> Iterator[Span]:
        """All places that fit, one behind the other."""
        at = 0
        while at <= len(text):
            span = self.search(text, at, pay)
            if span is None:
                return
            yield span
            at = span.end + (span.end == span.start)

    def _run(self, text: str, start: int, pay: Pay | None, *, whole: bool) -> Span | None:
        seen: set[int] = set()
        try:
            return self._tried(text, start, seen, whole)
        finally:
            if pay is not None:
                pay(len(seen))

    def _tried(self, text: str, start: int, seen: set[int], whole: bool) -> Span | None:
        shown = text.lower() if self._folded else text
        if len(shown) != len(text):  # a character whose small one is two
            shown = text
        for begin in range(start, start + 1 if whole else len(text) + 1):
            slots = self._from(shown, begin, seen, whole)
            if slots is not None:
                return Span(text, slots)
        return None

    def _from(self, text: str, begin: int, seen: set[int], whole: bool) -> tuple[int, ...] | None:
        """Backtracking, but no place of the program is tried twice at a place of the text: it
        would fail as it did before."""
        program, size, length = self._program, len(self._program), len(text)
        waiting: list[tuple[int, int, tuple[int, ...]]] = [(0, begin, (-1,) * self._slots)]
        while waiting:
            place, at, slots = waiting.pop()
            while True:
                mark = at * size + place
                if mark in seen:
                    break
                seen.add(mark)
                if len(seen) > MOST_STEPS:
                    raise TooHard("a regular expression takes too long")
                match program[place]:
                    case Found():
                        if not whole or at == length:
                            return slots
                        break
                    case Fork(first, second):
                        waiting.append((second, at, slots))
                        place = first
                        continue
                    case Save(slot):
                        slots = (*slots[:slot], at, *slots[slot + 1 :])
                    case At(kind):
                        if not _is_at(kind, text, at):
                            break
                    case One() as one:
                        if at >= length or not one.accepts(text[at]):
                            break
                        at += 1
                place += 1
        return None


@lru_cache(maxsize=512)
def read(source: str) -> Regex:
    """Raise BadRegex."""
    return Regex(source)


def _is_at(kind: str, text: str, at: int) -> bool:
    if kind == "^":
        return at == 0
    if kind == "$":
        return at == len(text) or (at == len(text) - 1 and text[at] == "\n")
    word = _CLASSES["w"]
    before = at > 0 and text[at - 1] in word
    behind = at < len(text) and text[at] in word
    return (before is not behind) is (kind == "b")


class _Compiler:
    """Recursive descent; each method returns a piece of the program whose Forks lead to places
    counted from its own beginning."""

    def __init__(self, source: str) -> None:
        self._folded = source.startswith("(?i)")
        self._source = source[4:] if self._folded else source
        self._at = 0
        self._groups = 1
        self._depth = 0

    def program(self) -> tuple[tuple[Instruction, ...], int, bool]:
        piece = self._alternatives()
        if self._at < len(self._source):
            raise BadRegex("a ) closes nothing")
        whole = [Save(0), *_moved(piece, 1), Save(1), _END]
        return tuple(whole), 2 * self._groups, self._folded

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise BadRegex("it ends too early")
        self._at += 1
        return char

    def _alternatives(self) -> list[Instruction]:
        self._depth += 1
        if self._depth > 50:
            raise BadRegex("its groups are too deep")
        branches = [self._branch()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._branch())
        self._depth -= 1
        found = branches.pop()
        while branches:
            found = _either(branches.pop(), found)
            _check(found)
        return found

    def _branch(self) -> list[Instruction]:
        found: list[Instruction] = []
        while self._peek() not in ("", "|", ")"):
            found += _moved(self._repeated(self._atom()), len(found))
            _check(found)
        return found

    def _atom(self) -> list[Instruction]:
        char = self._take()
        match char:
            case ".":
                return [_ANY]
            case "^" | "$":
                return [At(char)]
            case "(":
                return self._group()
            case "[":
                return [self._class()]
            case "\\":
                return [self._escaped()]
            case "*" | "+" | "?" | "{":
                raise BadRegex(f"nothing stands before {char}")
            case _:
                return [self._literal(char)]

    def _literal(self, char: str) -> One:
        return One(frozenset((char.lower(),) if self._folded else (char,)))

    def _group(self) -> list[Instruction]:
        number = 0
        if self._source.startswith("?:", self._at):
            self._at += 2
        elif self._peek() == "?":
            raise BadRegex("groups that look around or have names are not built")
        else:
            number, self._groups = self._groups, self._groups + 1
        inner = self._alternatives()
        if self._peek() != ")":
            raise BadRegex("a ( is never closed")
        self._at += 1
        if not number:
            return inner
        return [Save(2 * number), *_moved(inner, 1), Save(2 * number + 1)]

    def _escaped(self) -> Instruction:
        char = self._take()
        if char in "bB":
            return At(char)
        if char in ("A", "z", "Z"):
            return At("^" if char == "A" else "$")
        return self._escaped_one(char)

    def _escaped_one(self, char: str) -> One:
        if char.lower() in _CLASSES:
            return One(_CLASSES[char.lower()], negated=char.isupper())
        if char in _CONTROLS:
            return One(frozenset(_CONTROLS[char]))
        if char in "xu":
            digits = self._source[self._at : self._at + (2 if char == "x" else 4)]
            self._at += len(digits)
            try:
                return self._literal(chr(int(digits, 16)))
            except ValueError:
                raise BadRegex(f"\\{char}{digits} is no character") from None
        if char.isalnum():
            raise BadRegex(f"\\{char} is not built")
        return self._literal(char)

    def _class(self) -> One:
        negated = self._peek() == "^"
        self._at += negated
        members: set[str] = set()
        ranges: list[tuple[str, str]] = []
        first = True
        while self._peek() != "]" or first:
            first = False
            low = self._member()
            if len(low.members) == 1 and self._is_range():
                self._at += 1
                high = self._member()
                ranges.append((min(low.members), min(high.members, default="")))
                continue
            if low.negated:
                raise BadRegex("a negated class within a class is not built")
            members |= low.members
        self._at += 1
        return One(frozenset(members), tuple(ranges), negated)

    def _is_range(self) -> bool:
        """A dash, but none at the end of the class."""
        return self._peek() == "-" and self._source[self._at + 1 : self._at + 2] not in ("]", "")

    def _member(self) -> One:
        char = self._take()
        if char == "[":
            raise BadRegex("a class within a class is not built")
        return self._escaped_one(self._take()) if char == "\\" else self._literal(char)

    def _repeated(self, atom: list[Instruction]) -> list[Instruction]:
        least, most = 1, 1
        match self._peek():
            case "*":
                least, most = 0, -1
            case "+":
                least, most = 1, -1
            case "?":
                least, most = 0, 1
            case "{":
                least, most = self._counts()
            case _:
                return atom
        self._at += 1
        lazy = self._peek() == "?"
        self._at += lazy
        if self._peek() and self._peek() in "*+?{":
            raise BadRegex("quantifiers of quantifiers are not built")
        if (max(least, most) + 1) * (len(atom) + 1) > MOST_PLACES:
            raise BadRegex("it repeats too much")
        found: list[Instruction] = []
        for _ in range(least):
            found += _moved(atom, len(found))
        if most < 0:
            found += _moved(_many(atom, lazy), len(found))
        tail: list[Instruction] = []
        for _ in range(most - least):
            tail = _optional([*atom, *_moved(tail, len(atom))], lazy)
        return found + _moved(tail, len(found))

    def _counts(self) -> tuple[int, int]:
        end = self._source.find("}", self._at)
        low, comma, high = self._source[self._at + 1 : max(end, 0)].partition(",")
        self._at = end
        if end < 0 or not low.isdecimal() or not (high.isdecimal() or not high):
            raise BadRegex("{ is not followed by counts")
        least = int(low[:6])
        most = int(high[:6]) if high else (-1 if comma else least)
        if 0 <= most < least:
            raise BadRegex("{m,n} counts backwards")
        return least, most


def _check(piece: list[Instruction]) -> None:
    if len(piece) > MOST_PLACES:
        raise BadRegex("it is too long")


def _moved(piece: list[Instruction], by: int) -> list[Instruction]:
    return [
        Fork(one.first + by, one.second + by) if isinstance(one, Fork) else one for one in piece
    ]


def _either(left: list[Instruction], right: list[Instruction]) -> list[Instruction]:
    behind = len(left) + 2
    end = behind + len(right)
    return [Fork(1, behind), *_moved(left, 1), Fork(end, end), *_moved(right, behind)]


def _optional(piece: list[Instruction], lazy: bool) -> list[Instruction]:
    end = len(piece) + 1
    return [Fork(end, 1) if lazy else Fork(1, end), *_moved(piece, 1)]


def _many(piece: list[Instruction], lazy: bool) -> list[Instruction]:
    end = len(piece) + 2
    return [Fork(end, 1) if lazy else Fork(1, end), *_moved(piece, 1), Fork(0, 0)]
