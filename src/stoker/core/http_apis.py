"""HTTP APIs of API Gateway: what one consists of, what may be in it, and what a deployment holds.

    HttpApi ── routes ──► integrations ──► functions       what the owner works on
       │  └─── authorizers
       └────── stages ──► Snapshot                         what is served: as it was when deployed

All parts are kept as JSON under the names of AWS's API, in one record for each API. A stage with
AutoDeploy has every change deployed at once; a deployment that nobody else needs goes with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from stoker.core.errors import (
    BadRequestException,
    ConflictException,
    GatewayNotFoundException,
    TooManyRequestsException,
)
from stoker.core.http_api_rules import check_authorizer, check_integration, check_route, check_stage

Record = Mapping[str, Any]
Records = Mapping[str, Record]
DEFAULT = "$default"  # the stage that needs no name in the path
DEPLOYMENTS = 100  # of one API (ours)
NO_ROUTE = "At least one route is required before deploying the Api."
AUTOMATIC = "Automatic deployment triggered by changes to the Api configuration"


class Part(StrEnum):
    """What an API has several of. The value is its field's name."""

    ROUTE = "routes"
    INTEGRATION = "integrations"
    AUTHORIZER = "authorizers"
    STAGE = "stages"
    DEPLOYMENT = "deployments"

    @property
    def noun(self) -> str:
        return self.value.removesuffix("s").capitalize()

    @property
    def id(self) -> str:
        """The member that names one."""
        return "stageName" if self is Part.STAGE else f"{self.value.removesuffix('s')}Id"


# Of one API (AWS: "Quotas for configuring and running an HTTP API").
MOST = {
    Part.ROUTE: 300,
    Part.INTEGRATION: 300,
    Part.AUTHORIZER: 10,
    Part.STAGE: 10,
    Part.DEPLOYMENT: DEPLOYMENTS,
}
TIMEOUT_MS = 30_000  # of an integration: the most, and unless said otherwise (AWS)
TTL_S = 300  # how long answers of Lambda authorizers are kept, if nothing is said
DEFAULTS: dict[Part, dict[str, Any]] = {
    Part.ROUTE: {"apiKeyRequired": False, "authorizationType": "NONE"},
    Part.INTEGRATION: {
        "connectionType": "INTERNET",
        "payloadFormatVersion": "1.0",
        "timeoutInMillis": TIMEOUT_MS,
    },
    Part.AUTHORIZER: {},
}
NEEDED = frozenset({"authorizerType", "integrationType", "name", "routeKey"})
_MERGED = frozenset({"stageVariables", "routeSettings"})  # by their keys


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a deployment serves."""

    routes: Records
    integrations: Records
    authorizers: Records
    cors: Record | None

    def dump(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, slots=True)
class HttpApi:
    api: Record
    routes: Records = field(default_factory=dict)
    integrations: Records = field(default_factory=dict)
    authorizers: Records = field(default_factory=dict)
    stages: Records = field(default_factory=dict)
    deployments: Records = field(default_factory=dict)  # without what they hold

    def dump(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def of(self, part: Part) -> Records:
        found: Records = getattr(self, part.value)
        return found

    def one(self, part: Part, id: str) -> Record:
        found = self.of(part).get(id)
        if found is None:
            raise GatewayNotFoundException(f"Invalid {part.noun} identifier specified")
        return found

    def add(self, part: Part, id: str, record: Record) -> "HttpApi":
        """With one more. `record` says its own id, too."""
        self._check(part, id, record)
        there = self.of(part)
        if part is Part.STAGE and id in there:
            raise ConflictException("Stage already exists")
        if len(there) >= MOST[part]:
            raise TooManyRequestsException(f"An API can have {MOST[part]} {part.value}.")
        return self._with(part, {**there, id: record})

    def change(self, part: Part, id: str, given: Record) -> "HttpApi":
        record = changed(self.one(part, id), given)
        self._check(part, id, record)
        return self._with(part, {**self.of(part), id: record})

    def drop(self, part: Part, id: str, member: str) -> "HttpApi":
        """Without this member."""
        record = {name: one for name, one in self.one(part, id).items() if name != member}
        return self._with(part, {**self.of(part), id: record})

    def remove(self, part: Part, id: str) -> "HttpApi":
        self.one(part, id)
        self._check_unused(part, id)
        return self._with(part, {key: one for key, one in self.of(part).items() if key != id})

    @property
    def snapshot(self) -> Snapshot:
        cors = self.api.get("corsConfiguration")
        return Snapshot(self.routes, self.integrations, self.authorizers, cors)

    def deploy(self, id: str, now: float, description: str | None, *, auto: bool) -> "HttpApi":
        """With a deployment of what there is now."""
        if not self.routes:
            raise BadRequestException(NO_ROUTE)
        record = {
            "deploymentId": id,
            "createdDate": now,
            "deploymentStatus": "DEPLOYED",
            "autoDeployed": auto,
            **({} if description is None else {"description": description}),
        }
        return self.add(Part.DEPLOYMENT, id, record)

    def _with(self, part: Part, records: Records) -> "HttpApi":
        return replace(self, **{part.value: records})

    def _check(self, part: Part, id: str, record: Record) -> None:
        match part:
            case Part.ROUTE:
                check_route(record, self.integrations, self.authorizers)
                key = record["routeKey"]
                if any(one["routeKey"] == key for at, one in self.routes.items() if at != id):
                    raise ConflictException(f"Route with key {key} already exists for this API")
            case Part.INTEGRATION:
                check_integration(record)
            case Part.AUTHORIZER:
                check_authorizer(record)
            case Part.STAGE:
                check_stage(id, record, self.deployments)
            case Part.DEPLOYMENT:
                pass

    def _check_unused(self, part: Part, id: str) -> None:
        match part:
            case Part.INTEGRATION:
                users = [
                    one["routeKey"]
                    for one in self.routes.values()
                    if one.get("target") == f"integrations/{id}"
                ]
            case Part.AUTHORIZER:
                users = [
                    one["routeKey"] for one in self.routes.values() if one.get("authorizerId") == id
                ]
            case Part.DEPLOYMENT:
                users = [name for name, one in self.stages.items() if one.get("deploymentId") == id]
            case _:
                return
        if users:
            raise ConflictException(
                f"Cannot delete {part.noun} '{id}': it is used by {', '.join(sorted(users))}"
            )


def with_facts(api: HttpApi, record: Record) -> HttpApi:
    """The same API, but for what it says of itself."""
    return replace(api, api=record)


def changed(record: Record, given: Record) -> dict[str, Any]:
    """What is given takes its place; an empty text ends what was there, also within a map."""
    found = dict(record)
    for name, value in given.items():
        if name in _MERGED:
            merged = {**found.get(name, {}), **value}
            found[name] = {key: one for key, one in merged.items() if one != ""}
        elif value == "" and name in NEEDED:
            raise BadRequestException(f"{name} must not be empty")
        elif value == "":
            found.pop(name, None)
        else:
            found[name] = value
    return found


def new_stage(name: str, given: Record, now: float) -> dict[str, Any]:
    return {
        "autoDeploy": False,
        "defaultRouteSettings": {"detailedMetricsEnabled": False},
        "routeSettings": {},
        "stageVariables": {},
        "tags": {},
        **given,
        "stageName": name,
        "createdDate": now,
        "lastUpdatedDate": now,
    }


@dataclass(frozen=True, slots=True)
class Deployed:
    """An API after a change, and what its automatic stages make of that."""

    api: HttpApi
    made: str | None = None  # the deployment that is new; it holds the API's snapshot
    gone: frozenset[str] = frozenset()  # those that nobody needs any more


def settle(before: HttpApi, api: HttpApi, id: str, now: float) -> Deployed:
    """Have what changed served by every stage with AutoDeploy, as deployment `id`."""
    automatic = {name: one for name, one in api.stages.items() if one.get("autoDeploy")}
    joining = [one for name, one in automatic.items() if not _is_automatic(before, name)]
    if not automatic or (api.snapshot == before.snapshot and not joining):
        return Deployed(api)
    if not api.routes:
        message = f"Deployment attempt failed: {NO_ROUTE}"
        failed = {
            name: {**one, "lastDeploymentStatusMessage": message} for name, one in automatic.items()
        }
        return Deployed(replace(api, stages={**api.stages, **failed}))
    message = f"Successfully deployed stage with deployment ID '{id}'"
    served = {
        name: {
            **one,
            "deploymentId": id,
            "lastUpdatedDate": now,
            "lastDeploymentStatusMessage": message,
        }
        for name, one in automatic.items()
    }
    api = replace(api, stages={**api.stages, **served})
    needed = {one.get("deploymentId") for one in api.stages.values()}
    gone = frozenset(
        at for at, one in api.deployments.items() if one["autoDeployed"] and at not in needed
    )
    kept = {at: one for at, one in api.deployments.items() if at not in gone}
    api = replace(api, deployments=kept).deploy(id, now, AUTOMATIC, auto=True)
    return Deployed(api, id, gone)


def _is_automatic(api: HttpApi, stage: str) -> bool:
    return bool(api.stages.get(stage, {}).get("autoDeploy"))
