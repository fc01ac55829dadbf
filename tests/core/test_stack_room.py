"""How much text the stacks of an account may keep."""

from dataclasses import replace

import pytest

from stoker.core.errors import LimitExceededException
from stoker.core.stacks.model import Wanted
from stoker.core.stacks.room import TEXT_BYTES, check_room, text_bytes


def test_the_template_and_the_parameters_count_by_their_bytes() -> None:
    wanted = Wanted("äb", {"more": "than text"}, {"a": "bc"}, {"d": "e"})
    assert text_bytes(wanted) == 8
    assert text_bytes(replace(wanted, processed=20)) == 28


def test_the_last_byte_fits_and_one_more_is_refused_with_the_numbers() -> None:
    kept = [Wanted("x" * (TEXT_BYTES // 2)), Wanted("y" * (TEXT_BYTES // 2 - 3))]
    check_room(kept, Wanted("{ }"))
    with pytest.raises(LimitExceededException, match=f"{TEXT_BYTES - 3} are taken, and 4 more"):
        check_room(kept, Wanted("{  }"))


def test_a_change_set_that_is_carried_out_needs_no_more_room() -> None:
    of_change_set = Wanted("x" * TEXT_BYTES)
    check_room([of_change_set], of_change_set)
    check_room([of_change_set, of_change_set], Wanted(""))
