"""Finding what is no image in JPEG and JPEG-LS frames (ITU-T T.81 annex B, T.87 annex C).

Comments and application data go. Stays what decoders need and what cannot hold text: a JFIF
header, its thumbnail excepted, Adobe's colour transform, and HP's colour transform of JPEG-LS.
"""

from __future__ import annotations

import re
from typing import Final

from dicomorph.dicom.frames.codestreams import (
    CleanHeader,
    Codestream,
    Cut,
    cut_out,
    is_banner,
    next_codestream,
    not_understood,
)

SIGNATURE: Final = b"\xff\xd8\xff"

_SOI, _EOI, _SOS, _APP0, _APP8, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE8, 0xEE, 0xFE
_FIRST_MARKER = 0xC0
_RESTARTS_AND_SOI = range(0xD0, _SOI + 1)
_APPLICATION_DATA = range(_APP0, 0xF0)
# In a scan, FF is followed by 00 (T.81) or by less than 80 (T.87), or it begins a marker. Nothing says where
# a scan ends, so all of it is searched: 1.7 GB/s, and merely to count the FFs takes nine tenths as long.
_END_OF_SCAN = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
_NOT_FILL = re.compile(rb"[^\xff]")
_JFIF = re.compile(rb"(JFIF\x00..[\x00-\x02]....)..", re.DOTALL)
_ADOBE = re.compile(rb"Adobe.{6}[\x00-\x02]", re.DOTALL)
_HP_TRANSFORM = re.compile(rb"mrfx[\x00-\x05]")


class JpegCleaner:
    """Finds what must leave frames that begin with `SIGNATURE`.

    Every scan is searched for the marker behind it, so that nothing hides between scans. The header
    of a frame is remembered: most frames of an object repeat that of the first one.
    """

    def __init__(self) -> None:
        self._header = CleanHeader()  # up to the first scan

    def cuts(self, frame: Codestream) -> list[Cut]:
        """Return what must leave a frame.

        Raises
        ------
        BadFileFormatError
            If there may be comments that cannot be told from the image.
        """
        cuts: list[Cut] = []
        pos: int | None = 2
        if known := self._header.length_in(frame):
            pos = self._after_scan(frame, known, cuts)
        while pos is not None:
            pos = self._after_segment(frame, pos, cuts)
        return cuts

    def _after_scan(self, frame: Codestream, start: int, cuts: list[Cut]) -> int | None:
        """Return where the marker behind a scan stands, None if the frame ends."""
        if not cuts:
            self._header.learn(frame, start)
        found = frame.find(_END_OF_SCAN, start)
        return found if found > 0 else None

    def _after_segment(self, frame: Codestream, pos: int, cuts: list[Cut]) -> int | None:
        """Return where the next marker stands, None if the frame ends."""
        head = frame.read(pos, 4)
        if len(head) < 2:  # noqa: PLR2004 - no marker
            return None
        marker = head[1]
        if head[0] != 0xFF or marker < _FIRST_MARKER or marker in _RESTARTS_AND_SOI:  # noqa: PLR2004 - begins each
            raise not_understood("a JPEG marker is missing")
        if marker == 0xFF:  # noqa: PLR2004 - fill bytes (T.81 B.1.1.2)
            found = frame.find(_NOT_FILL, pos)
            return found - 1 if found > 0 else None
        if marker == _EOI:
            found_next = next_codestream(frame, pos + 2, SIGNATURE, cuts)
            return None if found_next is None else found_next + 2
        length = int.from_bytes(head[2:], "big")
        stop = pos + 2 + length
        if len(head) < 4 or length < 2 or not frame.reaches(stop):  # noqa: PLR2004 - marker and length
            if frame.find(_END_OF_SCAN, pos + 2) > 0 or marker == _COM or marker in _APPLICATION_DATA:
                raise not_understood("a JPEG segment has a wrong length")
            return None  # cut off: no other segment follows
        if marker == _COM or marker in _APPLICATION_DATA:
            _clear(frame, marker, pos, stop, cuts)
        if marker == _SOS:
            return self._after_scan(frame, stop, cuts)
        return stop


def _clear(frame: Codestream, marker: int, pos: int, stop: int, cuts: list[Cut]) -> None:
    """Cut a comment or application data, but for what stays of it."""
    body = frame.read(pos + 4, stop - pos - 4)
    stays = _stays(marker, body)
    if not stays:
        cut_out(cuts, pos, stop)
    elif stays != body:
        cuts.append(Cut(pos, stop, _segment(marker, stays)))


def _stays(marker: int, body: bytes) -> bytes:
    """Return the part of a segment that stays."""
    if marker == _COM:
        return body if is_banner(body) else b""
    if marker == _APP0 and (jfif := _JFIF.match(body)):
        return jfif[1] + b"\0\0"  # the size of the thumbnail
    if marker == _APP14 and (adobe := _ADOBE.match(body)):
        return adobe[0]
    if marker == _APP8 and _HP_TRANSFORM.fullmatch(body):
        return body
    return b""


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
