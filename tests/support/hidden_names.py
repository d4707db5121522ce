"""Files that hide names where readers may not agree on what is there: odd lengths, VRs and encodings."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, UNDEFINED, Element, encode, order_of
from tests.support.small_files import CLASS, INSTANCE, NAME, PATIENT_ID, STUDY

TOKENS = {NAME: "ZORBLATT", PATIENT_ID: "K77431"}
"""What the values of a tag begin with, wherever they stand."""
ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
LONG_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
SHORT_VRS = (
    *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST"),
    *("TM", "UI", "UL", "US"),
)
_COMMON_VRS = ("SQ", "SQ", "SQ", "SQ", "UN", "UN", "OB", "LO", "UT")
# Sequences and other attributes that no edition removes, pixel data, unknown and private elements.
_HOSTS = (
    *(0x00080070, 0x00081140, 0x00081250, 0x00091010, 0x00091011),
    *(0x00180FF0, 0x00280120, 0x00289110, 0x7FE00010),
)


def tag_and_length(tag: int, length: int, syntax: str) -> bytes:
    """Return the header of an item, a delimiter or an element in implicit VR."""
    return struct.pack(order_of(syntax) + "HHI", tag >> 16, tag & 0xFFFF, length)


def element(tag: int, vr: str, value: bytes, syntax: str, *, undefined: bool = False) -> bytes:
    """Return an element; one of undefined length ends in its delimiter, whatever its VR."""
    length = UNDEFINED if undefined else len(value)
    value += tag_and_length(SEQUENCE_DELIMITATION, 0, syntax) if undefined else b""
    if syntax == IMPLICIT:
        return tag_and_length(tag, length, syntax) + value
    order = order_of(syntax)
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in LONG_VRS:
        return head + struct.pack(order + "xxI", length) + value
    return head + struct.pack(order + "H", length) + value


def hidden_names(seed: int) -> tuple[str, bytes]:
    """Return a transfer syntax and a data set in it with names in all sorts of places."""
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    syntax = rng.choice((EXPLICIT, EXPLICIT, IMPLICIT, BIG))
    found = {tag: _host(rng, tag, syntax, 3) for tag in rng.sample(_HOSTS, 3)}
    for tag, vr, value in (
        (CLASS, "UI", "1.2.840.10008.5.1.4.1.1.7"),
        (INSTANCE, "UI", "1.2.3"),
        (0x00090010, "LO", "ACME"),
        *_names(rng),
        (STUDY, "UI", "1.2"),
    ):
        found[tag] = encode([Element(tag, vr, value)], syntax)
    return syntax, b"".join(found[tag] for tag in sorted(found))


def _names(rng: random.Random) -> Iterator[tuple[int, str, str]]:
    yield NAME, "PN", f"{TOKENS[NAME]}^{rng.randrange(1000)}"
    yield PATIENT_ID, "LO", f"{TOKENS[PATIENT_ID]}{rng.randrange(1000)}"


def _host(rng: random.Random, tag: int, syntax: str, depth: int) -> bytes:
    vr = rng.choice(rng.choice((_COMMON_VRS, _COMMON_VRS, LONG_VRS, SHORT_VRS)))
    inside = rng.choice((syntax, syntax, syntax, IMPLICIT, EXPLICIT))
    value = _value(rng, inside, depth)
    undefined = rng.random() < 0.4 and (syntax == IMPLICIT or vr in LONG_VRS)
    return element(tag, vr, value, syntax, undefined=undefined)


def _value(rng: random.Random, syntax: str, depth: int) -> bytes:
    value = b"".join(_item(rng, syntax, depth) for _ in range(rng.choice((0, 1, 1, 2))))
    kind = rng.random()
    if kind < 0.1:
        return value + tag_and_length(SEQUENCE_DELIMITATION, 0, syntax)
    if kind < 0.15:  # what the first delimiter uncovers
        return value + tag_and_length(SEQUENCE_DELIMITATION, 0, syntax) + _data_set(rng, syntax, 0)
    if kind < 0.2:
        return _data_set(rng, syntax, 0)
    return value


def _item(rng: random.Random, syntax: str, depth: int) -> bytes:
    body = _data_set(rng, syntax, depth - 1)
    delimiter = tag_and_length(ITEM_DELIMITATION, 0, syntax)
    kind = rng.random()
    if kind < 0.3:
        return tag_and_length(ITEM, UNDEFINED, syntax) + body + delimiter
    body += delimiter if kind < 0.45 else b""
    length = len(body) + (rng.choice((-4, 4, 8)) if kind > 0.97 else 0)
    return tag_and_length(ITEM, length, syntax) + body


def _data_set(rng: random.Random, syntax: str, depth: int) -> bytes:
    found = {tag: encode([Element(tag, vr, value)], syntax) for tag, vr, value in _names(rng)}
    if depth > 0:
        for tag in rng.sample(_HOSTS, rng.choice((0, 1, 1, 2))):
            found[tag] = _host(rng, tag, syntax, depth)
    return b"".join(found[tag] for tag in sorted(found))
