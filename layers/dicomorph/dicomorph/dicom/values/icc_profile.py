"""ICC profiles without text: what names a device, a maker, an owner or a day leaves, colours stay.

ICC.1:2022 (and ICC.1:2001-04 for version 2) says how they are built. All numbers are big-endian. Length
and tag table stay as they are, so that a profile is edited like for like; what is between the tagged
elements, and whatever is not known to be numbers, becomes zeros.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

_HEADER = 128  # bytes
_SIGNATURE = b"acsp"
_TABLE_ROW = struct.Struct(">4sII")  # signature, position, size
_MOST_TAGS = 1000
_SMALLEST = 8  # bytes of an element: its type, and four that are reserved
_LONGEST = (16 << 20) - 16  # bytes, what the engine reads of an element; large tables have some 4 MB

_FIRST_DAY = struct.pack(">6H", 1900, 1, 1, 0, 0, 0)
_TEXT = "ANONYMIZED"
# Types that are numbers throughout, or enumerations.
_NUMERIC = frozenset(
    (
        *(b"XYZ ", b"chrm", b"cicp", b"clro", b"curv", b"mAB ", b"mBA ", b"meas", b"mft1", b"mft2"),
        *(b"mpet", b"para", b"sf32", b"sig ", b"uf32", b"ui08", b"ui16", b"ui32", b"ui64", b"view"),
    )
)


class BrokenProfileError(ValueError):
    """The bytes are no ICC profile."""


class _Tag(NamedTuple):
    signature: bytes
    start: int
    size: int


def without_text(profile: bytes) -> bytes:
    """Return a profile with the same colours and no words; a broken one becomes a profile of sRGB.

    Parameters
    ----------
    profile : bytes
        The value of ICCProfile (0028,2000), with its padding.

    Returns
    -------
    bytes
        As long as the original, if that was a profile.
    """
    try:
        return _without_text(profile)
    except BrokenProfileError:
        return minimal_profile()


def _without_text(profile: bytes) -> bytes:
    size, tags = _read(profile)
    new = bytearray(len(profile))  # what stands behind the profile is padding
    new[:_HEADER] = _header(profile[:_HEADER])
    table_stop = _HEADER + 4 + len(tags) * _TABLE_ROW.size
    new[_HEADER:table_stop] = profile[_HEADER:table_stop]
    for _, start, length in set(tags):
        stop = min(start + length, size)
        new[start:stop] = _element(profile[start:stop])
    return bytes(new)


def _read(profile: bytes) -> tuple[int, list[_Tag]]:
    """Return the size that a profile states, and its tags."""
    if not _HEADER + 4 <= len(profile) <= _LONGEST or profile[36:40] != _SIGNATURE:
        raise BrokenProfileError
    (size,) = struct.unpack_from(">I", profile)
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    first = _HEADER + 4 + count * _TABLE_ROW.size
    if count > _MOST_TAGS or not first <= size <= len(profile):
        raise BrokenProfileError
    tags = [_Tag(*row) for row in _TABLE_ROW.iter_unpack(profile[_HEADER + 4 : first])]
    places = sorted({(tag.start, tag.start + tag.size) for tag in tags})
    before = first
    for start, stop in places:  # several tags may share an element, no element a part of another one
        if start < before or stop < start + _SMALLEST or stop > size:
            raise BrokenProfileError
        before = stop
    return size, tags


def _header(header: bytes) -> bytes:
    """Return a header without its maker, model, creator, identity, day and what is a vendor's own."""
    (flags,), (attributes,) = struct.unpack_from(">I", header, 44), struct.unpack_from(">I", header, 60)
    return b"".join(
        (
            header[:4] + bytes(4) + header[8:24],  # size; no preferred module; version, class, spaces
            _FIRST_DAY + _SIGNATURE + bytes(4),  # on no platform
            struct.pack(">I12xI", flags & 0b11, attributes & 0b1111),  # what ICC itself defines
            header[64:80],  # intent, illuminant
            bytes(_HEADER - 80),
        )
    )


def _element(element: bytes) -> bytes:
    """Return a tagged element of the same size."""
    kind = element[:4]
    if kind in _NUMERIC:
        return kind + bytes(4) + element[8:]
    room = len(element) - _SMALLEST
    write = _NEUTRAL.get(kind)
    if write is None:
        kind, write = b"data", _data
    return kind + bytes(4) + write(room, element[8:])[:room].ljust(room, b"\0")


def _text(room: int, _: bytes) -> bytes:
    return _TEXT[: max(room - 1, 0)].encode("ascii")


def _description(room: int, _: bytes) -> bytes:
    """Return a text in ASCII, with its NUL, and none in Unicode and for Macintosh (78 bytes)."""
    text = _TEXT[: max(room - 4 - 78 - 1, 0)].encode("ascii") + b"\0"
    return struct.pack(">I", len(text)) + text


def _localized(room: int, _: bytes) -> bytes:
    """Return one record: the text in English."""
    text = _TEXT[: max(room - 20, 0) // 2].encode("utf-16-be")
    return struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text


def _day(_: int, __: bytes) -> bytes:
    return _FIRST_DAY


def _dictionary(_: int, __: bytes) -> bytes:
    return struct.pack(">II", 0, 16)  # no records, of names and values


def _data(_: int, __: bytes) -> bytes:
    return struct.pack(">I", 1)  # binary; zeros follow


def _colorants(_: int, rest: bytes) -> bytes:
    """Return the same colorants, with a neutral name each (32 bytes, behind which there are 3 numbers)."""
    row = 32 + 6
    count = min(int.from_bytes(rest[:4], "big"), (len(rest) - 4) // row)
    rows = (rest[4 + row * i : 4 + row * (i + 1)] for i in range(count))
    named = (_TEXT.encode("ascii").ljust(32, b"\0") + one[32:] for one in rows)
    return struct.pack(">I", max(count, 0)) + b"".join(named)


# By type: the bytes behind the first eight, from their number and what they were.
_NEUTRAL: Mapping[bytes, Callable[[int, bytes], bytes]] = {
    b"text": _text,
    b"desc": _description,
    b"mluc": _localized,
    b"dtim": _day,
    b"dict": _dictionary,
    b"clrt": _colorants,
    b"pseq": lambda _, __: b"",  # a sequence of no profiles
    b"psid": lambda _, __: b"",
}

_D50 = (0.9642, 1.0, 0.8249)
# sRGB, adapted to D50 (IEC 61966-2-1).
_COLORANTS = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
_GAMMA: Final = 0x0233  # 2.2, as u8Fixed8Number


def minimal_profile() -> bytes:
    """Return an input profile of RGB (version 2.1) with the tags that ICC requires, and no more."""
    description = b"desc" + bytes(4) + _description(93, b"") + bytes(78)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, _GAMMA)
    elements = [
        ((b"desc",), description),
        ((b"cprt",), b"text" + bytes(4) + _TEXT.encode("ascii") + b"\0"),
        ((b"wtpt",), _xyz(_D50)),
        *(
            ((name,), _xyz(color))
            for name, color in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _COLORANTS, strict=True)
        ),
        ((b"rTRC", b"gTRC", b"bTRC"), curve),
    ]
    count = sum(len(names) for names, _ in elements)
    position = _HEADER + 4 + count * _TABLE_ROW.size
    table, body = struct.pack(">I", count), b""
    for names, element in elements:
        padded = element + bytes(-len(element) % 4)
        for name in names:
            table += _TABLE_ROW.pack(name, position + len(body), len(element))
        body += padded
    header = struct.pack(">I4sI4s4s4s", position + len(body), b"", 0x02100000, b"scnr", b"RGB ", b"XYZ ")
    header += _FIRST_DAY + _SIGNATURE + bytes(28) + _fixed(_D50)
    return header.ljust(_HEADER, b"\0") + table + body


def _xyz(color: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(color)


def _fixed(values: tuple[float, float, float]) -> bytes:
    """Return numbers as s15Fixed16Number."""
    return struct.pack(">3i", *(round(value * 0x10000) for value in values))
