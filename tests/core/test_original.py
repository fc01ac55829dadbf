"""Which of a zygote's memory becomes a file that its children map."""

import struct

from stoker.sandbox.namespaces.original import MallocInfo, Mapping, blocks, mappings, without_blocks

PAGE = 4096
SMAPS = """\
10000-50000 rw-p 00000000 00:00 0                                  [heap]
Size:                256 kB
VmFlags: rd wr mr mw me ac sd
60000-a0000 rw-p 00000000 00:00 0
VmFlags: rd wr mr mw me ac sd
b0000-b1000 rw-p 00000000 00:00 0
VmFlags: rd wr mr mw me ac sd
c0000-f0000 r--p 00000000 00:00 0
VmFlags: rd mr mw me ac sd
100000-140000 rw-p 00000000 00:00 0
VmFlags: rd wr mr mw me ac wf sd
150000-190000 rw-s 00000000 00:01 9                                /dev/zero (deleted)
VmFlags: rd wr sh mr mw me ms sd
200000-240000 rw-p 00001000 08:01 77                               /var/lang/lib/libpython.so
VmFlags: rd wr mr mw me ac sd
7000000-7040000 rw-p 00000000 00:00 0                              [stack]
VmFlags: rd wr mr mw me gd ac
"""


def test_the_heap_arenas_and_variables_are_exchanged_and_nothing_that_is_special() -> None:
    assert mappings(SMAPS.splitlines()) == [
        Mapping(0x10000, 0x50000, "[heap]"),
        Mapping(0x60000, 0xA0000, ""),
        Mapping(0x200000, 0x240000, "/var/lang/lib/libpython.so"),
    ]


def memory(**heads: int) -> dict[int, bytes]:
    """The first words of pages; a block of malloc's tells its size and that it has a mapping."""
    return {int(at[1:], 16): struct.pack("=2Q", 0, size | 2) for at, size in heads.items()}


def test_large_blocks_of_malloc_are_left_out() -> None:
    held = memory(x61000=2 * PAGE, x63000=PAGE, x9f000=2 * PAGE)  # the last one would not fit

    def head(at: int) -> bytes:
        return held.get(at, b"\1" * 16)

    assert list(blocks(0x60000, 0xA0000, head)) == [(0x61000, 0x63000), (0x63000, 0x64000)]
    found = [Mapping(0x10000, 0x50000, "[heap]"), Mapping(0x60000, 0xA0000, "")]
    info = MallocInfo(hblks=2, hblkhd=3 * PAGE)
    assert list(without_blocks(found, info, head)) == [
        (0x10000, 0x50000),
        (0x60000, 0x61000),
        (0x64000, 0xA0000),
    ]


def test_where_malloc_counts_other_blocks_than_are_seen_none_of_its_mappings_is_touched() -> None:
    held = memory(x61000=2 * PAGE)
    found = [Mapping(0x10000, 0x50000, "[heap]"), Mapping(0x60000, 0xA0000, "")]
    for info in (MallocInfo(hblks=2, hblkhd=2 * PAGE), MallocInfo(hblks=1, hblkhd=PAGE)):
        ranges = without_blocks(found, info, lambda at: held.get(at, b"\1" * 16))
        assert list(ranges) == [(0x10000, 0x50000)]
