"""Web pages at the front door: signatures are not verified, so a page must not get there."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stoker.api.control import Settings
from tests import urls
from tests.front_door import (
    ACCOUNT,
    REGION,
    Door,
    ask,
    at_the_door,
    create_function,
    open_door,
    request_bytes,
    signed,
)

CREDENTIAL = f"X-Amz-Credential={ACCOUNT}/20260101/{REGION}/{{}}/aws4_request"
PAGE = {"Sec-Fetch-Site": "cross-site"}
LINK = {**PAGE, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin"])
@pytest.mark.parametrize("mode", ["no-cors", "navigate"])
def test_an_image_or_a_link_of_a_page_deletes_no_queue(
    tmp_path: Path, site: str, mode: str
) -> None:
    async def story(door: Door) -> None:
        url = (await door.call("sqs", "create_queue", QueueName="q"))["QueueUrl"]
        target = f"/?Action=DeleteQueue&QueueUrl={url}&{CREDENTIAL.format('sqs')}"
        page = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        answer = await door.send("GET", target, page)
        assert (answer.status, answer["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
        assert (await door.call("sqs", "list_queues"))["QueueUrls"] == [url]
        typed = await door.send("GET", target, {"Sec-Fetch-Site": "none"})
        assert typed.status == 200, "the request is one that works"
        assert not (await door.call("sqs", "list_queues")).get("QueueUrls")

    at_the_door(tmp_path, story)


def test_a_form_of_a_page_invokes_nothing(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        invoke = "/2015-03-31/functions/f/invocations"
        for headers in ({}, {"Authorization": signing_header(door)}):
            answer = await door.send(
                "POST", f"{invoke}?{CREDENTIAL.format('lambda')}", {**LINK, **headers}, b"{}"
            )
            assert answer.status == 403
        assert door.echo.invocations == []

    at_the_door(tmp_path, story)


def signing_header(door: Door) -> str:
    lines = signed(door.host, "GET", "/").decode().split("\r\n")
    return next(line for line in lines if line.startswith("Authorization")).partition(": ")[2]


def test_a_page_that_is_configured_may_call(tmp_path: Path) -> None:
    async def main() -> None:
        settings = Settings(origins=frozenset({"https://console.test"}))
        async with open_door(tmp_path, settings=settings) as door:
            target = f"/2015-03-31/functions?{CREDENTIAL.format('lambda')}"
            named = {**PAGE, "Origin": "https://console.test"}
            assert (await door.send("GET", target, named)).status == 200
            assert (await door.send("GET", target, PAGE)).status == 403

    asyncio.run(main())


def test_a_link_to_a_package_can_be_followed_from_anywhere(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        link = (await ask(door, "get_function", FunctionName="f"))["Code"]["Location"]
        target = link.removeprefix(door.url)
        headers = {"Host": door.host, "Connection": "close"}
        answer = await door.send_raw(request_bytes("GET", target, {**headers, **LINK}, b""))
        assert answer.status == 200
        assert (await door.send("GET", target, PAGE)).status == 403

    at_the_door(tmp_path, story)


def test_a_link_to_an_object_can_be_followed_and_only_read(tmp_path: Path) -> None:
    """There are no neighbours here; what is let in is told that."""

    async def story(door: Door) -> None:
        target = f"/b/k?{CREDENTIAL.format('s3')}"
        assert (await door.send("GET", target, LINK)).status == 501
        assert (await door.send("GET", target, PAGE)).status == 403
        assert (await door.send("DELETE", target, LINK)).status == 403

    at_the_door(tmp_path, story)


def test_a_page_does_not_run_the_function_of_a_url_with_aws_iam(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await urls.make(door, "AWS_IAM", public=False)
        signature = CREDENTIAL.format("lambda")

        async def post(**page: str) -> int:
            return (await urls.fetch(door, host, "POST", f"/?{signature}", b"x", **page)).status

        assert await post() == 200
        door.echo.invocations.clear()
        evil: Any = {"Origin": "https://evil.test", "Sec_Fetch_Site": "cross-site"}
        assert await post(**evil) == await post(Sec_Fetch_Site="same-site") == 403
        assert await post(Origin="https://evil.test") == await post(Origin="null") == 403
        by_path = f"/_url/{host[:32]}/?{signature}"
        assert (await door.send("POST", by_path, {"Origin": door.url})).status == 403
        assert door.echo.invocations == []
        await urls.ask(
            door, "update_function_url_config", Cors={"AllowOrigins": ["https://evil.test"]}
        )
        assert await post(**evil) == 200
        assert await post(Origin="https://another.test") == 403

    urls.at_the_door(tmp_path, story)


def test_a_public_url_is_for_every_page(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await urls.make(door)
        pages: tuple[Any, ...] = ({"Origin": "https://any.test"}, {"Sec_Fetch_Site": "cross-site"})
        for page in pages:
            assert (await urls.fetch(door, host, **page)).body == b"fine"

    urls.at_the_door(tmp_path, story)
