"""Who we are to a Kafka cluster: secrets of Secrets Manager, made into what its client needs.

The secrets' members are AWS's: "username" and "password"; "certificate", "privateKey" and, if the
key is encrypted, "privateKeyPassword"; "certificate" of the authority.
"""

import asyncio
import ssl
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from stoker.core.kafka_settings import Access, BadSecret, secret_fields
from stoker.neighbours.acting import Actor, call_as
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Neighbours, Unreachable

SECRET_BYTES = 64 * 1024  # AWS: of a secret; as JSON its answer is larger
_INVALID = "Provided certificate or private key is invalid."  # AWS's words


class Trouble(Exception):
    """Why a cluster cannot be read, as LastProcessingResult says it behind "PROBLEM: "."""


@dataclass(frozen=True, slots=True)
class Security:
    """As aiokafka takes it."""

    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    context: ssl.SSLContext | None = field(default=None, repr=False)


async def secured(neighbours: Neighbours, who: Actor, region: str, access: Access) -> Security:
    """Secrets are asked for each time, so that new ones count at the next connection. Raise
    Trouble."""
    ask = partial(_secret, neighbours, who, region)
    try:
        login = await ask(access.login, "username", "password")
        own = await ask(access.certificate, "certificate", "privateKey")
        authority = await ask(access.authority, "certificate")
    except (Refused, Unreachable) as error:
        raise Trouble(f"Cannot get a secret from Secrets Manager. {error}") from error
    except BadSecret as error:
        raise Trouble(str(error)) from error
    context = await asyncio.to_thread(_context, own, authority) if access.tls else None
    return Security(
        access.protocol,
        access.mechanism,
        login.get("username", ""),
        login.get("password", ""),
        context,
    )


async def _secret(
    neighbours: Neighbours, who: Actor, region: str, arn: str, *names: str
) -> dict[str, str]:
    if not arn:
        return {}
    if not neighbours.serves("secretsmanager"):
        raise Trouble("This server has no Secrets Manager (option neighbours).")
    said = await call_as(
        neighbours, who, "secretsmanager", "GetSecretValue", {"SecretId": arn},
        region=region, most=8 * SECRET_BYTES,
    )  # fmt: skip
    return secret_fields(said.get("SecretString") or "", *names)


def _context(own: dict[str, str], authority: dict[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=authority.get("certificate"))
        if own:
            with tempfile.TemporaryDirectory() as folder:  # which only we may enter
                path = Path(folder) / "client.pem"
                path.write_text(f"{own['certificate']}\n{own['privateKey']}\n")
                context.load_cert_chain(path, password=own.get("privateKeyPassword", ""))
    except (ssl.SSLError, ValueError) as error:
        raise Trouble(_INVALID) from error
    return context
