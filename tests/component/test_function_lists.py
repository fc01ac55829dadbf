"""Pages of lists are worked out once, and are true nevertheless."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from stoker.api import codec, function_lists, services, versions
from stoker.api.control import Caller
from stoker.api.function_lists import Listed
from stoker.api.shapes import lambda_ as shapes
from tests.component.one_account import Account, tell

PAGES: tuple[dict[str, Any], ...] = (
    {},
    {"max_items": 2},
    {"max_items": 2, "function_version": "ALL"},
    {"function_version": "ALL"},
)


async def pages(my: Account) -> list[Any]:
    return [await my.list(**asked) for asked in PAGES]


async def read_anew(my: Account) -> list[Any]:
    """By somebody who remembers nothing."""
    control = replace(my.control, listed=Listed())
    return await pages(replace(my, control=control))


def test_a_page_is_read_once_as_long_as_no_function_changes(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active("a")
        await my.active("b")
        first, again = await pages(my), await pages(my)
        assert all(one is other for one, other in zip(first, again, strict=True))
        assert again == await read_anew(my)

    tell(tmp_path, story)


def test_after_each_change_a_list_shows_what_there_is(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        for name in ("b", "c"):
            await my.active(name)

        async def publish() -> Any:
            await my.do(versions.publish_version, function_name="b")
            await my.settle("b")

        changes: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: my.create("a"),
            lambda: my.settle("a"),
            lambda: my.update("c", description="other"),
            lambda: my.settle("c"),
            publish,
            lambda: my.delete("b", "1"),
            lambda: my.delete("a"),
            lambda: my.delete("b"),
        )
        before = await pages(my)
        for number, change in enumerate(changes):
            await change()
            after = await pages(my)
            assert after == await read_anew(my), number
            assert after != before, number
            before = after

    tell(tmp_path, story)


def test_nobody_is_shown_another_s_page(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active("mine")
        await pages(my)
        for other in (
            Caller("210987654321", my.caller.region, "k"),
            Caller(my.caller.account, "eu-west-1", "k"),
        ):
            assert (await replace(my, caller=other).list()).functions == ()

    tell(tmp_path, story)


def test_lists_that_are_read_while_functions_change_end_with_the_truth(tmp_path: Path) -> None:
    """A page that was being read when the change came must not be kept as if it came after."""

    async def story(my: Account) -> None:
        await my.active("a")
        for number in range(30):
            await asyncio.gather(my.update(name="a", description=str(number)), my.list(), my.list())
            [shown] = (await my.list()).functions
            assert shown.description == str(number)
            await my.settle("a")

    tell(tmp_path, story)


def test_what_is_remembered_of_lists_has_a_bound(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        for name in "ab":
            await my.active(name)
        for number in range(2 * function_lists.MOST_PAGES):
            await my.list(max_items=1 + number % 50, marker="YQ==" if number % 2 else None)
        assert 0 < len(my.control.listed.pages) <= function_lists.MOST_PAGES

    tell(tmp_path, story)


def test_a_page_whose_json_was_forgotten_is_written_out_again(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active("a")
        first = await my.list()
        for _ in range(2 * codec.MOST_REMEMBERED):  # others' things
            shown = shapes.FunctionConfiguration(function_name="x")
            codec.remember(services.shape("lambda", "FunctionConfiguration"), shown)
            if not codec.remembers(first.functions):
                break
        again = await my.list()
        assert again == first
        assert codec.remembers(again.functions)
        assert all(map(codec.remembers, again.functions))

    tell(tmp_path, story)


def test_what_is_worked_out_for_a_shape_is_worked_out_once(tmp_path: Path) -> None:
    """It was kept for each function anew, for good: botocore's shapes are new objects each time."""

    async def story(my: Account) -> None:
        await my.active("a")
        await my.list()
        known = codec.plan.cache_info().currsize
        for description in "bcd":
            await my.update("a", description=description)
            await my.settle("a")
            await my.list()
        assert codec.plan.cache_info().currsize == known

    tell(tmp_path, story)
