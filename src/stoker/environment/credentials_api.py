"""GET /2021-04-23/credentials: how a runtime that was restored gets its role's credentials.

Variables would be those of the snapshot, and as old as that. The SDKs ask here, because
AWS_CONTAINER_CREDENTIALS_FULL_URI says so; only who sends the token of
AWS_CONTAINER_AUTHORIZATION_TOKEN is answered.
"""

import hmac
import json
import time

from stoker.core import telemetry
from stoker.core.environ import Credentials
from stoker.core.runtime_states import Answer

CREDENTIALS = "/2021-04-23/credentials"
VALID_S = 6 * 3600.0  # as an execution role's session on AWS
REFUSED = Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")


class CredentialsApi:
    def __init__(self, token: str, credentials: Credentials) -> None:
        self._token = token
        self._credentials = credentials

    def answer(self, authorization: str) -> Answer:
        if not hmac.compare_digest(authorization.encode(), self._token.encode()):
            return REFUSED
        body = {
            "AccessKeyId": self._credentials.access_key_id,
            "SecretAccessKey": self._credentials.secret_access_key,
            "Token": self._credentials.session_token,
            "Expiration": telemetry.timestamp(int((time.time() + VALID_S) * 1000)),
        }
        return Answer(200, json.dumps(body).encode())
