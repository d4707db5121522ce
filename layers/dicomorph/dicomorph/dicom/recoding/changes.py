"""What becomes of single elements while a data set is recoded: some attributes, and the pixel data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dicomorph.dicom.stream.edit_script import ScriptPart

Change: TypeAlias = tuple[bytes, bytes] | None
"""The VR and the value in little endian that an element gets, or None for one that goes."""


@dataclass(frozen=True, slots=True)
class PixelDataParts:
    """What stands in place of the value of PixelData.

    Parameters
    ----------
    parts : Sequence[bytes | tuple[int, int] | MaskedRange | KeptPart]
        The value as it is written, in the byte order of the transfer syntax. An encapsulated one holds
        the headers of its items, the offset table and the sequence delimiter (PS3.5 A.4). Ranges are
        of the source that is recoded.
    vr : bytes
        ``OB`` or ``OW``; ``OB`` if it is encapsulated.
    is_encapsulated : bool
        Whether the element has an undefined length.
    size : int
        Bytes of all parts.
    """

    parts: Sequence[ScriptPart]
    vr: bytes
    is_encapsulated: bool
    size: int
