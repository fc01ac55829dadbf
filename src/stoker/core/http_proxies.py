"""HTTP_PROXY integrations: where a request goes on to, and with which headers.

    https://backend.example/base/{proxy}     variables of the route's path, and of the stage

A request that has come through the same API before is not sent around again: `Via` says so
(RFC 9110, 7.6.3).
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

from stoker.core.http_requests import ApiRequest
from stoker.core.http_uris import PATH_VARIABLE, STAGE_VARIABLE, is_address
from stoker.core.neighbours import passed_on
from stoker.core.served_apis import Integration

ANY = "ANY"
MARK = ".execute-api"  # behind an API's ID, in Via
_DOTS = re.compile(r"(^|/)\.{1,2}(/|$)")


class CannotProxy(Exception):
    """There is no address to go on to; the text says why."""


def address(asked: ApiRequest, integration: Integration) -> str:
    """Where this request goes on to, percent-encoded. Raises CannotProxy."""
    variables, parameters = asked.stage.variables, asked.chosen.parameters
    greedy = asked.chosen.route.segments[-1] if asked.chosen.route.greedy else ""

    def of_path(found: re.Match[str]) -> str:
        value = parameters.get(found[1], "")
        return path_value(value, greedy=greedy == f"{{{found[1]}+}}")

    uri = STAGE_VARIABLE.sub(lambda found: variables.get(found[1], ""), integration.uri)
    uri = PATH_VARIABLE.sub(of_path, uri)
    if not is_address(uri):
        raise CannotProxy("with this stage's variables the URI is no address")
    query = asked.request.target.partition("?")[2]
    if query:
        uri += ("&" if "?" in uri else "?") + query
    return uri


def path_value(value: str, *, greedy: bool) -> str:
    """A variable's, as it stands in an address. Raises CannotProxy."""
    if _DOTS.search(value):  # it would leave what the address names
        raise CannotProxy("the path has . or .. where a variable stands")
    return quote(value, safe="/" if greedy else "")


def method(asked: ApiRequest, integration: Integration) -> str:
    return asked.request.method if integration.method in (None, ANY) else integration.method


def headers(asked: ApiRequest) -> dict[str, str]:
    """What goes on with it. Raises CannotProxy for a loop."""
    given = asked.request.headers
    found = passed_headers(given, asked.api.id, asked.request.peer)
    seen = f"for={_quoted(asked.request.peer)};host={_quoted(given.get('host', ''))};proto=http"
    forwarded = given.get("forwarded")
    found["forwarded"] = f"{forwarded}, {seen}" if forwarded else seen
    return found


def passed_headers(given: Mapping[str, str], api_id: str, peer: str) -> dict[str, str]:
    """What came, for the next server. Raises CannotProxy for a loop."""
    found = {name: value for name, value in passed_on(given) if name != "host"}
    before = given.get("x-forwarded-for")
    found["x-forwarded-for"] = f"{before}, {peer}" if before else peer
    return found | mark(given, api_id)


def mark(given: Mapping[str, str], api_id: str) -> dict[str, str]:
    """By which a request is known that comes again. Raises CannotProxy for a loop."""
    name, before = f"{api_id}{MARK}", given.get("via", "")
    if name in before:
        raise CannotProxy("it has come through this API before")
    return {"via": f"{before}, 1.1 {name}" if before else f"1.1 {name}"}


def _quoted(text: str) -> str:
    """As RFC 7239 wants what has colons."""
    clean = re.sub(r'["\\]', "", text)
    return f'"[{clean}]"' if clean.count(":") > 1 else f'"{clean}"' if ":" in clean else clean
