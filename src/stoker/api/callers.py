"""Who asks: by a key, by temporary credentials of our STS, or by where the call comes from."""

import time
from urllib.parse import parse_qs

from stoker.api.control import Caller, Control
from stoker.core import sessions
from stoker.core.errors import ExpiredTokenException
from stoker.core.invocation import Target
from stoker.core.sessions import Session
from stoker.core.sigv4 import Scope
from stoker.http.base import Exchange

TOKEN = "x-amz-security-token"


def caller(control: Control, inside: Target | None, scope: Scope, exchange: Exchange) -> Caller:
    """`inside`: the function in whose environment the call was made; then it is the caller,
    whatever it signs with. Raise ExpiredTokenException."""
    if inside is not None:
        return Caller(inside.account, inside.region, scope.access_key, inside)
    key, settings = scope.access_key, control.settings
    region = scope.region or settings.region
    session = _session(control, key, exchange)
    if session is not None:
        return Caller(session.account, region, key, session=session)
    numbered = len(key) == 12 and key.isascii() and key.isdecimal()
    return Caller(key if numbered else settings.account, region, key)


def _session(control: Control, key: str, exchange: Exchange) -> Session | None:
    """Temporary credentials that are not ours, AWS's own perhaps, say nothing here."""
    if not sessions.is_temporary(key):
        return None
    token = exchange.headers.get(TOKEN)
    if token is None:
        said = parse_qs(exchange.target.partition("?")[2])
        token = said.get("X-Amz-Security-Token", [""])[0]
    session = sessions.read(control.secret, key, token)
    if session is not None and session.expires <= time.time():
        raise ExpiredTokenException("The security token included in the request is expired")
    return session
