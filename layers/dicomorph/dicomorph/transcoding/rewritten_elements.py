"""A file with some elements written otherwise, as a source: what is done before its pixels are transcoded."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.dicom.standard.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript, ScriptPart
from dicomorph.dicom.stream.elements import Element
from dicomorph.dicom.stream.part10 import DataSetBytes, write_meta


def with_elements(data: DataSetBytes, rewritten: Mapping[Element, bytes]) -> EditedSource:
    """Return a file in which bytes stand for elements; it is not deflated.

    Parameters
    ----------
    data : DataSetBytes
        The data set.
    rewritten : Mapping[Element, bytes]
        What stands for elements of its source, headers included.
    """
    syntax = EXPLICIT_VR_LITTLE_ENDIAN if data.is_deflated else data.transfer_syntax
    parts: list[ScriptPart] = [(0, data.start)] if data.start else [write_meta(b"", b"", syntax)]
    pos = data.start
    for element in sorted(rewritten, key=lambda each: each.start):
        parts += [(pos, element.start), rewritten[element]]
        pos = element.stop
    parts.append((pos, data.source.size))
    return EditedSource(data.source, EditScript.of(parts))
