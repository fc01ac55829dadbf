"""Bodies of subscriptions: everything AWS documents, and every way to get it wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.runtime_states import Answer
from stoker.core.subscriptions import (
    SCHEMAS,
    TYPES,
    Api,
    Buffering,
    Destination,
    Subscription,
    closed,
    parse,
)

RESERVED = frozenset({9001, 4566})
HTTP = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/path"}
PLAIN: dict[str, Any] = {
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function"],
    "destination": HTTP,
}


def asked(api: Api = Api.TELEMETRY, **changes: Any) -> Subscription | Answer:
    document = {key: value for key, value in (PLAIN | changes).items() if value != "absent"}
    return parse(api, json.dumps(document).encode(), RESERVED)


def problems(api: Api = Api.TELEMETRY, **changes: Any) -> list[str]:
    answer = asked(api, **changes)
    assert isinstance(answer, Answer) and answer.status == 400, answer
    error = json.loads(answer.body)
    assert (
        error["errorType"]
        == {
            Api.TELEMETRY: "ValidationError",
            Api.LOGS: "Logs.ValidationError",
        }[api]
    )
    return str(error["errorMessage"]).split("; ")


def test_a_plain_subscription_and_awss_defaults() -> None:
    assert asked() == Subscription(
        Api.TELEMETRY,
        "2022-12-13",
        ("platform", "function"),
        Buffering(10_000, 262_144, 1_000),
        Destination(8080, "/path"),
    )


@pytest.mark.parametrize("api", list(Api))
def test_every_schema_of_an_api_and_none_of_the_others(api: Api) -> None:
    for owner, schemas in SCHEMAS.items():
        for schema in schemas:
            answer = asked(api, schemaVersion=schema)
            assert isinstance(answer, Subscription) == (owner is api), schema
    assert problems(api, schemaVersion=1)[0].startswith("schemaVersion should be one of")


def test_only_the_older_api_has_a_schema_by_default() -> None:
    found = asked(Api.LOGS, schemaVersion="absent")
    assert isinstance(found, Subscription) and found.schema == "2020-08-15"
    assert problems(schemaVersion="absent") == ["schemaVersion is not provided"]


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [("maxItems", 1_000, 10_000), ("maxBytes", 262_144, 1_048_576), ("timeoutMs", 25, 30_000)],
)
def test_the_bounds_of_buffering_are_awss(field: str, least: int, most: int) -> None:
    for value in (least, most):
        found = asked(buffering={field: value})
        assert isinstance(found, Subscription)
    wrong: list[Any] = [least - 1, most + 1, 0, -1, 1.5, True, "1000", []]
    for bad in wrong:
        assert problems(buffering={field: bad}) == [f"{field} should be between {least} and {most}"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # AWS's own example, word for word.
        (
            {
                "schemaVersion": "2020-08-15",
                "types": [],
                "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain"},
            },
            ["URI port is not provided", "types should not be empty"],
        ),
        ({"types": "absent"}, ["types should not be empty"]),
        ({"types": ["platform", "platform"]}, ["types should be unique"]),
        ({"types": ["metrics"]}, ["types should be an array of platform, function, extension"]),
        ({"types": [["platform"]]}, ["types should be an array of platform, function, extension"]),
        ({"types": "platform"}, ["types should be an array of platform, function, extension"]),
        ({"buffering": []}, ["buffering should be an object"]),
        ({"destination": "absent"}, ["destination is not provided"]),
        ({"destination": {}}, ["destination protocol should be HTTP or TCP"]),
        ({"destination": {"protocol": "TCP"}}, ["port is not provided"]),
        ({"destination": {"protocol": "TCP", "port": 9001}}, ["port 9001 is reserved"]),
        ({"destination": {"protocol": "TCP", "port": 0}}, ["port should be between 1 and 65535"]),
        (
            {"destination": {"protocol": "TCP", "port": "80"}},
            ["port should be between 1 and 65535"],
        ),
        ({"destination": {"protocol": "HTTP"}}, ["URI is not provided"]),
        ({"destination": HTTP | {"method": "GET"}}, ["method should be POST or PUT"]),
        ({"destination": HTTP | {"encoding": "XML"}}, ["encoding should be JSON"]),
    ],
)
def test_every_problem_is_named(changes: dict[str, Any], expected: list[str]) -> None:
    assert problems(Api.LOGS, **({"schemaVersion": "2021-03-18"} | changes)) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://sandbox:1", Destination(1, "/", "sandbox")),
        ("http://SANDBOX.localdomain:65535/a/b?c=d#e", Destination(65535, "/a/b?c=d")),
        ("https://sandbox:1", "URI scheme should be http"),
        ("http://localhost:1", "URI host should be sandbox.localdomain"),
        ("http://169.254.169.254:80", "URI host should be sandbox.localdomain"),
        ("http://u:p@sandbox:1", "URI host should be sandbox.localdomain"),
        ("http://sandbox:9001", "URI port 9001 is reserved"),
        ("http://sandbox:4566/x", "URI port 4566 is reserved"),
        ("http://sandbox:0", "URI port 0 is reserved"),
        ("http://sandbox:99999", "URI is not valid"),
        ("http://sandbox:1/a b", "URI is not valid"),
        ("http://sandbox:1/\r\nHost: x", "URI is not valid"),
        ("http://sandbox:1/é", "URI is not valid"),
        ("http://[sandbox:1", "URI is not valid"),
        ("http://sandbox:1/" + "a" * 3000, "URI is not valid"),
        (7, "URI is not valid"),
    ],
)
def test_destinations_are_inside_and_fit_one_line(uri: Any, expected: Destination | str) -> None:
    found = asked(destination={"protocol": "HTTP", "URI": uri})
    if isinstance(expected, Destination):
        assert isinstance(found, Subscription) and found.destination == expected
    else:
        assert expected in problems(destination={"protocol": "HTTP", "URI": uri})


def test_the_older_api_may_ask_for_put_and_the_newer_one_ignores_it() -> None:
    put = HTTP | {"method": "PUT", "encoding": "JSON"}
    old = asked(Api.LOGS, schemaVersion="2020-08-15", destination=put)
    new = asked(destination=put)
    assert isinstance(old, Subscription) and old.destination.method == "PUT"
    assert isinstance(new, Subscription) and new.destination.method == "POST"
    assert asked(destination={"protocol": "TCP", "port": 80}) == Subscription(
        Api.TELEMETRY, "2022-12-13", ("platform", "function"), Buffering(), Destination(80)
    )


def test_after_init_subscriptions_are_closed() -> None:
    for api in Api:
        answer = closed(api)
        assert answer.status == 403
        assert json.loads(answer.body)["errorType"] == f"{api}.SubscriptionClosed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["protocol", "URI", "port", "maxItems"]), inner)
    ),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {}, optional={key: JSON | st.just(value) for key, value in {**PLAIN, "buffering": {}}.items()}
).map(lambda document: json.dumps(document).encode())


@given(st.sampled_from(list(Api)), st.binary(max_size=60) | BODIES)
def test_whatever_comes_is_understood_or_refused(api: Api, body: bytes) -> None:
    answer = parse(api, body, RESERVED)
    if isinstance(answer, Answer):
        assert answer.status == 400 and json.loads(answer.body)["errorMessage"]
    else:
        assert answer.types and set(answer.types) <= set(TYPES)


def test_a_body_nested_too_deep_is_refused() -> None:
    assert isinstance(parse(Api.TELEMETRY, b"[" * 60_000, RESERVED), Answer)
