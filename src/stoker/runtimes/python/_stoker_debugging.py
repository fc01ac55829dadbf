"""`stoker dev --debug`: debugpy, which comes with the function or from who develops it."""

from __future__ import annotations

import os
import sys


def listen(said: str) -> None:
    """`said`: the port, a comma, and `wait` if the function is to be loaded under the debugger."""
    port, _, how = said.partition(",")
    # Else it warns of modules that are part of the interpreter, where nobody sets a breakpoint.
    quiet = "PYDEVD_DISABLE_FILE_VALIDATION"
    was = os.environ.setdefault(quiet, "1")
    try:
        import debugpy  # type: ignore[import-not-found,unused-ignore]

        debugpy.listen(("127.0.0.1", int(port)), in_process_debug_adapter=True)
        if how == "wait":
            debugpy.wait_for_client()
    except Exception as error:  # noqa: BLE001 (the function runs without it, too)
        print("stoker dev: cannot listen for a debugger: " + str(error), file=sys.stderr)
    finally:
        if was == "1":
            os.environ.pop(quiet, None)
