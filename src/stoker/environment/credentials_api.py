"""The credentials of a function's role: in variables, and GET /2021-04-23/credentials.

A runtime that was restored asks there: variables would be those of the snapshot, and as old as
that. The SDKs do so because AWS_CONTAINER_CREDENTIALS_FULL_URI says it; only who sends the token
of AWS_CONTAINER_AUTHORIZATION_TOKEN is answered.
"""

import hmac
import json
import os
import time

from stoker.core import sessions, telemetry
from stoker.core.environ import Credentials
from stoker.core.invocation import Target
from stoker.core.runtime_states import Answer
from stoker.core.sessions import Session

CREDENTIALS = "/2021-04-23/credentials"
VALID_S = 12 * 3600  # an environment is replaced long before
REFUSED = Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")


class RoleSessions:
    """Issues them: each time others, as from STS, which knows them by the same secret."""

    def __init__(self, secret: bytes = b"", valid_s: float = VALID_S) -> None:
        self._secret = secret or os.urandom(sessions.SECRET_BYTES)
        self._valid_s = valid_s

    def new(self, target: Target) -> Credentials:
        return self.until(target)[0]

    def until(self, target: Target) -> tuple[Credentials, int]:
        """And when they expire, in seconds since 1970."""
        expires = int(time.time() + self._valid_s)
        session = Session(target.account, target.role, target.name, expires)
        return sessions.issue(self._secret, session, os.urandom(sessions.NONCE_BYTES)), expires


class CredentialsApi:
    def __init__(self, token: str, issuer: RoleSessions, target: Target) -> None:
        self._token = token
        self._issuer = issuer
        self._target = target

    def answer(self, authorization: str) -> Answer:
        if not hmac.compare_digest(authorization.encode(), self._token.encode()):
            return REFUSED
        made, expires = self._issuer.until(self._target)
        body = {
            "AccessKeyId": made.access_key_id,
            "SecretAccessKey": made.secret_access_key,
            "Token": made.session_token,
            "Expiration": telemetry.timestamp(expires * 1000),
        }
        return Answer(200, json.dumps(body).encode())
