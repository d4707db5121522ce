"""Encapsulated pixel data from frames: items, and the table of where they begin (PS3.5 A.4)."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from dicomorph.dicom.frames.fragments import ITEM_HEADER
from dicomorph.dicom.frames.offset_tables import EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS
from dicomorph.dicom.recoding.changes import Change, PixelDataParts
from dicomorph.dicom.stream.edit_script import ScriptPart, parts_size
from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE, ITEM, SEQUENCE_DELIMITATION
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.source import Scratch

_ITEM: Final = EXPLICIT_LITTLE.tag(ITEM)
_DELIMITER: Final = EXPLICIT_LITTLE.tag(SEQUENCE_DELIMITATION) + bytes(4)
LARGEST_OFFSET: Final = 0xFFFFFFFF
"""In a Basic Offset Table, whose numbers have 32 bits."""


class Encapsulated(NamedTuple):
    """What became of frames.

    Parameters
    ----------
    parts : PixelDataParts
        The pixel data.
    tables : dict[int, Change]
        The Extended Offset Table, if there must be one.
    size : int
        Bytes of all frames, without what surrounds and pads them.
    """

    parts: PixelDataParts
    tables: dict[int, Change]
    size: int


def encapsulate(
    frames: Iterable[bytes], scratch: Scratch, *, largest_offset: int = LARGEST_OFFSET
) -> Encapsulated:
    """Return frames as encapsulated pixel data, a fragment each.

    The frames are taken one by one; where they lie, the scratch decides. A table of offsets goes with
    them: the basic one, or the extended one if a frame begins beyond what that can name.

    Parameters
    ----------
    largest_offset : int
        What the basic one can name.

    Raises
    ------
    StorageFullError
        If there is no space for the frames.
    """
    lengths = array("Q")  # of the frames
    kept = KeptPart(scratch.keep(_items(frames, lengths)))
    sizes = array("Q", (length + length % 2 for length in lengths))
    offsets = array("Q", accumulate((size + ITEM_HEADER for size in sizes[:-1]), initial=0))
    basic, tables = _packed(offsets, "I") if offsets[-1] <= largest_offset else b"", dict[int, Change]()
    if not basic:
        tables[EXTENDED_OFFSET_TABLE] = b"OV", _packed(offsets, "Q")
        tables[EXTENDED_OFFSET_TABLE_LENGTHS] = b"OV", _packed(sizes, "Q")
    parts: list[ScriptPart] = [_header(len(basic)) + basic, kept, _DELIMITER]
    whole = PixelDataParts(parts, b"OB", is_encapsulated=True, size=parts_size(parts))
    return Encapsulated(whole, tables, sum(lengths))


def _items(frames: Iterable[bytes], lengths: array[int]) -> Iterator[bytes]:
    """Yield an item for each frame, and note how long the frame is."""
    for frame in frames:
        lengths.append(len(frame))
        yield b"".join((_header(len(frame) + len(frame) % 2), frame, b"\0" * (len(frame) % 2)))


def _header(size: int) -> bytes:
    return _ITEM + struct.pack("<I", size)


def _packed(numbers: Sequence[int], code: str) -> bytes:
    return struct.pack(f"<{len(numbers)}{code}", *numbers)
