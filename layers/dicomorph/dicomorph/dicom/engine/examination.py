"""What a walk notes of a data set by the way, so that somebody can tell whether its pixels are safe.

Reading these few values by a walk of their own would take half as long as the whole rewrite.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, TypeAlias

from dicomorph.dicom.standard.tags import SOP_CLASS_UID
from dicomorph.dicom.stream.elements import (
    ITEM,
    ITEM_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    encoding_inside,
    read_element,
    read_header,
)
from dicomorph.model.errors import BadFileFormatError

IMAGE_TYPE: Final = 0x00080008
MODALITY: Final = 0x00080060
STUDY_DESCRIPTION: Final = 0x00081030
SERIES_DESCRIPTION: Final = 0x0008103E
ANATOMIC_REGION_SEQUENCE: Final = 0x00082218
BODY_PART_EXAMINED: Final = 0x00180015
SLICE_THICKNESS: Final = 0x00180050
SPACING_BETWEEN_SLICES: Final = 0x00180088
PROTOCOL_NAME: Final = 0x00181030
BURNED_IN_ANNOTATION: Final = 0x00280301
RECOGNIZABLE_VISUAL_FEATURES: Final = 0x00280302
PIXEL_DATA_PROVIDER_URL: Final = 0x00287FE0
SPECIMEN_LABEL_IN_IMAGE: Final = 0x00480010
SHARED_FUNCTIONAL_GROUPS: Final = 0x52009229
PER_FRAME_FUNCTIONAL_GROUPS: Final = 0x52009230

EXAMINED: Final = frozenset(
    (
        *(IMAGE_TYPE, MODALITY, STUDY_DESCRIPTION, SERIES_DESCRIPTION, ANATOMIC_REGION_SEQUENCE),
        *(BODY_PART_EXAMINED, SLICE_THICKNESS, SPACING_BETWEEN_SLICES, PROTOCOL_NAME),
        *(BURNED_IN_ANNOTATION, RECOGNIZABLE_VISUAL_FEATURES),
        *(PIXEL_DATA_PROVIDER_URL, SPECIMEN_LABEL_IN_IMAGE),
        *(SHARED_FUNCTIONAL_GROUPS, PER_FRAME_FUNCTIONAL_GROUPS),
    )
)
"""The attributes at the top level that are noted, beside SOPClassUID."""

MOST_NOTED: Final = 1 << 16
"""Bytes of a value that are looked at, such as the first items of a sequence."""

_PADDING = " \0\t\r\n"


class Examination(NamedTuple):
    """What was noted of a data set.

    Parameters
    ----------
    noted : Mapping[int, bytes]
        The values of the elements that are there, as far as `MOST_NOTED`.
    unknown : Set[int]
        Which of them have the VR UN.
    encoding : Encoding
        How the data set is written.
    transfer_syntax : str
        Its UID.
    has_pixels : bool
        Whether there is pixel data.
    """

    noted: Mapping[int, bytes]
    unknown: AbstractSet[int]
    encoding: Encoding
    transfer_syntax: str
    has_pixels: bool

    @property
    def sop_class(self) -> str:
        """The SOP class, empty if there is none."""
        return next(iter(self.values(SOP_CLASS_UID)), "")

    def key(self, longest: int) -> object | None:
        """Return what is equal where all else is; None if a value is longer than so many bytes, or UN."""
        values = tuple(self.noted.values())
        if self.unknown or max(map(len, values), default=0) > longest:
            return None
        return tuple(self.noted), values, self.encoding, self.transfer_syntax, self.has_pixels

    def values(self, *path: int) -> tuple[str, ...]:
        """Return the values of a text attribute that are not empty, without padding, in upper case.

        Parameters
        ----------
        path : int
            Its tag, behind those of the sequences that it stands in, of each of which the first item counts.
        """
        if path[0] not in self.noted:
            return ()
        text = self._raw(path).decode("latin-1").upper()
        stripped = (value.strip(_PADDING) for value in text.split("\\"))
        return tuple(value for value in stripped if value)

    def number(self, *path: int) -> float | None:
        """Return the smallest value of a DS attribute, in its unit and without sign; None if it has none."""
        numbers = [abs(number) for value in self.values(*path) if (number := _number(value)) is not None]
        return min(numbers, default=None)

    def _raw(self, path: tuple[int, ...]) -> bytes:
        raw, vr = self.noted[path[0]], b"UN" if path[0] in self.unknown else b""
        encoding = self.encoding
        try:
            for tag in path[1:]:
                encoding = encoding_inside(vr, encoding, raw, 0, len(raw))
                vr, raw = _in_first_item(raw, tag, encoding)
        except (BadFileFormatError, struct.error, IndexError):  # cut off where no more is looked at
            return b""
        return raw


Examiner: TypeAlias = Callable[[Examination], frozenset[str]]
"""Returns why a data set is flagged; raises `RefusedError` where it is not to be handed out."""


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number else None  # noqa: PLR0124 - NaN says nothing


def _in_first_item(buffer: bytes, wanted: int, encoding: Encoding) -> tuple[bytes, bytes]:
    """Return VR and value of an element in the first item of a sequence, empty if it is not there.

    Elements are stepped over: what is looked at is no longer than `MOST_NOTED`.
    """
    end = len(buffer)
    tag, _, pos, length = read_header(buffer, 0, end, encoding) if end else (0, b"", 0, 0)
    if tag != ITEM:
        return b"", b""
    if length != UNDEFINED_LENGTH:
        end = min(end, pos + length)
    while pos < end:
        tag, vr, value, length = read_header(buffer, pos, end, encoding)
        if tag == wanted:
            return vr, buffer[value:] if length == UNDEFINED_LENGTH else buffer[value : value + length]
        if tag == ITEM_DELIMITATION:
            break
        pos = read_element(buffer, pos, end, encoding).stop
    return b"", b""
