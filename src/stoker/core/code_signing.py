"""Code signing configurations: whose signatures a function's code must have, and what becomes of
code that has none.

AWS Signer's signatures lead to certificates that only AWS holds, so none can be verified here:
all code counts as untrusted. Enforce refuses it, Warn lets it pass and says so. To accept what
merely looks signed would be a lock that opens to any key.
"""

from collections.abc import Mapping
from typing import Any

from stoker.core.errors import (
    CodeSigningConfigNotFoundException,
    CodeVerificationFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.core.model import FunctionKey
from stoker.core.resources import Kind, Resource, ResourceKey

KIND = "code-signing"  # of a function's setting in the store
ID_DIGITS = 17  # behind "csc-"


def key_of(arn: str) -> ResourceKey:
    """`arn` is legal by AWS's model."""
    _, _, _, region, account, _, name = arn.split(":", 6)
    return ResourceKey(account, region, Kind.SIGNING, name)


def made(asked: Mapping[str, Any], now: str) -> dict[str, Any]:
    """A new record. AWS's default is to warn."""
    return updated({"Description": "", "CodeSigningPolicies": {}}, asked, now)


def updated(before: Mapping[str, Any], asked: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The record with what is mentioned in place of what was."""
    names = ("Description", "AllowedPublishers", "CodeSigningPolicies")
    given = {name: asked[name] for name in names if asked.get(name) is not None}
    record = {**before, **given, "LastModified": now}
    policies = {"UntrustedArtifactOnDeployment": "Warn"} | record["CodeSigningPolicies"]
    return {**record, "CodeSigningPolicies": policies}


def check_deployment(configuration: Resource, function: FunctionKey) -> None:
    """Refuse new code, in AWS's words, unless the configuration lets untrusted code pass."""
    policies = configuration.record["CodeSigningPolicies"]
    if policies["UntrustedArtifactOnDeployment"] == "Enforce":
        raise CodeVerificationFailedException(
            "Lambda cannot deploy the function. The function or layer might be signed using a "
            "signature that the client is not configured to accept. Check the provided signature "
            f"for {function.name}."
        )


def none_there(arn: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        f"The Lambda code signing configuration {arn} can not be found."
    )


def none_for_function(arn: str) -> CodeSigningConfigNotFoundException:
    return CodeSigningConfigNotFoundException(
        "The code signing configuration cannot be found. Check that the provided configuration is "
        f"not deleted: {arn}."
    )


def in_use(arn: str) -> ResourceConflictException:
    return ResourceConflictException(
        f"The Lambda code signing configuration {arn} is in use by a function. Remove it from its "
        "functions first."
    )
