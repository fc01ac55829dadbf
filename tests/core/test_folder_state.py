"""What a folder is like, as one number."""

import stat

from hypothesis import given
from hypothesis import strategies as st

from stoker.core.folder_state import Facts, FolderState

FILE = Facts(changed_ns=1, size=2, inode=3, mode=stat.S_IFREG | 0o644, writes=0)
paths = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a"])
files = st.none() | st.builds(lambda n: FILE._replace(size=n), st.integers(0, 3))
saves = st.lists(st.tuples(paths, files))


@given(saves)
def test_the_number_says_what_is_there_and_not_how_it_came_to_be(
    saved: list[tuple[str, Facts | None]],
) -> None:
    grown = FolderState()
    there: dict[str, Facts | None] = {}
    for path, facts in saved:
        grown.put(path, facts)
        there[path] = facts
    anew = FolderState()
    for path in sorted(there, reverse=True):
        anew.put(path, there[path])
    assert grown.fingerprint == anew.fingerprint
    assert len(grown) == len(anew)


def test_whatever_changes_of_a_file_changes_the_number() -> None:
    state = FolderState()
    seen = {state.fingerprint}
    for facts in (FILE, *(FILE._replace(**{name: 77}) for name in Facts._fields)):
        state.put("main.py", facts)
        seen.add(state.fingerprint)
    assert len(seen) == 1 + 1 + len(Facts._fields)
    state.put("main.py", FILE)
    before = state.fingerprint
    state.put("main.py", None)
    state.put("other.py", FILE)
    assert state.fingerprint != before, "a file that was renamed"


def test_a_folder_goes_with_all_that_was_in_it_and_nothing_else() -> None:
    state, left = FolderState(), FolderState()
    for path in ("d/a", "d/e/b", "dd/a", "d.py"):
        state.put(path, FILE)
    for path in ("dd/a", "d.py"):
        left.put(path, FILE)
    state.drop_below("d")
    assert state.fingerprint == left.fingerprint


def test_files_that_only_their_owner_may_read_are_named() -> None:
    state = FolderState()
    state.put("open.py", FILE)
    state.put("b.py", FILE._replace(mode=stat.S_IFREG | 0o600))
    state.put("a.py", FILE._replace(mode=stat.S_IFREG | 0o640))
    state.put("link", FILE._replace(mode=stat.S_IFLNK | 0o777))
    assert state.closed() == ["a.py", "b.py"]
