"""What a zygote does ahead of its children, so that they need not: rehearse a function's life.

A forked process pays for each page when it first writes to it, and what it leaves there that was
not there before (code that the interpreter has specialised, methods that it has looked up, counts
of calls) is memory of its own for good.
"""

# No pathlib: each forked child pays for what is imported here.
# ruff: noqa: PTH108, PTH123

from __future__ import annotations

import _socket
import json
import os
import sys

TYPE_CHECKING = False  # typing's own constant, without importing typing
if TYPE_CHECKING:
    from stoker.runtimes.python import _stoker_contract as contract
    from stoker.runtimes.python import _stoker_loading as loading
    from stoker.runtimes.python import _stoker_runtime as runtime
    from stoker.runtimes.python import _stoker_wire as wire
else:
    import _stoker_contract as contract
    import _stoker_loading as loading
    import _stoker_runtime as runtime
    import _stoker_wire as wire

TIMES = 20  # after which the interpreter has specialised its code
EVENT = b'{"data": "' + b"x" * 1000 + b'"}'
MODULE = "_stoker_rehearsed"
SOURCE = b"import json, os\n\n\ndef handler(event, context):\n    return event\n"
ANSWER = (  # an event of %d bytes
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Deadline-Ms: 1\r\n"
    b"Lambda-Runtime-Aws-Request-Id: rehearsal\r\nLambda-Runtime-Trace-Id: Root=1-0-0\r\n"
    b"Content-Length: %d\r\n\r\n"
)
USUAL_VARIABLES = (  # of those that every function has, by which it is rehearsed
    "PATH", "LANG", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_EXECUTION_ENV", "AWS_LAMBDA_RUNTIME_API",
    "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
)  # fmt: skip


def prepare() -> None:
    """In a zygote, once everything is imported that is to be: do ahead what can be."""
    runtime.ready.make()
    for _ in range(TIMES):
        rehearse()
        live()


def live() -> None:
    """In a zygote, while its root can be written to: be the runtime of a function for two
    invocations. Nothing is left of it."""
    task = "/var/task"
    path = f"{task}/{MODULE}.py"
    environ = dict.fromkeys(USUAL_VARIABLES, "rehearsal")
    environ.update(LAMBDA_TASK_ROOT=task, LAMBDA_RUNTIME_DIR="/var/runtime", TZ=":UTC")
    environ.update(_HANDLER=MODULE + ".handler", LD_LIBRARY_PATH=runtime.LIBRARY_PATH)
    environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(runtime.FRAMES)
    event = ANSWER % len(EVENT) + EVENT
    here, there = _socket.socketpair()
    modules = dict(sys.modules)
    with open(path, "wb") as file:
        file.write(SOURCE)
    try:
        there.sendall(event + wire.RECEIPT + event)
        there.shutdown(_socket.SHUT_WR)
        runtime.needs_new_interpreter(environ)
        runtime.take_on(environ)
        runtime.serve(here)
    except wire.ConnectionLost:
        pass  # as it must: there is no third event
    finally:
        os.unlink(path)
        sys.modules.update(modules)
        del sys.modules[MODULE]
        runtime.take_on({})
        contract.current.request_id = None
        here.close()
        there.close()


def rehearse() -> None:
    """Do once what the first invocation will do, so that its page faults are paid already.

    In a child, too; what is done here leaves no trace that a function could see.
    """
    exec(compile("def handler(event, context):\n    return event\n", "", "exec"), {})
    _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).close()
    event = json.dumps({"key": ["value", 1, 2.5, None, True, {"nested": "\u00e9"}]}).encode()
    here, there = _socket.socketpair()
    there.sendall(wire.RECEIPT + ANSWER % len(event) + event)
    life = runtime.Runtime(wire.Connection("127.0.0.1:0", here), contract.StreamSink())
    life.connection.receipt()
    life.connection.ask(life.invoke(lambda event, _: event, *life.connection.event()))
    contract.current.request_id = None  # or the first lines of a function would name it
    there.close()
    here.close()
    runtime.needs_new_interpreter(os.environ)
    os.environ.pop("_X_AMZN_TRACE_ID", None)
    names = [f"STOKER_REHEARSAL_{number}" for number in range(30)]
    for name in names:
        os.environ[name] = json.loads('"/var/task:/opt/lib"')
    for name in names:
        del os.environ[name]
    loading.rehearse()
    for directory in runtime.search_path({}, "/var/runtime", "/opt/python"):
        runtime.names_in(directory + "/none")
