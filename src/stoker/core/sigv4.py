"""The credential scope of a signed request: who signs, for which region and service.

    AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/lambda/aws4_request, SignedHeaders=…

Read from the Authorization header or, presigned, from X-Amz-Credential in the query. The
signature itself is not verified here.
"""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs

from stoker.core.errors import IncompleteSignatureException

TERMINATOR = "aws4_request"


@dataclass(frozen=True, slots=True)
class Scope:
    access_key: str
    date: str  # YYYYMMDD
    region: str  # "" with SigV4a, which signs for several regions at once
    service: str  # the signing name, e.g. "lambda"


def scope_of_header(authorization: str) -> Scope:
    """Raise IncompleteSignatureException in AWS's words."""
    # Everything before the first comma stays the same for a day, so it is worth remembering.
    return _of_algorithm_and_credential(authorization.partition(",")[0])


def scope_of_query(query: str) -> Scope | None:
    """The scope of a presigned request; None if the query carries no credential.

    Clients still presign addresses of S3 by version 2, which names neither date nor region.
    """
    if "AWSAccessKeyId=" in query and "Signature=" in query:
        key = parse_qs(query).get("AWSAccessKeyId", [""])[0]
        return Scope(key, "", "us-east-1", "s3") if key else None
    if "X-Amz-Credential=" not in query:
        return None
    values = parse_qs(query)
    algorithm = values.get("X-Amz-Algorithm", ["AWS4-HMAC-SHA256"])[0]
    credential = values.get("X-Amz-Credential", [""])[0]
    return _of_credential(credential, asymmetric="ECDSA" in algorithm)


@lru_cache(maxsize=1024)
def _of_algorithm_and_credential(text: str) -> Scope:
    algorithm, _, credential = text.partition(" ")
    if not algorithm.startswith("AWS4-"):
        raise IncompleteSignatureException(
            f"Unsupported AWS 'algorithm': '{algorithm}'. The Authorization header must begin"
            " with AWS4-HMAC-SHA256."
        )
    name, _, value = credential.strip().partition("=")
    if name != "Credential" or not value:
        raise IncompleteSignatureException(
            f"Authorization header requires 'Credential' parameter. Authorization={text}"
        )
    return _of_credential(value, asymmetric="ECDSA" in algorithm)


def _of_credential(value: str, *, asymmetric: bool) -> Scope:
    parts = value.rsplit("/", 3 if asymmetric else 4)  # nothing forbids a "/" in a key
    wanted = 4 if asymmetric else 5
    if len(parts) != wanted or not all(parts):
        raise IncompleteSignatureException(
            f"Credential must have exactly {wanted} slash-delimited elements,"
            f" e.g. keyid/date/{'' if asymmetric else 'region/'}service/term, got '{value}'"
        )
    if parts[-1] != TERMINATOR:
        raise IncompleteSignatureException(
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}',"
            f" not '{parts[-1]}'."
        )
    if asymmetric:
        return Scope(parts[0], parts[1], "", parts[2])
    return Scope(parts[0], parts[1], parts[2], parts[3])
