"""Links to a function's code, and what they lead to.

GetFunction answers a link that downloads without a signature of its own, as AWS's presigned
S3 links do: whoever holds it may, for ten minutes.
"""

import hashlib
import hmac
import re
import secrets
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from stoker.api.control import Control
from stoker.blobs.base import BlobMissing
from stoker.core.web_pages import CODE
from stoker.http.base import Exchange

PATH = CODE
_LIFETIME_S = 600  # AWS: "a presigned URL … that is valid for 10 minutes"
_KEY = secrets.token_bytes(32)  # links die with the process that gave them
_PATH = re.compile(re.escape(PATH) + r"([0-9a-f]{64})")


def location(base_url: str, digest: str) -> str:
    """A link to the deployment package, good for ten minutes."""
    expires = int(time.time()) + _LIFETIME_S
    query = urlencode({"Expires": expires, "Signature": _signature(digest, expires)})
    return f"{base_url}{PATH}{digest}?{query}"


async def download(control: Control, exchange: Exchange) -> None:
    """Answer a request for such a link."""
    parts = urlsplit(exchange.target)
    path = _PATH.fullmatch(parts.path)
    query = parse_qs(parts.query)
    expires = query.get("Expires", [""])[0]
    if path is None or not re.fullmatch(r"[0-9]{1,12}", expires):
        return _deny(exchange, 403, "AccessDenied", "Access Denied")
    digest, good = path[1], _signature(path[1], int(expires))
    if not hmac.compare_digest(query.get("Signature", [""])[0].encode(), good.encode()):
        return _deny(
            exchange,
            403,
            "SignatureDoesNotMatch",
            "The link is not one that this server has given since its start.",
        )
    if int(expires) < time.time():
        return _deny(exchange, 403, "AccessDenied", "Request has expired")
    headers = [("Content-Type", "application/zip")]
    started = False
    try:
        async for piece in control.blobs.chunks(digest):
            if not started:
                exchange.start(200, headers)
                started = True
            exchange.write(piece)
            await exchange.drained()
    except BlobMissing:
        return _deny(exchange, 404, "NoSuchKey", "The code has been replaced since.")
    exchange.finish()
    return None


def _signature(digest: str, expires: int) -> str:
    return hmac.new(_KEY, f"{digest} {expires}".encode(), hashlib.sha256).hexdigest()


def _deny(exchange: Exchange, status: int, code: str, message: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    exchange.respond(status, [("Content-Type", "application/xml")], body.encode())
