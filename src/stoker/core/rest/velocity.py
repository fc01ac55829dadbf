"""Mapping templates at work: nodes of velocity_words.py and the variables of a request make text.

    render(read(template), {"input": Input(…), "context": {…}, "stageVariables": {…}}) -> text

A template belongs to an API's owner, what it is filled with to anybody. So a reference reaches
values of JSON and the methods that are listed here and in velocity_methods.py, never an object of
Python; and each run has a budget of steps and of characters.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from stoker.core.rest import velocity_methods
from stoker.core.rest.velocity_methods import Budget, shown
from stoker.core.rest.velocity_nodes import (
    Assign,
    Choice,
    Expression,
    Index,
    Leave,
    Listed,
    Literal,
    Loop,
    Mapped,
    Method,
    Node,
    Not,
    Operation,
    Property,
    Quoted,
    Range,
    Reference,
    Text,
)
from stoker.core.rest.velocity_words import BadTemplate

# Of these nothing is shown where there is nothing, as on AWS; of others their name is.
_SILENT = frozenset({"input", "context", "stageVariables", "util"})


_DATA = (dict, list, str, int, float, bool, type(None))  # all else is velocity_methods.Scripted


class _Left(Exception):
    def __init__(self, *, all: bool) -> None:
        self.all = all


def render(nodes: tuple[Node, ...], variables: dict[str, Any], budget: Budget | None = None) -> str:
    """The text. `variables` are as the template leaves them. Raise BadTemplate."""
    run = _Run(variables, budget or Budget())
    try:
        run.block(nodes)
    except _Left:
        pass
    except RecursionError:
        raise BadTemplate("it is nested too deep") from None
    return "".join(run.out)


class _Run:
    def __init__(self, variables: dict[str, Any], budget: Budget) -> None:
        self.out: list[str] = []
        self._variables = variables
        self._budget = budget

    def block(self, nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            self._budget.step()
            match node:
                case Text(text):
                    self._write(text)
                case Reference():
                    self._write(self._text(node))
                case Assign(to, value):
                    self._assign(to, self._value(value))
                case Choice():
                    self._choose(node)
                case Loop():
                    self._loop(node)
                case Leave(everything):
                    raise _Left(all=everything)

    def _write(self, text: str) -> None:
        self._budget.characters(len(text))
        self.out.append(text)

    def _text(self, reference: Reference) -> str:
        value = self._value(reference)
        if value is None:
            silent = reference.quiet or reference.name in _SILENT
            return "" if silent else reference.source
        return shown(value, self._budget)

    def _choose(self, choice: Choice) -> None:
        for condition, body in choice.branches:
            if _true(self._value(condition)):
                self.block(body)
                return
        self.block(choice.otherwise)

    def _loop(self, loop: Loop) -> None:
        over = self._value(loop.over)
        items = list(over.values()) if isinstance(over, dict) else over
        if not isinstance(items, list):
            return
        outer = {name: self._variables.get(name) for name in (loop.name, "foreach")}
        count = self._variables.get("velocityCount")
        for index, item in enumerate(list(items)):
            self._budget.step()
            self._variables[loop.name] = item
            self._variables["velocityCount"] = index + 1
            self._variables["foreach"] = {
                "index": index,
                "count": index + 1,
                "hasNext": index + 1 < len(items),
                "first": index == 0,
                "last": index + 1 == len(items),
                "parent": outer["foreach"],
            }
            try:
                self.block(loop.body)
            except _Left as left:
                if left.all:
                    raise
                break
        self._variables.update(outer)
        self._variables["velocityCount"] = count

    # ---- values ----

    def _value(self, node: Expression) -> Any:
        self._budget.step()
        match node:
            case Literal(value):
                return value
            case Reference(name, steps):
                value = self._variables.get(name)
                for step in steps:
                    value = self._stepped(value, step)
                return value
            case Quoted(nodes):
                return self._quoted(nodes)
            case Listed(items):
                return [self._value(item) for item in items]
            case Range(first, last):
                return list(self._range(self._value(first), self._value(last)))
            case Mapped(pairs):
                return {
                    shown(self._value(key), self._budget): self._value(value)
                    for key, value in pairs
                }
            case Not(inner):
                return not _true(self._value(inner))
            case Operation():
                return self._operated(node)

    def _quoted(self, nodes: tuple[Node, ...]) -> str:
        outer, self.out = self.out, []
        try:
            self.block(nodes)
            return "".join(self.out)
        finally:
            self.out = outer

    def _stepped(self, value: Any, step: Property | Method | Index) -> Any:
        self._budget.step()
        match step:
            case Property(name):
                if type(value) not in _DATA:
                    return value.property(name)
                if isinstance(value, list) and name in ("size", "empty"):
                    return len(value) if name == "size" else not value
                return value.get(name) if isinstance(value, dict) else None
            case Index(at):
                return _at(value, self._value(at))
            case Method(name, arguments):
                given = [self._value(one) for one in arguments]
                if type(value) not in _DATA:
                    return value.call(name, given, self._budget)
                return velocity_methods.call(value, name, given, self._budget)

    def _range(self, first: Any, last: Any) -> Iterator[int]:
        if not (_is_number(first) and _is_number(last)):
            raise BadTemplate("a range is from one number to another")
        first, last = _whole(first), _whole(last)
        for number in range(first, last + 1) if first <= last else range(first, last - 1, -1):
            self._budget.step()
            yield number

    def _operated(self, node: Operation) -> Any:
        spine: list[Operation] = []
        left: Expression = node
        while isinstance(left, Operation):
            spine.append(left)
            left = left.left
        value = self._value(left)
        for one in reversed(spine):
            if one.sign in ("&&", "||"):
                if _true(value) is (one.sign == "||"):
                    value = one.sign == "||"
                else:
                    value = _true(self._value(one.right))
            else:
                value = _binary(one.sign, value, self._value(one.right), self._budget)
        return value

    def _assign(self, to: Reference, value: Any) -> None:
        if value is None:  # as Velocity does by default
            return
        if not to.steps:
            self._variables[to.name] = value
            return
        owner = self._variables.get(to.name)
        for step in to.steps[:-1]:
            owner = self._stepped(owner, step)
        last = to.steps[-1]
        key: Any = last.name if isinstance(last, Property) else None
        if isinstance(last, Index):
            key = self._value(last.at)
        if isinstance(owner, dict) and isinstance(key, str):
            owner[key] = velocity_methods.detached(value, self._budget)
        elif (
            isinstance(owner, list)
            and isinstance(key, int | float)
            and 0 <= _whole(key) < len(owner)
        ):
            owner[_whole(key)] = velocity_methods.detached(value, self._budget)
        else:
            raise BadTemplate(f"#set: nothing can be set at {to.source}")


def _true(value: Any) -> bool:
    """As in Velocity 1: all but null and false."""
    return value is not None and value is not False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(number: float) -> int:
    try:
        return int(number)
    except (OverflowError, ValueError):
        raise BadTemplate(f"{number} is no whole number") from None


def _at(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str) else None
    if isinstance(value, list) and _is_number(key):
        at = _whole(key)
        return value[at] if -len(value) <= at < len(value) else None
    return None


def _binary(sign: str, left: Any, right: Any, budget: Budget) -> Any:
    match sign:
        case "==":
            return _same(left, right, budget)
        case "!=":
            return not _same(left, right, budget)
        case "+" if not (_is_number(left) and _is_number(right)):
            if isinstance(left, str) or isinstance(right, str):
                return shown(left, budget) + shown(right, budget)
            return None
    if isinstance(left, str) and isinstance(right, str) and sign in _COMPARED:
        return _COMPARED[sign]((left > right) - (left < right))
    if not (_is_number(left) and _is_number(right)):
        return False if sign in _COMPARED else None
    if sign in _COMPARED:
        return _COMPARED[sign]((left > right) - (left < right))
    return _counted(sign, left, right)


_COMPARED = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _counted(sign: str, left: Any, right: Any) -> Any:
    """Whole numbers stay whole, and are cut towards zero, as Java's are; they have its size."""
    whole = isinstance(left, int) and isinstance(right, int)
    try:
        match sign:
            case "+":
                result = left + right
            case "-":
                result = left - right
            case "*":
                result = left * right
            case _ if right == 0:
                return None
            case "/" if whole:
                result = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            case "/":
                result = left / right
            case _ if whole:
                result = abs(left) % abs(right) * (1 if left >= 0 else -1)
            case _:
                return None
    except OverflowError:
        return None
    if whole:  # of 64 bits
        return (result + 2**63) % 2**64 - 2**63
    return result


def _same(left: Any, right: Any, budget: Budget) -> bool:
    if left is None or right is None:
        return left is right
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    if type(left) is type(right):
        budget.deep(left)
        return bool(left == right)
    return shown(left, budget) == shown(right, budget)


def bare(value: Any) -> Mapping[str, Any]:
    """What a template may have put there, if it is an object."""
    return value if isinstance(value, dict) else {}
