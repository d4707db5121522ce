"""Native pixel data: how long they are, and what is behind the last pixel (PS3.5 8.1).

No viewer shows what is there, and it may be anything.
"""

from __future__ import annotations

from dicomorph.dicom.frames.codestreams import not_understood
from dicomorph.dicom.frames.image_pixel import ImagePixel
from dicomorph.dicom.standard.tags import format_tag
from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES
from dicomorph.model.errors import BadFileFormatError


def is_native(transfer_syntax: str, length: int, image: ImagePixel) -> bool:
    """Tell whether pixel data of defined length are native beyond doubt: said to be so, and long enough."""
    bits = image.frame_bits
    is_long_enough = bits is not None and length * 8 >= bits * image.frames
    return is_long_enough and transfer_syntax in NATIVE_TRANSFER_SYNTAXES


def check_may_be_native(transfer_syntax: str, length: int, image: ImagePixel) -> None:
    """Raise `BadFileFormatError` if pixel data that are no frame cannot be native either.

    Native ones may be cut off, but hardly where they should be compressed.
    """
    is_short = image.native_length is not None and length < image.native_length
    if is_short and transfer_syntax not in NATIVE_TRANSFER_SYNTAXES:
        raise not_understood("it is neither native nor a frame")


def length_of_pixels(tag: int, length: int, image: ImagePixel) -> int:
    """Return how many bytes of native pixel data stay: the pixels, and one byte if they are odd.

    Pixels that are said to share their colours do not always do so: many decompressed images say
    it all the same (PS3.3 C.7.6.3.1.2).

    Parameters
    ----------
    tag : int
        One of `image_pixel.PIXELS`.
    length : int
        How long they are now.
    image : ImagePixel
        What the image says of them.

    Raises
    ------
    BadFileFormatError
        If a whole frame or more would go: then the number of frames is wrong.
    """
    image = image.of_floats(tag)
    bits, whole = image.frame_bits, image.native_length
    if bits is None or whole is None or length <= whole:
        return length
    if image.is_halved and length == (bits * image.frames * 3 // 16 + 1) // 2 * 2:
        return length
    if (length - whole) * 8 >= bits:
        raise BadFileFormatError(f"{format_tag(tag)} holds more than the frames that the image has")
    return whole
