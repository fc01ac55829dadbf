"""JSON Web Tokens, and who issues them: a key, a discovery document, a set of public keys."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from tests.running import StokerProcess

KEY_ID = "one"


def private_key(number: int = 0) -> RSAPrivateKey:
    """The same for the same number; small, so that it is quickly made."""
    return _key(number)


@cache
def _key(number: int) -> RSAPrivateKey:
    return generate_private_key(65537, 1024 + 8 * number)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key: RSAPrivateKey, key_id: str = KEY_ID, **more: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    modulus = encoded(numbers.n.to_bytes(size, "big"))
    return {"kty": "RSA", "kid": key_id, "n": modulus, "e": "AQAB", **more}


def token(claims: Any, *, number: int = 0, **head: Any) -> str:
    """Signed with the key of that number."""
    given = {"alg": "RS256", "kid": KEY_ID, **head}
    parts = (encoded(json.dumps(given).encode()), encoded(json.dumps(claims).encode()))
    signed = ".".join(parts)
    signature = private_key(number).sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{signed}.{encoded(signature)}"


class Issuer:
    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: list[dict[str, Any]] = [jwk(private_key())]
        self.keys_at = ""  # another address
        self.asked: list[str] = []  # paths

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            self.asked.append(path)
            document: Any = {"keys": self.keys}
            if path == "/.well-known/openid-configuration":
                document = {"issuer": self.url, "jwks_uri": self.keys_at or f"{self.url}/keys"}
            body = json.dumps(document).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def open_issuer() -> AsyncIterator[Issuer]:
    """One that answers on a port of its own."""
    issuer = Issuer("")
    server = await asyncio.start_server(issuer.answer, "127.0.0.1", 0)
    async with server:
        issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield issuer


def signed_in(server: StokerProcess) -> tuple[str, str, dict[str, str]]:
    """A user pool of the Cognito there, a client of it, and the tokens of one user."""
    with closing(server.client("cognito-idp")) as users:
        pool = users.create_user_pool(PoolName="pool")["UserPool"]["Id"]
        client = users.create_user_pool_client(
            UserPoolId=pool, ClientName="site", ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"]
        )["UserPoolClient"]["ClientId"]
        users.admin_create_user(UserPoolId=pool, Username="ann")
        secret = {"UserPoolId": pool, "Username": "ann", "Password": "Passw0rd!", "Permanent": True}
        users.admin_set_user_password(**secret)
        tokens = users.admin_initiate_auth(
            UserPoolId=pool, ClientId=client, AuthFlow="ADMIN_NO_SRP_AUTH",
            AuthParameters={"USERNAME": "ann", "PASSWORD": "Passw0rd!"},
        )["AuthenticationResult"]  # fmt: skip
    return pool, client, tokens
