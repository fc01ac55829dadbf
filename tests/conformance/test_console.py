"""The console's pages, as a browser asks for them; and who may not have them."""

import http.client
import json
import re
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from stoker.console.pages.function import TABS
from stoker.console.routes import ROUTES
from tests.faults.scene import until
from tests.running import REGION, StokerProcess, wait_for, wait_until

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
    drawn = {attrs.get("src") for tag, attrs in page.tags if tag == "img"}  # nothing runs in it
    for address in page.addresses():
        own = address in drawn and address.startswith("data:image/svg+xml;base64,")
        assert own or address.startswith("/_stoker/"), address


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
    for root in ("/_stoker", "/_stoker/"):
        status, headers, _ = ask(server, root)
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
    for path in ("/_stoker", "/_stoker/", f"{HERE}/functions"):
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
    for path in ("/_stoker", "/_stoker/", f"{HERE}/functions"):
        answer = lambda_client.invoke(FunctionName=name, Payload=f'"{path}"')
        assert answer["Payload"].read() in (b'"403 False"', b'"404 False"')


def token_of(server: StokerProcess) -> str:
    found = re.search(r'name="stoker-token" content="(\w+)"', ask(server, f"{HERE}/functions")[2])
    assert found
    return found[1]


def post(server: StokerProcess, at: str, /, **form: str) -> tuple[int, Mapping[str, str], str]:
    return ask(
        server, at, "POST", urlencode(form).encode(),
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip


def test_a_function_is_tried_changed_and_tried_again(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    code = "import os\ndef handler(event, context): return [event, os.environ.get('AA'), 'first']"
    name, token = create(code), token_of(server)
    at = f"{HERE}/functions/{name}"
    tried = post(server, at, token=token, payload='{"n": 1}')[2]
    assert "Billed Duration" in tried
    assert "first" in Page(tried).text
    _, _, text = ask(server, f"{at}/code")
    check_harmless(Page(text))
    assert "def handler" in Page(text).text
    status, headers, _ = post(
        server, f"{at}/code", token=token, path="main.py", text=code.replace("first", "second")
    )
    assert (status, headers["Location"]) == (303, f"{at}/code?file=main.py")
    wait_until(lambda_client, "function_updated_v2", name)
    settings = {"Handler": "main.handler", "MemorySize": "256", "Variables": "AA=<b>\nBB=x=y"}
    shown = Page(ask(server, f"{at}/configuration")[2])
    settings |= {"TracingConfig": "Active", "LogFormat": "JSON", "SystemLogLevel": "WARN"}
    settings |= {"Layers": "", "DeadLetterConfig": "", "SnapStart": "None", "LogGroup": "/logs"}
    assert settings.keys() <= {str(attrs.get("name")) for _, attrs in shown.tags}
    assert post(server, f"{at}/configuration", token=token, **settings)[0] == 303
    about = lambda_client.get_function_configuration(FunctionName=name)
    assert about["TracingConfig"] == {"Mode": "Active"}
    assert about["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
        "LogGroup": "/logs",
    }
    wait_until(lambda_client, "function_updated_v2", name)
    answer = lambda_client.invoke(FunctionName=name, Payload="1")["Payload"].read()
    assert json.loads(answer) == [1, "<b>", "second"]
    shown = Page(ask(server, f"{at}/configuration")[2])
    assert "AA=<b>\nBB=x=y" in shown.text
    check_harmless(shown)
    status, _, text = post(server, f"{at}/configuration", token=token, MemorySize="1")
    assert status == 400
    assert "MemorySize" in Page(text).text
    saved = post(server, f"{at}/events", token=token, title=HOSTILE, payload="[7]")
    assert saved[0] == 303
    again = Page(ask(server, saved[1]["Location"])[2])
    assert "[7]" in again.text
    check_harmless(again)
    told = json.loads(ask(server, f"{at}/monitor/data?hours=1")[2])
    drawn = {
        (plot["title"], line["name"]): [one for one in line["values"] if one is not None]
        for plot in told["plots"]
        for line in plot["lines"]
    }
    assert sum(drawn["Invocations", "sum"]) >= 1
    assert max(drawn["Memory used", "most"]) > 1
    assert sum(drawn["Billed, each quarter of an hour", "invocations"]) > 0
    assert Page(ask(server, f"{at}?sample=s3%3Aput")[2]).text.count("ObjectCreated:Put") == 1


def test_every_page_of_a_function_knows_where_it_is(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create("def handler(event, context): return 1")
    for tab, _ in TABS:
        at = f"{HERE}/functions/{name}/{tab}".removesuffix("/")
        page = Page(ask(server, at)[2])
        current = [attrs["href"] for _, attrs in page.tags if attrs.get("aria-current") == "page"]
        assert current == [f"{HERE}/functions", at]
        others = [attrs["href"] for _, attrs in page.tags if attrs.get("aria-current") == "true"]
        assert f"{HERE}/functions" in others, "this account's, in the list of accounts"


def test_nothing_is_changed_without_the_token(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create("def handler(event, context): return 1")
    at = f"{HERE}/functions/{name}"
    before = lambda_client.get_function_configuration(FunctionName=name)["RevisionId"]
    changing = [route.path for route in ROUTES if route.method == "POST"]
    for path in (f"{HERE}/{re.sub('{.*?}', name, one)}" for one in changing):
        for form in ({}, {"token": "0" * 40}):
            assert post(server, path, MemorySize="256", title="x", payload="1", **form)[0] == 403
    stolen = urlencode({"token": token_of(server), "MemorySize": "256"}).encode()
    for origin in ("http://evil.test", "null"):
        status, _, _ = ask(server, f"{at}/configuration", "POST", stolen, Origin=origin)
        assert status == 403
    assert lambda_client.get_function_configuration(FunctionName=name)["RevisionId"] == before


def test_what_a_function_prints_and_answers_is_shown_harmlessly(
    server: StokerProcess, create: Create
) -> None:
    name = create(
        "import sys\n"
        "def handler(event, context):\n"
        "    sys.stdout.buffer.write(b'\\xff\\xfe\\x1b[2J<script>alert(1)</script>\\n')\n"
        "    print('x' * 5_000_000)\n"
        "    sys.stdout.flush()\n"
        "    return '<img src=x onerror=alert(1)>\\u202e\\0'\n",
        MemorySize=512,
    )
    at = f"{HERE}/functions/{name}"
    answer = Page(post(server, at, token=token_of(server), payload="1")[2])
    assert "<img src=x onerror=alert(1)>" in answer.text
    check_harmless(answer)
    text = until(
        lambda: ask(server, f"{at}/logs?minutes=5")[2],
        # More than 4 MB that wait for a slow disk are dropped, and the REPORT with them.
        lambda text: "REPORT" in text or "were dropped here" in text,
    )
    check_harmless(Page(text))
    assert len(text) < 2_000_000
    text = ask(server, f"{at}/logs?minutes=5&filter=%22%3Cscript%3E%22")[2]
    log = Page(text)
    assert "<script>alert(1)</script>" in log.text
    assert "\x1b" not in log.text
    check_harmless(log)
    refused = Page(ask(server, f"{at}/logs?filter=%7B+%24.%3Cscript%3E")[2])
    check_harmless(refused)
    status, _, text = ask(server, f"{HERE}/functions/%3Cscript%3E%00")
    assert status in (400, 404)
    check_harmless(Page(text))
