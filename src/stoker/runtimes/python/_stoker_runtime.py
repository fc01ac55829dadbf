"""Run a function's handler: become its runtime, load it, and answer event after event.

One invocation costs one send and, as a rule, one recv: the answer and the request for the next
event leave together, and the platform may hold its receipt (202) until there is a next event.

    we   ── POST …/response + GET …/next ──────────────►  platform
    we  ◄─────────────────── 202 + 200 and the event ───

bootstrap.py says how this is entered. tests/conformance/test_awslambdaric_parity.py compares it
with AWS's own client.
"""
# No pathlib, contextlib, typing or socket: each forked child pays for what is imported here.
# ruff: noqa: PTH100, PTH112, PTH120, PTH208, SIM105

from __future__ import annotations

import _socket
import builtins
import gc
import io
import logging
import os
import site
import sys
import time
import traceback

TYPE_CHECKING = False  # typing's own constant, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any, NoReturn

    from stoker.runtimes.python import _stoker_contract as contract
    from stoker.runtimes.python import _stoker_loading as loading
    from stoker.runtimes.python import _stoker_wire as wire
else:
    import _stoker_contract as contract
    import _stoker_loading as loading
    import _stoker_wire as wire

FRAMES = 62  # the framed log's descriptor, where the platform gives one
MAX_CAUSE_BYTES = 1024 * 1024  # of the X-Ray header; a larger one is left empty
# Variables of Python that a running interpreter can still obey, or that need no obeying.
LATE_VARIABLES = frozenset(
    ("PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE")
)
# The dynamic linker read the variable when this process began, and will never look into those of
# the directories that were not there.
LIBRARY_PATH = os.environ.get("LD_LIBRARY_PATH", "")
LIBRARY_DIRECTORIES = frozenset(d for d in LIBRARY_PATH.split(":") if os.path.isdir(d))
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def main(environ: Mapping[str, str], at_rest: Callable[[int], int] | None = None) -> NoReturn:
    """Become the runtime of the function that `environ` describes; for a forked child.

    Where a fork cannot be what a new interpreter would be, one is started instead. The caller
    has set the working directory and the descriptors 0, 1, 2 and 62. at_rest: is called now and
    then with the descriptor on which the next event will come, until it returns other than 0.
    """
    gc.freeze()  # or a collection touches, and so copies, every page of the zygote
    runtime_dir = environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime")
    if needs_new_interpreter(environ):
        import signal

        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ignoring it is Python's habit only
        command = runtime_dir + "/bootstrap"
        os.execve(command, [command], dict(environ))
    take_on(environ)
    sys.argv[:] = [runtime_dir + "/bootstrap.py"]
    sys.dont_write_bytecode = bool(environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.modules["__main__"] = sys.modules.get("bootstrap", sys.modules[__name__])
    ready.at_rest = at_rest
    run()


def take_on(environ: Mapping[str, str]) -> None:
    """Have these variables and no others."""
    for name in list(os.environ.keys() - environ.keys()):
        del os.environ[name]
    for name, value in environ.items():
        os.environ[name] = value
    time.tzset()


def run() -> NoReturn:
    """Run the function that os.environ describes until the platform ends us."""
    try:
        serve()
    except wire.ConnectionLost:
        os._exit(1)  # the environment is being destroyed: nobody listens
    except SystemExit as end:
        _leave(end.code)
    except BaseException:  # noqa: BLE001 (the interpreter's own last resort)
        sys.excepthook(*sys.exc_info())
        _leave(1)


def needs_new_interpreter(environ: Mapping[str, str]) -> bool:
    """Whether something in `environ` is only obeyed, or read, when a process begins."""
    if environ.get("AWS_LAMBDA_EXEC_WRAPPER"):
        return True
    for name in environ:
        if name.startswith("PYTHON") and name not in LATE_VARIABLES:
            return True
        if name.startswith(("LD_", "MALLOC_", "GLIBC_")) and name != "LD_LIBRARY_PATH":
            return True
    return _linker_would_miss(environ.get("LD_LIBRARY_PATH", ""))


def _linker_would_miss(library_path: str) -> bool:
    """Whether shared libraries are where only a new process's dynamic linker would look."""
    if LIBRARY_PATH and not (library_path + ":").startswith(LIBRARY_PATH + ":"):
        return True
    return any(
        ".so" in name and ".cpython-" not in name  # the latter are modules: Python looks for them
        for directory in library_path.split(":")
        if directory not in LIBRARY_DIRECTORIES
        for name in names_in(directory)
    )


class Ready:
    """What a zygote has done already of what a function's runtime does first.

    Each page that a fork writes to is a page more for that environment, so what nearly every
    function has alike (streams, logging, sys.path) is made once, before the fork.
    """

    def __init__(self) -> None:
        self.sink: contract.StreamSink | None = None
        self.path: list[str] = []
        self.roots: frozenset[str] = frozenset()  # of the modules that are imported already
        self.at_rest: Callable[[int], int] | None = None  # see main()

    def make(self) -> None:
        """In the zygote; its descriptors 1 and 2 are pipes for that long, as they will be."""
        saved = os.dup(1), os.dup(2)
        pipe = os.pipe()
        try:
            os.dup2(pipe[1], 1)
            os.dup2(pipe[1], 2)
            _open_streams(unbuffered=False)
        finally:
            for number, copy in zip((1, 2), saved):  # noqa: B905 (Python 3.8)
                os.dup2(copy, number)
                os.close(copy)
            os.close(pipe[0])
            os.close(pipe[1])
        self.sink = contract.FrameSink(FRAMES)
        contract.set_up_logging(self.sink)
        _complete_builtins()
        os.environ["TZ"] = ":UTC"  # as AWS sets it: libc reads the file once, and remembers
        time.tzset()
        for name in list(os.environ):
            del os.environ[name]
        self.path = search_path({}, "/var/runtime", "/opt/python")
        sys.path[:] = self.path
        self.roots = frozenset(name.partition(".")[0] for name in sys.modules)

    def fits(self, environ: Mapping[str, str], frames: str | None) -> bool:
        """Whether this function's streams and logging are the usual ones."""
        unusual = ("PYTHONUNBUFFERED", "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL")
        return frames == str(FRAMES) and not any(name in environ for name in unusual)


ready = Ready()


def serve(sock: _socket.socket | None = None) -> NoReturn:
    """sock: the connection to the Runtime API, where it is there already."""
    environ = os.environ
    frames = environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    sink = ready.sink if ready.fits(environ, frames) else None
    if sink is None:
        _open_streams(bool(environ.get("PYTHONUNBUFFERED")))
        sink = contract.FrameSink(int(frames)) if frames else contract.StreamSink()
    runtime = Runtime(wire.Connection(environ["AWS_LAMBDA_RUNTIME_API"], sock), sink)
    try:
        if sink is not ready.sink:
            logging.getLogger().handlers.clear()
            contract.set_up_logging(sink)
        _set_up_imports(environ)
        debug = environ.pop("_STOKER_DEBUG", "")
        if debug:
            import _stoker_debugging  # type: ignore[import-not-found,unused-ignore]

            _stoker_debugging.listen(debug)
        began = time.perf_counter()
        handler = load(environ.get("_HANDLER", ""))
    except contract.Fault as fault:
        runtime.fail_init(contract.error_payload(fault.message, fault.type, fault.trace))
    except Exception as error:  # noqa: BLE001 (the function's module may raise anything)
        runtime.fail_init(runtime.describe(error))
    took_ms = (time.perf_counter() - began) * 1000
    if environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        import _stoker_snapshot as snapshot  # type: ignore[import-not-found,unused-ignore]

        snapshot.wait(runtime)
    runtime.loop(handler, took_ms)


def _open_streams(unbuffered: bool) -> None:
    sys.stdout = sys.__stdout__ = _stream(1, "surrogateescape", unbuffered)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "backslashreplace", unbuffered)  # type: ignore[misc]


def _stream(descriptor: int, errors: str, unbuffered: bool) -> io.TextIOWrapper:
    """A text stream over 1 or 2: a line, however many writes it took, leaves in one."""
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), "utf-8", errors, line_buffering=True, write_through=unbuffered
    )


def _leave(code: object) -> NoReturn:
    """End as an interpreter ends: wait for threads, run exit functions, flush, exit."""
    status = code & 0xFF if isinstance(code, int) else 0 if code is None else 1
    try:
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
        import atexit
        import threading

        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        _flush()
    finally:
        os._exit(status)


# -- the function's modules --------------------------------------------------------------------


def _set_up_imports(environ: os._Environ[str]) -> None:
    """sys.path as on AWS, but without what else is installed on this machine.

    A customer's own PYTHONPATH replaces the layers' directories. AWS does that, too.
    """
    runtime_dir = environ.get("LAMBDA_RUNTIME_DIR") or os.path.dirname(os.path.abspath(__file__))
    layers = environ.pop("_STOKER_LAYER_ROOT", "/opt") + "/python"
    environ.pop("_STOKER_LANGUAGE_ROOT", None)  # it was for the script beside us
    environ.setdefault("PYTHONPATH", runtime_dir)
    path = search_path(environ, runtime_dir, layers)
    packages = environ.pop("_STOKER_PACKAGES", "")
    if packages:  # of a folder that is developed: as if they were in it
        path.insert(1, packages)
    if path != ready.path:
        sys.path[:] = path
        library = os.path.dirname(os.__file__)
        for entry in list(sys.path_importer_cache):
            if not entry.startswith(library):  # it was looked into before it was mounted
                del sys.path_importer_cache[entry]
        _complete_builtins()
    entries = {directory: names_in(directory) for directory in path[: path.index(runtime_dir)]}
    _forget({name.partition(".")[0] for names in entries.values() for name in names}, runtime_dir)
    for directory, names in entries.items():
        if any(name.endswith(".pth") for name in names):
            site.addsitedir(directory)


def search_path(environ: Mapping[str, str], runtime_dir: str, layers: str) -> list[str]:
    """sys.path of a function with these variables: the function, its layers, the runtime."""
    library = os.path.dirname(os.__file__)
    path = [environ.get("LAMBDA_TASK_ROOT", "/var/task")]
    if environ.get("PYTHONPATH", runtime_dir) == runtime_dir:
        path += [layers + "/lib/python" + VERSION + "/site-packages", layers]
    archive = os.path.dirname(library) + "/python" + VERSION.replace(".", "") + ".zip"
    path += [runtime_dir, *environ.get("PYTHONPATH", "").split(":"), archive, library]
    path.append(library + "/lib-dynload")
    return list(dict.fromkeys(entry for entry in path if entry))


def _complete_builtins() -> None:
    """exit(), help and the like, which an interpreter that was started with -S has not."""
    if not hasattr(builtins, "exit"):
        site.setquit()
        site.setcopyright()
        site.sethelper()


def _forget(brought: set[str], runtime_dir: str) -> None:
    """Let the function import what it brings, where the zygote has a module of that name.

    If that is one of the SDK's (urllib3, six ...), the whole SDK is imported again around it.
    """
    for name in OURS:  # we are known as __main__ only
        sys.modules.pop(name, None)
    if ready.roots and ready.roots.isdisjoint(brought):
        return  # the usual case, without a look at every module there is
    roots = {name.partition(".")[0] for name in sys.modules.keys() - OWN_MODULES}
    clashing = roots & brought
    sdk = {name for name in roots if _file_of(name).startswith(runtime_dir + "/")}
    if clashing & sdk:
        clashing |= sdk
    if clashing:
        for name in [name for name in sys.modules if name.partition(".")[0] in clashing]:
            del sys.modules[name]


def _file_of(name: str) -> str:
    return getattr(sys.modules.get(name), "__file__", None) or ""


def names_in(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def load(handler: str) -> Callable[[Any, contract.LambdaContext], Any]:
    """The function that "path/module.name" means. Fault with AWS's names for what is wrong."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        reason = "not enough values to unpack (expected 2, got 1)"
        text = f"Bad handler '{handler}': {reason}"
        raise contract.Fault("Runtime.MalformedHandlerName", text)
    if module_name.partition(".")[0] in sys.builtin_module_names:
        text = f"Cannot use built-in module {module_name} as a handler module"
        raise contract.Fault("Runtime.BuiltInModuleConflict", text)
    try:
        module = loading.load(module_name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        raise contract.Fault("Runtime.ImportModuleError", text) from error
    except SyntaxError as error:
        text = f"Syntax error in module '{module_name}': {error}"
        place = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise contract.Fault("Runtime.UserCodeSyntaxError", text, [place]) from error
    try:
        return getattr(module, name)  # type: ignore[no-any-return]
    except AttributeError:
        text = f"Handler '{name}' missing on module '{module_name}'"
        raise contract.Fault("Runtime.HandlerNotFound", text) from None


# -- one invocation ----------------------------------------------------------------------------


class Runtime:
    """The loop: event in, handler, answer out."""

    def __init__(self, connection: wire.Connection, sink: contract.StreamSink) -> None:
        self.connection = connection
        self.sink = sink
        self.encoder = contract.Encoder(os.environ.get("AWS_EXECUTION_ENV"))
        self.constants = contract.context_constants(os.environ)

    def loop(
        self, handler: Callable[[Any, contract.LambdaContext], Any], loaded_ms: float
    ) -> NoReturn:
        self.connection.ask_first(loaded_ms)
        at_rest = ready.at_rest
        invocation, rests_at = 0, 1 if at_rest else 0
        while True:
            headers, event = self.connection.event()
            request = self.invoke(handler, headers, event)
            del headers, event  # idle memory is counted, too
            _flush()
            self.connection.ask(request)
            del request
            invocation += 1
            if invocation == rests_at and at_rest:  # ever more seldom, until it was at rest
                rested = self.connection.receipt_at_rest(at_rest)
                rests_at = 0 if rested else 2 * invocation
            else:
                self.connection.receipt()

    def invoke(
        self,
        handler: Callable[[Any, contract.LambdaContext], Any],
        headers: dict[str, str],
        event: bytes,
    ) -> bytes:
        """Run the handler once. Returns the POST request that carries its answer."""
        request_id = headers.get("lambda-runtime-aws-request-id", "")
        contract.current.request_id = request_id
        contract.current.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        trace_id = headers.get("lambda-runtime-trace-id")
        if trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        elif "_X_AMZN_TRACE_ID" in os.environ:
            del os.environ["_X_AMZN_TRACE_ID"]
        try:
            context = contract.LambdaContext(headers, self.constants)
            result = handler(contract.decode_event(event, headers), context)
            if isinstance(result, bytes):
                body, content_type = result, "application/unknown"
            else:
                body, content_type = self.encoder.result(result), "application/json"
        except contract.Fault as fault:
            error = contract.error_payload(fault.message, fault.type, fault.trace, request_id)
            cause = contract.xray_cause(fault.message, "LambdaValidationError", [])
        except Exception as raised:  # noqa: BLE001 (a handler may raise anything)
            frames = _frames(raised.__traceback__)
            text, kind = contract.text_of(raised), type(raised).__name__
            error = contract.error_payload(text, kind, traceback.format_list(frames), request_id)
            cause = contract.xray_cause(text, kind, frames)
        else:
            path = wire.API + "/invocation/" + request_id + "/response"
            return self.connection.post(path, body, content_type)
        self.sink.error(error, self.encoder)
        xray = self.encoder.text(cause).encode("utf-8", "backslashreplace")
        return self.connection.post(
            wire.API + "/invocation/" + request_id + "/error",
            self.encoder.text(error).encode("utf-8", "backslashreplace"),
            "application/json",
            b"Lambda-Runtime-Function-XRay-Error-Cause: "
            + (xray if len(xray) < MAX_CAUSE_BYTES else b"")
            + b"\r\n",
        )

    def describe(self, error: BaseException) -> dict[str, Any]:
        """What the function's own code raised before there was an event."""
        trace = traceback.format_list(loading.frames() + _frames(error.__traceback__))
        return contract.error_payload(contract.text_of(error), type(error).__name__, trace)

    def fail_init(self, error: dict[str, Any]) -> NoReturn:
        """Tell the platform why there is no handler, and end."""
        logging.warning(contract.UNHANDLED_WARNING)
        self.fail(error, "/init/error", error["errorType"])
        sys.exit(1)

    def fail(self, error: dict[str, Any], path: str, kind: str) -> None:
        self.sink.error(error, self.encoder)
        self.flush()
        body = self.encoder.text(error).encode("utf-8", "backslashreplace")
        header = "Lambda-Runtime-Function-Error-Type: " + kind + "\r\n"
        request = self.connection.post(wire.API + path, body, "application/json", header.encode())
        self.connection.send(request)
        self.connection.receive()

    def flush(self) -> None:
        _flush()


def _frames(raised_in: TracebackType | None) -> list[Any]:
    """(file, line, function, text) of each frame, without ours at the beginning."""
    users = raised_in
    while users and users.tb_frame.f_code.co_filename in OUR_FILES:
        users = users.tb_next
    return [
        (f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(users or raised_in)
    ]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # the function replaced or closed it
            pass


# What an interpreter has that did nothing but import us; of it, what functions are not to see.
OUR_FILES = (_frames.__code__.co_filename, loading.load.__code__.co_filename)
OWN_MODULES = frozenset(sys.modules)
OURS = [name for name in sys.modules if name.startswith(("stoker.", "_stoker_"))]
OURS += ["stoker", "bootstrap", "_stoker_ahead"]
