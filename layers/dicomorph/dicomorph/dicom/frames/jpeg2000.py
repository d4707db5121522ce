"""Finding what is no image in JPEG 2000 codestreams, HTJ2K too (ITU-T T.800 annex A, T.814).

Comments go from the main header and from those of tile-parts. The lengths that count them, Psot
and its copies in TLM segments, are written anew. Packets are stepped over: no marker segment can
stand among them (T.800 B.10.1).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from dicomorph.dicom.frames.codestreams import (
    CleanHeader,
    Codestream,
    Cut,
    cut_out,
    is_banner,
    next_codestream,
    not_understood,
)

SIGNATURE: Final = b"\xff\x4f\xff\x51"  # SOC and SIZ

_TLM, _COM, _SOT, _SOD, _EOC = b"\xff\x55", b"\xff\x64", b"\xff\x90", b"\xff\x93", b"\xff\xd9"
_SEGMENTS = range(0x50, 0x90)  # second bytes of the markers that a length follows in a header
_TILE_PART = struct.Struct(">xxHHI")  # Lsot, Isot, Psot
_LATIN_TEXT = 1
_FIND_EOC = re.compile(_EOC)
_FIND_COM = re.compile(_COM)


class _Segment(NamedTuple):
    """A marker segment of a header, and the marker where the header ends."""

    marker: bytes
    start: int
    stop: int


class _TilePart(NamedTuple):
    """A tile-part as it is, and how much of it is cut."""

    start: int
    size: int
    cut: int


class Jpeg2000Cleaner:
    """Finds what must leave frames that begin with `SIGNATURE`.

    The main header of a frame is remembered: most frames of an object repeat that of the first one.
    """

    def __init__(self) -> None:
        self._header = CleanHeader()  # up to the first tile-part

    def cuts(self, frame: Codestream) -> list[Cut]:
        """Return what must leave a frame.

        Raises
        ------
        BadFileFormatError
            If there may be comments that cannot be told from the image.
        """
        cuts: list[Cut] = []
        pos: int | None = 0
        while pos is not None:
            stop, found = self.codestream_cuts(frame, pos)
            cuts += found
            pos = None if stop is None else next_codestream(frame, stop, SIGNATURE, cuts)
        return cuts

    def codestream_cuts(self, frame: Codestream, start: int) -> tuple[int | None, list[Cut]]:
        """Return where a codestream ends, None if it is cut off, and what must leave it."""
        header, cuts, lengths = start + 2, list[Cut](), list[_Segment]()
        if not start and (known := self._header.length_in(frame)):
            return _tile_parts(frame, known, cuts)[0], cuts
        for segment in _segments(frame, start + 2):
            header = segment.start
            if segment.marker == _COM:
                _cut_comment(frame, segment, cuts)
            elif segment.marker == _TLM:
                lengths.append(segment)
        if frame.read(header, 2) != _SOT:
            return None, cuts
        if not start and not cuts and not lengths:
            self._header.learn(frame, header)
        stop, parts = _tile_parts(frame, header, cuts)
        if lengths and any(part.cut for part in parts):
            cuts += _lengths(frame, lengths, parts)
        return stop, sorted(cuts)


def _segments(frame: Codestream, pos: int) -> Iterator[_Segment]:
    """Yield the segments of a header, and the SOT or SOD that ends it if it is not cut off."""
    while True:
        head = frame.read(pos, 4)
        marker, length = head[:2], int.from_bytes(head[2:], "big")
        if marker in (_SOT, _SOD):
            yield _Segment(marker, pos, pos)
            return
        if len(marker) < 2:  # noqa: PLR2004 - a marker
            return
        stop = pos + 2 + length
        is_whole = len(head) == 4 and frame.reaches(stop)  # noqa: PLR2004 - marker and length
        if marker[0] != 0xFF or marker[1] not in _SEGMENTS or (is_whole and length < 2):  # noqa: PLR2004
            raise not_understood("a JPEG 2000 marker is missing")
        if not is_whole:
            if frame.find(_FIND_COM, pos) >= 0:
                raise not_understood("a JPEG 2000 segment has a wrong length")
            return
        yield _Segment(marker, pos, stop)
        pos = stop


def _cut_comment(frame: Codestream, segment: _Segment, cuts: list[Cut]) -> None:
    body = frame.read(segment.start + 4, segment.stop - segment.start - 4)
    if int.from_bytes(body[:2], "big") != _LATIN_TEXT or not is_banner(body[2:]):
        cut_out(cuts, segment.start, segment.stop)


def _tile_parts(frame: Codestream, pos: int, cuts: list[Cut]) -> tuple[int | None, list[_TilePart]]:
    """Add what must leave tile-parts; return where the codestream ends, and the tile-parts."""
    parts: list[_TilePart] = []
    while True:
        marker = frame.read(pos, 2)
        if marker == _EOC:
            return pos + 2, parts
        if marker != _SOT:
            return _without_end(frame, pos), parts
        head = frame.read(pos, 12)
        if len(head) < 12:  # noqa: PLR2004 - an SOT segment
            return None, parts
        found, packets = _tile_part_header(frame, pos + 12)
        if packets is None:
            cuts += found
            return None, parts
        cut = sum(each.stop - each.start for each in found)
        _, _, size = _TILE_PART.unpack_from(head)
        if size and cut:
            cuts.append(Cut(pos + 6, pos + 10, struct.pack(">I", size - cut)))
        cuts += found
        stop = pos + size if size else frame.find(_FIND_EOC, packets)  # 0: the last one (T.800 A.4.2)
        if stop < 0:
            return None, parts
        if stop < packets:
            raise not_understood("a JPEG 2000 tile-part has a wrong length")
        parts.append(_TilePart(pos, stop - pos, cut))
        pos = stop


def _tile_part_header(frame: Codestream, pos: int) -> tuple[list[Cut], int | None]:
    """Return what must leave the header of a tile-part, and where its packets begin."""
    cuts: list[Cut] = []
    for segment in _segments(frame, pos):
        if segment.marker == _COM:
            _cut_comment(frame, segment, cuts)
        elif segment.marker == _SOD:
            return cuts, segment.start + 2
        elif segment.marker == _SOT:
            raise not_understood("a JPEG 2000 tile-part has no packets")
    return cuts, None


def _without_end(frame: Codestream, pos: int) -> int | None:
    """Return where a codestream without EOC ends: behind its last tile-part, if padding follows."""
    if not frame.reaches(pos + 1):
        return None
    cuts: list[Cut] = []
    if next_codestream(frame, pos, SIGNATURE, cuts) is None and not cuts:
        return pos
    raise not_understood("a JPEG 2000 tile-part has a wrong length")


def _lengths(frame: Codestream, segments: list[_Segment], parts: list[_TilePart]) -> Iterator[Cut]:
    """Write the lengths of tile-parts in the main header anew (T.800 A.7.1)."""
    ordered = sorted(segments, key=lambda segment: frame.read(segment.start + 4, 1))
    entries = list(chain.from_iterable(_length_fields(frame, segment) for segment in ordered))
    if [int.from_bytes(frame.read(*entry), "big") for entry in entries] != [part.size for part in parts]:
        raise not_understood("the lengths of JPEG 2000 tile-parts contradict each other")
    for (start, size), part in zip(entries, parts, strict=True):
        if part.cut:
            yield Cut(start, start + size, (part.size - part.cut).to_bytes(size, "big"))


def _length_fields(frame: Codestream, segment: _Segment) -> Iterator[tuple[int, int]]:
    """Yield where each length stands in a TLM segment, and its size in bytes."""
    form = int.from_bytes(frame.read(segment.start + 5, 1), "big")
    index_size, size = form >> 4 & 3, 4 if form & 0x40 else 2
    for at in range(segment.start + 6, segment.stop, index_size + size):
        yield at + index_size, size
