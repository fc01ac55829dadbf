"""Which route of an HTTP API takes a request."""

import pytest

from stoker.core.gateway_addresses import GatewayAddress, gateway_asked, is_aws_name
from stoker.core.http_routes import Routes, read_key

# AWS's own example ("Routes for HTTP APIs", precedence), and what it leaves open.
KEYS = (
    "GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default",
    "ANY /pets/dog/1", "POST /{kind}/fish", "ANY /pets/{proxy+}",
)  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("PUT", "/pets/dog/1", "ANY /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/dog/a%2Fb", "GET /pets/dog/{id}", {"id": "a/b"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("PUT", "/pets/cat/1", "ANY /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST", "/pets/fish", "POST /{kind}/fish", {"kind": "pets"}),
        ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("GET", "/pets/dog/", "GET /pets/{proxy+}", {"proxy": "dog/"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_takes_it(
    method: str, path: str, key: str, parameters: dict[str, str]
) -> None:
    routes = Routes(route for at in KEYS if (route := read_key(at, at)))
    chosen = routes.choose(method, path)
    assert chosen is not None
    assert (chosen.route.key, chosen.parameters) == (key, parameters)


def test_without_a_default_there_may_be_none() -> None:
    route = read_key("1", "GET /a")
    assert route is not None
    assert Routes([route]).choose("GET", "/b") is None
    assert Routes([route]).choose("POST", "/a") is None


@pytest.mark.parametrize(
    "key",
    [
        *("", "GET", "GET a", "FETCH /a", "get /a", "GET /{a+}/b", "GET /a{b}", "GET /{a}/{a}"),
        *("GET  /", "GET /{}", "$other", "GET /a b", "GET /{a"),
    ],
)
def test_what_is_no_key_is_told(key: str) -> None:
    assert read_key("1", key) is None


@pytest.mark.parametrize(
    ("host", "target", "api", "path"),
    [
        ("abc123.execute-api.localhost:4566", "/a?b", "abc123", "/a?b"),
        ("ABC123.Execute-Api.us-east-1.localhost", "/", "abc123", "/"),
        ("abc123.execute-api.us-east-1.amazonaws.com", "/", "abc123", "/"),
        ("localhost:4566", "/_aws/execute-api/abc123", "abc123", "/"),
        ("localhost:4566", "/_aws/execute-api/abc123?x", "abc123", "/?x"),
        ("localhost:4566", "/_aws/execute-api/abc123/dev/a%2Fb?x=/y", "abc123", "/dev/a%2Fb?x=/y"),
        ("localhost:4566", "/restapis/abc123/dev/_user_request_/a?x", "abc123", "/dev/a?x"),
        ("localhost:4566", "/restapis/abc123/dev/_user_request_", "abc123", "/dev/"),
    ],
)
def test_an_api_is_asked_by_name_and_by_path(host: str, target: str, api: str, path: str) -> None:
    found = gateway_asked(host, target)
    assert found is not None
    assert (found.api_id, found.target) == (api, path)


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("localhost:4566", "/restapis/abc123/resources"),
        ("localhost:4566", "/v2/apis"),
        ("a_b.execute-api.localhost", "/"),
        (".execute-api.localhost", "/"),
        ("a.b.execute-api.localhost", "/"),
        ("x" * 33 + ".execute-api.localhost", "/"),
        ("localhost", "/_aws/execute-api/"),
    ],
)
def test_everything_else_is_for_somebody_else(host: str, target: str) -> None:
    assert gateway_asked(host, target) is None


def test_only_aws_s_own_names_need_no_permission() -> None:
    assert is_aws_name("abc123.execute-api.us-east-1.amazonaws.com")
    assert is_aws_name("abc123.execute-api.us-east-1.amazonaws.com:80")
    for name in ("abc123.execute-api.us-east-1.amazonaws.com.evil.example", "amazonaws.com"):
        assert not is_aws_name(name)
    assert gateway_asked("localhost", "/_aws/execute-api/a/b") == GatewayAddress("a", "/b", "")
