"""What a data set says of its private blocks (PS3.3 C.12.1.1.7): which elements identify nobody.

A block is meant by its group and creator, in whatever place it lies.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dicomorph.dicom.stream.elements import (
    ITEM,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Element,
    Encoding,
    StructureError,
    encoding_inside,
    misplaced,
    read_element,
    read_header,
    skip_undefined,
)
from dicomorph.dicom.stream.source import Buffer

CHARACTERISTICS = 0x00080300  # PrivateDataElementCharacteristicsSequence
_GROUP, _CREATOR, _STATUS, _NONIDENTIFYING = 0x00080301, 0x00080302, 0x00080303, 0x00080304
_ACTIONS, _IDENTIFYING, _ACTION = 0x00080305, 0x00080306, 0x00080307
_DELIMITER = 8  # bytes of an item delimiter
MOST = 256  # blocks that are spoken of; real files have a few dozen


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
    nonidentifying : frozenset[int]
        NonidentifyingPrivateElements: the last eight bits of their tags.
    actions : frozenset[tuple[int, str]]
        DeidentificationAction by IdentifyingPrivateElements, which are written likewise.
    """

    group: int
    creator: str
    status: str
    nonidentifying: frozenset[int]
    actions: frozenset[tuple[int, str]]


def block_characteristics(
    vr: bytes, raw: Buffer, encoding: Encoding, decode: Callable[[bytes], str]
) -> frozenset[BlockCharacteristics]:
    """Return what a PrivateDataElementCharacteristicsSequence says, nothing if it cannot be read.

    Parameters
    ----------
    vr, raw : bytes, Buffer
        The sequence: its VR, empty in implicit VR, and its value with the delimiter, if it has one.
    encoding : Encoding
        Of the data set.
    decode : Callable[[bytes], str]
        Reads text in the character set of the data set.
    """
    try:
        inner = encoding_inside(vr, encoding, raw, 0, len(raw))
        found = frozenset(
            _characteristics(raw, *item, inner, decode) for item in _items(raw, 0, len(raw), inner)
        )
    except (StructureError, struct.error, IndexError):
        return frozenset()
    return found if len(found) <= MOST else frozenset()


def _items(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """Yield where each item of a sequence begins and ends."""
    while pos < end:
        tag, _, start, length = read_header(buffer, pos, end, encoding)
        if tag == SEQUENCE_DELIMITATION:
            return
        if tag != ITEM:
            raise misplaced()
        if length == UNDEFINED_LENGTH:
            pos = skip_undefined(buffer, start, end, encoding, in_item=True)
            yield start, pos - _DELIMITER
        else:
            pos = start + length
            yield start, pos


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
    buffer: Buffer, pos: int, end: int, encoding: Encoding, decode: Callable[[bytes], str]
) -> BlockCharacteristics:
    elements = _elements(buffer, pos, end, encoding)

    def value(tag: int) -> bytes:
        element = elements.get(tag)
        return b"" if element is None else bytes(buffer[element.value : element.stop])

    (group,) = _numbers(value(_GROUP), encoding) or (0,)
    return BlockCharacteristics(
        group,
        creator_text(value(_CREATOR), decode),
        value(_STATUS).decode("ascii", "replace").strip(" \0"),
        frozenset(_numbers(value(_NONIDENTIFYING), encoding)),
        frozenset(_actions(buffer, elements.get(_ACTIONS), encoding)),
    )


def _actions(buffer: Buffer, sequence: Element | None, encoding: Encoding) -> Iterator[tuple[int, str]]:
    if sequence is None:
        return
    inner = encoding_inside(sequence.vr, encoding, buffer, sequence.value, sequence.stop)
    for start, stop in _items(buffer, sequence.value, sequence.stop, inner):
        elements = _elements(buffer, start, stop, inner)
        action, tags = elements.get(_ACTION), elements.get(_IDENTIFYING)
        if tags is None:
            continue
        name = bytes(buffer[action.value : action.stop]).decode("ascii", "replace") if action else ""
        for number in _numbers(bytes(buffer[tags.value : tags.stop]), inner):
            yield number, name.strip(" \0")


def _numbers(raw: bytes, encoding: Encoding) -> tuple[int, ...]:
    """Return values of the VR US."""
    return struct.unpack(f"{encoding.order}{len(raw) // 2}H", raw[: len(raw) & ~1])


def creator_text(raw: bytes, decode: Callable[[bytes], str]) -> str:
    """Return a private creator without its padding: spaces (PS3.5 6.2, LO), and NULs behind it."""
    return decode(raw).rstrip(" \0").lstrip(" ")
