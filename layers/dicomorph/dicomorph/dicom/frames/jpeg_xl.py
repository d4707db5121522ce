"""Taking the codestream out of JPEG XL files that stand where it should (ISO/IEC 18181-2, PS3.5 A.4).

Exif, XMP and what a JPEG has been (its comments among it) lie in boxes of their own. Nothing of it
is needed to decode the image, so nothing stays but the codestream.
"""

from __future__ import annotations

from typing import Final

from dicomorph.dicom.frames.boxes import Box, box_at
from dicomorph.dicom.frames.codestreams import Codestream, Cut, cut_out, not_understood

SIGNATURE: Final = b"\0\0\0\x0cJX"
"""What files begin with, as far as a cleaner is chosen by it."""

CODESTREAM: Final = b"\xff\x0a"
_WHOLE, _PART = b"jxlc", b"jxlp"
_INDEX_SIZE = 4  # bytes, before each part
_LAST = 1 << 31


class JpegXlCleaner:
    """Finds what must leave frames that begin with `SIGNATURE`: all but the codestream."""

    def cuts(self, frame: Codestream) -> list[Cut]:
        """Return what must leave a frame.

        Raises
        ------
        BadFileFormatError
            If the boxes do not add up, or do not hold one codestream in order.
        """
        end = frame.size()
        cuts: list[Cut] = []
        pos, parts, is_complete = 0, 0, False
        while pos < end and (box := box_at(frame, pos, end)) is not None:
            start = box.stop
            if box.kind in (_WHOLE, _PART):
                if is_complete:
                    raise not_understood("a JPEG XL file has several codestreams")
                start, is_complete = _part(frame, box, parts)
                parts += 1
            cut_out(cuts, box.start, start)
            pos = box.stop
        if not is_complete:
            raise not_understood("a JPEG XL file has no whole codestream")
        if pos < end:
            cut_out(cuts, pos, end)
        return cuts


def _part(frame: Codestream, box: Box, number: int) -> tuple[int, bool]:
    """Return where a part of the codestream begins in its box, and whether it is the last one."""
    start, is_last = box.content, True
    if box.kind == _PART:
        start = box.content + _INDEX_SIZE
        index = int.from_bytes(frame.read(box.content, _INDEX_SIZE), "big")
        is_last = bool(index & _LAST)
        if start > box.stop or index & ~_LAST != number:
            raise not_understood("the parts of a JPEG XL codestream are not in order")
    elif number:
        raise not_understood("a JPEG XL file has several codestreams")
    if not number and frame.read(start, len(CODESTREAM)) != CODESTREAM:
        raise not_understood("a JPEG XL file holds something else than a codestream")
    return start, is_last
