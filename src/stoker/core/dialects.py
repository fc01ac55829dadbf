"""Events as a subscriber wants them: which, and in what form.

The two APIs and their schemas know different events, and different records of the same one. What
a process printed is a string, or (LogFormat JSON, Telemetry API from 2022-12-13 on) the object
that it printed.
"""

import json
from dataclasses import dataclass
from typing import Final

from stoker.core.log_format import json_object
from stoker.core.platform_events import PlatformEvent, envelope, logs_dropped
from stoker.core.subscriptions import Api, Subscription

PLATFORM, FUNCTION, EXTENSION = "platform", "function", "extension"
_STRINGS_ONLY = "2022-07-01"
_TELEMETRY: Final = Api.TELEMETRY  # Python 3.11 is slow to find an enum's member
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Printed:
    """What a process printed: one event of its log."""

    source: str  # FUNCTION or EXTENSION
    message: bytes


Told = PlatformEvent | Printed


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

    def render(self, told: Told, time_ms: int) -> bytes | None:
        """One event without a newline in it; None: this dialect has no word for it."""
        if isinstance(told, Printed):
            return self._printed(told, time_ms)
        record = told.record if self.api is _TELEMETRY else told.reduced
        if record is None or (self.api is Api.LOGS and self.schema < told.reduced_since):
            return None
        return envelope(time_ms, told.type, record)

    def notice(self, records: int, size_bytes: int, time_ms: int) -> bytes:
        """That so much is missing in this place."""
        event = self.render(logs_dropped(records, size_bytes), time_ms)
        assert event is not None, "all dialects know it"
        return event

    def _printed(self, told: Printed, time_ms: int) -> bytes:
        found = json_object(told.message) if self.objects else None
        try:
            text = _encode(told.message.decode("utf-8", "replace") if found is None else found)
        except ValueError:  # a number that was too large, and is infinite now
            text = _encode(told.message.decode("utf-8", "replace"))
        record = text.encode("utf-8", "replace")
        return envelope(time_ms, told.source, record)


def category(told: Told) -> str:
    """The word by which it is subscribed to."""
    return told.source if isinstance(told, Printed) else PLATFORM
