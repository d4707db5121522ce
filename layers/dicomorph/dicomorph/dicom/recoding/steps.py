"""What becomes of an element, by the first eight bytes of it: worked out once for each that is met."""

from __future__ import annotations

import struct
from functools import cache
from typing import Final, NamedTuple

from dicomorph.dicom.recoding.implicit_vrs import LONGEST_SHORT, US_OR_SS, private_vr, public_vr
from dicomorph.dicom.recoding.words import WORDS
from dicomorph.dicom.standard.dictionary import is_private, is_private_creator, vr_of
from dicomorph.dicom.standard.tags import format_tag
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from dicomorph.dicom.stream.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    ITEM,
    UNDEFINED_LENGTH,
    Encoding,
    IrregularError,
    TruncatedError,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.model.errors import BadFileFormatError

STOP: Final = -1
"""An item or delimiter."""
DROPPED: Final = -2
"""A group length: retired, and wrong in another encoding (PS3.5 7.2)."""
SEQUENCE: Final = -3
OTHER: Final = -4
"""What takes a closer look: a long value, or one whose VR or length the eight bytes do not tell."""
CREATOR: Final = -5
"""The creator of a block of private elements that come without VR; else to be written as it is."""
PRIVATE: Final = -6
"""Such an element: what becomes of it depends on the creator."""

_HEADER = 8  # bytes
_LITTLE_ITEM, _BIG_ITEM = EXPLICIT_LITTLE.tag(ITEM), EXPLICIT_BIG.tag(ITEM)
_REMEMBERED = 5_000  # hostile files must not grow what outlives them without bound


def no_sequence(tag: int) -> BadFileFormatError:
    """Return the error for a value that every reader of implicit VR takes for items."""
    return BadFileFormatError(f"{format_tag(tag)} can be nothing but a sequence in implicit VR")


def check_may_be_sequence(tag: int) -> None:
    """Raise `BadFileFormatError` if no reader of implicit VR takes an element for a sequence."""
    if vr_of(tag) not in {"SQ", "UN"}:
        raise BadFileFormatError(f"{format_tag(tag)} cannot be a sequence in implicit VR")


class Step(NamedTuple):
    """What becomes of an element.

    Parameters
    ----------
    tag : int
        Its Data Element Tag.
    header : bytes
        What it begins with in the target, if its value is short.
    length : int
        Bytes of its value, if they are known.
    word : int
        Bytes of the words whose order changes, 0 for none; or one of the constants above.
    """

    tag: int
    header: bytes
    length: int
    word: int


class Steps(dict[bytes, Step]):
    """The steps from one encoding to another.

    Parameters
    ----------
    source, target : Encoding
        How the elements are written, and are to be.
    """

    def __init__(self, source: Encoding, target: Encoding) -> None:
        super().__init__()
        self.source = source
        self.target = target
        self._private: dict[tuple[bytes, bytes], Step] = {}
        self.swaps = source.order != target.order
        self.long_length = struct.Struct(source.order + "I").unpack_from
        self._item = struct.Struct(source.order + "HHI").unpack_from
        self._explicit = struct.Struct(source.order + "HH2sH").unpack

    @staticmethod
    @cache
    def between(source: Encoding, target: Encoding) -> Steps:
        """Return the steps that are remembered."""
        return Steps(source, target)

    def __missing__(self, key: bytes) -> Step:
        """Work out the step for a header that was not met before."""
        if len(key) < _HEADER:
            raise TruncatedError("An element header is cut off")
        step = self._of_explicit(key) if self.source.explicit else self._of_implicit(key)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[key] = step
        return step

    def tag_and_length(self, buffer: Buffer, pos: int) -> tuple[int, int]:
        """Return the tag and the length of an item or delimiter."""
        group, element, length = self._item(buffer, pos)
        return group << 16 | element, length

    def word(self, vr: bytes) -> int:
        """Return the bytes of the words whose order changes in values of a VR, 0 for none."""
        return WORDS.get(vr, 0) if self.swaps else 0

    def _of_explicit(self, key: bytes) -> Step:
        group, element, vr, length = self._explicit(key)
        tag = group << 16 | element
        if group == ITEM >> 16:
            return Step(tag, b"", 0, STOP)
        if vr not in LONG_VRS and vr not in SHORT_VRS:
            raise IrregularError(f"{format_tag(tag)} has no valid VR")
        if not self.target.explicit:
            self._check_is_told(tag, vr, length)
        if vr in LONG_VRS:
            return Step(tag, b"", 0, SEQUENCE if vr == b"SQ" else OTHER)
        if not element:
            return Step(tag, b"", length, DROPPED)
        return Step(tag, self.target.header(tag, vr, length), length, self.word(vr))

    @staticmethod
    def _check_is_told(tag: int, vr: bytes, length: int) -> None:
        """Raise `BadFileFormatError` if the dictionary misleads who reads an element in implicit VR."""
        if vr == b"SQ":
            check_may_be_sequence(tag)
        elif vr in SHORT_VRS and length and vr_of(tag) == "SQ":
            raise no_sequence(tag)

    def _of_implicit(self, key: bytes) -> Step:
        group, element, length = self._item(key)
        tag = group << 16 | element
        if group == ITEM >> 16:
            return Step(tag, b"", 0, STOP)
        if length == UNDEFINED_LENGTH:
            return Step(tag, b"", length, OTHER)
        if not element:
            return Step(tag, b"", length, DROPPED)
        vr = public_vr(tag, length)
        if vr == b"SQ":
            return Step(tag, b"", length, SEQUENCE)
        if vr == US_OR_SS or length > LONGEST_SHORT:
            return Step(tag, b"", length, OTHER)
        word = CREATOR if is_private_creator(tag) else PRIVATE if is_private(tag) else self.word(vr)
        return Step(tag, self.target.header(tag, vr, length), length, word)

    def of_private(self, key: bytes, creator: bytes) -> Step:
        """Return the step for a private element without VR, behind a creator; empty for none."""
        step = self._private.get((key, creator))
        if step is None:
            tag, _, length, _ = self[key]
            vr = private_vr(tag, length, creator)
            step = Step(tag, b"", length, OTHER)
            if vr not in (b"SQ", US_OR_SS):
                step = Step(tag, self.target.header(tag, vr, length), length, self.word(vr))
            if len(self._private) >= _REMEMBERED:
                self._private.clear()
            self._private[key, creator] = step
        return step


def holds_items(tag: int, vr: bytes, beginning: bytes, steps: Steps) -> bool:
    """Tell whether an element that may be none is written as a sequence; its length is defined.

    Bytes of VR UN stay as they are. But a reader of implicit VR opens what the dictionary calls a
    sequence, and items in big endian are in no other data set.

    Raises
    ------
    BadFileFormatError
        If such a reader would find no items.
    """
    source = steps.source
    if not source.explicit:
        return vr == b"SQ" and beginning in (b"", _LITTLE_ITEM)
    if source.order == ">" and vr == b"UN" and beginning == _BIG_ITEM:
        return True
    if not beginning or vr_of(tag) != "SQ":
        return False
    is_item = beginning == (_LITTLE_ITEM if vr == b"UN" else source.tag(ITEM))
    if steps.target.explicit:
        return is_item and vr != b"UN"
    if not is_item:
        raise no_sequence(tag)
    return True
