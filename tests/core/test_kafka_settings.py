"""Mappings of Kafka: what may be said, what is refused by name, and how a cluster is reached."""

from typing import Any

import pytest

from stoker.core import event_sources
from stoker.core.errors import InvalidParameterValueException, NotImplementedException
from stoker.core.kafka_settings import Access, BadSecret, KafkaSettings, access, secret_fields
from stoker.core.stream_settings import StreamSettings

SECRET = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:s-abc"
ASKED = {
    "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a:1", "b:2"]}},
    "Topics": ["topic"],
    "StartingPosition": "LATEST",
}
TO_TOPIC = {"OnFailure": {"Destination": "kafka://dead"}}


def made(**more: Any) -> dict[str, Any]:
    return event_sources.made({**ASKED, **more}, "self-managed-kafka")


def by(*kinds: str, uri: str = SECRET) -> list[dict[str, str]]:
    return [{"Type": kind, "URI": uri} for kind in kinds]


def test_defaults_are_aws_s() -> None:
    record = made()
    shown = {name: record[name] for name in ("BatchSize", "MaximumRetryAttempts", "Topics")}
    assert shown == {"BatchSize": 100, "MaximumRetryAttempts": -1, "Topics": ["topic"]}
    assert "ParallelizationFactor" not in record
    settings = KafkaSettings.load(record, "the-uuid")
    assert (settings.group, settings.topic, settings.bootstrap) == ("the-uuid", "topic", "a:1,b:2")
    rules = StreamSettings.load({**record, "modified": 1.0}).rules
    assert (rules.gather_s, rules.retries, rules.lanes) == (0.5, None, 1)


def test_a_group_of_one_s_own_is_joined_and_stays() -> None:
    record = made(SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": "mine"})
    assert KafkaSettings.load(record, "u").group == "mine"
    assert event_sources.updated(record, {"BatchSize": 5})["BatchSize"] == 5
    with pytest.raises(InvalidParameterValueException, match="ConsumerGroupId"):
        event_sources.updated(
            record, {"SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "other"}}
        )


def test_with_a_destination_retries_end_after_ten() -> None:
    endless = StreamSettings.load({**made(DestinationConfig=TO_TOPIC), "modified": 1.0})
    assert (endless.rules.retries, endless.on_failure) == (10, "kafka://dead")
    said = made(DestinationConfig=TO_TOPIC, MaximumRetryAttempts=50)
    assert StreamSettings.load({**said, "modified": 1.0}).rules.retries == 50


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"SelfManagedEventSource": {"Endpoints": {}}}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({"Topics": ["a", "b"]}, "exactly one topic"),
        ({"SourceAccessConfigurations": by("OAUTHBEARER_AUTH")}, "OAUTHBEARER_AUTH"),
        ({"SourceAccessConfigurations": by("VIRTUAL_HOST")}, "VIRTUAL_HOST"),
        ({"SourceAccessConfigurations": by("BASIC_AUTH", "SASL_SCRAM_256_AUTH")}, "one way"),
        ({"SourceAccessConfigurations": by("BASIC_AUTH", "BASIC_AUTH")}, "one way"),
        ({"SourceAccessConfigurations": by("BASIC_AUTH", uri="x")}, "must be the ARN"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "kafka://topic"}}}, "the topic that"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:x"}}}, "destination ARN"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"key": ["a"]}'}]}}, "value only"),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": '{"$or": [{"value": [1]}, {"k": [1]}]}'}]}},
            "value only",
        ),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern"),
        ({"ParallelizationFactor": 2}, "Unsupported ParallelizationFactor"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "StartingPositionTimestamp is required"),
        ({"MaximumRecordAgeInSeconds": 30}, "60 or more"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameterValueException, match=words):
        made(**more)


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"SchemaRegistryConfig": {"SchemaRegistryURI": "http://r"}}, "SchemaRegistryConfig"),
        ({"ConsumptionMode": "Queue"}, "ConsumptionMode"),
    ],
)
def test_what_is_not_built_is_refused_by_name(config: dict[str, Any], name: str) -> None:
    with pytest.raises(NotImplementedException, match=name):
        made(SelfManagedKafkaEventSourceConfig=config)


def test_amazon_msk_is_refused_with_the_way_out() -> None:
    arn = "arn:aws:kafka:eu-west-1:111111111111:cluster/c/1-2"
    with pytest.raises(NotImplementedException, match="SelfManagedEventSource"):
        event_sources.made({**ASKED, "EventSourceArn": arn}, "kafka")


@pytest.mark.parametrize(
    ("server", "kinds", "protocol", "mechanism"),
    [
        ("far:9092", (), "PLAINTEXT", ""),
        ("far:9092", ("VPC_SUBNET", "VPC_SECURITY_GROUP"), "PLAINTEXT", ""),
        ("far:9092", ("SERVER_ROOT_CA_CERTIFICATE",), "SSL", ""),
        ("far:9092", ("CLIENT_CERTIFICATE_TLS_AUTH",), "SSL", ""),
        ("far:9092", ("BASIC_AUTH",), "SASL_SSL", "PLAIN"),
        ("localhost:9092", ("BASIC_AUTH",), "SASL_PLAINTEXT", "PLAIN"),
        ("127.0.0.1:9092", ("SASL_SCRAM_256_AUTH",), "SASL_PLAINTEXT", "SCRAM-SHA-256"),
        ("127.0.0.1.far:9092", ("SASL_SCRAM_256_AUTH",), "SASL_SSL", "SCRAM-SHA-256"),
        ("localhost:1", ("SASL_SCRAM_512_AUTH", "SERVER_ROOT_CA_CERTIFICATE"), "SASL_SSL",
         "SCRAM-SHA-512"),
    ],
)  # fmt: skip
def test_a_password_never_leaves_the_machine_unencrypted(
    server: str, kinds: tuple[str, ...], protocol: str, mechanism: str
) -> None:
    found = access([server], by(*kinds))
    assert (found.protocol, found.mechanism) == (protocol, mechanism)
    assert access([server, "far:1"], by("BASIC_AUTH")).tls


def test_which_secret_is_for_what() -> None:
    kinds = ("CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE")
    found = access(["a:1"], by(kinds[0], uri="c") + by(kinds[1], uri="d"))
    assert found == Access("", "", "c", "d", tls=True)


@pytest.mark.parametrize(
    "text", ["", "plain", "[]", '{"username": "u"}', '{"username": "u", "password": 1}', "[" * 9999]
)
def test_a_secret_that_lacks_something_is_told(text: str) -> None:
    with pytest.raises(BadSecret, match="secret"):
        secret_fields(text, "username", "password")
    assert secret_fields('{"username": "u", "n": 1}', "username") == {"username": "u"}
