"""What is added to what a file has: marks of de-identification join those of others (PS3.15 E.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from dicomorph.dicom.engine.preview import elements_of_item
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.stream.elements import (
    ITEM,
    UNDEFINED_LENGTH,
    Encoding,
    misplaced,
    read_header,
    skip_undefined,
)
from dicomorph.dicom.stream.source import Buffer

LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED: Final = 0x00280303
_CODE_VALUE, _CODING_SCHEME_DESIGNATOR = 0x00080100, 0x00080102
_CHANGED: Final = ("MODIFIED", "REMOVED")
_UNCHANGED: Final = "UNMODIFIED"

# CodeValue and CodingSchemeDesignator of an item, without padding.
Code: TypeAlias = tuple[bytes, bytes]


def joins(tag: int) -> bool:
    """Tell whether a tag takes several values; another one has only one, that of the plan."""
    return vr_of(tag) == "LO"


def outlives(tag: int, existing: str, new: str) -> bool:
    """Tell whether a value stays in spite of the one that the plan has.

    Dates that somebody changed before are not what they were, even if they stay now.
    """
    is_about_dates = tag == LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED
    return is_about_dates and new == _UNCHANGED and existing in _CHANGED


def lacking_values(existing: str, new: str) -> str:
    r"""Return those of several values, separated by ``\``, that are not there yet."""
    there = {value.strip(" \0") for value in existing.split("\\")}
    return "\\".join(value for value in new.split("\\") if value.strip(" ") not in there)


def codes_of(items: Buffer, encoding: Encoding) -> Iterator[tuple[bytes, Code]]:
    """Yield each item of a sequence with its code, which may be empty.

    Parameters
    ----------
    items : Buffer
        The items and nothing behind them.
    encoding : Encoding
        How they are written.

    Raises
    ------
    StructureError
        If they are no items.
    """
    pos, end = 0, len(items)
    while pos < end:
        tag, _, start, length = read_header(items, pos, end, encoding)
        if tag != ITEM:
            raise misplaced()
        stop = start + length
        if length == UNDEFINED_LENGTH:
            stop = skip_undefined(items, start, end, encoding, in_item=True)
        found = {
            element.tag: bytes(items[element.value : element.stop]).strip(b" \0")
            for element in elements_of_item(items, start, stop, encoding)
            if element.tag in (_CODE_VALUE, _CODING_SCHEME_DESIGNATOR)
        }
        yield bytes(items[pos:stop]), (found.get(_CODE_VALUE, b""), found.get(_CODING_SCHEME_DESIGNATOR, b""))
        pos = stop


def lacking_items(existing: Buffer, new: Buffer, encoding: Encoding) -> bytes:
    """Return those of the new items whose codes are not there yet."""
    there = {code for _, code in codes_of(existing, encoding)}
    return b"".join(item for item, code in codes_of(new, encoding) if code not in there)
