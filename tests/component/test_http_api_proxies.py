"""HTTP_PROXY integrations: what goes on to another server, and what comes back."""

from pathlib import Path

from tests.backends import open_backend
from tests.front_door import Door, at_the_door
from tests.http_apis import ask, fetch

UNAVAILABLE = {"message": "Service Unavailable"}


async def proxied(door: Door, uri: str, key: str = "ANY /{proxy+}", **given: object) -> str:
    """An API that passes on what this route takes; its ID."""
    made = await ask(door, "create_api", Name="proxy", ProtocolType="HTTP")
    api = str(made["ApiId"])
    asked = {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY", "IntegrationUri": uri}
    behind = await ask(door, "create_integration", ApiId=api, **{**asked, **given})
    target = f"integrations/{behind['IntegrationId']}"
    await ask(door, "create_route", ApiId=api, RouteKey=key, Target=target)
    await ask(
        door, "create_stage", ApiId=api, StageName="$default", AutoDeploy=True,
        StageVariables={"base": "v1"},
    )  # fmt: skip
    return api


def test_a_request_goes_on_and_its_answer_comes_back(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with open_backend() as backend:
            base = f"http://127.0.0.1:{backend.port}/${{stageVariables.base}}"
            api = await proxied(door, f"{base}/{{proxy}}?always=1")
            answer = await fetch(door, api, "/a%20b/c?x=y%2F", "POST", b"\0body", authorization="k")
            assert (answer.status, answer.body) == (418, b"fine")
            assert [v for k, v in answer.headers if k == "Set-Cookie"] == ["a=b", "c=d"]
            head = backend.heads[0]
            assert head.startswith("post /v1/a%20b/c?always=1&x=y%2f http/1.1")
            assert f"host: 127.0.0.1:{backend.port}" in head
            assert "authorization: k" in head
            assert f'host="{api}.execute-api.localhost:4566"' in head
            assert backend.bodies == [b"\0body"]
            one = await proxied(
                door, f"{base}/{{id}}", key="GET /only/{id}", IntegrationMethod="PUT"
            )
            assert (await fetch(door, one, "/only/a%2Fb")).status == 418
            assert backend.heads[1].startswith("put /v1/a%2fb http/1.1")

    at_the_door(tmp_path, story)


def test_nobody_leaves_the_address_or_goes_in_circles(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with open_backend() as backend:
            api = await proxied(door, f"http://127.0.0.1:{backend.port}/base/{{proxy}}")
            for path in ("/../x", "/a/%2E%2E/b", "/.", "/a/.."):
                assert (await fetch(door, api, path)).status == 500, path
            for via in (f"1.1 {api}.execute-api", f"1.0 other, 1.1 {api}.execute-api"):
                assert (await fetch(door, api, "/x", via=via)).status == 500
            assert backend.heads == []
            assert (await fetch(door, api, "/x", via="1.1 other")).status == 418
            assert f"via: 1.1 other, 1.1 {api}.execute-api" in backend.heads[0]

    at_the_door(tmp_path, story)


def test_who_is_not_there_or_says_nothing_or_too_much_is_a_503(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with open_backend() as backend:
            uri = f"http://127.0.0.1:{backend.port}/{{proxy}}"
            silent = await proxied(door, uri, TimeoutInMillis=50)
            backend.answer = b""
            answer = await fetch(door, silent, "/x")
            assert (answer.status, answer.json) == (503, UNAVAILABLE)
            api = await proxied(door, uri)
            large = b"x" * (10 * 1024 * 1024 + 1)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(large)
            for bad in (b"what?", head + large):
                backend.answer = bad
                answer = await fetch(door, api, "/x")
                assert (answer.status, answer.json) == (503, UNAVAILABLE)
        assert (await fetch(door, api, "/x")).status == 503

    at_the_door(tmp_path, story)
