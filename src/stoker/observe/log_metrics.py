"""Metrics that log events have in them: looked for where they are written, beside the loop."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from stoker.core.embedded_metrics import MARK, embedded
from stoker.core.metrics import Name, Source, start_of
from stoker.core.statistics import Statistic
from stoker.observe.log_writes import Batch

SERIES: Final = 10_000  # of what is written at a time; what is more is left out

Found = dict[tuple[Source, int], dict[Name, Statistic]]  # by the minute's start
Measured = Callable[[Found], None]


def metrics_in(batches: Iterable[Batch]) -> Found:
    """Summed up by minute. To be called when they are on the disk."""
    found: Found = {}
    room = SERIES
    now_s = time.time()
    for batch in batches:
        where = batch.where
        if MARK not in b"\n".join(batch.messages):  # as nearly always: a fifth of looking at each
            continue
        for message in batch.messages:
            if MARK not in message:
                continue
            for one in embedded(message, now_s):
                source = Source(where.account, where.region, one.namespace, one.dimensions)
                values = found.setdefault((source, start_of(one.at_s)), {})
                if one.name in values:
                    values[one.name].merge(one.values)
                elif room > 0:
                    room -= 1
                    values.setdefault(one.name, Statistic()).merge(one.values)
    return {key: values for key, values in found.items() if values}


def merge(into: Found, more: Found) -> None:
    """Take in what was found in another way."""
    for key, values in more.items():
        kept = into.setdefault(key, {})
        for name, statistic in values.items():
            kept.setdefault(name, Statistic()).merge(statistic)
