"""AWS's own model of its API, as boto3 ships it, is the judge of our table."""

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest

from stoker.api import codec, services
from stoker.api.control import Call, Control
from stoker.api.operations import OPERATIONS, Operation
from stoker.api.streamed import Streamed

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / "scripts" / "generate_shapes.py"

each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: f"{operation.service}:{operation.name}"
)


@each_operation
def test_an_operation_is_where_boto3_looks_for_it(operation: Operation) -> None:
    http = services.model(operation.service).operation_model(operation.name).http
    assert (operation.method, operation.path, operation.status) == (
        http["method"],
        http["requestUri"],
        http.get("responseCode", 200),
    )


@each_operation
def test_an_operation_s_code_is_typed_by_aws_s_shapes(operation: Operation) -> None:
    model = services.model(operation.service).operation_model(operation.name)
    if operation.handler is None:
        assert operation.name in ("Invoke", "InvokeWithResponseStream")
        return
    shapes = codec.SHAPES[operation.service]
    names = inspect.getmodule(operation.handler)
    hints = get_type_hints(operation.handler, vars(names))
    assert operation.handler.__name__ == codec.attribute(operation.name)
    control, call = (hints[name] for name in list(inspect.signature(operation.handler).parameters))
    assert control is Control
    assert (get_origin(call), get_args(call)) == (
        Call,
        (getattr(shapes, f"{operation.name}Input"),),
    )
    output = model.output_shape
    if operation.streams:
        assert hints["return"] is Streamed
        return
    assert hints["return"] is (getattr(shapes, output.name) if output else type(None))


def test_no_operation_has_two_rows() -> None:
    names = [(operation.service, operation.name) for operation in OPERATIONS]
    assert len(set(names)) == len(names)


def test_all_that_the_table_speaks_of_is_loaded_at_start() -> None:
    assert {operation.service for operation in OPERATIONS} == set(services.BUILT)


@pytest.mark.parametrize("name", services.BUILT)
def test_every_path_of_a_rest_model_leads_to_its_operation(name: str) -> None:
    model = services.model(name)
    if model.metadata["protocol"] != "rest-json":
        return
    routes = services.Routes(model)
    for operation in map(model.operation_model, model.operation_names):
        path = operation.http["requestUri"].replace("{", "some-").replace("}", "%3Aa")
        path, _, query = path.partition("?")
        match = routes.match(operation.http["method"], path, query)
        assert match is not None
        assert match.operation == operation.name
        assert all(value == f"some-{key}:a" for key, value in match.labels.items())


def test_the_generated_shapes_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, GENERATOR, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_stale_shape_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("generate_shapes", GENERATOR)
    assert spec
    assert spec.loader
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "SHAPES", tmp_path)
    assert generator.main(["--check"]) == 1
    generator.main([])
    assert generator.main(["--check"]) == 0
    assert (tmp_path / "lambda_.py").read_text().startswith("# Generated")
