"""What an author of functions does with the server: call, read the answer and the log's tail."""

import base64
import json
from typing import Any

from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes.found import FoundRuntime, RuntimeUnavailable, find_runtime


def is_found(runtime: str) -> bool:
    try:
        return find_runtime(runtime) is not None
    except RuntimeUnavailable:
        return False


def found_of(family: Family) -> list[FoundRuntime]:
    """What this machine has of one language."""
    names = [name for name, runtime in RUNTIMES.items() if runtime.family is family]
    return [find_runtime(name) for name in names if is_found(name)]


def call(functions: Any, name: str, event: Any = None) -> tuple[Any, dict[str, Any]]:
    """(what the function answered, all that Invoke answered)"""
    response = functions.invoke(FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail")
    return json.loads(response["Payload"].read()), response


def tail(response: dict[str, Any]) -> str:
    return base64.b64decode(response["LogResult"]).decode()
