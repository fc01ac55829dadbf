"""JSON Web Tokens (RFC 7519, 7515): what a JWT authorizer of an HTTP API takes for genuine.

AWS: only RSA; `kid` names the key of the issuer; `iss`, `aud` or else `client_id`, `exp`, `nbf` and
`iat` are checked; one of the route's scopes must be in `scope` or `scp` ("Control access to HTTP
APIs with JWT authorizers"). A token comes from anybody: nothing of it counts before its signature.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

TOKEN_BYTES = 16 * 1024  # ours; a head has at most 64 KB in all
KEY_BITS = range(1024, 8192 + 1)  # what else calls itself a key would be work for nothing
KEYS = 100  # of one issuer
_HASHES: dict[str, type[HashAlgorithm]] = {"RS256": SHA256, "RS384": SHA384, "RS512": SHA512}


class BadToken(Exception):
    """It is none that counts; the text says why, as AWS's `error_description` does."""


class Expired(BadToken):
    """It was one."""


@dataclass(frozen=True, slots=True)
class Token:
    algorithm: str
    key_id: str
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def read(text: str) -> Token:
    """Nothing is verified yet."""
    if len(text) > TOKEN_BYTES:
        raise BadToken("the token is too long")
    parts = text.split(".")
    if len(parts) != 3:
        raise BadToken("the token is malformed")
    head, claims = _json(parts[0]), _json(parts[1])
    algorithm, key_id = head.get("alg"), head.get("kid")
    if not isinstance(algorithm, str) or algorithm not in _HASHES:
        raise BadToken("signing method is invalid")
    if not isinstance(key_id, str):
        raise BadToken("the token has no kid")
    signed = f"{parts[0]}.{parts[1]}".encode()
    return Token(algorithm, key_id, claims, signed, _bytes(parts[2]))


def keys_of(document: Any) -> dict[str, RSAPublicKey]:
    """The RSA keys of a JWK set (RFC 7517), by their kid. What is none of these is left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, RSAPublicKey] = {}
    for one in (listed if isinstance(listed, list) else [])[:KEYS]:
        if not isinstance(one, dict) or one.get("kty") != "RSA" or one.get("use", "sig") != "sig":
            continue
        try:
            modulus, exponent = (int.from_bytes(_bytes(one[name])) for name in ("n", "e"))
            if modulus.bit_length() in KEY_BITS and exponent.bit_length() <= 32:
                found[str(one["kid"])] = RSAPublicNumbers(exponent, modulus).public_key()
        except (BadToken, KeyError, TypeError, ValueError):
            continue
    return found


def verify(token: Token, key: RSAPublicKey) -> None:
    try:
        key.verify(token.signature, token.signed, PKCS1v15(), _HASHES[token.algorithm]())
    except InvalidSignature:
        raise BadToken("signature is invalid") from None


def check(token: Token, *, issuer: str, audiences: tuple[str, ...], now: float) -> None:
    """The claims of a token whose signature is verified."""
    claims = token.claims
    if claims.get("iss") != issuer:
        raise BadToken("the token has an invalid issuer")
    told = claims["aud"] if "aud" in claims else claims.get("client_id")
    if not any(one in audiences for one in (told if isinstance(told, list) else [told])):
        raise BadToken("the token does not have a valid audience")
    check_times(token, now)


def check_times(token: Token, now: float) -> None:
    claims = token.claims
    if now >= _moment(claims, "exp"):
        raise Expired("the token has expired")
    if "nbf" in claims and now < _moment(claims, "nbf"):
        raise BadToken("the token is not valid yet")
    if "iat" in claims and now < _moment(claims, "iat"):
        raise BadToken("the token was issued in the future")


def scopes(token: Token) -> list[str]:
    told = token.claims["scope"] if "scope" in token.claims else token.claims.get("scp")
    if isinstance(told, str):
        return told.split()
    return [one for one in told if isinstance(one, str)] if isinstance(told, list) else []


def shown(claims: Mapping[str, Any]) -> dict[str, str]:
    """As events have them: all are text, lists in brackets."""
    return {name: _shown(value) for name, value in claims.items()}


def _shown(value: Any) -> str:
    match value:
        case str():
            return value
        case list():
            return f"[{' '.join(map(_shown, value))}]"
        case _:
            return orjson.dumps(value).decode()


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadToken(f"the token has no valid {name}")
    return value


def _json(part: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(_bytes(part))
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise BadToken("the token is malformed")
    return found


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadToken("the token is malformed") from None
