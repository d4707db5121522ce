"""Checksums of joined bytes, against zlib."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from dicomorph.model.crc32 import Ends, joined, with_other_ends


@given(st.binary(), st.binary(max_size=5000))
def test_the_checksum_of_joined_bytes_follows_from_those_of_the_parts(first: bytes, second: bytes) -> None:
    assert joined(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


@given(st.lists(st.binary(), min_size=4, max_size=4), st.binary(max_size=5000))
def test_other_ends_need_no_look_at_what_is_between(ends: list[bytes], kept: bytes) -> None:
    head, tail, new_head, new_tail = ends
    found = with_other_ends(
        zlib.crc32(head + kept + tail),
        Ends(zlib.crc32(head), zlib.crc32(tail), len(tail)),
        Ends(zlib.crc32(new_head), zlib.crc32(new_tail), len(new_tail)),
        len(kept),
    )
    assert found == zlib.crc32(new_head + kept + new_tail)


def test_parts_may_be_longer_than_any_file() -> None:
    gigabyte = 1 << 30
    found = zlib.crc32(b"head")
    for _ in range(3):  # a step at a time, as often as it takes
        found = joined(found, 0, gigabyte)
    assert found == joined(zlib.crc32(b"head"), 0, 3 * gigabyte)
