"""One HTTP request as an event in payload format 2.0, and what browsers are told."""

import base64
import json
from typing import Any

import pytest

from stoker.core import url_cors, url_events
from stoker.core.function_urls import Cors, UrlKey, url_asked
from stoker.core.model import FunctionKey
from stoker.core.proxy_events import Request, Signer

ME = Signer("AKID", "111111111111", "arn:aws:iam::111111111111:root")
NOW = 1681834637.081


def event(
    target: str = "/", body: bytes = b"", signer: Signer | None = None, method: str = "GET",
    **headers: str,
) -> Any:  # fmt: skip
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(method, target, names, body, "10.0.0.1", signer)
    return json.loads(
        url_events.event(request, url_id="abc", domain="abc.example", request_id="id", now=NOW)
    )


def test_a_bare_request_has_what_aws_s_recorded_events_have() -> None:
    assert event(host="abc.example:4566", user_agent="curl/8", accept="*/*") == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "host": "abc.example:4566",
            "user-agent": "curl/8",
            "accept": "*/*",
            "x-forwarded-for": "10.0.0.1",
            "x-forwarded-proto": "http",
            "x-forwarded-port": "4566",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": "abc.example",
            "domainPrefix": "abc",
            "http": {
                "method": "GET",
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "10.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "18/Apr/2023:16:17:17 +0000",
            "timeEpoch": 1681834637081,
        },
        "isBase64Encoded": False,
    }


def test_paths_and_queries_come_raw_and_parameters_decoded() -> None:
    found = event("/a%20b/ä?x=1&x=2&y=%C3%A9&z=&w")
    assert (found["rawPath"], found["rawQueryString"]) == (
        "/a%20b/ä",
        "x=1&x=2&y=%C3%A9&z=&w",
    )
    assert found["queryStringParameters"] == {"x": "1,2", "y": "é", "z": "", "w": ""}


def test_cookies_come_apart_and_stay_in_the_headers() -> None:
    found = event(cookie="foo=bar; hello=hello")
    assert found["cookies"] == ["foo=bar", "hello=hello"]
    assert found["headers"]["cookie"] == "foo=bar; hello=hello"
    assert "cookies" not in event()


def test_the_signature_is_not_for_the_function_but_a_bearer_token_is() -> None:
    found = event(signer=ME, authorization="AWS4-HMAC-SHA256 …", connection="keep-alive")
    assert found["headers"].keys().isdisjoint({"authorization", "connection"})
    iam = found["requestContext"]["authorizer"]["iam"]
    assert (iam["accessKey"], iam["userArn"]) == ("AKID", ME.arn)
    assert found["requestContext"]["accountId"] == "111111111111"
    assert event(authorization="Bearer x")["headers"]["authorization"] == "Bearer x"


def test_proxies_before_us_stay_on_the_list() -> None:
    assert event(x_forwarded_for="1.2.3.4")["headers"]["x-forwarded-for"] == "1.2.3.4, 10.0.0.1"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("application/json", b'{"a":1}', True),
        ("application/JSON; charset=utf-8", b"{}", True),
        ("text/plain", "é".encode(), True),
        ("application/vnd.api+json", b"{}", True),
        ("image/svg+xml", b"<svg/>", True),
        ("text/plain", b"\xff", False),
        ("application/x-www-form-urlencoded", b"a=1", False),
        ("application/octet-stream", b"abc", False),
        ("", b"abc", False),
    ],
)
def test_text_comes_as_it_is_and_all_else_as_base64(
    content_type: str, body: bytes, text: bool
) -> None:
    found = event(body=body, content_type=content_type, method="POST")
    assert found["isBase64Encoded"] is not text
    assert found["body"] == (body.decode() if text else base64.b64encode(body).decode())


def test_what_is_packed_is_no_text() -> None:
    found = event(body=b"{}", content_type="application/json", content_encoding="gzip")
    assert found["isBase64Encoded"] is True


def test_half_a_surrogate_pair_breaks_nothing() -> None:
    assert event(x_odd="a\udcff")["headers"]["x-odd"] == "a?"


ID = UrlKey(FunctionKey("111111111111", "eu-west-1", "f")).id


@pytest.mark.parametrize(
    ("host", "target", "found"),
    [
        (f"{ID}.lambda-url.eu-west-1.localhost:4566", "/a?b", (ID, "/a?b")),
        (f"{ID.upper()}.LAMBDA-URL.eu-west-1.localhost", "/", (ID, "/")),
        (f"{ID}.lambda-url.eu-west-1.on.aws", "/_url/x", (ID, "/_url/x")),
        ("short.lambda-url.eu-west-1.localhost", "/", None),
        (f"{ID}.lambda-url.localhost.", "/", None),
        ("localhost:4566", f"/_url/{ID}", (ID, "/")),
        ("localhost:4566", f"/_url/{ID}/", (ID, "/")),
        ("localhost:4566", f"/_url/{ID}/a//b?c?d", (ID, "/a//b?c?d")),
        ("localhost:4566", f"/_url/{ID}?c", (ID, "/?c")),
        ("localhost:4566", f"/_url/{ID}x/", None),
        ("localhost:4566", "/_url/", None),
        ("localhost:4566", f"/x/_url/{ID}/", None),
    ],
)
def test_a_url_is_meant_by_name_or_by_path(
    host: str, target: str, found: tuple[str, str] | None
) -> None:
    assert url_asked(host, target) == found


def test_ids_are_of_one_function_or_alias_each() -> None:
    keys = [
        UrlKey(FunctionKey(account, region, name), qualifier)
        for account in ("1" * 12, "2" * 12)
        for region in ("a", "b")
        for name in ("f", "g")
        for qualifier in ("$LATEST", "live")
    ]
    assert len({key.id for key in keys}) == len(keys)
    assert all(len(key.id) == 32 for key in keys)


ALL = Cors(
    credentials=True, headers=("x-a",), methods=("GET", "POST"), origins=("https://a",),
    exposed=("x-b", "x-c"), max_age_s=60,
)  # fmt: skip
ASKS = {
    "origin": "https://a",
    "access-control-request-method": "PUT",
    "access-control-request-headers": "x-z",
}


def test_a_preflight_is_told_what_is_configured() -> None:
    assert url_cors.is_preflight(ALL, "OPTIONS", ASKS)
    assert dict(url_cors.preflight(ALL, ASKS)) == {
        "Access-Control-Allow-Origin": "https://a",
        "Access-Control-Allow-Methods": "GET,POST",
        "Access-Control-Allow-Headers": "x-a",
        "Access-Control-Max-Age": "60",
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }
    assert url_cors.preflight(ALL, {**ASKS, "origin": "https://b"}) == []


@pytest.mark.parametrize(
    ("cors", "method", "headers"),
    [
        (None, "OPTIONS", ASKS),
        (ALL, "GET", ASKS),
        (ALL, "OPTIONS", {"origin": "https://a"}),
        (ALL, "OPTIONS", {"access-control-request-method": "GET"}),
    ],
)
def test_what_is_no_preflight_is_the_function_s(
    cors: Cors | None, method: str, headers: dict[str, str]
) -> None:
    assert not url_cors.is_preflight(cors, method, headers)


def test_everybody_is_a_star_unless_credentials_are_allowed() -> None:
    anyone = Cors(origins=("*",), methods=("*",), headers=("*",))
    assert dict(url_cors.preflight(anyone, ASKS))["Access-Control-Allow-Origin"] == "*"
    trusted = Cors(origins=("*",), methods=("*",), headers=("*",), credentials=True)
    told = dict(url_cors.preflight(trusted, ASKS))
    assert told["Access-Control-Allow-Origin"] == "https://a"
    assert told["Access-Control-Allow-Methods"] == "PUT"
    assert told["Access-Control-Allow-Headers"] == "x-z"


def test_the_configuration_replaces_what_the_function_says_of_cors() -> None:
    said = [("access-control-allow-origin", "x"), ("X-Mine", "1")]
    assert url_cors.added(ALL, {"origin": "https://a"}, said) == [
        ("X-Mine", "1"),
        ("Access-Control-Allow-Origin", "https://a"),
        ("Access-Control-Expose-Headers", "x-b,x-c"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    ]
    assert url_cors.added(ALL, {}, said) == said
    assert url_cors.added(None, {"origin": "https://a"}, said) == said
    assert url_cors.added(ALL, {"origin": "https://b"}, said) == said
