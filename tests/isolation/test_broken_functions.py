"""Functions that are merely wrong: what their callers read, byte for byte where AWS's is known."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.root
GOOD = "def handler(event, context): return 1"
Create = Callable[..., str]


def posted(kind: str, message: str, trace: list[str] | None = None) -> str:
    """What the runtime posts when a function cannot be loaded (spec 7.1)."""
    return json.dumps(
        {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": trace or []}
    )


def missing(module: str, name: str) -> str:
    return f"Unable to import module '{module}': No module named '{name}'"


def ended(kind: str, message: str) -> str:
    """What the platform says of a runtime that ended (spec 5.8)."""
    return f'{{"errorType":"{kind}","errorMessage":"RequestId: <id> Error: {message}"}}'


@pytest.mark.parametrize(
    ("code", "settings", "payload"),
    [
        (
            GOOD,
            {"Handler": "main.nope"},
            posted("Runtime.HandlerNotFound", "Handler 'nope' missing on module 'main'"),
        ),
        (
            GOOD,
            {"Handler": "main"},
            posted(
                "Runtime.MalformedHandlerName",
                "Bad handler 'main': not enough values to unpack (expected 2, got 1)",
            ),
        ),
        (
            GOOD,
            {"Handler": "elsewhere.handler"},
            posted("Runtime.ImportModuleError", missing("elsewhere", "elsewhere")),
        ),
        (
            "import nobody_has_this",
            {},
            posted("Runtime.ImportModuleError", missing("main", "nobody_has_this")),
        ),
        (
            GOOD,
            {"Handler": "sys.handler"},
            posted(
                "Runtime.BuiltInModuleConflict",
                "Cannot use built-in module sys as a handler module",
            ),
        ),
        (
            "def handler(event, context):\n    return (\n",
            {},
            posted(
                "Runtime.UserCodeSyntaxError",
                "Syntax error in module 'main': '(' was never closed (main.py, line 2)",
                ['  File "/var/task/main.py" Line 2\n        return (\n'],
            ),
        ),
        (
            "import sys; sys.exit(3)",
            {},
            ended("Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ),
        (
            {"elsewhere": "no bootstrap"},
            {"Runtime": "provided.al2023"},
            ended(
                "Runtime.InvalidEntrypoint",
                "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
            ),
        ),
        (
            {"bootstrap": "#!/bin/sh\n"},
            {"Runtime": "provided.al2023"},
            ended("Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: permission denied"),
        ),
    ],
    ids=["no such handler", "no dot", "no such module", "import error", "built-in", "syntax error",
         "exits", "no bootstrap", "bootstrap not executable"],
)  # fmt: skip
def test_a_function_that_cannot_start_tells_its_caller_why(
    code: Any, settings: dict[str, Any], payload: str, create: Create, functions: Any
) -> None:
    name = create(code, **settings)
    for _ in range(2):  # the environment's second init, and its third
        response = functions.invoke(FunctionName=name)
        assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
        request_id = response["ResponseMetadata"]["RequestId"]
        assert response["Payload"].read().decode().replace(request_id, "<id>") == payload


def test_an_exception_of_a_module_is_told_with_its_place(create: Create, functions: Any) -> None:
    name = create("raise ValueError('no')")
    error = json.loads(functions.invoke(FunctionName=name)["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no")
    place = "  File \"/var/task/main.py\", line 1, in <module>\n    raise ValueError('no')\n"
    assert error["stackTrace"][-1] == place
