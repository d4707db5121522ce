"""What a data set says of the elements in it that come without VR, and of those in its items."""

from __future__ import annotations

import struct

from dicomorph.dicom.recoding.implicit_vrs import LONGEST_SHORT, US_OR_SS, private_vr, public_vr
from dicomorph.dicom.recoding.steps import Steps
from dicomorph.dicom.standard.dictionary import is_private, is_private_creator
from dicomorph.dicom.standard.tags import PIXEL_REPRESENTATION
from dicomorph.dicom.standard.vrs import SHORT_VRS
from dicomorph.dicom.stream.elements import read_element
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import scan
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.values.pixel_values import is_signed
from dicomorph.model.errors import BadFileFormatError

_PATIENCE = 8  # times the size of the source
_LONGEST_CREATOR = 64  # bytes; the private dictionary knows none beyond ASCII


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

    __slots__ = (
        *("_buffer", "_creators", "_end", "_parent", "_root", "_sign", "_start"),
        *("depth", "inherits", "patience", "steps"),
    )

    def __init__(
        self, parent: Surroundings | None, buffer: Buffer, start: int, end: int, steps: Steps, depth: int
    ) -> None:
        self._parent = parent
        self._root: Surroundings = self if parent is None else parent._root  # noqa: SLF001 - another of these
        self._buffer = buffer
        self._start = start
        self._end = end
        self._creators: dict[int, bytes] | None = None
        self._sign: bool | None = None
        self.steps = steps
        self.depth = depth
        self.inherits: bool | None = None
        """Whether the sign of pixel values comes from around it; None if it was not looked for."""
        self.patience = 0
        """Of the outermost one: how many bytes may be passed over in its items to find signs."""

    def add_creator(self, tag: int, value: bytes) -> None:
        """Note whose a block of private elements is."""
        if self._creators is None:
            self._creators = {}
        name = value.strip(b" \0") if len(value) <= _LONGEST_CREATOR else b""
        self._creators[tag >> 8 & 0xFFFF00 | tag & 0xFF] = name

    def creator(self, tag: int) -> bytes:
        """Return the creator of the block of a private element, empty if there is none."""
        return self._creators.get(tag >> 8, b"") if self._creators else b""

    def vr(self, tag: int, length: int) -> bytes:
        """Return the VR of an element that comes without one, by the dictionaries and what is around it.

        UN stands for what nobody knows, and for values that are too long for their VR (PS3.5 6.2.2).
        """
        is_of_block = is_private(tag) and not is_private_creator(tag)
        vr = private_vr(tag, length, self.creator(tag)) if is_of_block else public_vr(tag, length)
        if vr == US_OR_SS:
            vr = b"SS" if self._is_signed() else b"US"
        return b"UN" if length > LONGEST_SHORT and vr in SHORT_VRS else vr

    def _is_signed(self) -> bool:
        """Tell whether pixel values are signed: here, or in the nearest data set around that says so."""
        if self.inherits is None:
            self._sign = self._find_sign()
            self.inherits = self._sign is None
            if self._sign is None and self._parent is not None:
                self._sign = self._parent._is_signed()  # noqa: SLF001 - another of these
        return bool(self._sign)

    def _find_sign(self) -> bool | None:
        pos, found = self._start, None
        try:
            while pos < self._end:
                element = read_element(self._buffer, pos, self._end, self.steps.source)
                if element.tag == PIXEL_REPRESENTATION:
                    found = is_signed(self._buffer[element.value : element.stop])
                if element.tag >= PIXEL_REPRESENTATION:
                    break
                pos = element.stop
        except (BadFileFormatError, struct.error, IndexError):  # which the walk comes upon, too
            pass
        self._root.patience -= pos - self._start
        if self._root.patience < 0:  # each may hold what the others pass over
            raise BadFileFormatError("Too many items around an element say whether it is signed")
        return found


class TopLevelSurroundings(Surroundings):
    """The data set of a file, which need not be at hand as a whole.

    Parameters
    ----------
    data : DataSetBytes
        The data set.
    steps : Steps
        How its elements are written, and are to be.
    """

    __slots__ = ("_data",)

    def __init__(self, data: DataSetBytes, steps: Steps) -> None:
        super().__init__(None, b"", 0, 0, steps, 0)
        self.patience = _PATIENCE * data.source.size
        self._data = data

    def _find_sign(self) -> bool | None:
        for found in scan(self._data, last=PIXEL_REPRESENTATION, wanted={PIXEL_REPRESENTATION}):
            return is_signed(self._data.source.read(found.value, found.stop))
        return None
