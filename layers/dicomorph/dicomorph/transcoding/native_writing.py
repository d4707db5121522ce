"""Native pixel data from decoded frames (PS3.5 8.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from dicomorph.dicom.recoding.changes import PixelDataParts
from dicomorph.dicom.recoding.words import swapped
from dicomorph.dicom.standard.transfer_syntaxes import EXPLICIT_VR_BIG_ENDIAN
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.source import Scratch
from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.arrays import bytes_of
from dicomorph.transcoding.pixels import Pixels, Samples

_WORD: Final = 2  # bytes, of OW
_LARGEST: Final = 0xFFFFFFFE  # bytes of a value of defined length (PS3.5 7.1.1)


class NativeWriting:
    """How decoded frames are written in a native transfer syntax.

    Parameters
    ----------
    pixels : Pixels
        Of the decoded frames.
    transfer_syntax : str
        What to write.

    Raises
    ------
    TranscodingError
        If the pixel data would be longer than a value can be.
    """

    def __init__(self, pixels: Pixels, transfer_syntax: str) -> None:
        self._bits = pixels.bits_allocated
        is_big = transfer_syntax == EXPLICIT_VR_BIG_ENDIAN
        self._swaps = is_big and self._bits > 8  # noqa: PLR2004 - a byte
        # PS3.5 A.1 to A.3: OW always may be; in big endian, OB spares bytes that they are swapped.
        self._vr = b"OB" if is_big and not self._swaps else b"OW"
        plane = pixels.rows * pixels.columns * pixels.samples_per_pixel
        if plane * pixels.number_of_frames * self._bits > 8 * _LARGEST:
            raise TranscodingError("The pixels are too many for a native transfer syntax")

    def encoded(self, frame: Samples) -> bytes:
        """Return the bytes of a frame; of single bits, a byte each."""
        raw = bytes_of(frame)
        return swapped(raw, _WORD) if self._swaps else raw

    def joined(self, frames: Iterable[bytes], scratch: Scratch) -> PixelDataParts:
        """Return frames as native pixel data; where they lie, the scratch decides.

        Raises
        ------
        StorageFullError
            If there is no space for them.
        """
        kept = KeptPart(scratch.keep(_padded(_packed(frames) if self._bits == 1 else frames)))
        return PixelDataParts([kept], self._vr, is_encapsulated=False, size=kept.source.size)


def _padded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        yield piece
    if size % 2:
        yield b"\0"


def _packed(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Yield single bits, eight to a byte, the first one lowest; frames follow each other to the bit."""
    rest = np.empty(0, np.uint8)
    for frame in frames:
        bits = np.concatenate((rest, np.frombuffer(frame, np.uint8)))
        whole = len(bits) - len(bits) % 8
        yield np.packbits(bits[:whole], bitorder="little").tobytes()
        rest = bits[whole:]
    yield np.packbits(rest, bitorder="little").tobytes()
