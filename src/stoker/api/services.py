"""AWS's services as botocore models them: which there are, and what an operation is called.

Models of the services we build are loaded once at start. Of all others (some four hundred)
only the head of a file is read, when first asked for, and a whole model only to name the
operation in an honest refusal: both take long enough to belong in a thread.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

BUILT = (
    "lambda", "logs", "sqs", "application-autoscaling", "apigateway", "apigatewayv2",
    "cloudformation", "cloudcontrol", "sts", "cloudwatch", "xray",
)  # fmt: skip
SHARED = frozenset({"cloudwatch"})  # whose other operations are the neighbours',
UNSHARED = frozenset(  # but for these, which they only pretend
    {"PutCompositeAlarm", "PutLogAlarm", "DescribeAlarmContributors", "PutAlarmMuteRule"}
    | {"GetAlarmMuteRule", "ListAlarmMuteRules", "DeleteAlarmMuteRule"}
)
OTHERS_KEPT = 4  # models of other services; all of them would take 400 MB
HEAD_BYTES = 16_384  # AWS's metadata stands first in every file


@dataclass(frozen=True, slots=True)
class Service:
    """What is needed to tell whether a request is for this service."""

    name: str  # botocore's, e.g. "stepfunctions"
    signing_name: str  # in the credential scope, e.g. "states"
    target_prefix: str  # of X-Amz-Target; "" if it has none
    protocols: tuple[str, ...]
    json_version: str
    api_version: str


@dataclass(frozen=True, slots=True)
class Match:
    """The operation a request asks for."""

    operation: str
    labels: Mapping[str, str]  # decoded values of the {labels} in its path


def model(name: str) -> ServiceModel:
    """botocore's model of one service. Slow the first time."""
    return _kept(name) if name in BUILT else _passing(name)


@cache
def _kept(name: str) -> ServiceModel:
    return _loaded(name)


@cache
def shape(service: str, name: str) -> Shape:
    """A shape of a service we build, always the same object: botocore makes a new one each time,
    and what is worked out for a shape is kept for that object."""
    return model(service).shape_for(name)


@lru_cache(OTHERS_KEPT)
def _passing(name: str) -> ServiceModel:
    return _loaded(name)


def _loaded(name: str) -> ServiceModel:
    return ServiceModel(_loader().load_service_model(name, "service-2"), name)


@cache
def built() -> tuple[Service, ...]:
    return tuple(_read(name, model(name).metadata) for name in BUILT)


@cache
def every() -> tuple[Service, ...]:
    """All services, those we build first. Slow the first time."""
    return built() + tuple(_other(name) for name in _names() if name not in BUILT)


def named(name: str) -> Service | None:
    """The one of that name, of those we do not build, if it is signed for by its name, as most
    are: found sooner than among all."""
    if name in BUILT or name not in _names():
        return None
    found = _other(name)
    return found if found.signing_name == name else None


@cache
def _names() -> dict[str, None]:
    """botocore's, in its order."""
    return dict.fromkeys(_loader().list_available_services("service-2"))


@cache
def _other(name: str) -> Service:
    return _read(name, _metadata(name))


def find(
    service: Service, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Match | None:
    """Which operation of `service` the request names. Loads its model."""
    path, _, query = target.partition("?")
    name = _named(service, path, query, headers, body)
    if name is None:
        return _routes(service.name).match(method, path, query, headers)
    return Match(name, {}) if name in model(service.name).operation_names else None


def protocol(service: Service, headers: Mapping[str, str]) -> str:
    """The protocol that this caller speaks: some services understand several."""
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    if "x-amz-target" in headers and "json" in service.protocols:
        return "json"
    others = [name for name in service.protocols if name not in ("smithy-rpc-v2-cbor", "json")]
    return (others or service.protocols)[0]


def _named(
    service: Service, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> str | None:
    """The operation's name where the protocol says it in words; "" if it should and does not."""
    match protocol(service, headers):
        case "json":
            prefix, _, name = headers.get("x-amz-target", "").rpartition(".")
            return name if prefix == service.target_prefix else ""
        case "smithy-rpc-v2-cbor":
            return path.rpartition("/operation/")[2] if "/operation/" in path else ""
        case "query" | "ec2":
            form = body.decode("latin-1") if "form" in headers.get("content-type", "") else ""
            said = dict(parse_qsl(f"{query}&{form}"))
            meant = said.get("Version", service.api_version) == service.api_version
            return said.get("Action", "") if meant else ""
        case _:
            return None


def _loader() -> Loader:
    """Only botocore's own data: models a user has installed must not change our API."""
    return Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH],
        include_default_search_paths=False,
    )


def _read(name: str, metadata: Mapping[str, Any]) -> Service:
    protocols = tuple(metadata.get("protocols") or [metadata["protocol"]])
    if "awsQueryCompatible" in metadata:
        protocols += ("query",)  # SQS's older clients, and whoever writes its addresses by hand
    return Service(
        name,
        metadata.get("signingName", metadata["endpointPrefix"]),
        metadata.get("targetPrefix", ""),
        protocols,
        metadata.get("jsonVersion", "1.0"),
        metadata["apiVersion"],
    )


def _metadata(name: str) -> dict[str, Any]:
    folder = max(path for path in Path(Loader.BUILTIN_DATA_PATH, name).iterdir() if path.is_dir())
    packed = folder / "service-2.json.gz"
    with gzip.open(packed) if packed.exists() else (folder / "service-2.json").open("rb") as file:
        head = file.read(HEAD_BYTES).decode("utf-8", "replace")
    start = head.index("{", head.index('"metadata"'))
    found: dict[str, Any] = json.JSONDecoder().raw_decode(head, start)[0]
    return found


def _routes(name: str) -> "Routes":
    return _kept_routes(name) if name in BUILT else Routes(model(name))


@cache
def _kept_routes(name: str) -> "Routes":
    return Routes(model(name))


@dataclass(frozen=True, slots=True)
class _Template:
    """One requestUri: "/2017-03-31/tags/{Resource}?versions", cut into its parts."""

    operation: str
    segments: tuple[str, ...]
    query: frozenset[tuple[str, str]]  # what the query must contain
    required: frozenset[str]  # headers and query parameters without which it makes no sense
    greedy: bool  # its last label takes what is left of the path
    rank: tuple[int, int]  # of two that fit, the more literal one is meant


class Routes:
    """The paths of a REST service."""

    def __init__(self, service: ServiceModel) -> None:
        found: dict[str, list[_Template]] = {}
        for name in service.operation_names:
            operation = service.operation_model(name)
            path, _, query = operation.http["requestUri"].partition("?")
            segments, pairs = _segments(path), _pairs(query)
            rank = len(pairs), sum(not segment.startswith("{") for segment in segments)
            greedy = segments[-1].endswith("+}")
            template = _Template(name, segments, pairs, _required(operation), greedy, rank)
            found.setdefault(operation.http["method"], []).append(template)
        for templates in found.values():
            templates.sort(key=lambda template: template.rank, reverse=True)
        self._templates = found

    def match(
        self, method: str, path: str, query: str, headers: Mapping[str, str] = MappingProxyType({})
    ) -> Match | None:
        segments, pairs = _segments(path), _pairs(query)
        fitting: list[tuple[_Template, dict[str, str]]] = []
        for template in self._templates.get(method, ()):
            if fitting and template.rank < fitting[0][0].rank:
                break
            if len(template.segments) != len(segments) and not template.greedy:
                continue  # as most
            if template.query <= pairs:
                labels = _labels(template, segments)
                if labels is not None:
                    fitting.append((template, labels))
        if not fitting:
            return None
        # S3 has several operations on one path; what they need besides tells them apart.
        given = {key for key, _ in pairs} | headers.keys() if len(fitting) > 1 else set()
        template, labels = max(
            fitting, key=lambda one: len(one[0].required) if one[0].required <= given else -1
        )
        return Match(template.operation, labels)


def _required(operation: OperationModel) -> frozenset[str]:
    shape = operation.input_shape
    names = set()
    for member in shape.required_members if shape else ():
        serialization = shape.members[member].serialization
        if serialization.get("location") == "header":
            names.add(serialization["name"].lower())
        elif serialization.get("location") == "querystring":
            names.add(serialization["name"])
    return frozenset(names)


def _labels(template: _Template, segments: tuple[str, ...]) -> dict[str, str] | None:
    wanted = template.segments
    if template.greedy and len(segments) > len(wanted):
        joined = "/".join(segments[len(wanted) - 1 :])
        segments = (*segments[: len(wanted) - 1], joined)
    if len(segments) != len(wanted):
        return None
    labels: dict[str, str] = {}
    for want, got in zip(wanted, segments, strict=True):
        if want.startswith("{"):
            labels[want.strip("{+}")] = unquote(got)
        elif want != got:
            return None
    return labels if all(labels.values()) else None


def _segments(path: str) -> tuple[str, ...]:
    """A closing slash makes no difference: older SDKs send one."""
    return tuple(path.strip("/").split("/"))


def _pairs(query: str) -> frozenset[tuple[str, str]]:
    return frozenset(parse_qsl(query, keep_blank_values=True)) if query else frozenset()
