"""What a mapping template consists of, once velocity_words.py has read it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Property:
    name: str


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    arguments: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Index:
    at: "Expression"


Step = Property | Method | Index


@dataclass(frozen=True, slots=True)
class Reference:
    name: str
    steps: tuple[Step, ...] = ()
    quiet: bool = False
    source: str = field(default="", compare=False)  # what is shown of one that leads to nothing


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Quoted:
    """Text with references in it."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Listed:
    items: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Range:
    first: "Expression"
    last: "Expression"


@dataclass(frozen=True, slots=True)
class Mapped:
    items: "tuple[tuple[Expression, Expression], ...]"


@dataclass(frozen=True, slots=True)
class Not:
    value: "Expression"


@dataclass(frozen=True, slots=True)
class Operation:
    sign: str
    left: "Expression"
    right: "Expression"


Expression = Reference | Literal | Quoted | Listed | Range | Mapped | Not | Operation


@dataclass(frozen=True, slots=True)
class Assign:
    to: Reference
    value: Expression


@dataclass(frozen=True, slots=True)
class Choice:
    branches: "tuple[tuple[Expression, tuple[Node, ...]], ...]"
    otherwise: "tuple[Node, ...]" = ()


@dataclass(frozen=True, slots=True)
class Loop:
    name: str
    over: Expression
    body: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Leave:
    """#break leaves the loop, #stop the template."""

    all: bool


Node = Text | Reference | Assign | Choice | Loop | Leave
