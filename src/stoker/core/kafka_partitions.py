"""Which partitions of a topic are read from where, as the consumer group gives and takes them.
Pure.

A group's members get partitions, and lose all of them whenever it is divided anew. Those that come
back to us go on where we are, unless somebody has had them meanwhile: then the group's offset is
not the one that we gave it last.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from stoker.core.stream_shards import Start


@dataclass(frozen=True, slots=True)
class Division:
    """What is to be done about partitions after the group was divided."""

    kept: frozenset[int]  # go on where we are
    begun: Mapping[int, int]  # to be read anew from this offset, which is the group's
    unread: frozenset[int]  # the group has no offset of them: see `first`


def divided(
    held: Mapping[int, Collection[int | None]],
    given: Iterable[int],
    committed: Mapping[int, int | None],
) -> Division:
    """`held`: partitions that we read, and which offsets the group may have from us. `given`: what
    is ours now. `committed`: the group's offsets (None: none)."""
    ours = frozenset(given)
    kept = frozenset(one for one in ours if one in held and committed.get(one) in held[one])
    begun = {one: offset for one in ours - kept if (offset := committed.get(one)) is not None}
    return Division(kept, begun, ours - kept - begun.keys())


def first(start: Start, beginning: int, end: int, since: int | None) -> int:
    """Where a partition begins of which the group has no offset. `since`: of the first record that
    is not older than the start, if there is one."""
    if start.since is None:
        return beginning
    return end if since is None else max(since, beginning)


def following(sequence: str | None) -> int | None:
    """The offset for the group when all up to that record is done."""
    return None if sequence is None else int(sequence) + 1
