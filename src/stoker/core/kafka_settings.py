"""What an event source mapping says about reading a Kafka cluster of one's own. Pure.

Who we are to the cluster is in secrets of Secrets Manager, which SourceAccessConfigurations name.
Source: "Configuring cluster authentication methods" of Lambda's developer guide.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.core.errors import InvalidParameterValueException, NotImplementedException

SERVICE = "self-managed-kafka"  # a key of event_sources.SOURCES
SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
TO_TOPIC = "kafka://"  # begins a destination that is a topic of the same cluster
GATHER_S = 0.5  # AWS: the batching window of Kafka if none is said
RETRIES_WITH_DESTINATION = 10  # AWS: instead of without end
_MECHANISMS = {
    "BASIC_AUTH": "PLAIN",
    "SASL_SCRAM_256_AUTH": "SCRAM-SHA-256",
    "SASL_SCRAM_512_AUTH": "SCRAM-SHA-512",
}
_CERTIFICATE = "CLIENT_CERTIFICATE_TLS_AUTH"
_AUTHORITY = "SERVER_ROOT_CA_CERTIFICATE"
_LOOPBACK = re.compile(r"127(\.\d{1,3}){3}", re.ASCII)
_NETWORK = frozenset({"VPC_SUBNET", "VPC_SECURITY_GROUP"})


class BadSecret(Exception):
    """It does not hold what AWS wants in it: what is wrong."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the cluster. Secrets are named, not held."""

    mechanism: str = ""  # of SASL, as Kafka calls it
    login: str = ""  # the secret with user name and password
    certificate: str = ""  # the secret with the client's certificate and key
    authority: str = ""  # the secret with the certificate that servers' are signed by
    tls: bool = False

    @property
    def protocol(self) -> str:
        """As Kafka's clients call it."""
        return ("SASL_" if self.mechanism else "") + ("SSL" if self.tls else "PLAINTEXT")


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    servers: tuple[str, ...]
    topic: str
    group: str  # of consumers
    access: Access

    @classmethod
    def load(cls, record: Mapping[str, Any], uuid: str) -> "KafkaSettings":
        servers = tuple(record["SelfManagedEventSource"].get("Endpoints", {}).get(SERVERS, ()))
        said = record.get("SelfManagedKafkaEventSourceConfig", {})
        return cls(
            servers,
            record["Topics"][0],
            said.get("ConsumerGroupId") or uuid,
            access(servers, record.get("SourceAccessConfigurations") or ()),
        )

    @property
    def bootstrap(self) -> str:
        """As events say it."""
        return ",".join(self.servers)


def access(servers: Sequence[str], configured: Sequence[Mapping[str, str]]) -> Access:
    """AWS encrypts whenever it logs in. So do we, except to a broker on this machine for which no
    authority is given: such seldom have certificates, and nobody listens in between."""
    given = {one["Type"]: one["URI"] for one in configured if one["Type"] not in _NETWORK}
    authority, certificate = given.get(_AUTHORITY, ""), given.get(_CERTIFICATE, "")
    login = next((kind for kind in _MECHANISMS if kind in given), "")
    needs_tls = bool(login) and not all(map(_is_local, servers))
    return Access(
        _MECHANISMS.get(login, ""),
        given.get(login, ""),
        certificate,
        authority,
        tls=bool(authority or certificate) or needs_tls,
    )


def check(record: Mapping[str, Any]) -> None:
    """Refuse what no cluster can be read with, or what we do not do."""
    endpoints = record["SelfManagedEventSource"].get("Endpoints") or {}
    if not endpoints.get(SERVERS):
        raise InvalidParameterValueException(f"SelfManagedEventSource must have {SERVERS}.")
    if len(record["Topics"]) != 1:
        raise InvalidParameterValueException("Topics must have exactly one topic.")
    _check_config(record.get("SelfManagedKafkaEventSourceConfig") or {})
    _check_access(record.get("SourceAccessConfigurations") or ())
    _check_filters(record.get("FilterCriteria") or {})
    destination = record.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") or ""
    if destination == TO_TOPIC + record["Topics"][0]:
        raise InvalidParameterValueException(
            "The on-failure destination cannot be the topic that is read."
        )


def check_unchanged(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """AWS: the consumer group of a mapping cannot be another one later."""
    was, now = (
        one.get("SelfManagedKafkaEventSourceConfig", {}).get("ConsumerGroupId")
        for one in (before, after)
    )
    if was != now:
        raise InvalidParameterValueException("ConsumerGroupId cannot be changed.")


def _check_config(said: Mapping[str, Any]) -> None:
    if said.get("SchemaRegistryConfig"):
        raise NotImplementedException(
            "Stoker has not built SchemaRegistryConfig of CreateEventSourceMapping: functions get "
            "records as they are."
        )
    if said.get("ConsumptionMode", "Stream") != "Stream":
        raise NotImplementedException(
            "Stoker has not built ConsumptionMode Queue of CreateEventSourceMapping."
        )


def _check_access(configured: Sequence[Mapping[str, str]]) -> None:
    kinds = [one.get("Type", "") for one in configured if one.get("Type") not in _NETWORK]
    known = {*_MECHANISMS, _CERTIFICATE, _AUTHORITY}
    for kind in kinds:
        if kind not in known:
            raise InvalidParameterValueException(
                f"Stoker does not know SourceAccessConfigurations of type {kind} for Apache Kafka."
            )
    logins = [kind for kind in kinds if kind != _AUTHORITY]
    if len(logins) > 1 or len(kinds) != len(set(kinds)):
        raise InvalidParameterValueException(
            "SourceAccessConfigurations can have one way to authenticate, and one authority."
        )
    for one in configured:
        if one.get("Type") in known and ":secretsmanager:" not in one.get("URI", ""):
            raise InvalidParameterValueException(
                f"The URI of {one['Type']} must be the ARN of a secret of Secrets Manager."
            )


def _check_filters(criteria: Mapping[str, Any]) -> None:
    """AWS: Kafka's mappings "only support filtering on the value key"."""
    for one in criteria.get("Filters") or ():
        if _names(json.loads(one["Pattern"])) - {"value"}:
            raise InvalidParameterValueException(
                "Filters of Apache Kafka can have patterns for value only."
            )


def _names(pattern: Mapping[str, Any]) -> set[str]:
    found = set(pattern) - {"$or"}
    for one in pattern.get("$or", ()):
        found |= _names(one)
    return found


def _is_local(server: str) -> bool:
    host = server.rpartition(":")[0]
    return host == "localhost" or _LOOPBACK.fullmatch(host) is not None


def secret_fields(text: str, *names: str) -> dict[str, str]:
    """Those of a secret, which is a JSON object. Raise BadSecret."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BadSecret("The secret is not a JSON object.")
    fields = {name: value for name, value in said.items() if isinstance(value, str)}
    for name in names:
        if not fields.get(name):
            raise BadSecret(f"The secret has no {name}.")
    return fields
