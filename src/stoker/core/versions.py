"""Versions: what $LATEST was when it was published.

A version's configuration never changes. Its number is counted per name and never given again,
not even to a function that is made anew under the same name (developer guide, "Manage Lambda
function versions"). What was ready to run as $LATEST is Active at once; else the version waits
for the activation reconciler, as a function does.
"""

import base64
from dataclasses import dataclass, replace

from stoker.core.errors import InvalidParameterValueException, PreconditionFailedException
from stoker.core.model import Configuration, Function, FunctionKey, State, check_free
from stoker.core.names import function_arn


@dataclass(frozen=True, slots=True)
class VersionKey:
    function: FunctionKey
    number: int

    @property
    def arn(self) -> str:
        key = self.function
        return function_arn(key.region, key.account, key.name, str(self.number))


@dataclass(frozen=True, slots=True)
class Version:
    key: VersionKey
    configuration: Configuration
    published_as: str  # the description of $LATEST, which a version's own may replace
    state: State
    revision_id: str
    last_modified: str
    state_reason: str | None = None
    state_reason_code: str | None = None
    policy: str = ""  # JSON (core/policies.py)

    @property
    def unsettled(self) -> bool:
        """Waits for the activation reconciler."""
        return self.state is State.PENDING

    @property
    def snap_start(self) -> bool:
        """Its environments are copies of a snapshot."""
        return self.configuration.snap_start

    @property
    def digests(self) -> frozenset[str]:
        """The code it cannot do without."""
        return self.configuration.digests

    @property
    def trees(self) -> frozenset[str]:
        """The same unpacked, and its layers merged."""
        return self.configuration.trees


def check_publishable(function: Function, code_sha256: str | None, revision: str | None) -> None:
    """Refuse to publish what is not what the caller has seen, or not ready."""
    check_revision(function.revision_id, revision)
    current = base64.b64encode(bytes.fromhex(function.latest.code.sha256)).decode()
    if code_sha256 and code_sha256 != current:
        raise InvalidParameterValueException(
            f"CodeSHA256 ({code_sha256}) is different from current CodeSHA256 in $LATEST "
            f"({current}). Please try again with the CodeSHA256 in $LATEST."
        )
    check_free(function)


def check_revision(current: str, given: str | None) -> None:
    """`given`: the revision that the caller has seen, if it says one."""
    if given is not None and given != current:
        raise PreconditionFailedException(
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id"
        )


def is_published(function: Function, newest: Version | None) -> bool:
    """Whether the newest version is what $LATEST is now: then AWS makes no other one. A
    description that was given to the version alone makes no difference."""
    return newest is not None and function.latest == replace(
        newest.configuration, description=newest.published_as
    )


def published(
    function: Function, number: int, description: str | None, *, revision: str, now: str
) -> Version:
    """The version that $LATEST becomes. An empty description is none, as on AWS."""
    latest = function.latest
    ready = function.state is State.ACTIVE and function.serving == latest
    ready = ready and not latest.snap_start  # its snapshot is to be taken first
    return Version(
        VersionKey(function.key, number),
        replace(latest, description=description or latest.description),
        published_as=latest.description,
        state=State.ACTIVE if ready else State.PENDING,
        state_reason=None if ready else "The function is being created.",
        state_reason_code=None if ready else "Creating",
        revision_id=revision,
        last_modified=now,
    )


def activated(version: Version) -> Version:
    """It is ready. Unlike a function's, its revision stays (recorded by LocalStack's tests)."""
    return replace(version, state=State.ACTIVE, state_reason=None, state_reason_code=None)


def failed(version: Version, reason: str, code: str) -> Version:
    return replace(version, state=State.FAILED, state_reason=reason, state_reason_code=code)


def restoring(version: Version) -> Version:
    """Make it ready once more: it failed, or its code was lost."""
    return replace(
        version,
        state=State.PENDING,
        state_reason="The function is being restored.",
        state_reason_code="Restoring",
    )
