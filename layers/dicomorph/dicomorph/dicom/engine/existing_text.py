"""Whether the text in a data set is what a character set would make of it (PS3.3 C.12.1.1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from dicomorph.dicom.engine.holding_items import holds_items
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.tags import SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    ITEM,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Element,
    Encoding,
    encoding_inside,
    misplaced,
    read_element,
    read_header,
    skip_undefined,
    too_deep,
)
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import scan
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.stream.whole_scan import scan_whole
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.text.terms import defined_terms

# PS3.5 6.1.2.3: the VRs that SpecificCharacterSet speaks of.
_Text: TypeAlias = tuple[bytes, bytes, bytes]  # what its item, or one around that, declares; VR; value
_TEXTS = frozenset((b"LO", b"LT", b"PN", b"SH", b"ST", b"UC", b"UT"))
_DELIMITERS_SIZE = 8
_ITEM_TAGS = (EXPLICIT_LITTLE.tag(ITEM), EXPLICIT_BIG.tag(ITEM))


class ExistingText(NamedTuple):
    """What there is of text.

    Parameters
    ----------
    is_ascii : bool
        Whether it reads the same in every character set.
    is_sound : bool
        Whether it is text in the one that was asked for.
    """

    is_ascii: bool
    is_sound: bool


def existing_text(data: DataSetBytes, charset: CharacterSet) -> ExistingText:
    """Look at all text of a data set that declares no character set.

    Parameters
    ----------
    data : DataSetBytes
        Where it lies. Text of items that declare a character set of their own is not looked at.
    charset : CharacterSet
        That which is taken for granted.
    """
    is_ascii = is_sound = True
    for declared, vr, raw in _top_level(data):
        if not declared and not _is_ascii(raw):
            is_ascii = False
            is_sound = is_sound and charset.is_text(raw, is_name=vr == b"PN")
    return ExistingText(is_ascii, is_sound)


def unknown_terms_matter(data: DataSetBytes) -> bool:
    """Tell whether there is text beyond ASCII under a declaration that has a term which nobody knows."""
    wanted = {SPECIFIC_CHARACTER_SET}
    found = scan(data, last=SPECIFIC_CHARACTER_SET, wanted=wanted)
    top = b"".join(data.source.read(element.value, element.stop) for element in found)
    return any(
        not defined_terms(declared or top)[1] and not _is_ascii(raw) for declared, _, raw in _top_level(data)
    )


def _is_ascii(raw: bytes) -> bool:
    return raw.isascii() and b"\x1b" not in raw


def _top_level(data: DataSetBytes) -> Iterator[_Text]:
    for element in scan_whole(data):
        vr = _vr(element)
        if vr in _TEXTS:
            yield b"", vr, data.source.read(element.value, element.stop)
        elif vr == b"SQ" or (vr == b"UN" and _may_hold_items(data, element)):
            raw = data.source.read(element.value, element.stop)
            whole = element._replace(value=0, stop=len(raw))
            yield from _sequence(raw, whole, data.encoding, 0, b"")


def _may_hold_items(data: DataSetBytes, element: Element) -> bool:
    """Tell by the beginning whether a value of UN is worth reading: it may be as large as the file."""
    beginning = data.source.read(element.value, min(element.value + 4, element.stop))
    return element.undefined or holds_items(element.tag, element.vr, beginning, data.encoding.order)


def _vr(element: Element) -> bytes:
    """Return the VR, by the dictionary where the file does not tell or where that knows a sequence."""
    known = vr_of(element.tag)
    return known[:2].encode() if element.vr in (b"", b"UN") or known == "SQ" else element.vr


def _sequence(
    buffer: Buffer, element: Element, around: Encoding, depth: int, declared: bytes
) -> Iterator[_Text]:
    """Yield the text in the items of an element, if it is a sequence."""
    pos, end, vr = element.value, element.stop, element.vr
    beginning = buffer[pos : pos + 4]
    if (
        not element.undefined
        and vr != b"SQ"
        and not holds_items(element.tag, element.vr, beginning, around.order)
    ):
        return
    if vr not in (b"", b"SQ", b"UN"):  # a sequence of the dictionary, under a VR that may hold a mere value
        if beginning not in _ITEM_TAGS:
            return
        vr = b"UN"
    if depth >= MAXIMUM_DEPTH:
        raise too_deep()
    encoding = encoding_inside(vr, around, buffer, pos, end)
    while pos < end:
        tag, _, start, length = read_header(buffer, pos, end, encoding)
        if tag == SEQUENCE_DELIMITATION:
            return
        if tag != ITEM:
            raise misplaced()
        if length == UNDEFINED_LENGTH:
            pos = skip_undefined(buffer, start, end, encoding, in_item=True)
            stop = pos - _DELIMITERS_SIZE
        else:
            pos = stop = start + length
        yield from _item(buffer, start, stop, encoding, depth, declared)


def _item(
    buffer: Buffer, pos: int, end: int, encoding: Encoding, depth: int, declared: bytes
) -> Iterator[_Text]:
    while pos < end:
        element = read_element(buffer, pos, end, encoding)
        pos = element.stop
        vr = _vr(element)
        if element.tag == SPECIFIC_CHARACTER_SET and buffer[element.value : pos].strip(b" \0"):
            declared = buffer[element.value : pos]
        elif vr in _TEXTS:
            yield declared, vr, buffer[element.value : pos]
        elif vr in (b"SQ", b"UN"):
            yield from _sequence(buffer, element, encoding, depth + 1, declared)
