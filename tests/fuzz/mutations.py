"""What happens to files on their way: bits, lengths, ranges, VRs, delimiters, nesting."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import TypeAlias

from tests.fuzz.corpus import Seed, corpus
from tests.fuzz.structure import ITEM, ITEM_END, LONG_VRS, SEQUENCE_END, SHORT_VRS, Header

MOST_BYTES = 1 << 20
UNDEFINED = 0xFFFFFFFF
VRS = tuple(sorted(SHORT_VRS | LONG_VRS))
# Removed, emptied, mapped; sequences; private; pixel data; what steers a reader.
TAGS = (
    *(0x00080005, 0x00080018, 0x00081030, 0x00081140, 0x00081155, 0x00090010, 0x00091001, 0x00100010),
    *(0x00100020, 0x00101002, 0x0020000D, 0x00400275, 0x0040A730, 0x30060010, 0x50000040, 0x60003000),
    *(0x7FE00010, 0xFFFAFFFA, 0xFFFCFFFC, 0x00020010, 0x00080000, 0x0040DB00, ITEM, ITEM_END, SEQUENCE_END),
)
Mutation: TypeAlias = Callable[[random.Random, bytearray, Seed], None]


def mutated(rng: random.Random, seed: Seed) -> bytes:
    """Return a file with one to four mutations."""
    data = bytearray(seed.data)
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 4))):
        rng.choice(MUTATIONS)(rng, data, seed)
    file = seed.file(bytes(data[:MOST_BYTES]))
    if seed.head and rng.random() < 0.3:  # the compressed bytes themselves
        damaged = bytearray(file)
        _flip(rng, damaged, seed)
        return bytes(damaged)
    return file


def _header(rng: random.Random, seed: Seed, data: bytearray) -> Header | None:
    """Return a header that is still inside the file, maybe no longer where it was."""
    found = rng.choice(seed.headers) if seed.headers else None
    return found if found is not None and found.start + 12 <= len(data) else None


def _boundary(rng: random.Random, seed: Seed, data: bytearray) -> int:
    """Return where an element begins, or anywhere."""
    header = _header(rng, seed, data)
    return header.start if header and rng.random() < 0.8 else rng.randrange(len(data) + 1)


def _order(seed: Seed) -> str:
    return seed.headers[0].code[0] if seed.headers else "<"


def _flip(rng: random.Random, data: bytearray, _: Seed) -> None:
    for _count in range(rng.choice((1, 1, 2, 8))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _flip_in_header(rng: random.Random, data: bytearray, seed: Seed) -> None:
    header = _header(rng, seed, data)
    if header:
        data[header.start + rng.randrange(12)] = rng.choice(
            (0, 1, 0x7F, 0x80, 0xFE, 0xFF, rng.randrange(256))
        )


def _length(rng: random.Random, data: bytearray, seed: Seed) -> None:
    header = _header(rng, seed, data)
    if header is None:
        return
    most = 0xFFFF if header.code[1] == "H" else UNDEFINED
    (length,) = struct.unpack_from(header.code, data, header.length)
    near = length + rng.choice((-8, -4, -2, -1, 1, 2, 4, 8, 12))
    changed = rng.choice((near, near, 0, most, most - 1, length * 2, length // 2, rng.randrange(most)))
    struct.pack_into(header.code, data, header.length, max(0, changed) & most)


def _value(rng: random.Random, data: bytearray, seed: Seed) -> None:
    """Change a byte of a value: text, numbers, fragments."""
    header = _header(rng, seed, data)
    if header and header.stop <= len(data):
        at = max(header.start + 8, header.stop - 1 - rng.randrange(64))
        data[at : at + 1] = rng.choice((b"\0", b"\\", b"^", b"\x1b", b"\xff", bytes([rng.randrange(256)])))


def _vr(rng: random.Random, data: bytearray, seed: Seed) -> None:
    """Give an element another VR, mostly one of the same form."""
    header = _header(rng, seed, data)
    if header and header.vr:
        alike = [vr for vr in VRS if (vr in LONG_VRS) is (header.code[1] == "I")]
        data[header.vr : header.vr + 2] = rng.choice((*alike, *alike, *VRS, b"??", b"\0\0", b"sq"))


def _unknown(rng: random.Random, data: bytearray, seed: Seed) -> None:
    """Send an element as UN, its value as it is."""
    header = _header(rng, seed, data)
    if header and header.vr and data[header.vr : header.vr + 2] != b"SQ":
        start, order = header.start, header.code[0]
        value = bytes(data[header.length + struct.calcsize(header.code) : header.stop])
        data[start : header.stop] = (
            data[start : start + 4] + struct.pack(order + "2sxxI", b"UN", len(value)) + value
        )
    elif header and header.vr:
        data[header.vr : header.vr + 2] = b"UN"


def _tag(rng: random.Random, data: bytearray, seed: Seed) -> None:
    header = _header(rng, seed, data)
    if header:
        tag = rng.choice(TAGS)
        struct.pack_into(_order(seed) + "HH", data, header.start, tag >> 16, tag & 0xFFFF)


def _truncate(rng: random.Random, data: bytearray, seed: Seed) -> None:
    del data[_boundary(rng, seed, data) :]


def _delete(rng: random.Random, data: bytearray, seed: Seed) -> None:
    start = _boundary(rng, seed, data)
    del data[start : start + rng.choice((1, 2, 4, 8, 12, 40, 400))]


def _duplicate(rng: random.Random, data: bytearray, seed: Seed) -> None:
    header = _header(rng, seed, data)
    if header is None:
        return
    piece = data[header.start : min(header.stop, header.start + 5000)]
    at = header.stop if rng.random() < 0.4 else _boundary(rng, seed, data)
    data[at:at] = piece * rng.choice((1, 1, 1, 2, 30))


def _splice(rng: random.Random, data: bytearray, seed: Seed) -> None:
    other = rng.choice(corpus())
    start = _boundary(rng, other, bytearray(other.data))
    piece = other.data[start : start + rng.choice((8, 100, 1000, 20_000))]
    at = _boundary(rng, seed, data)
    data[at : at + (len(piece) if rng.random() < 0.5 else 0)] = piece


def _delimiter(rng: random.Random, data: bytearray, seed: Seed) -> None:
    tag = rng.choice((ITEM, ITEM_END, SEQUENCE_END))
    length = rng.choice((0, 0, UNDEFINED, 8, rng.randrange(1 << 16)))
    at = _boundary(rng, seed, data)
    data[at:at] = struct.pack(_order(seed) + "HHI", tag >> 16, tag & 0xFFFF, length)


def _nest(rng: random.Random, data: bytearray, seed: Seed) -> None:
    """Wrap an element into sequences, their lengths right or undefined."""
    header = _header(rng, seed, data)
    if header is None:
        return
    order, inner = _order(seed), bytes(data[header.start : header.stop])
    undefined, unknown = rng.random() < 0.5, rng.random() < 0.2
    for _ in range(rng.choice((1, 1, 2, 5, 70))):
        tag = rng.choice((0x0040A730, 0x00081140, 0x00091002, 0x00081250))
        inner = _wrapped(inner, tag, order, explicit=bool(header.vr), undefined=undefined, unknown=unknown)
    data[header.start : header.stop if rng.random() < 0.7 else header.start] = inner


def _wrapped(inner: bytes, tag: int, order: str, *, explicit: bool, undefined: bool, unknown: bool) -> bytes:
    def one(tag: int, length: int) -> bytes:
        return struct.pack(order + "HHI", tag >> 16, tag & 0xFFFF, length)

    item = one(ITEM, UNDEFINED if undefined else len(inner)) + inner
    if undefined:
        item += one(ITEM_END, 0) + one(SEQUENCE_END, 0)
    length = UNDEFINED if undefined else len(item)
    if not explicit:
        return one(tag, length) + item
    vr = b"UN" if unknown else b"SQ"
    return struct.pack(order + "HH2sxxI", tag >> 16, tag & 0xFFFF, vr, length) + item


MUTATIONS: tuple[Mutation, ...] = (
    *(_flip, _flip_in_header, _length, _length, _length, _vr, _tag, _truncate),
    *(_delete, _duplicate, _splice, _delimiter, _nest, _nest, _value, _value, _vr, _unknown),
)
