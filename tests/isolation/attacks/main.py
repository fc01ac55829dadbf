"""The handler of every hostile function: it carries out the attack that its event names.

All files here are one deployment package. They run inside, so they know nothing of the tests.
"""

import importlib
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    module, _, name = event["attack"].partition(".")
    return getattr(importlib.import_module(module), name)(**event.get("with", {}))
