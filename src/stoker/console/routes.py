"""The console on one page: path, method, what answers. Below /_stoker/ACCOUNT/REGION/.

`{name}` is one segment of the path. NAVIGATION is the menu; a page of the function's own is
reached from the function. To add a page: a module in pages/, a template, a row here
(docs/guide/console.md).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from stoker.console.asked import Asked, Reply
from stoker.console.pages import (
    account,
    code,
    concurrency,
    configuration,
    creating,
    doctor,
    environments,
    functions,
    insights,
    invocations,
    layers,
    learn,
    logs,
    monitor,
    queue,
    queues,
    stacks,
    traces,
    triggers,
    trying,
    tuning,
    versions,
)


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    answer: Callable[[Asked], Awaitable[Reply]]


ROUTES = (
    Route("GET", "functions", functions.show),
    Route("GET", "create-function", creating.show),
    Route("POST", "create-function", creating.create),
    Route("GET", "create-function/roles", creating.roles),
    Route("GET", "functions/{name}", trying.show),
    Route("POST", "functions/{name}", trying.run),
    Route("POST", "functions/{name}/events", trying.save),
    Route("GET", "functions/{name}/invocations", invocations.show),
    Route("GET", "functions/{name}/invocations/{id}", invocations.inspect),
    Route("POST", "functions/{name}/invocations/{id}", invocations.replay),
    Route("POST", "functions/{name}/invocations/{id}/event", invocations.save),
    Route("GET", "functions/{name}/code", code.show),
    Route("POST", "functions/{name}/code", code.deploy),
    Route("GET", "functions/{name}/configuration", configuration.show),
    Route("POST", "functions/{name}/configuration", configuration.change),
    Route("GET", "functions/{name}/triggers", triggers.show),
    Route("GET", "functions/{name}/versions", versions.show),
    Route("POST", "functions/{name}/versions", versions.change),
    Route("GET", "functions/{name}/concurrency", concurrency.show),
    Route("POST", "functions/{name}/concurrency", concurrency.change),
    Route("GET", "functions/{name}/logs", logs.show),
    Route("GET", "functions/{name}/monitor", monitor.show),
    Route("GET", "functions/{name}/monitor/data", monitor.data),
    Route("GET", "functions/{name}/tune", tuning.show),
    Route("POST", "functions/{name}/tune", tuning.begin),
    Route("POST", "functions/{name}/tune/end", tuning.end),
    Route("POST", "functions/{name}/tune/apply", tuning.apply),
    Route("GET", "environments", environments.show),
    Route("GET", "environments/follow", environments.follow),
    Route("GET", "environments/{id}", environments.inspect),
    Route("GET", "queues", queues.show),
    Route("POST", "mappings/{id}", queues.switch),
    Route("GET", "queues/{name}", queue.show),
    Route("POST", "queues/{name}", queue.discard),
    Route("POST", "queues/{name}/{number}/replay", queue.replay),
    Route("POST", "queues/{name}/{number}/drop", queue.drop),
    Route("GET", "insights", insights.show),
    Route("POST", "insights", insights.start),
    Route("GET", "insights/{id}", insights.results),
    Route("GET", "insights/{id}/data", insights.data),
    Route("POST", "insights/{id}/stop", insights.stop),
    Route("GET", "traces", traces.show),
    Route("GET", "traces/graph", traces.graph),
    Route("GET", "traces/{id}", traces.inspect),
    Route("GET", "layers", layers.show),
    Route("GET", "layers/{name}", layers.versions),
    Route("GET", "stacks", stacks.show),
    Route("GET", "stacks/{name}", stacks.inspect),
    Route("GET", "account", account.show),
    Route("GET", "learn", learn.show),
    Route("GET", "learn/told", learn.told),
    Route("GET", "learn/{name}", learn.experiment),
    Route("POST", "learn/{name}", learn.run),
    Route("GET", "learn/{name}/follow", learn.follow),
    Route("GET", "learn/{name}/told", learn.experiment_told),
    Route("POST", "learn/{name}/clear", learn.clear),
    Route("GET", "doctor", doctor.show),
)  # fmt: skip

# What the menu has: where it leads, and what it is called.
NAVIGATION = (
    ("functions", "Functions"),
    ("environments", "Environments"),
    ("queues", "Queues"),
    ("insights", "Logs Insights"),
    ("traces", "Traces"),
    ("layers", "Layers"),
    ("stacks", "Stacks"),
    ("account", "Account"),
    ("learn", "Learn"),
    ("doctor", "Doctor"),
)  # fmt: skip


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The row for a path below /_stoker/ACCOUNT/REGION/, and the names in it."""
    given = path.split("/")
    for route in ROUTES:
        wanted = route.path.split("/")
        if route.method != method or len(wanted) != len(given):
            continue
        names: dict[str, str] = {}
        for want, part in zip(wanted, given, strict=True):
            if want.startswith("{"):
                names[want[1:-1]] = unquote(part)
            elif want != part:
                break
        else:
            return route, names
    return None
