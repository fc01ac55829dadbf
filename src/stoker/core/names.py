"""Names of functions: parse at the door, print at the exit.

AWS accepts a function's name in many spellings, each with or without `:qualifier`:

    f
    function:f
    123456789012:f                       123456789012:function:f
    us-east-1:123456789012:function:f
    arn:aws:lambda:us-east-1:123456789012:function:f

`parse_function_ref` reads any of them, `FunctionRef.text` prints one that reads back the same,
and `locate` says which function of which account a caller means, or refuses in AWS's words.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from stoker.core.errors import (
    AccessDeniedException,
    InvalidParameterValueException,
    ResourceNotFoundException,
    ValidationException,
)

LATEST = "$LATEST"

# The service model's NamespacedFunctionName, with names given to its groups.
PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?"
    r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?"
    r"(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_FUNCTION = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9_.-]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A function as a request names it; None where the request left it open."""

    account: str | None
    region: str | None
    name: str
    qualifier: str | None

    def text(self) -> str:
        """The shortest spelling that reads back as the same reference."""
        if self.account and self.region:
            prefix = f"arn:aws:lambda:{self.region}:{self.account}:"
        else:
            prefix = "".join(f"{part}:" for part in (self.region, self.account) if part)
        # "function:" keeps a name such as "123456789012" from being read as an account.
        return f"{prefix}function:{self.name}" + (f":{self.qualifier}" if self.qualifier else "")


def parse_function_ref(text: str) -> FunctionRef:
    """Read any of AWS's spellings, or raise ValidationException."""
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise ValidationException(
            f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {PATTERN}"
        )
    return FunctionRef(match["account"], match["region"], match["name"], match["qualifier"])


def locate(
    text: str,
    qualifier: str | None,
    *,
    account: str,
    region: str,
    action: str,
    foreign: bool = False,
) -> FunctionRef:
    """The function that a caller of this account and region means: nothing is left open but
    the qualifier. `action` is the operation's name, for the refusal. `foreign`: it may be
    another account's, whose policy is asked later."""
    ref = parse_function_ref(text)
    if ref.region not in (None, region):
        raise _elsewhere(ref.region, region)
    if ref.account not in (None, account) and not foreign:
        # Whatever its policy says: this is not built across accounts.
        arn = function_arn(region, ref.account or account, ref.name)
        raise _not_yours(arn, account, action)
    if qualifier and ref.qualifier and qualifier != ref.qualifier:
        raise InvalidParameterValueException(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return replace(
        ref, account=ref.account or account, region=region, qualifier=ref.qualifier or qualifier
    )


def check_owner(
    arn: str, account: str, region: str, *, caller: tuple[str, str], action: str
) -> None:
    """Refuse what is of another account or region than the caller: (account, region)."""
    if region != caller[1]:
        raise _elsewhere(region, caller[1])
    if account != caller[0]:
        raise _not_yours(arn, caller[0], action)


def _elsewhere(asked: str | None, here: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        f"Functions from '{asked}' are not reachable in this region ('{here}')"
    )


def _not_yours(arn: str, account: str, action: str) -> AccessDeniedException:
    return AccessDeniedException(
        f"User: arn:aws:iam::{account}:root is not authorized to perform: lambda:{action} on "
        f"resource: {arn} because no resource-based policy allows the lambda:{action} action"
    )


def function_arn(region: str, account: str, name: str, qualifier: str | None = None) -> str:
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn


@lru_cache(1024)
def runtime_version_arn(region: str, runtime: str) -> str:
    """What names the exact build of a runtime. Ours follow the identifier alone: the
    interpreter is the machine's, and its updates are the machine's affair."""
    digest = hashlib.sha256(f"stoker {runtime}".encode()).hexdigest()
    return f"arn:aws:lambda:{region}::runtime:{digest}"


def function_not_found(
    region: str, account: str, name: str, qualifier: str | None = None
) -> ResourceNotFoundException:
    arn = function_arn(region, account, name, qualifier)
    return ResourceNotFoundException(f"Function not found: {arn}")
