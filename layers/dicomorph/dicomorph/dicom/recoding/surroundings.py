"""What a data set says of the elements in it that come without VR, and of those in its items."""

from __future__ import annotations

import struct

from dicomorph.dicom.recoding.implicit_vrs import LONGEST_SHORT, US_OR_SS, private_vr, public_vr
from dicomorph.dicom.recoding.steps import Steps
from dicomorph.dicom.recoding.words import WORDS
from dicomorph.dicom.standard.dictionary import is_private, is_private_creator
from dicomorph.dicom.standard.private_blocks import block_of
from dicomorph.dicom.standard.tags import PIXEL_REPRESENTATION
from dicomorph.dicom.standard.vrs import SHORT_VRS
from dicomorph.dicom.stream.elements import read_element
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.values.pixel_values import is_signed
from dicomorph.model.errors import BadFileFormatError


class Surroundings:
    """The data set that is walked.

    Parameters
    ----------
    parent : Surroundings or None
        The data set around it.
    buffer, start, end : Buffer, int, int
        Where its elements are; not all that stands before `end` need be one.
    steps : Steps
        How its elements are written, and are to be.
    depth : int
        How many sequences are around it.
    """

    __slots__ = ("_buffer", "_creators", "_end", "_parent", "_sign", "_start", "depth", "inherits", "steps")

    def __init__(
        self, parent: Surroundings | None, buffer: Buffer, start: int, end: int, steps: Steps, depth: int
    ) -> None:
        self._parent = parent
        self._buffer = buffer
        self._start = start
        self._end = end
        self._creators: dict[int, bytes] | None = None
        self._sign: bool | None = None
        self.steps = steps
        self.depth = depth
        self.inherits: bool | None = None
        """Whether the sign of pixel values comes from around it; None if it was not looked for."""

    def add_creator(self, tag: int, value: bytes) -> None:
        """Note whose a block of private elements is."""
        block = block_of(tag)
        if block is not None:
            if self._creators is None:
                self._creators = {}
            self._creators.setdefault(block, value.strip(b" \0"))

    def vr(self, tag: int, length: int) -> bytes:
        """Return the VR of an element that comes without one, by the dictionaries and its surroundings.

        UN stands for what nobody knows, and for values that are too long for their VR (PS3.5 6.2.2).
        """
        if is_private(tag) and not is_private_creator(tag):
            vr = self._private_vr(tag)
            if length % WORDS.get(vr, 1):  # another element than that of the private dictionary
                return b"UN"
        else:
            vr = public_vr(tag, length)
        if vr == US_OR_SS:
            vr = b"SS" if self._is_signed() else b"US"
        return b"UN" if length > LONGEST_SHORT and vr in SHORT_VRS else vr

    def _private_vr(self, tag: int) -> bytes:
        creators, block = self._creators, block_of(tag)
        creator = creators.get(block) if creators and block is not None else None
        return b"UN" if creator is None else private_vr(tag, creator)

    def _is_signed(self) -> bool:
        """Tell whether pixel values are signed: here, or in the nearest data set around that says so."""
        if self.inherits is None:
            self._sign = self._find_sign()
            self.inherits = self._sign is None
        if self._sign is None:
            return self._parent is not None and self._parent._is_signed()  # noqa: SLF001 - another of these
        return self._sign

    def _find_sign(self) -> bool | None:
        pos = self._start
        try:
            while pos < self._end:
                found = read_element(self._buffer, pos, self._end, self.steps.source)
                if found.tag == PIXEL_REPRESENTATION:
                    return is_signed(self._buffer[found.value : found.stop])
                if found.tag > PIXEL_REPRESENTATION:
                    break
                pos = found.stop
        except (BadFileFormatError, struct.error, IndexError):  # which the walk comes upon, too
            return None
        return None
