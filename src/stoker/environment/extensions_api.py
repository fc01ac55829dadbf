"""The Extensions API of one environment, version 2020-01-01: how extensions take part in its life.

    POST …/extension/register        200, and the id that every other call must carry
    GET  …/extension/event/next      parked until there is an event
    POST …/extension/init/error      202
    POST …/extension/exit/error      202

Everything that comes is hostile until core/extension_states.py has looked at it. What a call does
to the environment is asked of its `Inside`. An event for somebody who does not wait for it is
kept: it is the answer to the next question.
"""

import uuid
from collections import OrderedDict
from typing import Final, Protocol

from stoker.core import extension_states as states
from stoker.core.delivery import extension_response
from stoker.core.extension_states import ExtensionCall, ExtensionState, Registration
from stoker.core.invocation import Target
from stoker.core.lifecycle import Lifecycle
from stoker.core.lifecycle_words import Extension, Party, extension_name, extension_party
from stoker.core.runtime_states import (
    ACCEPTED,
    METHOD_NOT_ALLOWED,
    PAGE_NOT_FOUND,
    TOO_LARGE,
    TRUNCATED_REQUEST,
    Answer,
)
from stoker.http.base import Exchange

BASE = "/2020-01-01/extension/"
_REGISTER: Final = f"{BASE}register"
_NEXT: Final = f"{BASE}event/next"
_ERRORS: Final = {
    f"{BASE}init/error": ExtensionCall.INIT_ERROR,
    f"{BASE}exit/error": ExtensionCall.EXIT_ERROR,
}
_METHODS: Final = {_REGISTER: "POST", _NEXT: "GET", **dict.fromkeys(_ERRORS, "POST")}
_ERROR_TYPE_CHARS = 256


class Inside(Protocol):
    """The environment, as its Extensions API needs it."""

    def registered(self, extension: Extension) -> None: ...

    def extension_asked_next(self, party: Party) -> None: ...

    def extension_failed(self, party: Party, state: ExtensionState, kind: str) -> None: ...


class ExtensionsApi:
    """Answers requests whose path begins with BASE, when they are complete."""

    def __init__(self, inside: Inside, life: Lifecycle, target: Target) -> None:
        """`life` is only looked at; what comes is told to `inside`."""
        self._inside = inside
        self._life = life
        self._target = target
        self._ids: dict[str, Party] = {}
        self._parked: dict[Party, OrderedDict[Exchange, None]] = {}
        self._kept: dict[Party, bytes] = {}  # events whose party did not wait for them
        # The id of an event is a UUID of which only the end is counted: a random one for each
        # would cost more than the event.
        self._event_ids = str(uuid.uuid4())[:-12]
        self._events = 0

    def answer(self, exchange: Exchange) -> None:
        path = exchange.target.partition("?")[0]
        if path not in _METHODS:
            reply(exchange, PAGE_NOT_FOUND)
        elif exchange.method != _METHODS[path]:
            reply(exchange, METHOD_NOT_ALLOWED)
        elif exchange.truncated or exchange.oversized:
            reply(exchange, TRUNCATED_REQUEST if exchange.truncated else TOO_LARGE)
        elif path == _NEXT:
            self._next(exchange)
        elif path == _REGISTER:
            self._register(exchange)
        else:
            self._error(exchange, _ERRORS[path])

    def lost(self, exchange: Exchange) -> None:
        for waiting in self._parked.values():
            waiting.pop(exchange, None)

    def caller(self, exchange: Exchange, *, on_next: bool = False) -> Party | Answer:
        """Which extension asks, by the id that it was given, or the answer to a stranger."""
        value = states.identifier(exchange.headers)
        if isinstance(value, Answer):
            return value
        party = self._ids.get(value)
        return states.unknown_identifier(value, on_next=on_next) if party is None else party

    def offer(self, parties: frozenset[Party], event: bytes) -> None:
        """Hand the event to those of them who are extensions: now, or when they ask."""
        for party in parties:
            waiting = self._parked.get(party)
            if waiting is None:
                continue
            if waiting:
                self._hand_over(waiting.popitem(last=False)[0], event)
            else:
                self._kept[party] = event

    def forget(self) -> None:
        """Everything starts over: ids, names and questions of before mean nothing any more."""
        parked = [exchange for waiting in self._parked.values() for exchange in waiting]
        self._ids.clear()
        self._parked.clear()
        self._kept.clear()
        for exchange in parked:
            exchange.abort()

    def _hand_over(self, exchange: Exchange, event: bytes) -> None:
        self._events += 1
        exchange.respond_raw(extension_response(f"{self._event_ids}{self._events:012x}", event))

    # --- the calls ---

    def _register(self, exchange: Exchange) -> None:
        headers, target = exchange.headers, self._target
        name = _text(headers.get("lambda-extension-name", ""))
        party = extension_party(name)
        standing = self._life.standing(party)
        wants = states.registration(exchange.body, external=standing.external)
        refused = states.name_refusal(name)
        if refused is None and isinstance(wants, Answer):
            refused = wants
        if refused is None:
            refused = states.registration_refusal(standing, name)
        if refused is not None:
            reply(exchange, refused)
            return
        assert isinstance(wants, Registration)
        extension = Extension(party, standing.external, wants.invoke, wants.shutdown)
        identifier = str(uuid.uuid4())
        self._ids[identifier] = party
        self._parked[party] = OrderedDict()
        self._inside.registered(extension)
        accept = headers.get("lambda-extension-accept-feature", "")
        exchange.respond(
            200,
            [("Content-Type", "application/json"), (states.ID_HEADER, identifier)],
            states.registered(target.name, target.version, target.handler, target.account, accept),
        )

    def _next(self, exchange: Exchange) -> None:
        party = self._permitted(exchange, ExtensionCall.NEXT)
        if party is None:
            return
        event = self._kept.pop(party, None)
        if event is not None:
            self._hand_over(exchange, event)
        elif self._life.ending:
            exchange.abort()  # there is no event after SHUTDOWN
        else:
            self._parked[party][exchange] = None
            self._inside.extension_asked_next(party)

    def _error(self, exchange: Exchange, call: ExtensionCall) -> None:
        kind = _text(exchange.headers.get(states.ERROR_TYPE_HEADER.lower(), ""))
        party = self._permitted(exchange, call, has_type=bool(kind))
        if party is None:
            return
        reply(exchange, ACCEPTED)  # before anybody inside is killed
        state = ExtensionState(call.value)
        self._inside.extension_failed(party, state, kind[:_ERROR_TYPE_CHARS])

    def _permitted(
        self, exchange: Exchange, call: ExtensionCall, *, has_type: bool = True
    ) -> Party | None:
        """Whose call it is; None if it is answered already."""
        party = self.caller(exchange, on_next=call is ExtensionCall.NEXT)
        if isinstance(party, Answer):
            reply(exchange, party)
            return None
        if not has_type:
            reply(exchange, states.MISSING_ERROR_TYPE)
            return None
        state = self._life.extension_state(party)
        assert state is not None, f"{party} has an id, and never registered"
        refused = states.refusal(state, call, extension_name(party))
        if refused is not None:
            reply(exchange, refused)
            return None
        return party


def reply(exchange: Exchange, answer: Answer) -> None:
    headers = [("Content-Type", answer.content_type)] if answer.content_type else []
    exchange.respond(answer.status, headers, answer.body)


def _text(value: str) -> str:
    """A header's value as what it is in UTF-8: names of files may be in any language."""
    if value.isascii():
        return value
    return value.encode("latin-1", "replace").decode("utf-8", "replace")
