"""What a data set says of its private blocks (PS3.3 C.12.1.1.7): which elements identify nobody.

A block is meant by its group and creator, in whatever place it lies.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from dicomorph.dicom.engine.sound_items import items
from dicomorph.dicom.stream.elements import (
    Element,
    Encoding,
    StructureError,
    encoding_inside,
    misplaced,
    read_element,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.text.charsets import CharacterSet

CHARACTERISTICS = 0x00080300  # PrivateDataElementCharacteristicsSequence
_GROUP, _CREATOR, _STATUS, _NONIDENTIFYING = 0x00080301, 0x00080302, 0x00080303, 0x00080304
_ACTIONS, _IDENTIFYING, _ACTION = 0x00080305, 0x00080306, 0x00080307
_LAST = 0xFF  # of what ends a tag
_WHOLE = 0xFFFF  # what identifies somebody does so, too, if more of its tag is given
_LONGEST_CREATOR = 64  # characters (PS3.5 6.2, LO)
MOST = 128  # blocks that are spoken of; real files have a few dozen
_MOST_ACTIONS = 16  # there are four


class BlockCharacteristics(NamedTuple):
    """What is said of one private block.

    Parameters
    ----------
    group : int
        PrivateGroupReference.
    creator : str
        PrivateCreatorReference, without padding.
    status : str
        BlockIdentifyingInformationStatus: ``SAFE``, ``UNSAFE`` or ``MIXED``.
    nonidentifying : int
        NonidentifyingPrivateElements: a bit for each value that the last eight of a tag may have.
    actions : tuple[tuple[str, int], ...]
        DeidentificationAction, with IdentifyingPrivateElements as bits likewise.
    """

    group: int
    creator: str
    status: str
    nonidentifying: int
    actions: tuple[tuple[str, int], ...]


def block_characteristics(
    vr: bytes, raw: Buffer, encoding: Encoding, decoding: CharacterSet
) -> frozenset[BlockCharacteristics]:
    """Return what a PrivateDataElementCharacteristicsSequence says, nothing if it cannot be read.

    Parameters
    ----------
    vr, raw : bytes, Buffer
        The sequence: its VR, empty in implicit VR, and its value with the delimiter, if it has one.
    encoding : Encoding
        Of the data set.
    decoding : CharacterSet
        Of the data set.
    """
    try:
        inner = encoding_inside(vr, encoding, raw, 0, len(raw))
        found = frozenset(
            _characteristics(raw, *item, inner, decoding) for item in items(raw, 0, len(raw), inner)
        )
    except (StructureError, struct.error, IndexError):
        return frozenset()
    return found if len(found) <= MOST else frozenset()


def _elements(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> dict[int, Element]:
    found: dict[int, Element] = {}
    while pos < end:
        element = read_element(buffer, pos, end, encoding)
        if element.tag in found:
            raise misplaced()
        found[element.tag] = element
        pos = element.stop
    return found


def _characteristics(
    buffer: Buffer, pos: int, end: int, encoding: Encoding, decoding: CharacterSet
) -> BlockCharacteristics:
    elements = _elements(buffer, pos, end, encoding)

    def value(tag: int) -> bytes:
        element = elements.get(tag)
        return b"" if element is None else bytes(buffer[element.value : element.stop])

    (group,) = _numbers(value(_GROUP), encoding) or (0,)
    return BlockCharacteristics(
        group,
        creator_text(value(_CREATOR), decoding),
        value(_STATUS).decode("ascii", "replace").strip(" \0"),
        _bits(value(_NONIDENTIFYING), encoding),
        _actions(buffer, elements.get(_ACTIONS), encoding),
    )


def _actions(buffer: Buffer, sequence: Element | None, encoding: Encoding) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    if sequence is None:
        return ()
    inner = encoding_inside(sequence.vr, encoding, buffer, sequence.value, sequence.stop)
    for start, stop in items(buffer, sequence.value, sequence.stop, inner):
        elements = _elements(buffer, start, stop, inner)
        action, numbers = (
            b"" if one is None else bytes(buffer[one.value : one.stop])
            for one in (elements.get(_ACTION), elements.get(_IDENTIFYING))
        )
        name = action.decode("ascii", "replace").strip(" \0")
        found[name] = found.get(name, 0) | _bits(numbers, inner, _WHOLE)
    if len(found) > _MOST_ACTIONS:
        raise misplaced()
    return tuple(sorted(found.items()))


def _bits(raw: bytes, encoding: Encoding, largest: int = _LAST) -> int:
    """Return a bit for the end of each tag that is given, with what stands before it up to a number."""
    bits = 0
    for number in set(_numbers(raw, encoding)):
        bits |= 1 << (number & _LAST) if number <= largest else 0
    return bits


def _numbers(raw: bytes, encoding: Encoding) -> tuple[int, ...]:
    """Return values of the VR US."""
    return struct.unpack(f"{encoding.order}{len(raw) // 2}H", raw[: len(raw) & ~1])


def creator_text(raw: bytes, decoding: CharacterSet) -> str:
    """Return a private creator without its padding: spaces (PS3.5 6.2, LO), and NULs behind it.

    What is no text in its character set to the last byte, or longer than a creator may be, names
    nobody: it is empty.
    """
    raw = raw.rstrip(b" \0")
    if not decoding.is_text(raw, is_name=False):
        return ""
    text = decoding.decode(raw).strip(" ")
    return text if len(text) <= _LONGEST_CREATOR else ""
