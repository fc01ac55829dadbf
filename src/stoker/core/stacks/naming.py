"""Names that CloudFormation gives to resources which a template does not name: of the stack, the
logical id and what makes them unique. The same stack asks for the same name again: after a crash
that tells what may have been made."""

import hashlib
import re

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
SUFFIX = 12


def generated(
    stack_id: str, stack: str, logical: str, generation: int, *, most: int, lower: bool = False
) -> str:
    """STACK-LOGICAL-SUFFIX, cut in its first parts to at most `most` characters."""
    suffix = _suffix(f"{stack_id} {logical} {generation}")
    room = most - SUFFIX - 1
    head = f"{stack}-{logical}"
    if len(head) > room:
        kept = max(room - 25, room // 2)  # the stack's name is the more telling part
        head = f"{stack[:kept]}-{logical}"[:room].rstrip("-")
    name = f"{head}-{suffix}"
    return re.sub("[^a-z0-9-]", "", name.lower()) if lower else name


def token(*parts: object, length: int = SUFFIX) -> str:
    """Letters and digits that are the same for the same parts."""
    return _suffix(" ".join(map(str, parts)))[:length]


def _suffix(seed: str) -> str:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    letters = []
    for _ in range(SUFFIX):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)
