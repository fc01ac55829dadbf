"""What an account has besides functions and layers, each with an ARN and tags of its own.

    event source mapping       arn:aws:lambda:REGION:ACCOUNT:event-source-mapping:UUID
    code signing configuration arn:aws:lambda:REGION:ACCOUNT:code-signing-config:csc-…
    capacity provider          arn:aws:lambda:REGION:ACCOUNT:capacity-provider:NAME

A resource is kept as a record: JSON under AWS's member names, and what each kind adds to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """As it stands in the ARN."""

    MAPPING = "event-source-mapping"
    SIGNING = "code-signing-config"
    PROVIDER = "capacity-provider"
    # Of other services; their ARNs are made elsewhere.
    SCALING = "scalable-target"  # Application Auto Scaling's
    HTTP_API = "http-api"  # API Gateway's
    HTTP_DEPLOYMENT = "http-api-deployment"  # what one holds; its id is "API/DEPLOYMENT"
    REST_API = "rest-api"
    REST_DEPLOYMENT = "rest-api-deployment"  # as that of an HTTP API
    REST_ACCOUNT = "rest-api-account"  # API keys and usage plans
    LEARNED = "learned"  # ours: an experiment of the guided tour that was done
    ALARM = "alarm"  # CloudWatch's; its id is the alarm's name


@dataclass(frozen=True, slots=True)
class ResourceKey:
    account: str
    region: str
    kind: Kind
    id: str

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Resource:
    key: ResourceKey
    revision_id: str
    record: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)

    def changed(self, record: Mapping[str, Any], *, revision: str) -> "Resource":
        return replace(self, record=record, revision_id=revision)

    def tagged(self, tags: Mapping[str, str], *, revision: str) -> "Resource":
        return replace(self, tags=tags, revision_id=revision)
