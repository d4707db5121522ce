"""Checksums of joined bytes, against zlib."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from dicomorph.model.crc32 import joined, with_other_head


@given(st.binary(), st.binary(max_size=5000))
def test_the_checksum_of_joined_bytes_follows_from_those_of_the_parts(first: bytes, second: bytes) -> None:
    assert joined(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


@given(st.binary(), st.binary(), st.binary(max_size=5000))
def test_another_head_needs_no_look_at_the_tail(head: bytes, new_head: bytes, tail: bytes) -> None:
    found = with_other_head(zlib.crc32(head + tail), zlib.crc32(head), zlib.crc32(new_head), len(tail))
    assert found == zlib.crc32(new_head + tail)


def test_parts_may_be_longer_than_any_file() -> None:
    gigabyte = 1 << 30
    found = zlib.crc32(b"head")
    for _ in range(3):  # a step at a time, as often as it takes
        found = joined(found, 0, gigabyte)
    assert found == joined(zlib.crc32(b"head"), 0, 3 * gigabyte)
