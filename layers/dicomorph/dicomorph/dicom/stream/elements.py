"""The element stream of a data set: headers, lengths, and where each element ends (PS3.5 section 7)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.tags import PIXEL_DATA, format_tag
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from dicomorph.dicom.stream.source import Buffer
from dicomorph.model.errors import BadFileFormatError

UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD
_ITEM_GROUP = ITEM >> 16
DELIMITER_BYTES = 8
MAXIMUM_DEPTH = 64  # as in Orthanc (spec 2.7); real files stay below ten

_SEQUENCE_VRS = (b"SQ", b"UN")  # PS3.5 6.2.2: an UN of undefined length is a sequence
_SEQUENCES = ("SQ", "UN")
_ENCAPSULATED_VRS = (b"OB", b"OW")  # PS3.5 A.4 allows the first, some write the other

_TAG_VR_LENGTH = {order: struct.Struct(order + "HH2sH").unpack_from for order in "<>"}
_TAG_LENGTH = {order: struct.Struct(order + "HHI").unpack_from for order in "<>"}
_LONG_LENGTH = {order: struct.Struct(order + "I") for order in "<>"}
_SHORT_LENGTH = {order: struct.Struct(order + "H") for order in "<>"}
_LENGTH = {order: field.unpack_from for order, field in _LONG_LENGTH.items()}


class StructureError(BadFileFormatError):
    """The bytes are no data set: lengths, tags or VRs do not fit together."""


class TruncatedError(StructureError):
    """The buffer ends before the structure does."""


class IrregularError(StructureError):
    """Elements stand out of order or twice, or one has no VR: `stream.ordering` knows what to do."""


def out_of_order(tag: int) -> IrregularError:
    """Return the error for an element whose tag is not above the one before (PS3.5 7.1)."""
    return IrregularError(f"{format_tag(tag)} is out of order")


def overrun() -> StructureError:
    """Return the error for lengths that do not add up."""
    return StructureError("A sequence or item does not end where its length says")


def misplaced() -> StructureError:
    """Return the error for a delimiter or item where none can be."""
    return StructureError("A delimiter or item stands where none can be")


def too_deep() -> StructureError:
    """Return the error for nesting beyond `MAXIMUM_DEPTH`."""
    return StructureError("Sequences are nested too deeply")


class Encoding(NamedTuple):
    """How the elements of a data set are written; a tuple, because steps and scopes are looked up by it.

    Parameters
    ----------
    explicit : bool
        Whether each element names its VR.
    order : str
        ``<`` for little endian, ``>`` for big endian, as in `struct`.
    """

    explicit: bool
    order: str

    def tag(self, tag: int) -> bytes:
        """Return the four bytes of a tag."""
        return struct.pack(self.order + "HH", tag >> 16, tag & 0xFFFF)

    def header(self, tag: int, vr: bytes, length: int) -> bytes:
        """Return the header of an element; raise `BadFileFormatError` if the VR cannot hold it."""
        group, element = tag >> 16, tag & 0xFFFF
        if not self.explicit:
            return struct.pack(self.order + "HHI", group, element, length)
        if vr in LONG_VRS:
            return struct.pack(self.order + "HH2sxxI", group, element, vr, length)
        if length > 0xFFFF:  # noqa: PLR2004 - a 16-bit length
            message = f"The value of {format_tag(tag)} is too long for the VR {vr.decode()}"
            raise BadFileFormatError(message)
        return struct.pack(self.order + "HH2sH", group, element, vr, length)

    def length_field(self, vr: bytes) -> tuple[int, struct.Struct]:
        """Return the size of a header, and the format of the length at its end."""
        if not self.explicit:
            return 8, _LONG_LENGTH[self.order]
        return (12, _LONG_LENGTH[self.order]) if vr in LONG_VRS else (8, _SHORT_LENGTH[self.order])

    def element(self, tag: int, vr: bytes, value: bytes) -> bytes:
        """Return a whole element; the value must have an even length already."""
        return self.header(tag, vr, len(value)) + value


EXPLICIT_LITTLE = Encoding(explicit=True, order="<")
IMPLICIT_LITTLE = Encoding(explicit=False, order="<")
EXPLICIT_BIG = Encoding(explicit=True, order=">")
_ITEM_IN_BIG_ENDIAN = EXPLICIT_BIG.tag(ITEM)


class Element(NamedTuple):
    """A data element by positions in what holds it, a buffer or a source (PS3.5 7.1).

    Parameters
    ----------
    tag : int
        Its Data Element Tag.
    vr : bytes
        Empty in implicit VR.
    start, value : int
        Where the element begins, and where its value field does.
    stop : int
        Where the next element begins: behind the delimiter if the length is undefined.
    undefined : bool
        Whether its value length is undefined.
    """

    tag: int
    vr: bytes
    start: int
    value: int
    stop: int
    undefined: bool


def read_element(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> Element:
    """Read the element at a position.

    Raises
    ------
    TruncatedError
        If it does not end before `end`.
    BadFileFormatError
        If there is no element here.
    """
    tag, vr, value, length = read_header(buffer, pos, end, encoding)
    if length == UNDEFINED_LENGTH:
        stop = end_of_undefined(buffer, value, end, (tag, vr), encoding)
        return Element(tag, vr, pos, value, stop, undefined=True)
    if value + length > end:
        message = f"{format_tag(tag)} is longer than what contains it"
        raise TruncatedError(message)
    return Element(tag, vr, pos, value, value + length, undefined=False)


def read_header(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """Return the tag, the VR, where the value begins and the length field of an element."""
    if pos + 8 > end:
        message = "An element header is cut off"
        raise TruncatedError(message)
    order = encoding.order
    if encoding.explicit:
        group, element, vr, length = _TAG_VR_LENGTH[order](buffer, pos)
        tag = group << 16 | element
        if group != ITEM >> 16:  # items have no VR, whatever the encoding
            if vr in SHORT_VRS:
                return tag, vr, pos + 8, length
            if vr not in LONG_VRS:
                raise IrregularError(f"{format_tag(tag)} has no valid VR")
            if pos + 12 > end:
                raise TruncatedError(f"The header of {format_tag(tag)} is cut off")
            return tag, vr, pos + 12, _LENGTH[order](buffer, pos + 8)[0]
    group, element, length = _TAG_LENGTH[order](buffer, pos)
    return group << 16 | element, b"", pos + 8, length


def holds_fragments(tag: int, vr: bytes, encoding: Encoding) -> bool:
    """Tell fragments in a value of undefined length from the items of a sequence (PS3.5 7.1.2, A.4).

    Parameters
    ----------
    tag, vr : int, bytes
        Of the element; no VR in implicit VR, where the dictionary tells it.

    Raises
    ------
    StructureError
        If no element of this kind may have an undefined length. Readers do not agree on where it
        ends: to some, the first delimiter in it does, and what follows stands beside the element.
    """
    if tag == PIXEL_DATA:
        is_allowed = not encoding.explicit or vr in _ENCAPSULATED_VRS
    else:
        is_allowed = vr in _SEQUENCE_VRS if encoding.explicit else vr_of(tag) in _SEQUENCES
    if not is_allowed:
        raise StructureError(f"{format_tag(tag)} has an undefined length, which its VR does not allow")
    return tag == PIXEL_DATA


def end_of_undefined(
    buffer: Buffer, pos: int, end: int, tag_and_vr: tuple[int, bytes], encoding: Encoding
) -> int:
    """Return where a value of undefined length ends, behind its delimiter; errors as `holds_fragments`."""
    tag, vr = tag_and_vr
    if holds_fragments(tag, vr, encoding):
        return skip_fragments(buffer, pos, end, encoding.order)
    return skip_undefined(buffer, pos, end, encoding_inside(vr, encoding, buffer, pos, end))


def encoding_inside(vr: bytes, encoding: Encoding, buffer: Buffer, pos: int, end: int) -> Encoding:
    """Return how the items of a sequence are written whose first item stands at a position.

    As what surrounds the sequence. Only behind the VR UN they are in implicit VR little endian
    (PS3.5 6.2.2), unless the writer put explicit VR there all the same: some do, and a walk in the
    wrong encoding would find nothing of what it looks for, so the first element is looked at. An
    item in big endian tells that all of it is.
    """
    if vr != b"UN" or (encoding.order == ">" and buffer[pos : pos + 4] == _ITEM_IN_BIG_ENDIAN):
        return encoding
    explicit = _begins_explicitly(buffer, pos, end)
    return EXPLICIT_LITTLE if explicit else IMPLICIT_LITTLE


def _begins_explicitly(buffer: Buffer, pos: int, end: int) -> bool:
    """Tell whether the first element in the items at a position names its VR."""
    limit = end
    while pos + 8 <= end:
        tag, _, pos, length = read_header(buffer, pos, end, IMPLICIT_LITTLE)
        if tag == ITEM:
            limit = end if length == UNDEFINED_LENGTH else pos + length
            continue
        if tag == ITEM_DELIMITATION:
            continue
        return _is_explicit_element(buffer, pos - 8, min(limit, end))
    return False


def _is_explicit_element(buffer: Buffer, pos: int, end: int) -> bool:
    """Tell two bytes of a length from a VR."""
    vr = buffer[pos + 4 : pos + 6]
    if vr not in SHORT_VRS:
        return vr in LONG_VRS  # as a length it would be odd, as all of them begin with O, S or U
    if vr[0] & 1:
        return True
    # An even length could look so: believe it if it leads to the end, or to another element with a VR.
    stop: int = pos + 8 + _SHORT_LENGTH["<"].unpack_from(buffer, pos + 6)[0]
    if stop + 8 > end:
        return stop == end
    tag, following = read_header(buffer, stop, end, IMPLICIT_LITTLE)[0], buffer[stop + 4 : stop + 6]
    return tag == ITEM_DELIMITATION or following in SHORT_VRS or following in LONG_VRS


def skip_undefined(buffer: Buffer, pos: int, end: int, encoding: Encoding, *, in_item: bool = False) -> int:
    """Return where a sequence of undefined length ends, behind its delimiter.

    Works without recursion, so that hostile nesting costs neither stack nor unbounded memory.
    What has a defined length is stepped over unread.
    """
    # Each level: whether we stand among the elements of an item, and the encoding there.
    stack = [(in_item, encoding)]
    while stack:
        among_elements, inner = stack[-1]
        if among_elements:
            pos = _behind_plain_elements(buffer, pos, end, inner)
        tag, vr, value, length = read_header(buffer, pos, end, inner)
        if tag == (ITEM_DELIMITATION if among_elements else SEQUENCE_DELIMITATION):
            stack.pop()
            pos = value
            continue
        if (not among_elements and tag != ITEM) or (among_elements and tag >> 16 == ITEM >> 16):
            raise misplaced()
        if length != UNDEFINED_LENGTH:
            pos = value + length
            continue
        if among_elements:
            if holds_fragments(tag, vr, inner):
                pos = skip_fragments(buffer, value, end, inner.order)
                continue
            inner = encoding_inside(vr, inner, buffer, value, end)
        if len(stack) > 2 * MAXIMUM_DEPTH:
            raise too_deep()
        stack.append((not among_elements, inner))
        pos = value
    return pos


def _behind_plain_elements(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> int:
    """Return where the first element stands that takes a closer look: most only say how long they are."""
    last = end - 8
    if encoding.explicit:
        unpack = _TAG_VR_LENGTH[encoding.order]
        while pos <= last:
            _, _, vr, length = unpack(buffer, pos)
            if vr not in SHORT_VRS:  # nor is that of an item or delimiter
                break
            pos += 8 + length
    else:
        unpack = _TAG_LENGTH[encoding.order]
        while pos <= last:
            group, _, length = unpack(buffer, pos)
            if length == UNDEFINED_LENGTH or group == _ITEM_GROUP:
                break
            pos += 8 + length
    return pos


def skip_fragments(buffer: Buffer, pos: int, end: int, order: str) -> int:
    """Return where encapsulated pixel data end, behind their delimiter (PS3.5 A.4).

    Fragments look like items of defined length, and are stepped over unread.
    """
    unpack = _TAG_LENGTH[order]
    while pos + 8 <= end:
        group, element, length = unpack(buffer, pos)
        tag = group << 16 | element
        pos += 8
        if tag == SEQUENCE_DELIMITATION:
            return pos
        if tag != ITEM or length == UNDEFINED_LENGTH:
            raise misplaced()
        pos += length
    raise TruncatedError("The encapsulated pixel data are cut off")
