"""Which cleaner a frame needs: what it begins with decides, its transfer syntax only where that is silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dicomorph.dicom.frames.codestreams import NOT_PADDING, Cleaner
from dicomorph.dicom.frames.deflated import DeflatedCleaner
from dicomorph.dicom.frames.image_pixel import ImagePixel
from dicomorph.dicom.frames.jp2 import SIGNATURE as JP2
from dicomorph.dicom.frames.jp2 import Jp2Cleaner
from dicomorph.dicom.frames.jpeg import SIGNATURE as JPEG
from dicomorph.dicom.frames.jpeg import JpegCleaner
from dicomorph.dicom.frames.jpeg2000 import SIGNATURE as JPEG_2000
from dicomorph.dicom.frames.jpeg2000 import Jpeg2000Cleaner
from dicomorph.dicom.frames.jpeg_xl import CODESTREAM as BARE_JPEG_XL
from dicomorph.dicom.frames.jpeg_xl import SIGNATURE as JPEG_XL
from dicomorph.dicom.frames.jpeg_xl import JpegXlCleaner
from dicomorph.dicom.frames.rle import RleCleaner, begins_rle
from dicomorph.dicom.standard.transfer_syntaxes import BRANCH

_CLEANERS: Final[dict[bytes, type[Cleaner]]] = {
    JPEG: JpegCleaner,
    JPEG_2000: Jpeg2000Cleaner,
    JP2: Jp2Cleaner,
    JPEG_XL: JpegXlCleaner,
}
_SIGNATURES = tuple(_CLEANERS)
_RLE = f"{BRANCH}5"
_JPEG_XL = f"{BRANCH}4.11"
_DEFLATED = f"{BRANCH}8."


class Cleaners:
    """The cleaners for the frames of one image; each remembers what its frames have in common.

    Parameters
    ----------
    transfer_syntax : str
        Of the data set.
    image : Callable[[], ImagePixel]
        Returns what the image says of its pixels; only frames of some kinds need to know.
    """

    def __init__(self, transfer_syntax: str, image: Callable[[], ImagePixel]) -> None:
        self.transfer_syntax = transfer_syntax
        self._image = image
        self._is_rle = transfer_syntax == _RLE
        self._known: dict[bytes, Cleaner] = {}
        # Most images have frames of one kind: what the last one began with, and its cleaner.
        self._last: tuple[bytes, Cleaner | None] = (b"none before", None)

    def begins(self, head: bytes) -> bool:
        """Tell whether a codestream begins with a fragment, by the first eight bytes of it."""
        return head.startswith(_SIGNATURES) or begins_rle(head, strictly=not self._is_rle)

    def of(self, head: bytes) -> Cleaner | None:
        """Return what cleans the frame that begins with a fragment, None if nothing is known of it."""
        signature, cleaner = self._last
        if head.startswith(signature):
            return cleaner
        found = self.by_beginning(head)
        if found is None and self.transfer_syntax.startswith(_DEFLATED) and NOT_PADDING.search(head):
            return self._made(_DEFLATED.encode(), lambda: DeflatedCleaner(self._image()))
        return found

    def by_beginning(self, head: bytes) -> Cleaner | None:
        """Return what cleans frames that begin so, whatever the transfer syntax; None if nothing is known."""
        for signature, kind in _CLEANERS.items():
            if head.startswith(signature):
                self._last = signature, self._made(signature, kind)
                return self._last[1]
        if begins_rle(head, strictly=not self._is_rle):
            return self._made(_RLE.encode(), lambda: RleCleaner(self._image()))
        return None

    def _made(self, key: bytes, make: Callable[[], Cleaner]) -> Cleaner:
        cleaner = self._known.get(key)
        if cleaner is None:
            cleaner = self._known[key] = make()
        return cleaner

    def is_bare_codestream(self, head: bytes) -> bool:
        """Tell whether a fragment begins a codestream that needs no cleaning: of JPEG XL, without boxes."""
        return self._is_jpeg_xl and head.startswith(BARE_JPEG_XL)

    @property
    def knows_all(self) -> bool:
        """Whether a frame that no cleaner knows is none: those of the syntax are all known by sight."""
        return (self._is_rle or self._is_jpeg_xl) and self._image().frame_bits is not None

    @property
    def _is_jpeg_xl(self) -> bool:
        return self.transfer_syntax.startswith(_JPEG_XL)
