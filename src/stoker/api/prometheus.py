"""GET /metrics: what is counted since the start, as Prometheus reads it (text format 0.0.4)."""

from collections.abc import Iterator

from stoker.api.control import Control
from stoker.core.errors import UnknownOperationException
from stoker.core.statistics import Statistic
from stoker.http.base import Exchange
from stoker.observe.otlp.export import Export

PATH = "/metrics"
_TYPE = [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")]
_COUNTERS = {
    "Invocations": ("invocations_total", "Invocations that were carried out."),
    "Errors": ("errors_total", "Invocations that ended in an error of the function."),
    "Throttles": ("throttles_total", "Invocations that were refused for want of concurrency."),
    "AsyncEventsReceived": ("async_events_received_total", "Events that were accepted."),
    "AsyncEventsDropped": ("async_events_dropped_total", "Events that were given up."),
    "DeadLetterErrors": ("dead_letter_errors_total", "Events that no dead-letter queue took."),
    "DestinationDeliveryFailures": (
        "destination_delivery_failures_total",
        "Records that a destination did not take.",
    ),
}
_SUMMARIES = {
    "Duration": ("duration_milliseconds", "How long invocations took."),
    "AsyncEventAge": ("async_event_age_milliseconds", "How old events were when they were run."),
    "IteratorAge": ("iterator_age_milliseconds", "How old the records of streams were."),
}
Labels = dict[str, str]


async def answer(control: Control, exchange: Exchange) -> None:
    """Answer with all functions of all accounts."""
    if exchange.target.partition("?")[0] != PATH or exchange.method != "GET":
        raise UnknownOperationException(f"{exchange.method} {PATH} is all that is here.")
    if control.metering is not None:
        await control.metering()
    exchange.respond(200, _TYPE, "".join(_text(control)).encode())


def _text(control: Control) -> Iterator[str]:
    totals = [
        ({"account": account, "region": region, "function": name}, found)
        for (account, region, name), found in control.metrics.totals().items()
    ]
    for name, (short, said) in _COUNTERS.items():
        yield _head(short, said, "counter")
        for labels, found in totals:
            if name in found:
                yield _sample(short, labels, found[name].total)
    for name, (short, said) in _SUMMARIES.items():
        yield _head(short, said, "summary")
        for labels, found in totals:
            if name in found:
                yield from _summary(short, labels, found[name])
    yield _head("concurrent_executions", "Invocations that run now, by account.", "gauge")
    for account in sorted({labels["account"] for labels, _ in totals}):
        yield _sample(
            "concurrent_executions", {"account": account}, control.invoker.running(account)
        )
    phases: dict[str, int] = {}
    for view in control.invoker.environments():
        phases[str(view.phase)] = phases.get(str(view.phase), 0) + 1
    yield _head("environments", "Execution environments, by phase.", "gauge")
    for phase, count in sorted(phases.items()):
        yield _sample("environments", {"phase": phase}, count)
    lost = "Log events that were too many, or could not be stored; the log says where."
    yield _head("log_events_dropped_total", lost, "counter")
    yield _sample("log_events_dropped_total", {}, control.logs_store.dropped_events)
    if control.export is not None:
        yield from _exported(control.export)


def _exported(export: Export) -> Iterator[str]:
    for short, said, counts in (
        ("otlp_sent_total", "What a receiver of OTLP took.", export.sent),
        ("otlp_dropped_total", "What no receiver of OTLP took in time.", export.dropped),
    ):
        yield _head(short, said, "counter")
        for signal in sorted(export.destination.signals):
            yield _sample(short, {"signal": signal}, counts[signal])


def _summary(short: str, labels: Labels, one: Statistic) -> Iterator[str]:
    for percent in (50, 90, 99):
        value = one.percentile(percent)
        if value is not None:
            yield _sample(short, {**labels, "quantile": str(percent / 100)}, value)
    yield _sample(f"{short}_sum", labels, one.total)
    yield _sample(f"{short}_count", labels, one.count)


def _head(short: str, said: str, kind: str) -> str:
    return f"# HELP stoker_{short} {said}\n# TYPE stoker_{short} {kind}\n"


def _sample(short: str, labels: Labels, value: float) -> str:
    """Names of functions, accounts and phases have nothing that would have to be escaped; a
    region comes from a caller's signature."""
    told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"stoker_{short}{{{told}}} {value:.17g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
