"""HTTP APIs as requests find them: stages, and in each what its deployment holds.

Made once for each change, so that a request only looks up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core.function_urls import Cors
from stoker.core.http_apis import DEFAULT, TIMEOUT_MS, HttpApi
from stoker.core.http_routes import Chosen, Route, Routes, read_key

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Integration:
    uri: str
    format: str  # "1.0" or "2.0"
    timeout_s: float
    credentials: str | None  # the role that calls, instead of the resource policy
    method: str | None = None  # of HTTP_PROXY; None: it is a function


@dataclass(frozen=True, slots=True)
class Authorizer:
    id: str
    sources: tuple[str, ...]
    # of a Lambda authorizer
    uri: str = ""
    format: str = ""
    simple: bool = False
    ttl_s: int = 0
    credentials: str | None = None
    # of a JWT authorizer
    issuer: str = ""
    audiences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guarded:
    """What stands behind a route."""

    integration: Integration | None
    authorization: str  # NONE | AWS_IAM | CUSTOM | JWT
    authorizer: Authorizer | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServedStage:
    name: str
    deployment: str
    variables: Mapping[str, str]
    cors: Cors | None
    routes: Routes
    behind: Mapping[str, Guarded]  # by the route's id

    def choose(self, method: str, path: str) -> tuple[Chosen, Guarded] | None:
        chosen = self.routes.choose(method, path)
        return None if chosen is None else (chosen, self.behind[chosen.route.id])


@dataclass(frozen=True, slots=True)
class ServedApi:
    account: str
    region: str
    id: str
    disabled: bool  # not under its own name: DisableExecuteApiEndpoint
    stages: Mapping[str, ServedStage]  # those that have a deployment

    def arn(self, rest: str) -> str:
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.id}/{rest}"

    def stage_of(self, path: str) -> tuple[ServedStage, str] | None:
        """By the first name of the path, else the default one; and the path within it."""
        first, slash, rest = path[1:].partition("/")
        stage = self.stages.get(first.replace("%24", "$"))
        if stage is not None:
            return stage, f"/{rest}" if slash else "/"
        stage = self.stages.get(DEFAULT)
        return None if stage is None else (stage, path)


def served(
    account: str, region: str, id: str, api: HttpApi, snapshots: Mapping[str, Record]
) -> ServedApi:
    """`snapshots`: what its deployments hold."""
    stages = {
        name: _stage(name, stage, snapshots[stage["deploymentId"]])
        for name, stage in api.stages.items()
        if stage.get("deploymentId") in snapshots
    }
    return ServedApi(account, region, id, bool(api.api.get("disableExecuteApiEndpoint")), stages)


def _stage(name: str, stage: Record, snapshot: Record) -> ServedStage:
    routes: list[Route] = []
    behind = {}
    for id, record in snapshot["routes"].items():
        route = read_key(id, record["routeKey"])
        assert route is not None, "checked when it was made"
        routes.append(route)
        behind[id] = _guarded(record, snapshot)
    return ServedStage(
        name,
        stage["deploymentId"],
        stage.get("stageVariables") or {},
        _cors(snapshot["cors"]),
        Routes(routes),
        behind,
    )


def _guarded(route: Record, snapshot: Record) -> Guarded:
    target = (route.get("target") or "").removeprefix("integrations/")
    integration = snapshot["integrations"].get(target)
    authorizer = snapshot["authorizers"].get(route.get("authorizerId"))
    return Guarded(
        None if integration is None else _integration(integration),
        route.get("authorizationType", "NONE"),
        None if authorizer is None else _authorizer(authorizer),
        tuple(route.get("authorizationScopes") or ()),
    )


def _integration(record: Record) -> Integration:
    return Integration(
        record["integrationUri"],
        record.get("payloadFormatVersion", "1.0"),
        record.get("timeoutInMillis", TIMEOUT_MS) / 1000,
        record.get("credentialsArn"),
        record.get("integrationMethod") if record["integrationType"] == "HTTP_PROXY" else None,
    )


def _authorizer(record: Record) -> Authorizer:
    told = record.get("jwtConfiguration") or {}
    return Authorizer(
        id=record["authorizerId"],
        sources=tuple(record.get("identitySource") or ()),
        uri=record.get("authorizerUri") or "",
        format=record.get("authorizerPayloadFormatVersion") or "",
        simple=bool(record.get("enableSimpleResponses")),
        ttl_s=record.get("authorizerResultTtlInSeconds") or 0,
        credentials=record.get("authorizerCredentialsArn"),
        issuer=told.get("issuer", ""),
        audiences=tuple(told.get("audience") or ()),
    )


def _cors(record: Record | None) -> Cors | None:
    if record is None:
        return None

    def listed(name: str) -> tuple[str, ...] | None:
        return tuple(record[name]) if record.get(name) else None

    return Cors(
        credentials=record.get("allowCredentials"),
        headers=listed("allowHeaders"),
        methods=listed("allowMethods"),
        origins=listed("allowOrigins"),
        exposed=listed("exposeHeaders"),
        max_age_s=record.get("maxAge"),
    )
