"""Temporary credentials: who has them, until when. Pure.

    issue(secret, session, nonce) ──► key, secret key, session token
    read(secret, key, token)      ──► session, or None: they are not ours

The token is the session itself and a MAC over it, so that nothing need be kept of those that are
out, and a cold start pays for two hashes. Who has lost the secret has ended all sessions.
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass
from typing import Final

from stoker.core.environ import Credentials

SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 10
TEMPORARY: Final = "ASIA"  # begins every temporary access key
_MAC_BYTES = 16
_MARK = b"Stoker1"  # begins every token
_MOST_CHARACTERS = 8192  # of a token that is looked at
_ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/(?:[\x21-\x7e]*/)?([\w+=,.@-]{1,64})", re.A)


@dataclass(frozen=True, slots=True)
class Session:
    """Of a role, or (`role` is empty) of whoever else asked for temporary credentials."""

    account: str
    role: str  # ARN
    name: str  # of the session; a function's
    expires: int  # seconds since 1970

    @property
    def arn(self) -> str:
        """By which AWS names who acts."""
        if self.role:
            return assumed_role_arn(self.role, self.name)
        return f"arn:aws:sts::{self.account}:{self.name}" if self.name else root(self.account)


def is_temporary(key: str) -> bool:
    """Ours, or AWS's own."""
    return key.startswith(TEMPORARY)


def root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def role_name(arn: str) -> str:
    return arn.rpartition("/")[2]


def role_account(arn: str) -> str | None:
    """None: that is no role's ARN."""
    found = _ROLE.fullmatch(arn)
    return found[1] if found else None


def assumed_role_arn(role: str, session: str) -> str:
    """`role`: ARN. AWS leaves its path out."""
    parts = role.split(":")
    return f"arn:{parts[1]}:sts::{parts[4]}:assumed-role/{role_name(role)}/{session}"


def role_id(role: str) -> str:
    """A RoleId for a role that IAM does not know: always the same."""
    digits = hmac.digest(b"role", role.encode(), "sha256")
    return "AROA" + base64.b32encode(digits).decode()[:17]


def issue(secret: bytes, session: Session, nonce: bytes) -> Credentials:
    """`nonce`: random bytes; they are the access key."""
    key = TEMPORARY + base64.b32encode(nonce).decode()
    said = json.dumps([key, session.account, session.role, session.name, session.expires])
    payload = _MARK + said.encode()
    token = base64.b64encode(payload + _mac(secret, payload)).decode()
    hidden = hmac.digest(secret, b"secret key " + key.encode(), "sha256")
    return Credentials(key, base64.b64encode(hidden).decode()[:40], token)


def read(secret: bytes, key: str, token: str) -> Session | None:
    """Whose they are, if they are ours. Whether they have expired is for the caller to say."""
    if not is_temporary(key) or len(token) > _MOST_CHARACTERS:
        return None
    try:
        whole = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return None
    payload, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
    if not payload.startswith(_MARK) or not hmac.compare_digest(_mac(secret, payload), mac):
        return None
    issued, *said = json.loads(payload[len(_MARK) :])
    return Session(*said) if issued == key else None


def _mac(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, payload, "sha256")[:_MAC_BYTES]
