"""The references in a sequence, as a tree: which UIDs stand in which items, and nothing else.

What holds no reference is not looked at, as far as lengths allow to step over it, and is no part of
the tree: the bytes between its nodes stay as they are.
"""

from __future__ import annotations

import functools
import re
import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from dicomorph.dicom.engine.holding_items import holds_items
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.tags import SERIES_INSTANCE_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID
from dicomorph.dicom.standard.vrs import LONG_VRS
from dicomorph.dicom.stream.elements import (
    DELIMITER_BYTES,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_DELIMITATION,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    encoding_inside,
    misplaced,
    overrun,
    read_header,
    skip_undefined,
    too_deep,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.model.errors import BadFileFormatError

FAILED_SOP_INSTANCE_UID_LIST = 0x00080058
REFERENCED_SOP_INSTANCE_UID = 0x00081155
MULTI_FRAME_SOURCE_SOP_INSTANCE_UID = 0x00081167
SOP_INSTANCE_UID_OF_CONCATENATION_SOURCE = 0x00200242
REFERENCED_COLOR_PALETTE_INSTANCE_UID = 0x00280304
ORIGINAL_ATTRIBUTES_SEQUENCE = 0x04000561  # what was before (PS3.3 C.12.1.1.9): no reference
UID = 0x0040A124  # of a content item of type UIDREF (PS3.3 C.18.3)

# What names an instance, a series or a study where it stands alone.
SINGLE_REFERENCES = frozenset(
    (
        FAILED_SOP_INSTANCE_UID_LIST,
        REFERENCED_SOP_INSTANCE_UID,
        MULTI_FRAME_SOURCE_SOP_INSTANCE_UID,
        SOP_INSTANCE_UID_OF_CONCATENATION_SOURCE,
        REFERENCED_COLOR_PALETTE_INSTANCE_UID,
        UID,
    )
)
REFERENCES = SINGLE_REFERENCES | {SOP_INSTANCE_UID, SERIES_INSTANCE_UID, STUDY_INSTANCE_UID}
_MOST = 500_000  # UIDs with their items; each takes hundreds of bytes of memory, for 16 in a hostile file
_DAMAGE = (BadFileFormatError, struct.error, IndexError)
_HOLDERS = (b"SQ", b"UN", b"")  # the last one in implicit VR
_FRAGMENTS = (b"OB", b"OW")  # of an icon


class Uids(NamedTuple):
    """An element that refers."""

    tag: int
    vr: bytes
    start: int
    value: int
    stop: int


class GroupLength(NamedTuple):
    """An element that is wrong once others have changed; retired (PS3.5 7.2)."""

    start: int
    stop: int


class Item(NamedTuple):
    """An item with references: from `start` to `stop`, its elements from `first` to `last`."""

    start: int
    first: int
    last: int
    stop: int
    undefined: bool
    children: Sequence[Child]


class Items(NamedTuple):
    """A sequence with references, its items from `value` to `last`; what may follow is a delimiter."""

    tag: int
    start: int
    value: int
    encoding: Encoding
    last: int
    stop: int
    undefined: bool
    items: Sequence[Item]


Child: TypeAlias = Uids | GroupLength | Items


class _Header(NamedTuple):
    """A sequence whose items were not read yet."""

    tag: int
    start: int
    value: int
    encoding: Encoding


class _Element(NamedTuple):
    """An element whose value was not read yet."""

    tag: int
    vr: bytes
    start: int
    value: int
    length: int


class TooManyError(BadFileFormatError):
    """There are more references than memory allows."""


def may_hold_items(tag: int, vr: bytes) -> bool:
    """Tell whether an element of defined length may be a sequence, as far as its header says."""
    return vr in _HOLDERS or (vr in LONG_VRS and vr_of(tag) == "SQ")


def may_refer(buffer: Buffer, start: int, stop: int, encoding: Encoding) -> bool:
    """Tell quickly whether there may be a reference in a range."""
    return any(buffer.find(tag, start, stop) >= 0 for tag in _tags_in(encoding))


@functools.cache
def _tags_in(encoding: Encoding) -> tuple[bytes, ...]:
    """Return the bytes of all tags that refer; implicit little endian may lie in what is big endian."""
    both = {encoding, IMPLICIT_LITTLE}
    return tuple(sorted({one.tag(tag) for one in both for tag in REFERENCES}))


@functools.cache
def _pattern(encoding: Encoding) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, _tags_in(encoding))))


class ReferenceParser:
    """Finds the references in one sequence.

    Parameters
    ----------
    buffer : Buffer
        Holds it.
    start, stop : int
        Where its items begin and end, delimiter aside.
    encoding : Encoding
        How they are written.
    """

    def __init__(self, buffer: Buffer, start: int, stop: int, encoding: Encoding) -> None:
        hits = _pattern(encoding).finditer(buffer, start, stop)
        self._hits = array("Q", [found.start() for found in hits])
        self._buffer = buffer
        self._range = start, stop
        self._encoding = encoding
        self._found = 0

    def items(self, tag: int) -> Items | None:
        """Return the sequence, which has a tag, None if nothing in it refers.

        What is damaged is not looked into, and so is what is nested too deeply.

        Raises
        ------
        BadFileFormatError
            If there are too many references.
        """
        start, stop = self._range
        return self._defined(_Header(tag, start, start, self._encoding), stop, 0)

    def _has_hit(self, start: int, stop: int) -> bool:
        at = bisect_left(self._hits, start)
        return at < len(self._hits) and self._hits[at] < stop

    def _defined(self, header: _Header, stop: int, depth: int) -> Items | None:
        try:
            items, last = self._items(header.value, stop, header.encoding, depth, undefined=False)
        except TooManyError:
            raise
        except _DAMAGE:
            return None
        return Items(*header, last, stop, undefined=False, items=items) if items else None

    def _undefined(self, header: _Header, end: int, depth: int) -> tuple[Items | None, int]:
        """Return a sequence of undefined length, and where it ends."""
        items, last = self._items(header.value, end, header.encoding, depth, undefined=True)
        stop = last + DELIMITER_BYTES
        return (Items(*header, last, stop, undefined=True, items=items) if items else None), stop

    def _items(
        self, pos: int, end: int, encoding: Encoding, depth: int, *, undefined: bool
    ) -> tuple[list[Item], int]:
        """Return the items that refer, and where the items end: at the delimiter, if there is one."""
        if depth >= MAXIMUM_DEPTH:
            raise too_deep()
        items: list[Item] = []
        while pos < end:
            tag, _, first, length = read_header(self._buffer, pos, end, encoding)
            if tag == SEQUENCE_DELIMITATION and (undefined or first == end):
                return items, pos
            if tag != ITEM:
                raise misplaced()
            if length != UNDEFINED_LENGTH and not self._has_hit(first, first + length):
                pos = first + length
                continue
            item = self._item(pos, first, length, end, encoding, depth)
            if any(not isinstance(child, GroupLength) for child in item.children):
                items.append(item)
            pos = item.stop
        if undefined or pos > end:
            raise overrun()
        return items, pos

    def _item(self, start: int, first: int, length: int, end: int, encoding: Encoding, depth: int) -> Item:
        """Return an item with the elements in it that refer."""
        undefined = length == UNDEFINED_LENGTH
        end, pos = end if undefined else first + length, first
        children: list[Child] = []
        while pos < end:
            tag, vr, value, size = read_header(self._buffer, pos, end, encoding)
            if tag == ITEM_DELIMITATION and (undefined or value == end):
                break
            if tag >> 16 == ITEM >> 16:
                raise misplaced()
            child, pos = self._child(_Element(tag, vr, pos, value, size), end, encoding, depth)
            if child is not None:
                self._found += 1
                children.append(child)
        if self._found > _MOST:
            raise TooManyError("There are too many references to follow")
        if (undefined and pos >= end) or pos > end:
            raise overrun()
        stop = pos + DELIMITER_BYTES if undefined else end
        return Item(start, first, pos, stop, undefined, children)

    def _child(self, found: _Element, end: int, encoding: Encoding, depth: int) -> tuple[Child | None, int]:
        """Return an element if it refers, and where it ends."""
        tag, vr, start, value, length = found
        if length == UNDEFINED_LENGTH:
            inner = encoding_inside(vr, encoding, self._buffer, value, end)
            if not self._has_hit(value, end) or vr in _FRAGMENTS:
                return None, skip_undefined(self._buffer, value, end, inner)
            return self._undefined(_Header(tag, start, value, inner), end, depth + 1)
        stop = value + length
        if stop > end:
            raise overrun()
        if tag in REFERENCES:
            return (Uids(tag, vr, start, value, stop) if length else None), stop
        if not tag & 0xFFFF:
            return GroupLength(start, stop), stop
        if not self._has_hit(value, stop) or not self._is_sequence(found, encoding):
            return None, stop
        inner = encoding_inside(vr, encoding, self._buffer, value, stop)
        return self._defined(_Header(tag, start, value, inner), stop, depth + 1), stop

    def _is_sequence(self, found: _Element, encoding: Encoding) -> bool:
        tag, vr, _, value, length = found
        beginning = self._buffer[value : value + min(4, length)]
        return may_hold_items(tag, vr) and (vr == b"SQ" or holds_items(tag, vr, beginning, encoding.order))
