"""A file as the same data set in another transfer syntax."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Mapping, Sequence

from dicomorph.dicom.recoding.changes import Change, PixelDataParts
from dicomorph.dicom.recoding.top_level import TopLevel
from dicomorph.dicom.standard.tags import SOP_CLASS_UID, SOP_INSTANCE_UID
from dicomorph.dicom.standard.transfer_syntaxes import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    is_transfer_syntax,
)
from dicomorph.dicom.stream.deflation import deflated
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript, ScriptPart
from dicomorph.dicom.stream.elements import IrregularError, TruncatedError
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.ordering import in_order
from dicomorph.dicom.stream.part10 import DataSetBytes, open_dataset, write_meta
from dicomorph.dicom.stream.second_reading import check_is_read_alike, may_be_read_otherwise
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import BadFileFormatError


def recode(
    source: Source,
    transfer_syntax: str,
    *,
    changes: Mapping[int, Change] = {},
    pixel_data: PixelDataParts | None = None,
) -> EditScript:
    """Return a file whose data set is written as a transfer syntax demands.

    What is written alike in both is neither decoded nor copied. Group lengths go, and so do the
    offset tables of pixel data that are replaced.

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
        What takes the place of PixelData, or is inserted; without it native pixel data stay native,
        and encapsulated ones stay as they are if the transfer syntax has such.

    Returns
    -------
    EditScript
        Over the source, whose scratch holds what is new and long.

    Raises
    ------
    BadFileFormatError
        If the file is not DICOM, is broken, or cannot be written so.
    """
    if not is_transfer_syntax(transfer_syntax):
        raise BadFileFormatError("The transfer syntax is none of the standard's")
    try:
        data = open_dataset(source)
        try:
            return _recoded(source, data, transfer_syntax, changes, pixel_data)
        except IrregularError:
            ordered, origin = in_order(data)
            script = _recoded(source, ordered, transfer_syntax, changes, pixel_data)
            return dataclasses.replace(script, parts=list(origin.original(script.parts)))
    except (struct.error, IndexError) as error:
        raise TruncatedError("The file is cut off") from error


def _recoded(
    source: Source,
    data: DataSetBytes,
    transfer_syntax: str,
    changes: Mapping[int, Change],
    pixel_data: PixelDataParts | None,
) -> EditScript:
    """Return the script over what holds the data set, which need not be the file."""
    if pixel_data is not None and data.source is not source:
        pixel_data = dataclasses.replace(pixel_data, parts=[_kept(source, pixel_data.parts)])
    walk = TopLevel(data, transfer_syntax, changes, pixel_data)
    parts = walk.write()
    _check(data.source, parts, walk)
    if transfer_syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        parts = [deflated(EditScript.of(parts).chunks(data.source), source.scratch)]
    elif data.is_deflated:
        parts = [_kept(data.source, parts)]
    meta = write_meta(walk.uids[SOP_CLASS_UID], walk.uids[SOP_INSTANCE_UID], transfer_syntax)
    return EditScript.of([meta, *parts])


def _kept(source: Source, parts: Sequence[ScriptPart]) -> KeptPart:
    """Return parts of one source as a part of a script over another one."""
    return KeptPart(EditedSource(source, EditScript.of(parts)))


def _check(source: Source, parts: Sequence[ScriptPart], walk: TopLevel) -> None:
    """Raise `BadFileFormatError` if readers may take what is in implicit VR for something else."""
    if walk.target.explicit:
        return
    written = EditedSource(source, EditScript.of(parts))
    if may_be_read_otherwise(written.read(0, 8), walk.target, walk.target):
        check_is_read_alike(written, walk.target, walk.target)
