"""Data sets as the standard has them: in ascending order, each element once and with a VR (PS3.5 7.1).

The slow way, which is taken where a walk has met an `IrregularError`: the data set is gone
through once more, at every depth, and whoever reads what is returned sees a regular one. Nothing
is copied but headers that change; the result is a script of ranges, as that of an edit.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import NamedTuple

from dicomorph.dicom.standard.dictionary import is_private_creator, vr_of
from dicomorph.dicom.standard.tags import format_tag
from dicomorph.dicom.stream.arrangement import Member, arranged, joined
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript, Part, parts_size
from dicomorph.dicom.stream.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    ITEM,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    TruncatedError,
    encoding_inside,
    holds_fragments,
    misplaced,
    overrun,
    too_deep,
)
from dicomorph.dicom.stream.headers import Header, Headers, Place
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError

MOST_ELEMENTS = 1 << 20
"""How many elements the data sets of a file may have that are put in order; each takes memory."""

_PIXEL_REPRESENTATION = 0x00280103
_LONGEST_CREATOR = 64 * 4  # bytes: a value of LO has 64 characters
_FIRST_ELEMENTS = 1 << 18  # bytes that tell how the items of an element of VR UN are written
# In big endian, what comes as UN should be in little endian (PS3.5 6.2.2), and may be in either.
_ITEM_TAGS = {"<": (EXPLICIT_LITTLE.tag(ITEM),), ">": (EXPLICIT_LITTLE.tag(ITEM), EXPLICIT_BIG.tag(ITEM))}


class OrderedDataSet(NamedTuple):
    """A data set in order.

    Parameters
    ----------
    data : DataSetBytes
        The data set; its source begins with the first element.
    origin : EditedSource
        The same source, which tells where in the file its bytes are from.
    """

    data: DataSetBytes
    origin: EditedSource


def in_order(data: DataSetBytes, *, drops_displaced: bool = False) -> OrderedDataSet:
    """Return a data set whose elements are in ascending order, once each, and name their VR.

    Of repeated elements the first counts. A VR that is none (`absent_vrs`) becomes that of the
    dictionary, if the next element follows a length of 16 bits. Sequences that do not add up
    stay as they stand.

    Parameters
    ----------
    drops_displaced : bool
        Whether private elements behind a repeated creator of another value go, as they must from
        an anonymized file, in which nobody could tell whose they are; else they get a block.

    Raises
    ------
    BadFileFormatError
        If the elements do not add up to the file, or are too many.
    """
    ordering = _Ordering(data, drops_displaced=drops_displaced)
    try:
        stop, parts, _ = ordering.data_set(data.start, data.source.size, Place(data.encoding))
    except (struct.error, IndexError) as error:
        raise TruncatedError("The file is cut off") from error
    rest: Part = (stop, data.source.size)
    script = EditScript.of(joined([*(parts or [(data.start, stop)]), rest]))
    origin = EditedSource(data.source, script)
    return OrderedDataSet(replace(data, source=origin, start=0), origin)


class _TooManyError(BadFileFormatError):
    """More elements are out of order than are held in memory."""


class _Ordering:
    """One walk over one data set and all that is in it."""

    def __init__(self, data: DataSetBytes, *, drops_displaced: bool) -> None:
        self._window = Window(data.source, data.start)
        self._headers = Headers(self._window)
        self._drops_displaced = drops_displaced
        self._left = MOST_ELEMENTS

    def data_set(self, pos: int, end: int, place: Place) -> tuple[int, list[Part] | None, int]:
        """Return where the elements end, the parts of them (None: as they stand), and how they grow."""
        start, members = pos, list[Member]()
        while pos < end and not self._headers.end_here(pos, end, place):
            self._left -= 1
            if self._left < 0:
                raise _TooManyError("There are too many elements out of order")
            member = self._member(pos, end, place)
            members.append(member)
            if member.tag == _PIXEL_REPRESENTATION:  # where it is empty, this is a length of zero
                place = place._replace(is_signed=any(self._window.read(member.stop - 2, member.stop)))
            pos = member.stop
        parts = arranged(members, place.encoding, drops_displaced=self._drops_displaced)
        if parts is None:
            self._left += len(members)
            return pos, None, 0
        return pos, parts, parts_size(parts) - (pos - start)

    def _member(self, pos: int, end: int, place: Place) -> Member:
        """Return the element at a position, with what it holds in order."""
        header = self._headers.read(pos, end, place)
        tag, vr, value, length, new = header
        undefined = length == UNDEFINED_LENGTH
        stop = end if undefined else value + length
        if stop > end:
            raise TruncatedError(f"{format_tag(tag)} is longer than what contains it")
        inner = self._encoding_of_items(header, stop, place.encoding)
        content: list[Part] | None = None
        growth = 0
        if inner is not None:
            try:
                stop, content, growth = self._sequence(value, stop, undefined, place._replace(encoding=inner))
            except _TooManyError:
                raise
            except (BadFileFormatError, struct.error, IndexError):
                if undefined:
                    raise
        elif undefined:
            stop = self._window.end_of_fragments(value, place.encoding.order)
        creator = self._creator(value, stop) if is_private_creator(tag) else b""
        if content is None and not new:
            return Member(tag, pos, stop, None, creator)
        first: list[Part] = [new or (pos, value)]
        if growth and not undefined:
            first = [place.encoding.header(tag, vr, length + growth)]
        return Member(tag, pos, stop, [*first, *(content or [(value, stop)])], creator)

    def _encoding_of_items(self, header: Header, stop: int, encoding: Encoding) -> Encoding | None:
        """Return how the items of an element are written, None if it is not taken for a sequence."""
        tag, vr, value, length, _ = header
        known = vr_of(tag)
        if vr == b"SQ" or (not encoding.explicit and known == "SQ"):
            return encoding
        if length != UNDEFINED_LENGTH:
            begins = self._window.read(value, min(value + 4, stop)) in _ITEM_TAGS[encoding.order]
            if not begins or (known != "SQ" and (known != "UN" or vr not in {b"", b"UN"})):
                return None
        elif holds_fragments(tag, vr, encoding):
            return None
        buffer, base = self._window.of(value, min(stop, value + _FIRST_ELEMENTS))
        found = b"UN" if encoding.explicit else b""
        return encoding_inside(found, encoding, buffer, value - base, stop - base)

    def _sequence(
        self,
        pos: int,
        end: int,
        undefined: bool,  # noqa: FBT001 - as the walkers of the engine
        place: Place,
    ) -> tuple[int, list[Part] | None, int]:
        """Return where a sequence ends, its items in order (None: as they stand), and how they grow."""
        if place.depth >= MAXIMUM_DEPTH:
            raise too_deep()
        run, growth = pos, 0
        out: list[Part] = []
        while pos < end:
            tag, length = self._headers.of_item(pos, end, place.encoding)
            if tag != ITEM:
                if tag != SEQUENCE_DELIMITATION or not (undefined or pos + 8 == end):
                    raise misplaced()
                break
            inner = place._replace(depth=place.depth + 1, undefined=length == UNDEFINED_LENGTH)
            value, stop = pos + 8, end if inner.undefined else pos + 8 + length
            if stop > end:
                raise overrun()
            at, parts, more = self.data_set(value, stop, inner)
            pos = at + 8 if inner.undefined else stop
            if pos > end or (inner.undefined and at == end):
                raise overrun()
            if parts is not None:
                out += (
                    [(run, value)]
                    if inner.undefined or not more
                    else [
                        (run, value - 4),
                        struct.pack(place.encoding.order + "I", length + more),
                    ]
                )
                out += parts
                growth += more
                run = at
        if undefined and pos >= end:
            raise overrun()
        stop = pos + 8 if undefined else end
        if not out:
            return stop, None, 0
        return stop, joined([*out, (run, stop)]), growth

    def _creator(self, value: int, stop: int) -> bytes:
        return self._window.read(value, min(stop, value + _LONGEST_CREATOR)).strip(b" \0")
