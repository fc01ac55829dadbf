"""What a custom resource's function may send to its ResponseURL: it is inside a sandbox, and may
send whatever it likes, as often as it likes."""

import asyncio
import json

import pytest

from stoker.stacks.custom import ANSWER_BYTES, PATH, Answers

GOOD = json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "it"}).encode()


def word_of(url: str) -> str:
    assert url.startswith(f"http://here{PATH}")
    return url.rpartition("/")[2]


def test_the_first_answer_counts_and_no_other() -> None:
    async def main() -> None:
        answers = Answers("http://here")
        url, waiting = answers.open()
        other, _ = answers.open()
        assert word_of(url) != word_of(other)
        assert not answers.take("a-guess", GOOD), "nobody waits there"
        assert answers.take(word_of(url), GOOD)
        assert not answers.take(word_of(url), GOOD)
        assert (await waiting)["PhysicalResourceId"] == "it"
        assert not answers.take(word_of(url), GOOD), "and the address is forgotten"

    asyncio.run(main())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"Status": "MAYBE"}', b"\xff" * 10])
def test_what_is_no_answer_is_refused_and_another_may_come(body: bytes) -> None:
    async def main() -> None:
        answers = Answers("http://here")
        url, waiting = answers.open()
        with pytest.raises(ValueError, match=r"."):
            answers.take(word_of(url), body)
        assert answers.take(word_of(url), GOOD)
        assert (await waiting)["Status"] == "SUCCESS"

    asyncio.run(main())


def test_an_answer_that_is_too_long_is_a_failure() -> None:
    async def main() -> None:
        answers = Answers("http://here")
        url, waiting = answers.open()
        assert answers.take(word_of(url), GOOD + b" " * ANSWER_BYTES)
        assert await waiting == {"Status": "FAILED", "Reason": "Response object is too long."}

    asyncio.run(main())


def test_nobody_answers_who_is_not_waited_for_any_more() -> None:
    async def main() -> None:
        answers = Answers("http://here")
        url, waiting = answers.open()
        waiting.cancel()
        await asyncio.sleep(0)
        assert not answers.take(word_of(url), GOOD)

    asyncio.run(main())
