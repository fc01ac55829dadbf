"""The console's pages, as a browser asks for them; and who may not have them."""

import http.client
import json
import re
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.running import REGION, StokerProcess, wait_for

Create = Callable[..., str]
HERE = f"/_stoker/000000000000/{REGION}"
HOSTILE = '<script src="//x"></script>"><img onerror=a()> \u202e & {{ 7*7 }}'


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def addresses(self) -> set[str]:
        found = {attrs.get(name) for _, attrs in self.tags for name in ("src", "href")}
        return {one for one in found if one and not one.startswith("#")}


def ask(
    server: StokerProcess, path: str, method: str = "GET", body: bytes = b"", **headers: str
) -> tuple[int, Mapping[str, str], str]:
    """Status, headers and text; underscores of header names are hyphens."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def check_harmless(page: Page) -> None:
    """Nothing that runs or loads is in a page but what our own files are."""
    for tag, attrs in page.tags:
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
        assert "style" not in attrs, (tag, attrs)
        assert tag != "script" or str(attrs.get("src")).startswith("/_stoker/static/")
    for address in page.addresses():
        assert address.startswith("/_stoker/"), address


def test_functions_are_listed_and_found(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create("def handler(event, context): return 1", Description=HOSTILE)
    lambda_client.invoke(FunctionName=name)
    found = f"{HERE}/functions?search={name[2:]}+F-"
    wait_for(lambda: ask(server, found)[2], "1 invocations in the last hour")  # it is counted then
    status, headers, text = ask(server, found)
    page = Page(text)
    assert status == 200
    assert name in page.text
    assert "Active" in page.text
    assert HOSTILE.replace("\u202e", "\\u{202e}") in page.text
    check_harmless(page)
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"
    _, _, missing = ask(server, f"{HERE}/functions?search=%3Cb%3E%FF%00")
    assert "<b>" not in missing
    check_harmless(Page(missing))


def test_a_change_of_phase_is_told_to_an_open_page(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create("def handler(event, context): return 1")
    target = f"{server.url}{HERE}/environments/follow?function={name}"
    with urllib.request.urlopen(target, timeout=60) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert next(events(stream))["lives"] == []
        lambda_client.invoke(FunctionName=name)
        lives = [one for told in until_frozen(stream) for one in told["lives"]]
    phases = {bar[0] for life in lives for bar in life["bars"]}
    assert {"Create", "Init", "Frozen"} <= phases
    assert {life["function"] for life in lives} == {name}
    (id_,) = {life["id"] for life in lives}
    status, _, text = ask(server, f"{HERE}/environments/{id_}")
    page = Page(text)
    assert status == 200
    assert "waits for the next event" in page.text
    assert "Cold start, step by step" in page.text
    check_harmless(page)
    assert ask(server, f"{HERE}/environments/nobody")[0] == 404
    assert ask(server, f"/_stoker/111111111111/{REGION}/environments/{id_}")[0] == 404
    status, _, text = ask(server, f"{HERE}/environments?function=%22%3E%3Cscript%3E")
    assert status == 200
    check_harmless(Page(text))


def events(stream: Iterable[bytes]) -> Iterator[Any]:
    """The data of server-sent events."""
    for line in stream:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def until_frozen(stream: Iterable[bytes]) -> Iterator[Any]:
    for told in events(stream):
        yield told
        if any(life["phase"] == "Frozen" for life in told["lives"]):
            return


def test_pages_lead_to_what_is_there(server: StokerProcess) -> None:
    status, headers, _ = ask(server, "/_stoker/")
    assert status == 303
    assert re.fullmatch(r"/_stoker/\d{12}/[a-z0-9-]+/functions", headers["Location"])
    _, _, text = ask(server, headers["Location"])
    for address in Page(text).addresses():
        status, headers, _ = ask(server, address)
        assert status == 200, address
        if "/static/" in address:
            assert "immutable" in headers["Cache-Control"]
    _, _, part = ask(server, f"{HERE}/functions", HX_Request="true")
    assert "<html" not in part
    assert "Functions" in part


@pytest.mark.parametrize(
    "path", ["/nothing", f"{HERE}/nothing/%3Cscript%3E", "/000/x/functions", "/static/0/a.js"]
)
def test_what_is_not_there_says_so_as_a_page(server: StokerProcess, path: str) -> None:
    path = path if path.startswith("/_stoker") else f"/_stoker{path}"
    status, headers, text = ask(server, path)
    assert status == 404
    assert headers["Content-Type"].startswith("text/html")
    check_harmless(Page(text))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_other_peoples_pages_get_nothing_of_it(
    server: StokerProcess, headers: dict[str, str]
) -> None:
    for path in ("/_stoker/", f"{HERE}/functions"):
        status, _, text = ask(server, path, **headers)
        assert status == 403
        assert "functions?search" not in text
        assert "name=&#34;token" not in text


def test_a_page_of_a_users_under_our_name_has_no_origin(server: StokerProcess) -> None:
    """Else its scripts could use the console."""
    s3 = server.client("s3")
    try:
        s3.create_bucket(Bucket="pages", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="pages", Key="a.html", Body=b"<script>", ContentType="text/html")
        link = urlsplit(
            s3.generate_presigned_url("get_object", {"Bucket": "pages", "Key": "a.html"})
        )
    finally:
        s3.close()
    target = f"{link.path}?{link.query}"
    status, headers, text = ask(server, target, Host=link.netloc, Accept="text/html,*/*")
    assert (status, text) == (200, "<script>")
    assert "allow-same-origin" not in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].startswith("sandbox")


def test_code_in_a_function_has_no_console(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(
        "import os, urllib.request, urllib.error\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + event)\n"
        "        return 'open'\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return f'{error.code} {b\"token\" in error.read()}'\n"
    )
    for path in ("/_stoker/", f"{HERE}/functions"):
        answer = lambda_client.invoke(FunctionName=name, Payload=f'"{path}"')
        assert answer["Payload"].read() in (b'"403 False"', b'"404 False"')
