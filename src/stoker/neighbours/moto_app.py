"""In the child: moto as a WSGI application on a Unix socket, honest about what it has not built."""

import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

# Read by moto while it is imported.
os.environ.update(
    MOTO_IAM_LOAD_MANAGED_POLICIES="true",  # roles attach AWSLambdaBasicExecutionRole and others
    MOTO_DISABLE_GLOBAL_CORS="true",  # web pages have no business here
    MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS="false",  # nobody reads another account's buckets
)

from botocore.model import OperationNotFoundError
from moto.backends import get_backend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from stoker.core.neighbours import ALIVE, FAILED, INSIDE, NOT_SERVED
from stoker.neighbours import apart, corrections, rule_targets, state_machines, streams, triggers
from stoker.neighbours.keeping import Keeping
from stoker.neighbours.rotation import Rotations
from stoker.neighbours.scheduled_rules import Rules
from stoker.neighbours.scheduler import Scheduler
from stoker.neighbours.timetable import Timetable

Start = Callable[[str, list[tuple[str, str]]], Any]
WSGI = Callable[[dict[str, Any], Start], Iterable[bytes]]
READS = ("BatchGet", "Describe", "Get", "List", "Query", "Scan")  # operations begin so
INSIDE_KEY = "HTTP_" + INSIDE.upper().replace("-", "_")
OURS = ("awslambda", "logs", "moto_api", "instance_metadata")  # whatever a request is signed for


PRIVILEGED = frozenset(
    {"iam", "sts", "cloudformation", "servicecatalog", "awslambda", "awslambda_simple"}
    | {"apigateway", "apigatewayv2", "applicationautoscaling"}
)  # back ends that give rights, or act with all of them: however a function has got there


class Neighbours(DomainDispatcherApplication):
    """moto's own choice of a back end, but for what is Stoker's."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        app = self.get_application(environ)
        name = getattr(app, "service", "")
        judged = environ.get(INSIDE_KEY)
        if judged is not None and name in PRIVILEGED and judged != name:
            raise NotImplementedError(f"functions may not ask {name} for this")
        return app(environ, start_response)

    def get_backend_for_host(self, host: str | None) -> Any:
        found = super().get_backend_for_host(host)
        if host is not None and (found is None or found in OURS):
            raise NotImplementedError(f"{host.partition('.')[0]} is not among the neighbours")
        return found


class Quiet(MotoRequestHandler):
    """The server in front keeps the log."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def honest(app: WSGI, changed: Callable[[], None]) -> WSGI:
    """What moto has not built, and where it fails, is said in a header, so that the server can
    refuse in the words that the caller's SDK reads. `changed` is called after each request that
    may have changed something."""

    def answered(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == ALIVE:  # no bucket has such a name
            start("204 No Content", [])
            return [b""]
        try:
            answer = app(environ, start)
        except (NotImplementedError, OperationNotFoundError) as missing:
            said, status, reason = str(missing), "501 Not Implemented", NOT_SERVED
        except Exception as failure:  # noqa: BLE001 - of whatever is behind that request alone
            said, status, reason = _in_short(failure), "500 Internal Server Error", FAILED
        else:
            return answer
        finally:
            if _may_change(environ):
                changed()
        one_line = " ".join(said.encode("ascii", "replace").decode().split())
        start(status, [(reason, one_line[:500] or "?"), ("Content-Length", "0")])
        return [b""]

    return answered


def _may_change(environ: dict[str, Any]) -> bool:
    """As far as can be told without reading the body."""
    if environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS"):
        return "Action=" in environ["QUERY_STRING"]
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return not operation.startswith(READS)


def _in_short(failure: Exception) -> str:
    at = traceback.extract_tb(failure.__traceback__)[-1]
    return f"{failure!r} ({at.filename.rpartition('site-packages/')[2]}, line {at.lineno})"


def serve(listener: socket.socket, scale: float, most_bytes: int) -> None:
    """Answer there, until standard input ends; says "ready" on standard output once that has
    begun. `scale`: how much faster time passes for schedules; `most_bytes`: of the disk, for what
    is kept there."""
    get_backend("iam")  # is behind many others: better loaded now than in somebody's request
    keeping = Keeping(most_bytes, triggers.say)
    apart.install()
    triggers.install()
    triggers.hook(rule_targets.hooks())
    streams.install()
    state_machines.when_changed(keeping.changed)
    stopped = keeping.recover()
    timetable = Timetable(partial(triggers.complain, "schedules"), keeping.changed)
    rules, schedules = Rules(timetable, scale), Scheduler(timetable, scale)
    rotations = Rotations(timetable, scale, keeping.changed)
    triggers.hook(rules.hooks())
    triggers.hook(schedules.hooks())
    if stopped is not None:
        rules.resume(stopped)
        schedules.resume(stopped)
        rotations.resume(stopped)
    timetable.start()
    keeping.start(lambda: timetable.is_needed)
    threading.Thread(target=_end_with_the_server, args=(keeping,), daemon=True).start()
    make = corrections.before(create_backend_app, {"secretsmanager": rotations.hooks})
    app = honest(Neighbours(make), keeping.changed)
    with make_server(
        f"unix://{listener.getsockname()}", 0, app, threaded=True, request_handler=Quiet,
        fd=listener.fileno(),
    ) as server:  # fmt: skip
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        server.serve_forever()


def _end_with_the_server(keeping: Keeping) -> None:
    while os.read(0, 4096):
        pass
    keeping.close()
    os._exit(0)
