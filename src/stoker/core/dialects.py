"""Events as a subscriber wants them: which, and in what form.

The two APIs and their schemas know different events, and different records of the same one. What
a process printed is a string, or (LogFormat JSON, Telemetry API from 2022-12-13 on) the object
that it printed.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from stoker.core.log_format import json_object
from stoker.core.platform_events import PlatformEvent, envelope, logs_dropped
from stoker.core.subscriptions import Api, Subscription

PLATFORM, FUNCTION, EXTENSION = "platform", "function", "extension"
_STRINGS_ONLY = "2022-07-01"
_TELEMETRY: Final = Api.TELEMETRY  # Python 3.11 is slow to find an enum's member
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

# The category by which it is subscribed to, the epoch in ms, and an event of the platform or what
# the runtime (FUNCTION) or an EXTENSION printed: one event of its log.
Said = tuple[str, int, PlatformEvent | bytes]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Who has an equal one gets the same bytes."""

    api: Api
    schema: str
    objects: bool  # what is printed as JSON is told as JSON

    @classmethod
    def of(cls, subscription: Subscription, log_format: str) -> "Dialect":
        api, schema = subscription.api, subscription.schema
        objects = log_format == "JSON" and api is Api.TELEMETRY and schema != _STRINGS_ONLY
        return cls(api, schema, objects)

    def render(self, said: Iterable[Said]) -> list[bytes]:
        """Events without a newline in them; those that this dialect has a word for."""
        new, schema, printed = self.api is _TELEMETRY, self.schema, self._printed()
        events: list[bytes] = []
        for kind, time_ms, what in said:
            if isinstance(what, bytes):
                events.append(envelope(time_ms, kind, printed(what)))
                continue
            record = what.record if new else _reduced(what, schema)
            if record is not None:
                events.append(envelope(time_ms, what.type, record))
        return events

    def notice(self, records: int, size_bytes: int, time_ms: int) -> bytes:
        """That so much is missing in this place."""
        (event,) = self.render([(PLATFORM, time_ms, logs_dropped(records, size_bytes))])
        return event  # all dialects know it

    def _printed(self) -> Callable[[bytes], bytes]:
        return _object if self.objects else _text


def _reduced(event: PlatformEvent, schema: str) -> bytes | None:
    return event.reduced if schema >= event.reduced_since else None


def _object(message: bytes) -> bytes:
    found = json_object(message)
    if found is None:
        return _text(message)
    try:
        return _encode(found).encode("utf-8", "replace")
    except ValueError:  # a number that was too large, and is infinite now
        return _text(message)


def _text(message: bytes) -> bytes:
    return orjson.dumps(message.decode("utf-8", "replace"))
