"""The frames of encapsulated pixel data, one after the other (PS3.5 A.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from dicomorph.dicom.frames.fragments import Fragments
from dicomorph.dicom.frames.offset_tables import EXTENDED_OFFSET_TABLE
from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.stream.windows import Window
from dicomorph.transcoding.codecs.registry import Codec
from dicomorph.transcoding.fragment_groups import FragmentGroups
from dicomorph.transcoding.image_header import ImageHeader, contradiction
from dicomorph.transcoding.pixels import Samples

_OFFSET_SIZE: Final = 8  # bytes, in an Extended Offset Table
_SLACK: Final = 1 << 20  # bytes that a codestream may be longer than two frames


class EncapsulatedFrames:
    """The frames of encapsulated pixel data.

    Parameters
    ----------
    header : ImageHeader
        Of an image whose pixel data have an undefined length.
    codec : Codec
        Of its transfer syntax.

    Raises
    ------
    BadFileFormatError
        If the fragments do not add up to the file.
    TranscodingError
        If the fragments are not those of as many frames as the header says.
    """

    def __init__(self, header: ImageHeader, codec: Codec) -> None:
        data, start = header.data, header.elements[PIXEL_DATA].value
        self._stored = header.pixels()
        self._source = data.source
        self._codec = codec
        count = self._stored.number_of_frames
        self._groups = FragmentGroups(
            Fragments(Window(data.source, start), start, data.encoding.order),
            count,
            header.raw(EXTENDED_OFFSET_TABLE, _OFFSET_SIZE * (count + 1)),
            data.transfer_syntax,
        )
        self.pixels = replace(
            self._stored,
            photometric_interpretation=codec.decoded_photometric(self._stored),
            planar_configuration=0,
        )
        """Of the frames as arrays."""

    def __iter__(self) -> Iterator[Callable[[], Samples]]:
        """Yield the frames: they are read at once, and decoded when they are called."""
        largest = 2 * self._stored.frame_size + _SLACK
        for number in range(len(self._groups)):
            fragments = self._groups.of(number)
            if sum(each.stop - each.start for each in fragments) > largest:
                raise contradiction("a frame is far longer than the image needs")
            yield partial(
                self._decoded, b"".join(self._source.read(each.start, each.stop) for each in fragments)
            )

    def _decoded(self, codestream: bytes) -> Samples:
        found = self._codec.decode(codestream, self._stored)
        if found.shape != self._stored.shape or found.dtype != self._stored.dtype:
            raise contradiction("a frame is not of the size that the image has")
        return found
