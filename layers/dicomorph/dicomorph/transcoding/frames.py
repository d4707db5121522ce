"""From the frames of a file to those of another transfer syntax, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final, TypeAlias

from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES
from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.registry import codec_of
from dicomorph.transcoding.encapsulated_frames import EncapsulatedFrames
from dicomorph.transcoding.image_header import ImageHeader, contradiction
from dicomorph.transcoding.in_order import cores, in_order
from dicomorph.transcoding.native_frames import NativeFrames
from dicomorph.transcoding.pixels import Samples, check_size
from dicomorph.transcoding.room import FRAMES

Frames: TypeAlias = NativeFrames | EncapsulatedFrames

_COPIES: Final = 8  # of a frame: as it was read, decoded, encoded, and what OpenJPEG makes of it for itself
# Of all frames: who works on more is busy for hours.
_MOST_BYTES: Final = 1 << 36
_MOST_FRAMES: Final = 1 << 20


def frames_of(header: ImageHeader) -> Frames:
    """Return the frames of a file.

    Raises
    ------
    BadFileFormatError
        If the fragments of encapsulated pixel data do not add up to the file.
    TranscodingError
        If they are not what the file says of them, too large, or of a transfer syntax without a codec.
    """
    syntax, is_encapsulated = header.data.transfer_syntax, header.elements[PIXEL_DATA].undefined
    if is_encapsulated is (syntax in NATIVE_TRANSFER_SYNTAXES):
        raise contradiction("the transfer syntax tells otherwise whether they are encapsulated")
    pixels = header.pixels()
    check_size(pixels)
    count = pixels.number_of_frames
    if count > _MOST_FRAMES or count * pixels.frame_size > _MOST_BYTES:
        raise TranscodingError("The frames are more than this server accepts")
    if not is_encapsulated:
        return NativeFrames(header)
    codec = codec_of(syntax)
    if codec is None:
        raise TranscodingError("Pixels in the transfer syntax of this file cannot be decoded")
    return EncapsulatedFrames(header, codec)


@contextmanager
def converted(frames: Frames, encoded: Callable[[Samples], bytes]) -> Iterator[Iterator[bytes]]:
    """Lend what becomes of all frames, in their order.

    Whatever happens to who takes them, memory that others wait for is given back in the end.

    Parameters
    ----------
    encoded : Callable[[Samples], bytes]
        Called by several threads.
    """
    size = _COPIES * frames.pixels.frame_size
    most = min(max(1, min(2 * cores(), FRAMES.size // size)), frames.pixels.number_of_frames)
    results = in_order(
        lambda decoded: encoded(decoded()), frames, most_in_flight=most, room=FRAMES, size=size
    )
    with closing(results):
        yield results
