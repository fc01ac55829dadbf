"""Which requests a web page has sent, and which of those are answered."""

import pytest

from stoker.core.function_urls import Cors
from stoker.core.web_pages import may_call_url, stranger

OURS = frozenset({"https://console.test"})
ANY = "X-Amz-Credential=test/20260101/eu-central-1/{}/aws4_request"
S3 = ANY.format("s3")
FOLLOWED = {"sec-fetch-mode": "navigate"}


def test_what_no_page_has_sent_is_answered() -> None:
    for headers in ({}, {"sec-fetch-mode": "cors"}, {"sec-fetch-site": "none"}):
        assert stranger("POST", "/", headers, OURS) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "none, cross-site", ""])
def test_a_page_that_does_not_say_its_origin_is_refused(site: str) -> None:
    headers = {"sec-fetch-site": site}
    for more in ({}, FOLLOWED):
        for method in ("GET", "POST"):
            assert stranger(method, "/?Action=DeleteQueue&" + ANY, {**headers, **more}, OURS)
    assert stranger("GET", "/", {**headers, "origin": "https://console.test"}, OURS) is None
    assert stranger("GET", "/", {**headers, "origin": "https://evil.test"}, OURS)


@pytest.mark.parametrize(
    ("target", "answered"),
    [
        (f"/b/k?{S3}", True),
        ("/b/k?AWSAccessKeyId=a&Signature=b&Expires=1", True),
        ("/_stoker/code/0?Expires=1", True),
        ("/_stoker/api/events", False),
        ("/b/k", False),
        ("/b/k?X-Amz-Credential=x", False),
        (f"/?{ANY.format('sqs')}", False),
        (f"/?Action=DeleteQueue&{S3}", False),
        (f"/?Action=&{S3}", False),
        (f"/?{S3}&{ANY.format('sqs')}", False),
        (f"/?AWSAccessKeyId=a&Signature=b&{ANY.format('sqs')}", False),
        (f"/2015-03-31/functions?{S3}", False),
    ],
)
def test_of_links_those_to_packages_and_objects_can_be_followed(
    target: str, answered: bool
) -> None:
    headers = {"sec-fetch-site": "cross-site", **FOLLOWED}
    assert (stranger("GET", target, headers, OURS) is None) is answered
    assert stranger("POST", target, headers, OURS), "a form"
    assert stranger("DELETE", target, headers, OURS)
    image = {**headers, "sec-fetch-mode": "no-cors"}
    assert stranger("GET", target, image, OURS)


HOST = "a" * 32 + ".lambda-url.eu-central-1.localhost:4566"


@pytest.mark.parametrize(
    ("headers", "cors", "may"),
    [
        ({}, None, True),
        ({"sec-fetch-site": "none"}, None, True),
        ({"sec-fetch-site": "same-origin"}, None, True),
        ({"sec-fetch-site": "same-site"}, None, False),
        ({"sec-fetch-site": "cross-site"}, Cors(origins=("*",)), False),
        ({"origin": "https://evil.test"}, None, False),
        ({"origin": "https://evil.test"}, Cors(), False),
        ({"origin": "null"}, None, False),
        ({"origin": "http://127.0.0.1:4566"}, None, False),
        ({"origin": f"http://{HOST}"}, None, True),
        ({"origin": "https://console.test", "sec-fetch-site": "cross-site"}, None, True),
        ({"origin": "https://a.test"}, Cors(origins=("https://a.test",)), True),
        ({"origin": "https://b.test"}, Cors(origins=("https://a.test",)), False),
        ({"origin": "https://b.test"}, Cors(origins=("*",)), True),
    ],
)
def test_pages_reach_a_url_that_is_not_public_only_if_named(
    headers: dict[str, str], cors: Cors | None, may: bool
) -> None:
    assert may_call_url(cors, "/", {"host": HOST, **headers}, OURS) is may


def test_by_path_no_page_is_the_url_s_own() -> None:
    """All pages at our own address have one origin, objects of S3 included."""
    target, host = f"/_url/{'a' * 32}/", "127.0.0.1:4566"
    for headers in ({"origin": f"http://{host}"}, {"sec-fetch-site": "same-origin"}):
        assert not may_call_url(None, target, {"host": host, **headers}, OURS)
