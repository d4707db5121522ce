"""Finding what trails frames that are deflated one by one (PS3.5 A.4, RFC 1951)."""

from __future__ import annotations

import zlib

from dicomorph.dicom.frames.codestreams import NOT_PADDING, Codestream, Cut, not_understood
from dicomorph.dicom.frames.image_pixel import ImagePixel
from dicomorph.dicom.stream.source import MAXIMUM_INFLATED_SIZE

_PIECE = 1 << 16  # bytes that are inflated at a time
_MOST_AT_ONCE = 1 << 20  # bytes that come of them


class DeflatedCleaner:
    """Finds what must leave frames of the syntax Deflated Image Frame Compression.

    They are inflated to find their ends, and to see that nothing but the image is in them; what
    comes of it is thrown away.
    """

    def __init__(self, image: ImagePixel) -> None:
        bits = image.frame_bits
        size = MAXIMUM_INFLATED_SIZE if bits is None else (bits + 7) // 8 + 1  # padding
        self._largest = min(size, MAXIMUM_INFLATED_SIZE)

    def cuts(self, frame: Codestream) -> list[Cut]:
        """Return what must leave a frame.

        Raises
        ------
        BadFileFormatError
            If it is not deflated, cut off, or more than a frame.
        """
        decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
        pos = size = 0
        while not decompressor.eof:
            piece = b""
            if frame.reaches(pos + 1):
                piece = frame.read(pos, min(_PIECE, frame.fragment_end(pos + 1) - pos))
            found = self._inflated(decompressor, piece, size)
            if not piece and found == size:
                raise not_understood("a deflated frame is cut off")
            pos, size = pos + len(piece), found
        pos -= len(decompressor.unused_data)
        stop = frame.fragment_end(pos)
        if stop - pos > 1 and frame.find(NOT_PADDING, pos, stop) >= 0:
            return [Cut(pos, stop)]
        return []

    def _inflated(self, decompressor: zlib._Decompress, piece: bytes, size: int) -> int:
        """Return how large the frame is with what a piece inflates to."""
        try:
            while True:
                found = len(decompressor.decompress(piece, _MOST_AT_ONCE))
                size += found
                piece = decompressor.unconsumed_tail
                if size > self._largest:
                    raise not_understood("a deflated frame is longer than the image")
                if decompressor.eof or (not piece and found < _MOST_AT_ONCE):
                    return size
        except zlib.error:
            raise not_understood("a frame is not deflated") from None
