"""A file in another transfer syntax, its pixels decoded and encoded where that takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dicomorph.dicom.recoding.changes import Change, PixelDataParts
from dicomorph.dicom.recoding.recode import recode
from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.standard.transfer_syntaxes import (
    NATIVE_TRANSFER_SYNTAXES,
    is_lossy_target,
    is_transcodable,
)
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.elements import Element
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.attributes import changed_pixels, lossy_attributes, with_lossy_compression
from dicomorph.transcoding.codec_writing import CodecWriting
from dicomorph.transcoding.codecs.registry import codec_of
from dicomorph.transcoding.encapsulation import encapsulate
from dicomorph.transcoding.frames import converted, frames_of
from dicomorph.transcoding.image_header import ImageHeader
from dicomorph.transcoding.native_writing import NativeWriting
from dicomorph.transcoding.nested_pixels import native_pixels_in_items
from dicomorph.transcoding.rewritten_elements import with_elements


class Target(NamedTuple):
    """What a file is to become.

    Parameters
    ----------
    transfer_syntax : str
        Its UID.
    lossy_quality : int
        From 1 to 100, for the transfer syntaxes that lose something; what is outside counts as the
        nearest bound.
    """

    transfer_syntax: str
    lossy_quality: int = 90


class _Product(NamedTuple):
    """What differs from the source beside the encoding of the data set.

    Parameters
    ----------
    changes : Mapping[int, Change]
        Of elements at the top level.
    pixel_data : PixelDataParts or None
        Those in place of the source's.
    rewritten : Mapping[Element, bytes]
        What stands for elements of the source, in its own encoding.
    """

    changes: Mapping[int, Change] = {}
    pixel_data: PixelDataParts | None = None
    rewritten: Mapping[Element, bytes] = {}


def transcode(source: Source, target: Target, *, sop_instance_uid: str = "") -> EditScript:
    """Return a file in another transfer syntax.

    A file that has it already is copied; one without pixels is encoded anew. The same file gives the
    same bytes, however many threads work on its frames.

    Parameters
    ----------
    source : Source
        A DICOM file. Its scratch holds what is decoded and encoded.
    target : Target
        What it becomes.
    sop_instance_uid : str
        What the product gets if its pixels are compressed with a loss: it is another image then
        (PS3.3 C.7.6.1.1.5). If it is empty, the UID stays.

    Returns
    -------
    EditScript
        Over the source.

    Raises
    ------
    BadFileFormatError
        If the file is not DICOM, or broken.
    TranscodingError
        If its pixels cannot be had in the transfer syntax.
    StorageFullError
        If there is no space to work on it.
    """
    data = open_dataset(source)
    if data.transfer_syntax == target.transfer_syntax:
        return EditScript.of([(0, source.size)])
    if not is_transcodable(target.transfer_syntax):
        raise TranscodingError("Pixels cannot be written in this transfer syntax")
    header = ImageHeader.of(data)
    product = _product(header, target, sop_instance_uid)
    rewritten = {**product.rewritten, **native_pixels_in_items(header)}
    base = with_elements(header.data, rewritten) if rewritten else source
    script = recode(base, target.transfer_syntax, changes=product.changes, pixel_data=product.pixel_data)
    if not rewritten:
        return script
    return EditScript.of([KeptPart(EditedSource(base, script))], remarks=script.remarks)


def _product(header: ImageHeader, target: Target, sop_instance_uid: str) -> _Product:
    is_native = target.transfer_syntax in NATIVE_TRANSFER_SYNTAXES
    if not header.has_pixels:
        has_no_frame = PIXEL_DATA in header.elements and header.elements[PIXEL_DATA].undefined
        empty = PixelDataParts([], b"OW", is_encapsulated=False, size=0)
        return _Product(pixel_data=empty if has_no_frame else None) if is_native else _Product()
    if is_native and header.is_native:
        return _Product()
    if PIXEL_DATA not in header.elements:
        raise TranscodingError("No codec takes floating point pixels")
    return _decoded(header, target) if is_native else _encoded(header, target, sop_instance_uid)


def _decoded(header: ImageHeader, target: Target) -> _Product:
    """Return what becomes of encapsulated pixels in a native transfer syntax."""
    frames = frames_of(header)
    writing = NativeWriting(frames.pixels, target.transfer_syntax)
    with converted(frames, writing.encoded) as done:
        parts = writing.joined(done, header.data.source.scratch)
    return _Product(changed_pixels(header, frames.pixels), parts)


def _encoded(header: ImageHeader, target: Target, sop_instance_uid: str) -> _Product:
    """Return what becomes of pixels in an encapsulated transfer syntax."""
    syntax, frames, codec = target.transfer_syntax, frames_of(header), codec_of(target.transfer_syntax)
    if codec is None:
        raise TranscodingError("Pixels cannot be written in this transfer syntax")
    quality = min(max(target.lossy_quality, 1), 100)
    writing = CodecWriting(header, frames.pixels, codec, quality)
    with converted(frames, writing.encoded) as codestreams:
        done = encapsulate(codestreams, header.data.source.scratch)
    changes = changed_pixels(header, writing.written) | done.tables
    if not is_lossy_target(syntax):
        return _Product(changes, done.parts)
    ratio = frames.pixels.frame_size * frames.pixels.number_of_frames / done.size
    changes |= lossy_attributes(header, syntax, ratio, sop_instance_uid)
    return _Product(changes, done.parts, with_lossy_compression(header))
