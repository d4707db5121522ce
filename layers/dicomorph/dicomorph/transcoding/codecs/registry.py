"""Which codec a transfer syntax has (PS3.5 A.4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Final

from dicomorph.transcoding.codecs.codec import Codec
from dicomorph.transcoding.codecs.htj2k import Htj2kCodec
from dicomorph.transcoding.codecs.jpeg import JpegCodec
from dicomorph.transcoding.codecs.jpeg_2000 import Jpeg2000Codec
from dicomorph.transcoding.codecs.jpeg_lossless import JpegLosslessCodec
from dicomorph.transcoding.codecs.jpeg_ls import JpegLsCodec
from dicomorph.transcoding.codecs.rle import RleCodec

__all__ = ["SYNTAXES", "Codec", "codec_of"]

_CODECS: Final[dict[str, Callable[[], Codec]]] = {
    "1.2.840.10008.1.2.4.50": partial(JpegCodec, is_extended=False),
    "1.2.840.10008.1.2.4.51": partial(JpegCodec, is_extended=True),
    "1.2.840.10008.1.2.4.57": partial(JpegLosslessCodec, selection_value=1),
    "1.2.840.10008.1.2.4.70": partial(JpegLosslessCodec, selection_value=1),
    "1.2.840.10008.1.2.4.80": partial(JpegLsCodec, is_lossy=False),
    "1.2.840.10008.1.2.4.81": partial(JpegLsCodec, is_lossy=True),
    "1.2.840.10008.1.2.4.90": partial(Jpeg2000Codec, is_lossy=False),
    "1.2.840.10008.1.2.4.91": partial(Jpeg2000Codec, is_lossy=True),
    "1.2.840.10008.1.2.4.201": partial(Htj2kCodec, is_lossy=False),
    "1.2.840.10008.1.2.4.202": partial(Htj2kCodec, is_lossy=False),
    "1.2.840.10008.1.2.4.203": partial(Htj2kCodec, is_lossy=True),
    "1.2.840.10008.1.2.5": RleCodec,
}
SYNTAXES: Final = tuple(_CODECS)
"""Transfer syntaxes that have a codec."""


@cache
def codec_of(transfer_syntax: str) -> Codec | None:
    """Return the codec of a transfer syntax, None for a native or an unknown one."""
    make = _CODECS.get(transfer_syntax)
    return make() if make else None
