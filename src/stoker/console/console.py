"""The console: pages at /_stoker/ of the server's own port, for a browser on this machine.

    Front ─► Console.answer ─► guard ─► routes ─► pages/… ─► Shown │ Moved │ Told │ Streamed
                                                    │              └─ templates/, static/
                                                    └─► AWS's operations (api/inward.py), Control

What changes something goes through the same operations as from outside. What is shown is read
where it is. There is no state here but the pages that are open and follow something, and tunings
that were begun.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from urllib.parse import parse_qsl, unquote

import orjson

from stoker.api.control import Control
from stoker.api.inward import Inward
from stoker.console import guard, routes
from stoker.console.asked import ROOT, Asked, Moved, Reply, Shown, Streamed, Told, Where
from stoker.console.assets import Assets
from stoker.console.rendering import Rendering
from stoker.console.tunings import Tunings
from stoker.core.errors import (
    AccessDeniedException,
    InvalidRequestContentException,
    ServiceError,
    UnknownOperationException,
)
from stoker.core.learning import ACCOUNTS
from stoker.http.base import Exchange, Headers
from stoker.learn.learning import Learning
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable

log = logging.getLogger(__name__)

MOST_STREAMS = 32  # pages that follow something at a time
MOST_FIELDS = 200  # of a form
LARGE = 64 * 1024  # a longer form is read in a thread
LEARN = "learn"  # also without an account: an experiment has its own
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_STATUS = {"ResourceNotFoundException": 404, "NoSuchEntity": 404}  # of what operations refuse


class Console:
    def __init__(self, control: Control, inward: Inward) -> None:
        self._control = control
        self._inward = inward
        self._assets = Assets()
        self._token = guard.token_of(control.secret)
        self._rendering = Rendering(self._assets, self._token)
        self._tunings = Tunings()
        self._streams: set[asyncio.Task[None]] = set()
        self._learning = Learning(control, inward)

    async def answer(self, _control: Control, exchange: Exchange) -> None:
        """Answer a request below /_stoker/."""
        path = exchange.target.partition("?")[0].removeprefix(ROOT[:-1]).removeprefix("/")
        asset = self._assets.find(path)
        if asset is not None:
            lasting = ("Cache-Control", "public, max-age=31536000, immutable")
            headers = [("Content-Type", asset.kind), lasting, *guard.HEADERS]
            exchange.respond(200, headers, asset.content)
            return
        try:
            reply = await self._reply(exchange, path)
        except ServiceError as refusal:
            reply = _refusal(refusal.code, refusal.message, refusal.status)
        except Refused as refusal:
            status = _STATUS.get(refusal.code, 400)
            reply = _refusal(refusal.code, refusal.message, status)
        except Unreachable as error:
            reply = _refusal("Unreachable", str(error), 502)
        await self._send(exchange, path, reply)

    async def close(self) -> None:
        """End the pages that follow something (they ask again later), and an experiment."""
        await self._learning.close()
        for task in self._streams:
            task.cancel()
        if self._streams:
            await asyncio.wait(self._streams)
        await self._tunings.close()

    async def _reply(self, exchange: Exchange, path: str) -> Reply:
        reason = guard.stranger(exchange.headers)
        if reason is not None:
            raise AccessDeniedException(reason)
        first, *more = path.split("/")
        if first in ("", LEARN):
            return Moved(self._home().path(first or "functions", *map(unquote, more)))
        where, rest = _where(path)
        if rest == "":
            return Moved(where.path("functions"))
        found = routes.find("GET" if exchange.method == "HEAD" else exchange.method, rest)
        if found is None:
            raise UnknownOperationException(
                f"There is no page here: {exchange.method} {ROOT}{path}"
            )
        route, names = found
        form: dict[str, str] = {}
        if route.method == "POST":
            form = await _form(exchange)
            reason = guard.forged(exchange.headers, form, self._token)
            if reason is not None:
                raise AccessDeniedException(reason)
        asked = Asked(
            control=self._control,
            inward=self._inward,
            learning=self._learning,
            where=where,
            names=names,
            query=_fields(exchange.target.partition("?")[2]),
            form=form,
            tunings=self._tunings,
            partial="hx-request" in exchange.headers,
        )
        return await route.answer(asked)

    def _home(self) -> Where:
        """Where there is most, of the default account if it has anything."""
        settings = self._control.settings
        places = self._control.catalog.places()
        places = Counter({at: many for at, many in places.items() if at[0] not in ACCOUNTS})
        own = {place: many for place, many in places.items() if place[0] == settings.account}
        most = max((own or places).items(), key=lambda one: one[1], default=None)
        return Where(settings.account, settings.region) if most is None else Where(*most[0])

    async def _send(self, exchange: Exchange, path: str, reply: Reply) -> None:
        fresh: Headers = [("Cache-Control", "no-store"), *guard.HEADERS]
        match reply:
            case Moved(to):
                exchange.respond(303, [("Location", to), *fresh])
            case Told(value):
                kind = ("Content-Type", "application/json")
                exchange.respond(200, [kind, *fresh], orjson.dumps(value))
            case Shown():
                kind = ("Content-Type", "text/html; charset=utf-8")
                where = _where_or(path, self._home)
                partial = "hx-request" in exchange.headers
                places = [Where(*place) for place in sorted(self._control.catalog.places())]
                text = self._rendering.page(reply, where, path, places, partial=partial)
                exchange.respond(reply.status, [kind, ("Vary", "HX-Request"), *fresh], text)
            case Streamed(events):
                await self._stream(exchange, events, fresh)

    async def _stream(
        self, exchange: Exchange, events: AsyncGenerator[tuple[str, str], None], fresh: Headers
    ) -> None:
        """Until the reader is gone: it is noticed when the next event is sent."""
        if len(self._streams) >= MOST_STREAMS:
            exchange.respond(503, [("Retry-After", "10"), *fresh])
            return
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            exchange.start(200, [("Content-Type", "text/event-stream"), *fresh])
            async for name, data in events:
                exchange.write(_event(name, data))
                await exchange.drained()
            exchange.finish()
        except asyncio.CancelledError:
            exchange.finish()
            raise
        finally:
            self._streams.discard(task)
            await events.aclose()


def _event(name: str, data: str) -> bytes:
    """As https://html.spec.whatwg.org/multipage/server-sent-events.html has it."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode("utf-8", "replace")


def _where(path: str) -> tuple[Where, str]:
    """ACCOUNT/REGION/rest."""
    account, _, behind = path.partition("/")
    region, _, rest = behind.partition("/")
    if not _ACCOUNT.fullmatch(account) or not region:
        raise UnknownOperationException(f"There is no page here: {ROOT}{path}")
    return Where(account, unquote(region)), rest


def _where_or(path: str, home: Callable[[], Where]) -> Where:
    try:
        return _where(path)[0]
    except ServiceError:
        return home()


async def _form(exchange: Exchange) -> dict[str, str]:
    if exchange.truncated or exchange.oversized:
        raise InvalidRequestContentException("The form did not come whole, or is too large.")
    text = exchange.body.decode("utf-8", "replace")
    return _fields(text) if len(text) < LARGE else await asyncio.to_thread(_fields, text)


def _fields(text: str) -> dict[str, str]:
    """A query's or a form's; the last counts."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise InvalidRequestContentException(f"It has more than {MOST_FIELDS} fields.") from None


def _refusal(code: str, message: str, status: int) -> Shown:
    model = {"code": code, "message": message}
    return Shown("refusal.html", model, title=code, status=status)
