"""Finding what is no image in run-length encoded frames (PS3.5 annex G).

A header says where the segments begin, of which each holds a byte of every sample of a kind. How
long a segment is follows from its runs alone, which are therefore counted.
"""

from __future__ import annotations

import struct
from itertools import zip_longest
from typing import Final

from dicomorph.dicom.frames.codestreams import NOT_PADDING, Codestream, Cut, cut_out, not_understood
from dicomorph.dicom.frames.image_pixel import ImagePixel

_HEADER_SIZE = 64
_MOST_SEGMENTS = 15
_HEADER: Final = struct.Struct(f"<{_MOST_SEGMENTS + 1}I")
_USUAL_START = struct.pack("<I", _HEADER_SIZE)
_PIECE = 1 << 16  # bytes
_REPEATING = 128
# By the first byte of a run (PS3.5 G.3.1): how long it is, and how many bytes it stands for.
_SIZES: Final = [*range(2, 130), 1, *[2] * 127]
_COUNTS: Final = [*range(1, 129), 0, *range(128, 1, -1)]


def begins_rle(head: bytes, *, strictly: bool = True) -> bool:
    """Tell whether a fragment begins with the header of a run-length encoded frame.

    Parameters
    ----------
    head : bytes
        The first eight bytes, or fewer.
    strictly : bool
        Whether the first segment must follow the header at once, as usual.
    """
    return (
        head[1:4] == b"\0\0\0"
        and 0 < head[0] <= _MOST_SEGMENTS
        and (not strictly or head[4:8] == _USUAL_START)
    )


class RleCleaner:
    """Finds what must leave frames that `begins_rle` recognizes: what lies between and behind the segments.

    Parameters
    ----------
    image : ImagePixel
        The segments are as many and as long as it says; if it does not, they fill their room.
    """

    def __init__(self, image: ImagePixel) -> None:
        self._segments = self._length = None
        if image.plane is not None and image.bits is not None:
            self._segments = image.samples * -(-image.bits // 8)
            self._length = image.plane if image.bits > 1 else -(-image.plane // 8)

    def cuts(self, frame: Codestream) -> list[Cut]:
        """Return what must leave a frame.

        Raises
        ------
        BadFileFormatError
            If the segments do not lie one behind the other, or are not as many as the image needs.
        """
        header = frame.read(0, _HEADER_SIZE)
        if len(header) < _HEADER_SIZE:
            raise not_understood("a run-length encoded frame is cut off")
        count, *offsets = _HEADER.unpack(header)
        starts = offsets[:count]
        if self._segments not in (None, count):
            raise not_understood("a run-length encoded frame has not the segments that the image needs")
        cuts, moved, pos = list[Cut](), list[int](), _HEADER_SIZE
        for start, limit in zip_longest(starts, starts[1:]):
            if start < pos or (limit is not None and limit < start) or not frame.reaches(start):
                raise not_understood("the segments of a run-length encoded frame do not add up")
            _cut_gap(frame, pos, start, cuts)
            moved.append(start - sum(cut.stop - cut.start for cut in cuts))
            pos = self._end_of_segment(frame, start, limit)
        _cut_tail(frame, pos, cuts)
        new_header = _HEADER.pack(count, *moved, *[0] * (_MOST_SEGMENTS - count))
        return cuts if new_header == header else [Cut(0, _HEADER_SIZE, new_header), *cuts]

    def _end_of_segment(self, frame: Codestream, start: int, limit: int | None) -> int:
        """Return where the runs of a segment end, one byte of padding included."""
        pos, left, run = start, self._length, 0
        counts, sizes = _COUNTS, _SIZES  # a hot loop
        if left is None:
            return frame.size() if limit is None else limit
        while left > 0 and (chunk := frame.read(pos, _PIECE if limit is None else min(_PIECE, limit - pos))):
            at, size = 0, len(chunk)
            while at < size and left > 0:
                run = chunk[at]
                left -= counts[run]
                at += sizes[run]
            pos += at
        if left < -1 and run < _REPEATING:  # a run that repeats a byte hides nothing
            raise not_understood("a run-length encoded segment is longer than the image")
        pos += (pos - start) & 1
        return pos if limit is None else min(pos, limit)


def _cut_gap(frame: Codestream, start: int, stop: int, cuts: list[Cut]) -> None:
    """Cut what lies between two segments, unless it is padding."""
    if frame.find(NOT_PADDING, start, stop) >= 0:
        cut_out(cuts, start, stop)


def _cut_tail(frame: Codestream, pos: int, cuts: list[Cut]) -> None:
    """Cut what lies behind the last segment in its fragment, unless it is padding."""
    if not frame.reaches(pos):
        return  # cut off
    stop = frame.fragment_end(pos)
    _cut_gap(frame, pos, stop, cuts)
    if frame.find(NOT_PADDING, stop) >= 0:
        raise not_understood("fragments follow the end of a frame")
