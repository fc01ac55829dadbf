"""Identifiers that are minted for each request, cheaply: the warm path pays for every one; and
those of what the control plane writes."""

import time
import uuid
from datetime import UTC, datetime
from os import urandom

from stoker.core.invocation import RequestId

_VARIANT = {digit: "89ab"[index % 4] for index, digit in enumerate("0123456789abcdef")}


_POOL_BYTES = 4096
_pool: list[str] = []


def random_digits() -> str:
    """64 hexadecimal ones; asking the kernel for many at once is cheaper."""
    if not _pool:
        digits = urandom(_POOL_BYTES).hex()
        _pool[:] = [digits[at : at + 64] for at in range(0, len(digits), 64)]
    return _pool.pop()


def new_request_id() -> RequestId:
    """UUID version 4, lower case."""
    digits = random_digits()[:32]
    return RequestId(
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}"
        f"-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
    )


def new_short_id(length: int) -> str:
    """Small letters and digits, as API Gateway names what is its."""
    number = int(random_digits(), 16)
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 36)
        digits.append("0123456789abcdefghijklmnopqrstuvwxyz"[digit])
    return "".join(digits)


def new_trace() -> tuple[str, str]:
    """The Root and the Parent of an X-Ray trace header."""
    digits = random_digits()
    return f"1-{int(time.time()):08x}-{digits[:24]}", digits[24:40]


def new_revision() -> str:
    """A RevisionId."""
    return str(uuid.uuid4())


def iso_timestamp() -> str:
    """Now, in the form of newer resources' LastModified."""
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"


def timestamp() -> str:
    """Now, in the form of LastModified and CreatedDate."""
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"
