"""A file as the same data set in another transfer syntax."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.dicom.recoding.changes import Change, PixelDataParts
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import Source


def recode(
    source: Source,
    transfer_syntax: str,
    *,
    changes: Mapping[int, Change] = {},
    pixel_data: PixelDataParts | None = None,
) -> EditScript:
    """Return a file whose data set is written as a transfer syntax demands.

    Parameters
    ----------
    source : Source
        A DICOM file.
    transfer_syntax : str
        The UID of the transfer syntax to write; each that encapsulates pixel data has explicit VR
        little endian (PS3.5 A.4).
    changes : Mapping[int, Change]
        By tag, what becomes of elements at the top level. Elements that the file lacks are
        inserted in the order of tags.
    pixel_data : PixelDataParts, optional
        What takes the place of PixelData; without it native pixel data stay native, and
        encapsulated ones stay as they are if the transfer syntax has them.

    Returns
    -------
    EditScript
        Over the source, whose scratch holds what is new and long.

    Raises
    ------
    BadFileFormatError
        If the file is not DICOM, is broken, or cannot be written so.
    """
    raise NotImplementedError
