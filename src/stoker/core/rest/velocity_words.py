"""Mapping templates as they are written: the words of Velocity's language (VTL).

    text $reference.of("things")[0] #set($x = 1) #if($x == 1) … #elseif … #else … #end
    #foreach($one in $list) … $foreach.index … #end #break #stop ## comment
    #* comment *# #[[as it is]]#

Read once into nodes, which velocity.py walks for each request.
"""

import re

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
    Step,
    Text,
)

MOST_LENGTH = 300 * 1024  # AWS: of a mapping template
MOST_DEPTH = 40


class BadTemplate(ValueError):
    """It cannot be read, or carried out: why."""


def read(source: str) -> tuple[Node, ...]:
    """Raise BadTemplate."""
    if len(source) > MOST_LENGTH:
        raise BadTemplate(f"a template has at most {MOST_LENGTH} characters")
    reader = _Reader(source)
    nodes, _ = reader.block(frozenset())
    return nodes


_NAME = re.compile(r"[a-zA-Z_][\w-]*", re.ASCII)
_PLAIN_NAME = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?(?!\.\d)", re.ASCII)
_DIRECTIVE = re.compile(r"#(?:\{([a-z]+)\}|([a-z]+))", re.ASCII)
_SPACE = re.compile(r"\s*")
_LINE_END = re.compile(r"[ \t]*\r?\n")
_WORDS = {"true": True, "false": False, "null": None}
_KNOWN = frozenset({"set", "if", "elseif", "else", "end", "foreach", "break", "stop", "return"})
_UNBUILT = frozenset({"macro", "define", "parse", "include", "evaluate"})
_SIGNS = (  # by how closely they bind, each with what it is written for
    (("||", "||"), ("or", "||")),
    (("&&", "&&"), ("and", "&&")),
    (("==", "=="), ("!=", "!="), ("eq", "=="), ("ne", "!=")),
    (
        *(("<=", "<="), (">=", ">="), ("<", "<"), (">", ">")),
        *(("le", "<="), ("ge", ">="), ("lt", "<"), ("gt", ">")),
    ),
    (("+", "+"), ("-", "-")),
    (("*", "*"), ("/", "/"), ("%", "%")),
)


class _Reader:
    def __init__(self, source: str, depth: int = 0) -> None:
        self._source = source
        self._at = 0
        self._depth = depth

    # ---- text and directives ----

    def block(self, until: frozenset[str]) -> tuple[tuple[Node, ...], str]:
        """Up to one of these directives, which is taken; "" for the end of the source."""
        self._deeper()
        nodes: list[Node] = []
        text: list[str] = []
        ended = ""
        while self._at < len(self._source):
            special = self._next_special(text)
            if special == "$":
                reference = self._reference()
                _flush(nodes, text)
                nodes.append(reference)
            elif special == "#":
                name = self._directive(text)
                if name in until:
                    ended = name
                    break
                if name:
                    self._carry_out(name, nodes, text)
        if until and not ended:
            raise BadTemplate("an #if or #foreach has no #end")
        _flush(nodes, text)
        self._depth -= 1
        return tuple(nodes), ended

    def _next_special(self, text: list[str]) -> str:
        """Take text up to a reference or a directive, and say which; "" for neither."""
        source, start = self._source, self._at
        found = _SPECIAL.search(source, start)
        if found is None:
            text.append(source[start:])
            self._at = len(source)
            return ""
        text.append(source[start : found.start()])
        self._at = found.start()
        char = source[self._at]
        if char == "\\":  # \$ and \# stand for themselves
            text.append(source[self._at + 1])
            self._at += 2
            return ""
        if char == "$" and _REFERENCE.match(source, self._at):
            return "$"
        if char == "#" and self._is_directive():
            return "#"
        text.append(char)
        self._at += 1
        return ""

    def _is_directive(self) -> bool:
        source, at = self._source, self._at
        if source.startswith(("##", "#*", "#[["), at):
            return True
        found = _DIRECTIVE.match(source, at)
        name = (found[1] or found[2]) if found else ""
        if name in _UNBUILT:
            raise BadTemplate(f"#{name} is not built")
        return name in _KNOWN

    def _directive(self, text: list[str]) -> str:
        """Its name; "" for a comment, which is taken, and text as it is, which is added."""
        source = self._source
        for opening, closing in (("#*", "*#"), ("#[[", "]]#")):
            if source.startswith(opening, self._at):
                end = source.find(closing, self._at)
                end = len(source) if end < 0 else end
                if opening == "#[[":
                    text.append(source[self._at + 3 : end])
                self._at = min(len(source), end + len(closing))
                return ""
        if source.startswith("##", self._at):
            end = source.find("\n", self._at)
            self._at = len(source) if end < 0 else end + 1
            return ""
        found = _DIRECTIVE.match(source, self._at)
        assert found is not None
        self._clear_line(text)
        self._at = found.end()
        name = found[1] or found[2]
        if name in ("else", "end", "break", "stop", "return"):
            self._end_line()
        return name

    def _clear_line(self, text: list[str]) -> None:
        """A directive alone on its line leaves no blanks before it."""
        before = "".join(text)
        line = before[before.rfind("\n") + 1 :]
        if not line.strip(" \t") and (("\n" in before) or self._at == len(before)):
            text[:] = [before[: len(before) - len(line)]]

    def _end_line(self) -> None:
        found = _LINE_END.match(self._source, self._at)
        if found:
            self._at = found.end()

    def _carry_out(self, name: str, nodes: list[Node], text: list[str]) -> None:
        _flush(nodes, text)
        match name:
            case "set":
                nodes.append(self._assignment())
            case "if":
                nodes.append(self._choice())
            case "foreach":
                nodes.append(self._loop())
            case "break":
                nodes.append(Leave(all=False))
            case "stop" | "return":
                nodes.append(Leave(all=True))
            case _:
                raise BadTemplate(f"#{name} belongs to nothing")

    def _assignment(self) -> Assign:
        self._expect("(")
        self._blank()
        if not _REFERENCE.match(self._source, self._at):
            raise BadTemplate("#set is not followed by a reference")
        to = self._reference()
        if to.steps and isinstance(to.steps[-1], Method):
            raise BadTemplate("#set cannot set what a method answers")
        self._expect("=")
        value = self._expression()
        self._expect(")")
        self._end_line()
        return Assign(to, value)

    def _choice(self) -> Choice:
        branches = []
        while True:
            condition = self._condition()
            body, ended = self.block(frozenset({"elseif", "else", "end"}))
            branches.append((condition, body))
            if ended == "end":
                return Choice(tuple(branches))
            if ended == "else":
                otherwise, _ = self.block(frozenset({"end"}))
                return Choice(tuple(branches), otherwise)

    def _condition(self) -> Expression:
        self._expect("(")
        found = self._expression()
        self._expect(")")
        self._end_line()
        return found

    def _loop(self) -> Loop:
        self._expect("(")
        self._blank()
        name = self._reference() if self._peek("$") else Reference("")
        if not name.name or name.steps:
            raise BadTemplate("#foreach is not followed by a variable")
        self._blank()
        if not self._source.startswith("in", self._at):
            raise BadTemplate("#foreach has no in")
        self._at += 2
        over = self._expression()
        self._expect(")")
        self._end_line()
        body, _ = self.block(frozenset({"end"}))
        return Loop(name.name, over, body)

    # ---- references ----

    def _reference(self) -> Reference:
        start = self._at
        found = _REFERENCE.match(self._source, start)
        assert found is not None
        quiet, braced = bool(found[1]), bool(found[2])
        self._at = found.end()
        name = self._name()
        steps: list[Step] = []
        while step := self._step(braced):
            steps.append(step)
            if len(steps) > MOST_DEPTH:
                raise BadTemplate("a reference goes too deep")
        if braced:
            self._expect("}")
        return Reference(name, tuple(steps), quiet, self._source[start : self._at])

    def _step(self, braced: bool) -> Step | None:
        if self._peek("["):
            self._at += 1
            at = self._expression()
            self._expect("]")
            return Index(at)
        if not self._peek(".") or not _NAME.match(self._source, self._at + 1):
            return None
        self._at += 1
        name = self._name()
        if not self._peek("("):
            return Property(name)
        self._at += 1
        arguments: list[Expression] = []
        self._blank()
        while not self._peek(")"):
            arguments.append(self._expression())
            self._blank()
            if not self._peek(")"):
                self._expect(",")
                self._blank()
        self._at += 1
        return Method(name, tuple(arguments))

    def _name(self) -> str:
        found = _NAME.match(self._source, self._at)
        if found is None:
            raise BadTemplate("a name is missing")
        self._at = found.end()
        return found[0]

    # ---- expressions ----

    def _expression(self, level: int = 0) -> Expression:
        if level == len(_SIGNS):
            return self._unary()
        if level == 0:
            self._deeper()
        left = self._expression(level + 1)
        while sign := self._sign(_SIGNS[level]):
            left = Operation(sign, left, self._expression(level + 1))
        if level == 0:
            self._depth -= 1
        return left

    def _sign(self, signs: tuple[tuple[str, str], ...]) -> str:
        self._blank()
        for written, sign in signs:
            if self._source.startswith(written, self._at):
                end = self._at + len(written)
                if written.isalpha() and not _ends_word(self._source, end):
                    continue
                self._at = end
                return sign
        return ""

    def _unary(self) -> Expression:
        self._blank()
        found = _PLAIN_NAME.match(self._source, self._at)
        word = found[0] if found else ""
        if (self._peek("!") and not self._peek("!=")) or word == "not":
            self._at += 1 if not word else 3
            self._deeper()
            value = Not(self._unary())
            self._depth -= 1
            return value
        if word in _WORDS:
            self._at += len(word)
            return Literal(_WORDS[word])
        return self._operand()

    def _operand(self) -> Expression:
        source, at = self._source, self._at
        char = source[at : at + 1]
        if char == "$" and _REFERENCE.match(source, at):
            return self._reference()
        if char == "'" or char == '"':
            return self._string(char)
        number = _NUMBER.match(source, at)
        if number is not None:
            if len(number[0]) > 30:
                raise BadTemplate("a number is too long")
            self._at = number.end()
            return Literal(float(number[0]) if number[1] else int(number[0]))
        self._at += 1
        match char:
            case "(":
                inner = self._expression()
                self._expect(")")
                return inner
            case "[":
                return self._list()
            case "{":
                return self._map()
        raise BadTemplate(f"cannot read {source[at : at + 20]!r}")

    def _string(self, quote: str) -> Expression:
        parts: list[str] = []
        self._at += 1
        while True:
            end = self._source.find(quote, self._at)
            if end < 0:
                raise BadTemplate("a string has no end")
            parts.append(self._source[self._at : end])
            self._at = end + 1
            if not self._peek(quote):
                break
            parts.append(quote)  # two of them stand for one
            self._at += 1
        text = "".join(parts)
        if quote == "'" or not ("$" in text or "#" in text):
            return Literal(text)
        inner = _Reader(text, self._depth)
        nodes, _ = inner.block(frozenset())
        return Quoted(nodes)

    def _list(self) -> Expression:
        items: list[Expression] = []
        self._blank()
        while not self._peek("]"):
            items.append(self._expression())
            self._blank()
            if self._peek("..") and len(items) == 1:
                self._at += 2
                last = self._expression()
                self._expect("]")
                return Range(items[0], last)
            if not self._peek("]"):
                self._expect(",")
                self._blank()
        self._at += 1
        return Listed(tuple(items))

    def _map(self) -> Expression:
        items: list[tuple[Expression, Expression]] = []
        self._blank()
        while not self._peek("}"):
            key = self._expression()
            self._expect(":")
            items.append((key, self._expression()))
            self._blank()
            if not self._peek("}"):
                self._expect(",")
                self._blank()
        self._at += 1
        return Mapped(tuple(items))

    # ---- characters ----

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise BadTemplate("its parts are nested too deep")

    def _peek(self, text: str) -> bool:
        return self._source.startswith(text, self._at)

    def _blank(self) -> None:
        found = _SPACE.match(self._source, self._at)
        assert found is not None
        self._at = found.end()

    def _expect(self, text: str) -> None:
        self._blank()
        if not self._peek(text):
            found = self._source[self._at : self._at + 20]
            raise BadTemplate(f"{text!r} is missing before {found!r}")
        self._at += len(text)


_SPECIAL = re.compile(r"\\[$#]|[$#]")
_REFERENCE = re.compile(r"\$(!)?(\{)?(?=[a-zA-Z_])", re.ASCII)


def _ends_word(source: str, at: int) -> bool:
    return not (source[at : at + 1].isalnum() or source[at : at + 1] == "_")


def _flush(nodes: list[Node], text: list[str]) -> None:
    joined = "".join(text)
    text.clear()
    if joined:
        nodes.append(Text(joined))
