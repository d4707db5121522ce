"""Finding what is no image in JP2 files that stand where a codestream should (ITU-T T.800 annex I).

DICOM wants bare codestreams (PS3.5 8.2.4), yet writers exist that leave the file around them.
"""

from __future__ import annotations

from typing import Final

from dicomorph.dicom.frames.boxes import Box, box_at
from dicomorph.dicom.frames.codestreams import (
    NOT_PADDING,
    SHORT_REST,
    Codestream,
    Cut,
    cut_out,
    not_understood,
)
from dicomorph.dicom.frames.jpeg2000 import SIGNATURE as CODESTREAM
from dicomorph.dicom.frames.jpeg2000 import Jpeg2000Cleaner

SIGNATURE: Final = b"\0\0\0\x0cjP"

_FILE_BOXES = frozenset((b"jP  ", b"jP\x1a\x1a", b"ftyp", b"jp2h", b"jp2c"))
_HEADER_BOXES = frozenset((b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef", b"res "))


class Jp2Cleaner:
    """Finds what must leave frames that begin with `SIGNATURE`: all boxes that decoding can spare."""

    def cuts(self, frame: Codestream) -> list[Cut]:
        """Return what must leave a frame.

        Raises
        ------
        BadFileFormatError
            If the boxes do not add up, or no codestream is among them.
        """
        end = frame.size()
        cuts: list[Cut] = []
        pos, has_codestream = 0, False
        while pos < end:
            box = box_at(frame, pos, end)
            if box is None:
                break
            inner: list[Cut] = []
            if box.kind not in _FILE_BOXES:
                cut_out(cuts, box.start, box.stop)
            elif box.kind == b"jp2h":
                inner = _header_cuts(frame, box)
            elif box.kind == b"jp2c":
                has_codestream, inner = True, _codestream_cuts(frame, box)
            cuts += _shrunk(box, inner) + inner
            pos = box.stop
        if not has_codestream:
            raise not_understood("a JP2 file has no codestream")
        if end - pos > SHORT_REST and frame.find(NOT_PADDING, pos) >= 0:
            cuts.append(Cut(pos, end))
        return cuts


def _header_cuts(frame: Codestream, header: Box) -> list[Cut]:
    cuts: list[Cut] = []
    pos = header.content
    while pos < header.stop:
        box = box_at(frame, pos, header.stop)
        if box is None:
            raise not_understood("the boxes of a JP2 header do not add up")
        if box.kind not in _HEADER_BOXES:
            cuts.append(Cut(box.start, box.stop))
        pos = box.stop
    return cuts


def _codestream_cuts(frame: Codestream, box: Box) -> list[Cut]:
    if frame.read(box.content, 4) != CODESTREAM:
        raise not_understood("a JP2 file holds something else than a codestream")
    stop, cuts = Jpeg2000Cleaner().codestream_cuts(frame, box.content)
    if stop is None or stop > box.stop:
        raise not_understood("the codestream of a JP2 file is cut off")
    if stop < box.stop:
        cuts.append(Cut(stop, box.stop))
    return cuts


def _shrunk(box: Box, inner: list[Cut]) -> list[Cut]:
    """Return the cut that corrects the length of a box."""
    gone = sum(cut.stop - cut.start - len(cut.replacement) for cut in inner)
    if not gone or not box.length_size:
        return []
    at = box.content - box.length_size if box.length_size > 4 else box.start  # noqa: PLR2004 - XLBox
    return [Cut(at, at + box.length_size, (box.stop - box.start - gone).to_bytes(box.length_size, "big"))]
