"""Write src/stoker/api/shapes/: dataclasses for the operations in api/operations.py.

    .venv/bin/python scripts/generate_shapes.py          # writes what differs
    .venv/bin/python scripts/generate_shapes.py --check  # exit 1 if something differs

botocore's service models are the source. An operation's input becomes `<Operation>Input`;
every other structure keeps AWS's name. Absent optional members are None. The table is read
as text, since importing it needs the very files that are written here.
"""

import ast
import keyword
import sys
from collections.abc import Iterator
from pathlib import Path

import botocore.session
from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src/stoker/api/operations.py"
SHAPES = ROOT / "src/stoker/api/shapes"

SCALARS = {
    "string": "str",
    "character": "str",
    "integer": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "boolean": "bool",
    "blob": "bytes",
    "timestamp": "datetime",
}

LINE = 100  # as wide as the code is

HEADER = '''\
# Generated from botocore's model of {service} by generate_shapes.py. Do not edit.
"""{title}: inputs and outputs of the operations that Stoker has built."""

'''

DATACLASS = """\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass"""


def main(arguments: list[str]) -> int:
    stale = [path for path, text in generate().items() if _read(path) != text]
    if arguments == ["--check"]:
        for path in stale:
            print(f"stale: {path.relative_to(ROOT)}; run scripts/generate_shapes.py")
        return 1 if stale else 0
    for path, text in generate().items():
        path.write_text(text)
    return 0


def generate() -> dict[Path, str]:
    """Every generated file and what must be in it."""
    session = botocore.session.get_session()
    operations = _table()
    return {
        SHAPES / f"{module_name(service)}.py": _module(
            session.get_service_model(service), operations[service]
        )
        for service in sorted(operations)
    }


def module_name(service: str) -> str:
    name = service.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _table() -> dict[str, list[str]]:
    """service -> names of the operations that have a row."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(ast.parse(TABLE.read_text())):
        match node:
            case ast.Call(
                func=ast.Name(id="Operation"),
                args=[ast.Constant(value=str(service)), ast.Constant(value=str(name)), *_],
            ):
                found.setdefault(service, []).append(name)
    return found


def _module(model: ServiceModel, names: list[str]) -> str:
    classes: dict[str, str] = {}
    for name in names:
        operation: OperationModel = model.operation_model(name)
        for shape in (operation.input_shape, operation.output_shape):
            if shape is not None:
                _add(classes, shape, f"{name}Input" if shape is operation.input_shape else None)
    body = "\n\n".join(classes.values())
    imports = [
        line
        for line, word in (
            ("from collections.abc import Mapping", "Mapping["),
            ("from datetime import datetime", "datetime"),
            (DATACLASS, "@dataclass"),
        )
        if word in body
    ]
    title = model.metadata["serviceFullName"]
    head = HEADER.format(service=model.service_name, title=title)
    if "| None\n    ) = None" in body:
        head += "# fmt: off\n"  # the formatter breaks long lines otherwise
    return head + "\n".join(imports) + "\n\n\n" + body


def _add(classes: dict[str, str], shape: StructureShape, name: str | None = None) -> None:
    """Append the class of `shape` after those that it needs."""
    name = name or shape.name
    if name in classes:
        return
    for nested in _structures(shape):
        assert nested.name != name, f"{name} contains itself: quote its annotation"
        _add(classes, nested)
    lines = ["@dataclass(frozen=True, slots=True, kw_only=True)", f"class {name}:"]
    for member, member_shape in shape.members.items():
        kind = _type(member_shape)
        required = member in shape.required_members
        line = f"    {attribute(member)}: {kind}" + ("" if required else " | None = None")
        if len(line) > LINE and not required:
            line = f"    {attribute(member)}: (\n        {kind} | None\n    ) = None"
        lines.append(line)
    if not shape.members:
        lines.append("    pass")
    classes[name] = "\n".join(lines) + "\n"


def attribute(member: str) -> str:
    name = str(xform_name(member))
    return f"{name}_" if keyword.iskeyword(name) else name


def _structures(shape: StructureShape) -> Iterator[StructureShape]:
    pending: list[Shape] = list(shape.members.values())
    while pending:
        match pending.pop(0):
            case StructureShape() as structure:
                yield structure
            case ListShape() as items:
                pending.append(items.member)
            case MapShape() as pairs:
                pending.append(pairs.value)


def _type(shape: Shape) -> str:
    match shape:
        case StructureShape():
            return str(shape.name)
        case ListShape():
            return f"tuple[{_type(shape.member)}, ...]"
        case MapShape():
            return f"Mapping[str, {_type(shape.value)}]"
        case _:
            return SCALARS[shape.type_name]


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
